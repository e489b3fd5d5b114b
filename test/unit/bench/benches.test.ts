import { describe, expect, test } from 'vitest';
import { benches } from '../../../sim/bench/benches.ts';
import { runBench } from '../../../sim/bench/run-bench.ts';

/** They start processes of the compiled command, which a unit test has not got. */
const needsBuild = new Set(['memory', 'startup', 'node-throughput']);

describe('every bench', () => {
  test('has a name of its own and a sentence', () => {
    expect(new Set(benches.map(({ name }) => name)).size).toBe(benches.length);
    for (const { name, compares } of benches) {
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(compares.length).toBeGreaterThan(20);
    }
  });

  for (const bench of benches.filter(({ name }) => !needsBuild.has(name))) {
    test(`${bench.name} runs at a small scale without any trace, and its contenders agree`, async () => {
      const options = { scale: 0.002, runs: 1, traces: '/nowhere', log: () => {}, collectGarbage: () => {} };
      const result = await runBench({ ...bench, warmups: 0 }, options);
      // A bench without a peer says so.
      expect(result.contenders.length).toBeGreaterThan(bench.compares.startsWith('nothing') ? 0 : 1);
      for (const { median, does } of result.contenders) {
        expect(median).toBeGreaterThan(0);
        expect(does).not.toBe('');
      }
      expect(result.goals.length).toBeGreaterThan(0);
    });
  }
});
