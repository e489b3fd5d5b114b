/** What fetches are taken to last where nobody says so. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { replay } from '../../../sim/replay/replay.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-default-latency-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A log of 200 accesses a second apart; of each ten, so many stand a minute too early. */
async function runOver(backwards: number, latency?: string) {
  const rows = Array.from(
    { length: 200 },
    (_, i) => `${100_000 + i * 1000 - (i % 10 < backwards ? 60_000 : 0)},o${i % 9}`,
  );
  const path = join(folder, `log-${backwards}.csv`);
  writeFileSync(path, `t_ms,object\n${rows.join('\n')}\n`);
  const said = latency === undefined ? {} : { latency };
  const { result, warnings } = await replay({ traces: [path], cache: '0.3', prefetch: ['none'], ...said });
  return { latency: result.runs[0]!.latency, warnings: warnings.join('\n') };
}

test('a column of times with an unknown name was left out without a word', async () => {
  const path = join(folder, 'odd.csv');
  writeFileSync(path, 'Zeitpunkt,url,bytes,status\n2026-11-21T10:00:00Z,/a,5,200\n2026-11-21T10:00:01Z,/b,5,200\n');
  const { warnings } = await replay({ traces: [path], cache: '0.3', prefetch: ['none'] });
  expect(warnings.join('\n')).toMatch(
    /odd\.csv: no time or consumer was found; columns left out: Zeitpunkt, status \(--columns time=NAME/,
  );
  const told = { traces: [path], formatOptions: { columns: { time: 'Zeitpunkt' } }, cache: '0.3', prefetch: ['none'] };
  expect((await replay(told)).warnings.join('\n')).toContain('no consumer was found; columns left out: status');
});

test('a member of NDJSON with times under an unknown name was left out without a word', async () => {
  const path = join(folder, 'odd.ndjson');
  writeFileSync(
    path,
    '{"Zeitpunkt":"2026-11-21T10:00:00Z","url":"/a","bytes":5}\n{"url":"/b","bytes":5,"status":200}\n',
  );
  const odd = { traces: [path], cache: '0.3', prefetch: ['none'], limit: 2 };
  expect((await replay(odd)).warnings.join('\n')).toMatch(
    /odd\.ndjson: no time or consumer was found; columns left out: Zeitpunkt, status \(--columns time=NAME/,
  );
});

describe('fetches last, by default,', () => {
  test('50 ms where times are in order', async () => {
    expect((await runOver(0)).latency).toBe('50ms@100MB/sx32');
  });

  test('some accesses where a tenth of the times and more go backwards, and a warning says so', async () => {
    const { latency, warnings } = await runOver(2);
    expect(latency).toBe('8req');
    expect(warnings).toContain('fetches are counted in accesses');
  });

  test('what the user says, whatever the times are', async () => {
    const { latency, warnings } = await runOver(2, '20ms');
    expect(latency).toBe('20ms');
    expect(warnings).toContain('unreliable');
  });
});
