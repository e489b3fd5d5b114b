/** Turns an expert's scores into probabilities that come true as often as they say. */

import { assert } from '../../engine/assert.ts';

/**
 * Histogram binning with a monotone fit: outcomes are counted in bins of score (equally wide in its square root, since most
 * scores of prefetching are small), the bins' hit ratios are made
 * non-decreasing by pooling adjacent violators (Ayer et al. 1955; for calibration: Zadrozny and Elkan, KDD 2002), and a
 * score is mapped by linear interpolation between the bins' mean scores.
 *
 * A bin starts as if `priorOutcomes` had come true as often as the score says, so an unknown expert is taken at its word and
 * a few outcomes do not make certainty. At `outcomesMax` a bin's counts are halved: old outcomes fade.
 * O(1) per outcome, O(bins) once after outcomes came, O(1) per score. Memory: 5 numbers a bin.
 */
export class Calibrator {
  readonly #binCount: number;
  readonly #prior: number;
  readonly #outcomesMax: number;
  readonly #count: Float64Array;
  readonly #hits: Float64Array;
  readonly #scoreSum: Float64Array;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  #isFresh = false;

  constructor(options: { readonly binCount: number; readonly priorOutcomes: number; readonly outcomesMax: number }) {
    this.#binCount = options.binCount;
    this.#prior = options.priorOutcomes;
    this.#outcomesMax = options.outcomesMax;
    this.#count = new Float64Array(options.binCount);
    this.#hits = new Float64Array(options.binCount);
    this.#scoreSum = new Float64Array(options.binCount);
    this.#x = new Float64Array(options.binCount);
    this.#y = new Float64Array(options.binCount);
  }

  /** Learns that what was scored `score` in 0..1 came true or not. */
  learn(score: number, isHit: boolean): void {
    const bin = this.#binOf(score);
    this.#count[bin]!++;
    this.#scoreSum[bin]! += score;
    if (isHit) this.#hits[bin]!++;
    if (this.#count[bin]! >= this.#outcomesMax) {
      this.#count[bin]! /= 2;
      this.#hits[bin]! /= 2;
      this.#scoreSum[bin]! /= 2;
    }
    this.#isFresh = false;
  }

  /** The probability that `score` stands for; non-decreasing in it. */
  calibrate(score: number): number {
    if (!this.#isFresh) this.#fit();
    const bin = this.#binOf(score);
    // The knot at or below the score is this bin's or the one before.
    const low = score >= this.#x[bin]! ? bin : bin - 1;
    const high = low + 1;
    const x0 = low < 0 ? 0 : this.#x[low]!;
    const x1 = high >= this.#binCount ? 1 : this.#x[high]!;
    // Beyond the outermost knots the curve is level: nothing is known of what lies there.
    const y0 = low < 0 ? this.#y[0]! : this.#y[low]!;
    const y1 = high >= this.#binCount ? this.#y[this.#binCount - 1]! : this.#y[high]!;
    if (!(x1 > x0)) return y1;
    return y0 + ((y1 - y0) * (score - x0)) / (x1 - x0);
  }

  #binOf(score: number): number {
    assert(score >= 0 && score <= 1, 'a score lies in 0..1');
    const bin = Math.floor(Math.sqrt(score) * this.#binCount);
    return bin < this.#binCount ? bin : this.#binCount - 1;
  }

  /** Posterior mean of each bin, then pooled until it rises. */
  #fit(): void {
    const n = this.#binCount;
    const weight = new Float64Array(n);
    const value = new Float64Array(n);
    const size = new Int32Array(n);
    let blocks = 0;
    for (let bin = 0; bin < n; bin++) {
      const count = this.#count[bin]!;
      const middle = ((bin + 0.5) / n) * ((bin + 0.5) / n);
      this.#x[bin] = count > 0 ? (this.#scoreSum[bin]! + this.#prior * middle) / (count + this.#prior) : middle;
      weight[blocks] = count + this.#prior;
      value[blocks] = (this.#hits[bin]! + this.#prior * this.#x[bin]!) / (count + this.#prior);
      size[blocks] = 1;
      blocks++;
      while (blocks > 1 && value[blocks - 2]! >= value[blocks - 1]!) {
        const total = weight[blocks - 2]! + weight[blocks - 1]!;
        value[blocks - 2] =
          (value[blocks - 2]! * weight[blocks - 2]! + value[blocks - 1]! * weight[blocks - 1]!) / total;
        weight[blocks - 2] = total;
        size[blocks - 2]! += size[blocks - 1]!;
        blocks--;
      }
    }
    for (let block = 0, bin = 0; block < blocks; block++) {
      for (let i = 0; i < size[block]!; i++) this.#y[bin++] = value[block]!;
    }
    this.#isFresh = true;
  }
}
