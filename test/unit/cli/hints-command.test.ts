/** Hints that a log teaches, written by one command and taken by the others. */

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Xoshiro128 } from '../../../engine/random.ts';
import { hintsText } from '../../../sim/replay/learn-hints.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import type { ReplayResult } from '../../../sim/replay/result.ts';
import { anteroom, isUnbuilt, Scratch } from './command.ts';

const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Visits of three pages in a fixed order, each from its own beginning; some visitors stop early. */
function visits(seed: number, count: number): string {
  const random = new Xoshiro128(seed);
  const rows: string[] = [];
  for (let i = 0; i < count; i++) {
    const first = random.int(150);
    const length = random.next() < 0.8 ? 3 : 1;
    for (let k = 0; k < length; k++) rows.push(`${i * 3000 + k * 500},v${i},/${first}/${k}`);
  }
  return `t_ms,client,object\n${rows.join('\n')}\n`;
}

interface List {
  readonly segments: readonly string[];
  readonly probability: number;
  readonly ahead: number;
}

const listsOf = (text: string): readonly List[] => (parse(text) as { hints: { lists: readonly List[] } }).hints.lists;

describe.skipIf(isUnbuilt).concurrent('anteroom hints', () => {
  const past = scratch.write('past.csv', visits(1, 3000));
  const future = scratch.write('future.csv', visits(2, 300));

  test('what an earlier log taught spares misses from the first access on', async () => {
    const file = scratch.path('hints.yaml');
    const { status, stdout, stderr } = await anteroom(['hints', past, '--out', file]);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
    const lists = listsOf(readFileSync(file, 'utf8'));
    for (const { segments } of lists.slice(0, 50)) {
      const [page] = segments[0]!.slice(1).split('/');
      for (const segment of segments) expect(segment).toMatch(new RegExp(`^/${page}/[012]$`));
    }
    const missesOf = async (...words: string[]) => {
      const run = await anteroom(['replay', future, '--cache', '0.1', '--evict', 'lru', '--json', '-', ...words]);
      return (JSON.parse(run.stdout) as ReplayResult).runs.find(({ prefetch }) => prefetch === 'anteroom')!.misses;
    };
    const [knowing, learning] = await Promise.all([missesOf('--config', file), missesOf()]);
    expect(knowing).toBeLessThan(0.8 * learning);
  });

  test('every option acts', async () => {
    const lists = async (...words: string[]) => listsOf((await anteroom(['hints', past, ...words])).stdout);
    const pairs = (found: readonly List[]): number => found.reduce((sum, { segments }) => sum + segments.length - 1, 0);
    const options = [[], ['--count', '7'], ['--support', '20'], ['--confidence', '0.85'], ['--limit', '500']];
    const [usual, few, often, sure, short] = await Promise.all(options.map((words) => lists(...words).then(pairs)));
    expect(usual).toBeGreaterThan(250);
    expect(few).toBe(7);
    for (const fewer of [often, sure, short]) expect(fewer).toBeLessThan(usual!);
  });

  test.each([
    ['a confidence that is no share', ['hints', past, '--confidence', '2'], /--confidence: .*0 to 1/],
    ['the log in the place of the result', ['hints', past, '--out', past], /past\.csv is a trace/],
    ['a result in no folder', ['hints', past, '--out', '/no/such/h.yaml'], /no\/such/],
  ])('2 for %s', async (_, words, message) => {
    const { status, stdout, stderr } = await anteroom(words);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});

test('a file of hints is read as it was written, whatever the names', () => {
  const segments = ['a: b', '#', "'", '"', '{}', '\u0007\u0085\u2028\ud800', '', 'null', '12', '[x, y]', '😀'];
  const text = hintsText([{ segments, ahead: 2, probability: 1 / 3 }], 'Names.');
  const { hints } = replayConfigSchema.parse(parse(text));
  expect(hints.lists).toEqual([expect.objectContaining({ segments, ahead: 2, probability: 0.333, isOrdered: true })]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: of these there may be none
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  expect(replayConfigSchema.parse(parse(hintsText([], 'None.'))).hints.lists).toEqual([]);
});
