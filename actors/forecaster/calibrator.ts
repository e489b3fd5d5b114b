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
 * An outcome may be learnt by parts of the horizon, each as soon as it is known: a bin then counts, for each part, the forecasts that had not come
 * true before it and those that did in it, and its hit ratio is 1 - the product of what each part left (the product-limit estimate: Kaplan and
 * Meier, Journal of the American Statistical Association 53, 1958, with staggered entry, so a period life table). With one part it is hits / outcomes,
 * and where all parts of all forecasts are known, the same.
 *
 * A bin starts as if `priorOutcomes` had come true as often as the score says, so an unknown expert is taken at its word and
 * a few outcomes do not make certainty. At `outcomesMax` a bin's counts are halved, and what the prior counts for: old outcomes fade, and it first.
 * O(1) per part of an outcome, O(bins x parts) once after outcomes came, O(1) per score. Memory: 6 numbers a bin and 2 a part of it.
 */
export class Calibrator {
  readonly #binCount: number;
  /** Outcomes that the score itself counts for in each bin. */
  readonly #prior: Float64Array;
  readonly #outcomesMax: number;
  /** The part's root is taken as so many square roots, which are the same on every engine. */
  readonly #halvings: number;
  readonly #partCount: number;
  /** Forecasts learnt of in each bin. */
  readonly #count: Float64Array;
  /** By bin and part: forecasts that had not come true before, and those that did in it. */
  readonly #trials: Float64Array;
  readonly #hits: Float64Array;
  readonly #scoreSum: Float64Array;
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  /** The curve with every hazard times `#factor`. */
  readonly #scaledY: Float64Array;
  #factor = 1;
  #isFresh = false;
  #isScaledFresh = false;

  /** @param options.partCount parts of the horizon by which outcomes are learnt, a power of two; default 1. */
  constructor(options: {
    readonly binCount: number;
    readonly priorOutcomes: number;
    readonly outcomesMax: number;
    readonly partCount?: number;
  }) {
    this.#partCount = options.partCount ?? 1;
    this.#halvings = Math.round(Math.log2(this.#partCount));
    assert(2 ** this.#halvings === this.#partCount, `parts are a power of two, not ${this.#partCount}`);
    this.#binCount = options.binCount;
    this.#prior = new Float64Array(options.binCount).fill(options.priorOutcomes);
    this.#outcomesMax = options.outcomesMax;
    this.#count = new Float64Array(options.binCount);
    this.#trials = new Float64Array(options.binCount * this.#partCount);
    this.#hits = new Float64Array(options.binCount * this.#partCount);
    this.#scoreSum = new Float64Array(options.binCount);
    this.#x = new Float64Array(options.binCount);
    this.#y = new Float64Array(options.binCount);
    this.#scaledY = new Float64Array(options.binCount);
  }

  /** Learns that what was scored `score` in 0..1, and had not come true before this part of its horizon, came true in it or not. */
  learn(score: number, isHit: boolean, part = 0): void {
    const bin = this.#binOf(score);
    const at = bin * this.#partCount + part;
    this.#trials[at]!++;
    if (isHit) this.#hits[at]!++;
    if (this.#trials[at]! >= this.#outcomesMax) {
      this.#trials[at]! /= 2;
      this.#hits[at]! /= 2;
    }
    if (part === 0) {
      this.#count[bin]!++;
      this.#scoreSum[bin]! += score;
      if (this.#count[bin]! >= this.#outcomesMax) {
        this.#count[bin]! /= 2;
        this.#scoreSum[bin]! /= 2;
        this.#prior[bin]! /= 2;
      }
    }
    this.#isFresh = false;
    this.#isScaledFresh = false;
  }

  /** The probability that `score` stands for; non-decreasing in it. */
  calibrate(score: number): number {
    if (!this.#isFresh) {
      this.#fit(this.#y, 1);
      this.#isFresh = true;
    }
    return this.#read(this.#y, score);
  }

  /** {@link calibrate} while hazards are `factor` times what was learnt: P(comes in a part | not before) is that much larger, in every part and bin. */
  calibrateScaled(score: number, factor: number): number {
    if (!this.#isScaledFresh || factor !== this.#factor) {
      this.#fit(this.#scaledY, factor);
      this.#factor = factor;
      this.#isScaledFresh = true;
    }
    return this.#read(this.#scaledY, score);
  }

  /** P(what is scored `score` comes in this part | it did not before), as learnt; neither pooled nor along a line. */
  hazardOf(score: number, part: number): number {
    const bin = this.#binOf(score);
    const at = bin * this.#partCount + part;
    const stays = this.#staysOf(this.#meanScoreOf(bin));
    let atRisk = this.#prior[bin]!;
    for (let i = 0; i < part; i++) atRisk *= stays;
    return (this.#hits[at]! + atRisk * (1 - stays)) / (this.#trials[at]! + atRisk);
  }

  /** Everything but what the settings give: #binCount, #outcomesMax, #partCount, #halvings; #scaledY, #factor and #isScaledFresh follow from the rest. */
  persist(fields: StateFields): void {
    fields.into(this.#prior);
    fields.into(this.#count);
    fields.into(this.#trials);
    fields.into(this.#hits);
    fields.into(this.#scoreSum);
    fields.into(this.#x);
    fields.into(this.#y);
    this.#isFresh = fields.flag(this.#isFresh);
    this.#isScaledFresh = false;
  }

  #read(y: Float64Array, score: number): number {
    const bin = this.#binOf(score);
    return y[bin]! + Math.min(this.#slope(y, bin), this.#slope(y, bin + 1)) * (score - this.#x[bin]!);
  }

  /** Rise of the curve between a bin and the one before, for their mean scores; 0 at the ends. */
  #slope(y: Float64Array, bin: number): number {
    if (bin === 0 || bin === this.#binCount) return 0;
    const run = this.#x[bin]! - this.#x[bin - 1]!;
    return run > 0 ? (y[bin]! - y[bin - 1]!) / run : 0;
  }

  #binOf(score: number): number {
    assert(score >= 0 && score <= 1, 'a score lies in 0..1');
    const bin = Math.floor(Math.sqrt(score) * this.#binCount);
    return bin < this.#binCount ? bin : this.#binCount - 1;
  }

  /** P(none in a part) by the score itself, which has the parts of a horizon alike. */
  #staysOf(score: number): number {
    let stays = 1 - score;
    for (let i = 0; i < this.#halvings; i++) stays = Math.sqrt(stays);
    return stays;
  }

  /** Mean score of a bin; where the prior counts, its middle. */
  #meanScoreOf(bin: number): number {
    const n = this.#binCount;
    const count = this.#count[bin]!;
    const prior = this.#prior[bin]!;
    const middle = ((bin + 0.5) / n) * ((bin + 0.5) / n);
    return count > 0 ? (this.#scoreSum[bin]! + prior * middle) / (count + prior) : middle;
  }

  /** P(none in any part) of a bin whose mean score is `score`, hazards times `factor`. */
  #noneOf(bin: number, prior: number, score: number, factor: number): number {
    const stays = this.#staysOf(score);
    let none = 1;
    let atRisk = prior;
    for (let part = 0; part < this.#partCount; part++) {
      const at = bin * this.#partCount + part;
      const hazard = (this.#hits[at]! + atRisk * (1 - stays)) / (this.#trials[at]! + atRisk);
      none *= 1 - Math.min(1, factor * hazard);
      atRisk *= stays;
    }
    return none;
  }

  /** Posterior mean of each bin, then pooled until it rises. */
  #fit(y: Float64Array, factor: number): void {
    const n = this.#binCount;
    const weight = new Float64Array(n);
    const value = new Float64Array(n);
    const size = new Int32Array(n);
    let blocks = 0;
    for (let bin = 0; bin < n; bin++) {
      const count = this.#count[bin]!;
      const prior = this.#prior[bin]!;
      this.#x[bin] = this.#meanScoreOf(bin);
      weight[blocks] = count + prior;
      value[blocks] = 1 - this.#noneOf(bin, prior, this.#x[bin]!, factor);
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
      for (let i = 0; i < size[block]!; i++) y[bin++] = value[block]!;
    }
  }
}
