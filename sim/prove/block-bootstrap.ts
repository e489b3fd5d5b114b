/** Intervals for figures of a log whose neighbouring blocks resemble each other: the stationary block bootstrap. */

import { assert } from '../../engine/assert.ts';
import type { RandomSource } from '../../engine/random.ts';

/** An estimate with its two-sided interval; all null where the figure is not defined (a denominator of zero). */
export interface Interval {
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Two-sided levels with their quantile of the normal distribution. */
export const normalQuantiles = {
  '0.8': 1.2815515655,
  '0.9': 1.644853627,
  '0.95': 1.9599639845,
  '0.99': 2.5758293035,
} as const;
export type Level = keyof typeof normalQuantiles;

export interface BootstrapOptions {
  readonly level: Level;
  readonly resamples: number;
  /** Mean length of the blocks that are drawn, in rows, >= 1. */
  readonly blockLength: number;
  readonly random: RandomSource;
}

/**
 * Intervals of statistics of column sums over rows that stand in time order, one row a slice of the log.
 *
 * Algorithm: D. N. Politis and J. P. Romano, "The Stationary Bootstrap", JASA 89 (1994): a resample strings together runs of
 * consecutive rows, each starting at a uniform row and ending after each row with probability 1 / blockLength, around the end of
 * the log to its beginning. Every statistic sees the same resamples, so a ratio keeps its numerator and denominator together.
 *
 * Percentiles of few blocks are too narrow. They are stretched about the estimate by sqrt(n / (n - blockLength)), the bias of
 * the variance (S. N. Lahiri, "Resampling Methods for Dependent Data", 2003, section 5), and by Student's quantile over the
 * normal one with n / blockLength - 1 degrees of freedom, as so many blocks are independent. O(resamples x rows x columns).
 *
 * @param rows row-major, `columns` numbers a row.
 */
export function bootstrapIntervals(
  rows: Float64Array,
  columns: number,
  statistics: readonly ((sums: Float64Array) => number | null)[],
  options: BootstrapOptions,
): readonly Interval[] {
  const count = rows.length / columns;
  assert(Number.isInteger(count) && count >= 2, `at least 2 rows of ${columns} columns`);
  const { resamples, blockLength, random, level } = options;
  assert(blockLength >= 1 && blockLength < count, `a block has 1 to ${count - 1} rows, not ${blockLength}`);
  const sums = new Float64Array(columns);
  for (let row = 0; row < count; row++) addRow(sums, rows, row * columns);
  const estimates = statistics.map((statistic) => statistic(sums));
  const drawn = statistics.map(() => new Float64Array(resamples));
  for (let r = 0; r < resamples; r++) {
    sums.fill(0);
    let row = random.int(count);
    for (let i = 0; i < count; i++) {
      addRow(sums, rows, row * columns);
      row = random.next() * blockLength < 1 ? random.int(count) : (row + 1) % count;
    }
    statistics.forEach((statistic, s) => {
      // A resample without a denominator says nothing; at the estimate it pulls neither way.
      drawn[s]![r] = statistic(sums) ?? estimates[s] ?? 0;
    });
  }
  const tail = (1 - Number(level)) / 2;
  const stretch = stretchOf(count, blockLength, level);
  return estimates.map((estimate, s): Interval => {
    if (estimate === null) return { estimate, low: null, high: null };
    const sorted = drawn[s]!.sort();
    return {
      estimate,
      low: estimate - stretch * Math.max(0, estimate - quantile(sorted, tail)),
      high: estimate + stretch * Math.max(0, quantile(sorted, 1 - tail) - estimate),
    };
  });
}

function addRow(sums: Float64Array, rows: Float64Array, from: number): void {
  for (let c = 0; c < sums.length; c++) sums[c]! += rows[from + c]!;
}

function quantile(sorted: Float64Array, p: number): number {
  const at = p * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low]! + (at - low) * (sorted[high]! - sorted[low]!);
}

function stretchOf(count: number, blockLength: number, level: Level): number {
  const z = normalQuantiles[level];
  const freedom = Math.max(3, count / blockLength - 1);
  return (Math.sqrt(count / (count - blockLength)) * studentQuantile(z, freedom)) / z;
}

/** Student's quantile from the normal one `z`: Abramowitz and Stegun, 26.7.5; within a percent from three degrees of freedom on. */
function studentQuantile(z: number, freedom: number): number {
  const z2 = z * z;
  const first = (z * (z2 + 1)) / 4;
  const second = (z * ((5 * z2 + 16) * z2 + 3)) / 96;
  const third = (z * (((3 * z2 + 19) * z2 + 17) * z2 - 15)) / 384;
  return z + first / freedom + second / (freedom * freedom) + third / (freedom * freedom * freedom);
}

/**
 * Mean block length for a series, whole rows.
 *
 * Algorithm: D. N. Politis and H. White, "Automatic Block-Length Selection for the Dependent Bootstrap", Econometric Reviews 23
 * (2004), with the correction of Patton, Politis and White (2009): autocorrelations up to twice the lag beyond which none is
 * significant enter a flat-top window; the length that minimises the error of the variance follows. Bounded by a quarter of the
 * series, so that blocks remain to be drawn from.
 */
export function blockLengthOf(series: Float64Array): number {
  const n = series.length;
  const longest = Math.max(1, Math.floor(n / 4));
  let mean = 0;
  for (const value of series) mean += value / n;
  const autocovariance = (lag: number): number => {
    let sum = 0;
    for (let i = 0; i + lag < n; i++) sum += (series[i]! - mean) * (series[i + lag]! - mean);
    return sum / n;
  };
  const variance = autocovariance(0);
  // What is left of equal values is rounding.
  if (!(variance > 1e-20 * mean * mean)) return 1;
  const logarithm = Math.log10(n);
  const significant = 2 * Math.sqrt(logarithm / n);
  const run = Math.max(5, Math.ceil(Math.sqrt(logarithm)));
  const lagMax = Math.min(n - 1, Math.ceil(Math.sqrt(n)) + run);
  let lag = 0;
  for (let quiet = 0, k = 1; k <= lagMax && quiet < run; k++) {
    if (Math.abs(autocovariance(k) / variance) < significant) quiet++;
    else {
      quiet = 0;
      lag = k;
    }
  }
  const width = Math.min(lagMax, 2 * Math.max(1, lag));
  let spectrum = variance;
  let slope = 0;
  for (let k = 1; k <= width; k++) {
    const share = k / width;
    const weight = (share <= 0.5 ? 1 : 2 * (1 - share)) * autocovariance(k);
    spectrum += 2 * weight;
    slope += 2 * k * weight;
  }
  if (!(spectrum > 0)) return 1;
  const length = Math.cbrt((slope * slope * n) / (spectrum * spectrum));
  return Math.min(longest, Math.max(1, Math.ceil(length)));
}
