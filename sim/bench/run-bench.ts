/** Runs a bench: its contenders take turns, round after round, and their answers are compared. */

import { assert } from '../../engine/assert.ts';
import type { Bench, BenchContext, Goal, Sample } from './bench.ts';
import { ratioSpreadOf, type Spread, spreadOf } from './statistics.ts';

/** Rounds of a bench that does not say otherwise. */
export const RUNS = 5;

export interface ContenderResult extends Spread {
  readonly name: string;
  readonly does: string;
  /** By round. */
  readonly values: readonly number[];
}

/** A goal and what came of it. */
export interface GoalResult extends Goal {
  /** `contender` over `versus`: of the medians, and the spread of the ratios round by round; the values alone without `versus`. */
  readonly ratio: { readonly ofMedians: number; readonly pairwise: Spread };
  /** By the ratio of medians; null without a target. */
  readonly isMet: boolean | null;
}

export interface BenchResult {
  readonly bench: string;
  readonly compares: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly workload: string;
  readonly scale: number;
  readonly runs: number;
  readonly contenders: readonly ContenderResult[];
  readonly goals: readonly GoalResult[];
  readonly notes: readonly string[];
}

export interface RunOptions extends BenchContext {
  readonly runs?: number;
  /** Called before each run, so that nobody pays for the short-lived garbage of another. */
  readonly collectGarbage: () => void;
}

/**
 * Every round runs each contender once, so slow spells of the machine meet all of them; the order turns around with every
 * round, so no one always follows the same other.
 * @throws InvariantError when contenders disagree about the answer: the figures would compare different work.
 */
export async function runBench(bench: Bench, options: RunOptions): Promise<BenchResult> {
  const runs = options.runs ?? bench.runs ?? RUNS;
  const prepared = await bench.prepare(options);
  try {
    const { contenders } = prepared;
    const values = contenders.map((): number[] => []);
    const answers = new Map<string, string>();
    const warmups = bench.warmups ?? 1;
    for (let round = -warmups; round < runs; round++) {
      const order = contenders.map((_, i) => (round % 2 === 0 ? i : contenders.length - 1 - i));
      for (const i of order) {
        const contender = contenders[i]!;
        options.collectGarbage();
        const sample = await contender.run();
        checkAnswer(bench, contender.name, sample, answers);
        if (round >= 0) values[i]!.push(sample.value);
      }
      options.log(`${bench.name}: ${round < 0 ? 'warm-up' : `round ${round + 1} of ${runs}`}`);
    }
    const results = contenders.map(({ name, does }, i) => ({
      name,
      does,
      ...spreadOf(values[i]!),
      values: values[i]!,
    }));
    return {
      bench: bench.name,
      compares: bench.compares,
      unit: bench.unit,
      better: bench.better,
      workload: prepared.workload,
      scale: options.scale,
      runs,
      contenders: results,
      goals: prepared.goals.map((goal) => judge(goal, results, bench.better)),
      notes: prepared.notes?.() ?? [],
    };
  } finally {
    await prepared.close?.();
  }
}

function checkAnswer(bench: Bench, name: string, sample: Sample, answers: Map<string, string>): void {
  assert(sample.value > 0, `${bench.name}: ${name} measured ${sample.value}`);
  if (sample.answer === undefined) return;
  answers.set(name, sample.answer);
  for (const [other, answer] of answers) {
    assert(
      answer === sample.answer,
      `${bench.name}: ${name} came to ${sample.answer}, ${other} to ${answer}: they do not do the same work`,
    );
  }
}

function judge(goal: Goal, results: readonly ContenderResult[], better: 'higher' | 'lower'): GoalResult {
  const valuesOf = (name: string): readonly number[] => {
    const found = results.find((result) => result.name === name);
    assert(found !== undefined, `a goal names ${name}, which is no contender`);
    return found.values;
  };
  const ours = valuesOf(goal.contender);
  const ratio = ratioSpreadOf(ours, goal.versus === null ? ours.map(() => 1) : valuesOf(goal.versus));
  const { target } = goal;
  const isMet = target === null ? null : better === 'higher' ? ratio.ofMedians >= target : ratio.ofMedians <= target;
  return { ...goal, ratio, isMet };
}
