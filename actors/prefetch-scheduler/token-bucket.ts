/** A budget that grows with time (or accesses) up to a burst, and is spent. */

import type { StateFields } from '../../engine/state-fields.ts';

export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens = 0;

  /**
   * `rate` tokens for each unit; at most those of `burstUnits` units are saved, but `burstMin` in any case: what is spent in whole pieces needs room
   * for one, or a low rate would never let any through. Starts empty.
   */
  constructor(rate: number, burstUnits: number, burstMin = 0) {
    this.#rate = rate;
    this.#burst = rate > 0 ? Math.max(burstMin, rate * burstUnits) : 0;
  }

  get tokens(): number {
    return this.#tokens;
  }

  /** `units` have passed. */
  fill(units: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + units * this.#rate);
  }

  has(tokens: number): boolean {
    return this.#tokens >= tokens;
  }

  spend(tokens: number): void {
    this.#tokens -= tokens;
  }

  /** Everything but what the settings give: #rate, #burst. */
  persist(fields: StateFields): void {
    this.#tokens = fields.number(this.#tokens);
  }
}
