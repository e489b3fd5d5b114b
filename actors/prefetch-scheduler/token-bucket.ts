/** A budget that grows with time (or accesses) up to a burst, and is spent. */

import type { StateFields } from '../../engine/state-fields.ts';

export class TokenBucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens = 0;

  /** `rate` tokens for each unit; at most those of `burstUnits` units are saved. Starts empty. */
  constructor(rate: number, burstUnits: number) {
    this.#rate = rate;
    this.#burst = rate * burstUnits;
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
