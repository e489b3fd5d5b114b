/** How many forecasts count as one outcome: those due together share their fate. */

import type { StateFields } from '../../engine/state-fields.ts';

/** What the sums keep from window to window. */
const KEEP = 7 / 8;

/**
 * Outcomes of one window (as long as the horizon) are not independent: an hour is busy for all segments, and one access settles every forecast of
 * its segment that waits. Learnt one by one they would seem to prove what chance of that hour did. So of each window the squared
 * difference between what was expected and what came is set against the variance that independent outcomes would have: the ratio of the sums is the
 * dispersion of quasi-likelihood (Pearson's X2 over its degrees of freedom: Wedderburn, Biometrika 61, 1974; the design effect of surveys: Kish
 * 1965), and an outcome counts for 1 / dispersion, at most 1. Sums decay by an eighth a window. A forecast that is wrong in the mean is
 * taken for dispersion too; learning slows then, but a window always counts for about one outcome or more. O(1) a forecast.
 */
export class Overdispersion {
  #until = Number.NEGATIVE_INFINITY;
  #count = 0;
  #off = 0;
  #variance = 0;
  #squareSum = 0;
  #varianceSum = 0;

  /** What one outcome counts for, 0..1; 0 before a window is over. */
  get rate(): number {
    if (!(this.#squareSum > this.#varianceSum)) return this.#varianceSum > 0 ? 1 : 0;
    return this.#varianceSum / this.#squareSum;
  }

  /** A forecast came true or not; it was due before `instant`, which never decreases. `length`: of a window that begins now. */
  observe(instant: number, length: number, stated: number, isHit: boolean): void {
    this.advance(instant);
    if (this.#count === 0) this.#until = instant + length;
    this.#count++;
    this.#off += stated - (isHit ? 1 : 0);
    this.#variance += stated * (1 - stated);
  }

  /** It is `instant`: a window that is over is judged. */
  advance(instant: number): void {
    if (this.#count === 0 || instant < this.#until) return;
    this.#squareSum = this.#squareSum * KEEP + this.#off * this.#off;
    this.#varianceSum = this.#varianceSum * KEEP + this.#variance;
    this.#count = 0;
    this.#off = 0;
    this.#variance = 0;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#until = fields.number(this.#until);
    this.#count = fields.number(this.#count);
    this.#off = fields.number(this.#off);
    this.#variance = fields.number(this.#variance);
    this.#squareSum = fields.number(this.#squareSum);
    this.#varianceSum = fields.number(this.#varianceSum);
  }
}
