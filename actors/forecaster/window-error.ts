/** How far whole windows of forecasts were off, beyond chance: what is due together comes true together. */

import type { StateFields } from '../../engine/state-fields.ts';

/** What the sums keep from window to window. */
const KEEP = 7 / 8;

/**
 * Forecasts that are due within one window (as long as their horizon) share their fate: a session that goes on, an hour that is busy.
 * However many they are, they are evidence of one window. Of each window the squared difference between what was expected and what came
 * is taken, less the variance that independent forecasts would have; the root of the mean over windows, each weighed by
 * its forecasts, is what is left (a moment estimate of the variance between groups: Cochran, JRSS Suppl. 4, 1937). Sums decay by an
 * eighth a window. O(1) a forecast.
 */
export class WindowError {
  #until = Number.NEGATIVE_INFINITY;
  #count = 0;
  #expected = 0;
  #came = 0;
  #variance = 0;
  #squares = 0;
  #forecasts = 0;
  #windowCount = 0;

  /** Windows judged. */
  get windowCount(): number {
    return this.#windowCount;
  }

  /** Root mean square of the windows' mean errors beyond chance, 0..1. */
  get error(): number {
    return this.#forecasts === 0 ? 0 : Math.sqrt(Math.max(0, this.#squares) / this.#forecasts);
  }

  /** A forecast came true or not; it was due before `instant`, which never decreases. `length`: of a window that begins now. */
  observe(instant: number, length: number, stated: number, isHit: boolean): void {
    this.advance(instant);
    if (this.#count === 0) this.#until = instant + length;
    this.#count++;
    this.#expected += stated;
    this.#came += isHit ? 1 : 0;
    this.#variance += stated * (1 - stated);
  }

  /** It is `instant`: a window that is over is judged. */
  advance(instant: number): void {
    if (this.#count === 0 || instant < this.#until) return;
    const off = this.#expected - this.#came;
    this.#squares = this.#squares * KEEP + (off * off - this.#variance) / this.#count;
    this.#forecasts = this.#forecasts * KEEP + this.#count;
    this.#windowCount++;
    this.#count = 0;
    this.#expected = 0;
    this.#came = 0;
    this.#variance = 0;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#until = fields.number(this.#until);
    this.#count = fields.number(this.#count);
    this.#expected = fields.number(this.#expected);
    this.#came = fields.number(this.#came);
    this.#variance = fields.number(this.#variance);
    this.#squares = fields.number(this.#squares);
    this.#forecasts = fields.number(this.#forecasts);
    this.#windowCount = fields.number(this.#windowCount);
  }
}
