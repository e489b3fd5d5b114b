/** How well stated probabilities agree with what happened: Brier score, expected calibration error, reliability table. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/** One bin of the reliability table. */
export interface ReliabilityBin {
  /** Forecasts in [low, high); the last bin includes 1. */
  readonly low: number;
  readonly high: number;
  /** Sum of weights. */
  readonly count: number;
  /** Mean stated probability; null where the bin is empty. */
  readonly meanForecast: number | null;
  /** Share that came true; null where the bin is empty. */
  readonly hitRatio: number | null;
}

/**
 * Counts forecasts against outcomes in equal-width bins.
 *
 * Brier score: mean squared difference (Brier 1950). Expected calibration error: the bins' |mean forecast - hit ratio|
 * weighted by their counts (Naeini, Cooper and Hauskrecht, AAAI 2015). O(1) per forecast, 3 numbers a bin.
 */
export class CalibrationStats {
  readonly binCount: number;
  #count: Float64Array;
  #forecastSum: Float64Array;
  #hitSum: Float64Array;
  #squaredSum = 0;
  #total = 0;

  constructor(binCount = 10) {
    assert(Number.isInteger(binCount) && binCount >= 1, `a count of bins is a positive integer, not ${binCount}`);
    this.binCount = binCount;
    this.#count = new Float64Array(binCount);
    this.#forecastSum = new Float64Array(binCount);
    this.#hitSum = new Float64Array(binCount);
  }

  /** Counts one forecast: `probability` in 0..1 was stated, and it came true or not. */
  observe(probability: number, isHit: boolean, weight = 1): void {
    // A fixed sentence: composing one for each forecast would cost more than counting it.
    if (!(probability >= 0 && probability <= 1)) assert(false, 'a probability lies in 0..1');
    const scaled = Math.floor(probability * this.binCount);
    const bin = scaled < this.binCount ? scaled : this.binCount - 1;
    const hit = isHit ? 1 : 0;
    this.#count[bin]! += weight;
    this.#forecastSum[bin]! += probability * weight;
    this.#hitSum[bin]! += hit * weight;
    this.#squaredSum += (probability - hit) * (probability - hit) * weight;
    this.#total += weight;
  }

  /** Sum of the weights observed. */
  get count(): number {
    return this.#total;
  }

  /** Mean squared error of the stated probabilities, 0 best; null before the first forecast. */
  get brier(): number | null {
    return this.#total === 0 ? null : this.#squaredSum / this.#total;
  }

  /** Expected calibration error, 0 best; null before the first forecast. */
  get ece(): number | null {
    if (this.#total === 0) return null;
    let sum = 0;
    for (let bin = 0; bin < this.binCount; bin++) sum += Math.abs(this.#forecastSum[bin]! - this.#hitSum[bin]!);
    return sum / this.#total;
  }

  /** Share that came true; null before the first forecast. */
  get hitRatio(): number | null {
    return this.#total === 0 ? null : this.#hitSum.reduce((sum, hits) => sum + hits, 0) / this.#total;
  }

  /**
   * Brier skill score: the share of the squared error of always stating the hit ratio that is avoided, at most 1; below 0 the base rate would have said
   * more. Null where that error is zero.
   */
  get brierSkill(): number | null {
    const ratio = this.hitRatio;
    if (ratio === null || ratio === 0 || ratio === 1) return null;
    return 1 - this.#squaredSum / (this.#total * ratio * (1 - ratio));
  }

  /** The reliability diagram's points, one for each bin in order. */
  table(): readonly ReliabilityBin[] {
    return Array.from({ length: this.binCount }, (_, bin) => {
      const count = this.#count[bin]!;
      return {
        low: bin / this.binCount,
        high: (bin + 1) / this.binCount,
        count,
        meanForecast: count === 0 ? null : this.#forecastSum[bin]! / count,
        hitRatio: count === 0 ? null : this.#hitSum[bin]! / count,
      };
    });
  }

  /** Adds the counts of `other`, which must have as many bins. */
  merge(other: CalibrationStats): void {
    assert(other.binCount === this.binCount, `${other.binCount} bins do not merge into ${this.binCount}`);
    for (let bin = 0; bin < this.binCount; bin++) {
      this.#count[bin]! += other.#count[bin]!;
      this.#forecastSum[bin]! += other.#forecastSum[bin]!;
      this.#hitSum[bin]! += other.#hitSum[bin]!;
    }
    this.#squaredSum += other.#squaredSum;
    this.#total += other.#total;
  }

  /** Goes on in columns that hold what these do: of counts, of sums of forecasts, and of hits. */
  adopt(move: (column: Float64Array, index: number) => Float64Array): void {
    this.#count = move(this.#count, 0);
    this.#forecastSum = move(this.#forecastSum, 1);
    this.#hitSum = move(this.#hitSum, 2);
  }

  /** Sums over all bins: of squared errors, and of weights. */
  get sums(): readonly [squared: number, total: number] {
    return [this.#squaredSum, this.#total];
  }

  set sums([squared, total]: readonly [squared: number, total: number]) {
    this.#squaredSum = squared;
    this.#total = total;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.#count);
    fields.into(this.#forecastSum);
    fields.into(this.#hitSum);
    this.#squaredSum = fields.number(this.#squaredSum);
    this.#total = fields.number(this.#total);
  }
}
