/** Turns an expert's scores into probabilities that come true as often as they say. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/**
 * Histogram binning with a monotone fit: outcomes are counted in bins of score (equally wide in its square root, since most
 * scores of prefetching are small), the bins' hit ratios are made
 * non-decreasing by pooling adjacent violators (Ayer et al. 1955; for calibration: Zadrozny and Elkan, KDD 2002), and a
 * score is mapped along a line through its bin's mean score and hit ratio, as steep as the flatter of the chords to its neighbours. So the
 * mean over a bin is its hit ratio, and the curve never falls (the minmod limiter of finite volumes: Roe, Annual Review of Fluid Mechanics 18,
 * 1986); interpolation between the means was off by .03 where scores cluster beside a bend.
 *
 * A bin starts as if `priorOutcomes` had come true as often as the score says, so an unknown expert is taken at its word and
 * a few outcomes do not make certainty. At `outcomesMax` a bin's counts are halved, and what the prior counts for: old outcomes fade, and it first.
 * O(1) per outcome, O(bins) once after outcomes came, O(1) per score. Memory: 5 numbers a bin.
 */
export class Calibrator {
  readonly #binCount: number;
  /** Outcomes that the score itself counts for in each bin. */
  readonly #prior: Float64Array;
  readonly #outcomesMax: number;
  readonly #count: Float64Array;
  readonly #hits: Float64Array;
  readonly #scoreSum: Float64Array;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  #isFresh = false;

  constructor(options: { readonly binCount: number; readonly priorOutcomes: number; readonly outcomesMax: number }) {
    this.#binCount = options.binCount;
    this.#prior = new Float64Array(options.binCount).fill(options.priorOutcomes);
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
      this.#prior[bin]! /= 2;
    }
    this.#isFresh = false;
  }

  /** The probability that `score` stands for; non-decreasing in it. */
  calibrate(score: number): number {
    if (!this.#isFresh) this.#fit();
    const bin = this.#binOf(score);
    return this.#y[bin]! + Math.min(this.#slope(bin), this.#slope(bin + 1)) * (score - this.#x[bin]!);
  }

  /** Everything but what the settings give: #binCount, #outcomesMax. */
  persist(fields: StateFields): void {
    fields.into(this.#prior);
    fields.into(this.#count);
    fields.into(this.#hits);
    fields.into(this.#scoreSum);
    fields.into(this.#x);
    fields.into(this.#y);
    this.#isFresh = fields.flag(this.#isFresh);
  }

  /** Rise of the curve between a bin and the one before, for their mean scores; 0 at the ends. */
  #slope(bin: number): number {
    if (bin === 0 || bin === this.#binCount) return 0;
    const run = this.#x[bin]! - this.#x[bin - 1]!;
    return run > 0 ? (this.#y[bin]! - this.#y[bin - 1]!) / run : 0;
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
      const prior = this.#prior[bin]!;
      const middle = ((bin + 0.5) / n) * ((bin + 0.5) / n);
      this.#x[bin] = count > 0 ? (this.#scoreSum[bin]! + prior * middle) / (count + prior) : middle;
      weight[blocks] = count + prior;
      value[blocks] = (this.#hits[bin]! + prior * this.#x[bin]!) / (count + prior);
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
