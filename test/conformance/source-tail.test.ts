import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceContract } from './source-contract.ts';
import { SourceHost } from './source-host.ts';

sourceContract(
  'a followed file',
  { hasMessages: false, hasOutage: false, isRepeating: false, isSkipped: false },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anteroom-source-'));
    const file = join(folder, 'log');
    writeFileSync(file, '');
    return {
      open: (host) => host.openTail([{ file, format: 'ndjson', fromStart: true }]),
      publish: async (bodies) => {
        for (const body of bodies) appendFileSync(file, body);
      },
      unacknowledged: async () => null,
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  },
);

test('lines that were being read when a followed file was paused went into the log: they wait until it goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-source-'));
  const file = join(folder, 'log');
  writeFileSync(file, `${JSON.stringify({ time: 1000, segment: 'a0', consumer: 'c', size: 1 })}\n`);
  const host = new SourceHost();
  const source = host.openTail([{ file, format: 'ndjson', fromStart: true }]);
  try {
    source.start();
    source.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(host.appends).toBe(0);
    source.resume();
    await expect.poll(() => host.segments()).toEqual(['a0']);
    expect(source.status.counts.messages).toBe(1);
  } finally {
    await source.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
