/** Order statistics of a few repeated measurements. */

import { assert } from '../../engine/assert.ts';

/** Middle and extremes: on a shared machine a mean says little, and the best run alone flatters. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** The median is the mean of the two middle values where their number is even. */
export function spreadOf(values: readonly number[]): Spread {
  assert(values.length > 0, 'a spread needs at least one value');
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { min: sorted[0]!, median, max: sorted[sorted.length - 1]! };
}

/** How one contender stands to another. */
export interface RatioSpread {
  readonly ofMedians: number;
  /** Of the ratios within each round, whose two runs met the same state of the machine. */
  readonly pairwise: Spread;
}

/** `ours` over `theirs`; entry i of both is from round i. */
export function ratioSpreadOf(ours: readonly number[], theirs: readonly number[]): RatioSpread {
  assert(ours.length === theirs.length, `rounds differ: ${ours.length} and ${theirs.length}`);
  return {
    ofMedians: spreadOf(ours).median / spreadOf(theirs).median,
    pairwise: spreadOf(ours.map((value, round) => value / theirs[round]!)),
  };
}
