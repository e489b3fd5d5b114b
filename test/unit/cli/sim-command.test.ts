/** What `anteroom sim` prints and how it ends. */

import { describe, expect, test } from 'vitest';
import { anteroom, isUnbuilt } from './command.ts';

describe.skipIf(isUnbuilt)('anteroom sim', () => {
  test('ends with 0 where no seed fails, and says how many ran', async () => {
    const { status, stdout } = await anteroom(['sim', '--seeds', '2', '--from-seed', '5']);
    expect(status).toBe(0);
    expect(stdout).toContain('2 seeds from 5: 0 failed');
  });

  test('ends with 1 and the command for each seed that fails, which fails again', async () => {
    const { status, stdout } = await anteroom(['sim', '--seeds', '1', '--bug', 'acknowledge-before-append']);
    expect(status).toBe(1);
    const command = /again: anteroom (.*)/.exec(stdout)![1]!;
    const again = await anteroom(command.split(' '));
    expect(again.status).toBe(1);
    expect(again.stdout).toMatch(/FAILED at [\d.]+ ms: conservation/);
  });

  test('gives one seed as JSON, with its minutes and digest, and the same again', async () => {
    const words = ['sim', '--seed', '3', '--minutes', '12', '--json', '-'];
    const { stdout } = await anteroom(words);
    expect(JSON.parse(stdout)).toMatchObject({ seed: 3, violation: null, virtualMs: 720_000 });
    expect((await anteroom(words)).stdout).toBe(stdout);
  });

  test.each([
    [['--bug', 'gremlin'], /--bug: expected acknowledge-before-append/],
    [['--minutes', '1'], /from 2 to 1440/],
    [['--seeds', '0'], /from 1/],
    [['--node', 'engine', '--bug', 'credit-lost'], /--node engine takes no bug but/],
    // The first of the two was passed over without a word.
    [['--seeds', '5', '--seed', '7'], /'--seed <n>' cannot be used with option '--seeds <n>'/],
    [['--from-seed', '5', '--seed', '7'], /'--seed <n>' cannot be used with option '--from-seed <n>'/],
  ])('%j is bad usage', async (words, told) => {
    const { status, stderr } = await anteroom(['sim', ...words]);
    expect(status).toBe(2);
    expect(stderr).toMatch(told);
  });
});
