import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../engine/assert.ts';
import type { Bench, Contender, Goal, PreparedBench } from '../../../sim/bench/bench.ts';
import { benchDocument, benchTable, shown } from '../../../sim/bench/bench-report.ts';
import { runBench } from '../../../sim/bench/run-bench.ts';

/** A contender whose n-th run measures the n-th value, warm-ups included. */
function scripted(name: string, values: readonly number[], log: string[], answer?: string): Contender {
  let run = 0;
  return {
    name,
    does: 'what it is told',
    run: () => {
      log.push(name);
      const value = values[run++]!;
      return answer === undefined ? { value } : { value, answer };
    },
  };
}

function benchOf(
  contenders: readonly Contender[],
  goals: readonly Goal[],
  fields: Partial<Bench & PreparedBench> = {},
): Bench {
  const { close, notes, ...rest } = fields;
  return {
    name: 'scripted',
    compares: 'values written down beforehand',
    unit: 'things/s',
    better: 'higher',
    prepare: async () => ({
      workload: 'none',
      contenders,
      goals,
      ...(close === undefined ? {} : { close }),
      ...(notes === undefined ? {} : { notes }),
    }),
    ...rest,
  };
}

const options = { scale: 1, traces: '', log: () => {}, collectGarbage: () => {} };
const goal = { contender: 'a', versus: 'b', target: 2, aim: 4 };

describe('a bench', () => {
  test('contenders take turns after a warm-up that does not count, in an order that turns around', async () => {
    const log: string[] = [];
    const bench = benchOf([scripted('a', [1, 30, 10, 20], log), scripted('b', [999, 10, 10, 10], log)], [goal]);
    const result = await runBench(bench, { ...options, runs: 3 });
    expect(log.join('')).toBe('ba' + 'ab' + 'ba' + 'ab');
    expect(result.contenders.map(({ values }) => values)).toEqual([
      [30, 10, 20],
      [10, 10, 10],
    ]);
    expect(result.goals[0]).toMatchObject({
      ratio: { ofMedians: 2, pairwise: { min: 1, median: 2, max: 3 } },
      isMet: true,
    });
  });

  test('five rounds by default, as many as the bench says otherwise, and --runs overrides both', async () => {
    const runsOf = async (fields: Partial<Bench>, runs?: number): Promise<number> => {
      const log: string[] = [];
      const bench = benchOf([scripted('a', Array(20).fill(1), log)], [], fields);
      const result = await runBench(bench, runs === undefined ? options : { ...options, runs });
      expect(log.length).toBe(result.runs + (fields.warmups ?? 1));
      return result.contenders[0]!.values.length;
    };
    expect(await runsOf({})).toBe(5);
    expect(await runsOf({ runs: 11 })).toBe(11);
    expect(await runsOf({ runs: 11, warmups: 0 }, 2)).toBe(2);
  });

  test('a target is a floor where more is better and a ceiling where less is', async () => {
    const values = [1, 100, 100, 100];
    const verdict = async (better: 'higher' | 'lower', target: number | null) => {
      const bench = benchOf([scripted('a', values, [])], [{ contender: 'a', versus: null, target, aim: null }], {
        better,
      });
      return (await runBench(bench, { ...options, runs: 3 })).goals[0]!.isMet;
    };
    expect(await verdict('higher', 100)).toBe(true);
    expect(await verdict('higher', 101)).toBe(false);
    expect(await verdict('lower', 100)).toBe(true);
    expect(await verdict('lower', 99)).toBe(false);
    expect(await verdict('higher', null)).toBe(null);
  });

  test('contenders that come to different answers are not compared', async () => {
    const bench = benchOf([scripted('a', [1, 1], [], '7 rows'), scripted('b', [1, 1], [], '8 rows')], [goal]);
    await expect(runBench(bench, { ...options, runs: 1 })).rejects.toThrow(InvariantError);
    await expect(runBench(bench, { ...options, runs: 1 })).rejects.toThrow(/7 rows.*8 rows|8 rows.*7 rows/);
  });

  test('a contender that gives no answer is not asked for one', async () => {
    const bench = benchOf([scripted('a', [1, 4], [], '7 rows'), scripted('b', [1, 1], [])], [goal]);
    expect((await runBench(bench, { ...options, runs: 1 })).goals[0]!.ratio.ofMedians).toBe(4);
  });

  test('what was prepared is put away, also after a failure', async () => {
    let closed = 0;
    const close = () => {
      closed++;
    };
    await runBench(benchOf([scripted('a', [1, 1], [])], [], { close }), { ...options, runs: 1 });
    await expect(runBench(benchOf([scripted('a', [0], [])], [], { close }), { ...options, runs: 1 })).rejects.toThrow();
    expect(closed).toBe(2);
  });
});

describe('the report of benches', () => {
  test('a document and a table that say the target, the aim and whether it was met', async () => {
    const bench = benchOf([scripted('a', [1, 3e6], []), scripted('b', [1, 2e6], [])], [goal], {
      notes: () => ['seen'],
    });
    const result = await runBench(bench, { ...options, runs: 1 });
    const machine = { node: 'v20', platform: 'linux-x64', cpu: 'some', cpuCount: 2, memoryBytes: 1 };
    const document = JSON.parse(JSON.stringify(benchDocument(machine, [result])));
    expect(document).toMatchObject({
      schema: 'anteroom.bench/1',
      machine: { node: 'v20', cpu: 'some' },
      benches: [{ bench: 'scripted', goals: [{ target: 2, aim: 4, isMet: false, ratio: { ofMedians: 1.5 } }] }],
    });
    const table = benchTable(result);
    expect(table).toContain('=> a / b: 1.5x');
    expect(table).toContain('target >= 2, aim 4: MISSED');
    expect(table).toContain('seen');
  });

  test('numbers have three significant digits', () => {
    expect([0.15, 0.01234, 2, 999.4, 999.6, 1234, 4_560_000, 599_999_999, 7.5e9].map(shown)).toEqual([
      '0.15',
      '0.0123',
      '2',
      '999',
      '1k',
      '1.23k',
      '4.56M',
      '600M',
      '7.5G',
    ]);
  });
});
