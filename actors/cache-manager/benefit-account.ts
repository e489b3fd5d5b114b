/** Whether a prefetch is worth what it costs at a site: its wait against its transfer and what its bytes displace, in the currency of the prices. */

import type { StateFields } from '../../engine/state-fields.ts';
import { type Prices, priceOfTransfer, valueOfTime } from '../prices.ts';

/** Prefetches that the account remembers, roughly. */
const MEMORY = 512;
/** Of the prefetches that look as if they displaced more than they bring one in so many is sent, to see whether that has changed: at first, and in the end. */
const TRIAL_EVERY_FIRST = 16;
const TRIAL_EVERY_LAST = 1024;

export interface BenefitAccountOptions {
  readonly prices: Prices;
  /** Waiting of one miss in ms where fetches are not timed; null = as measured. */
  readonly missPenaltyMs: number | null;
}

/**
 * A prefetch is worth sending when p x (value of its wait) exceeds (1 - p) x (price of its transfer): a used one replaces the
 * demand's fetch. It exceeds as well what its bytes displace: what was lost of late on segments that the baseline held, for each byte that
 * was sent; so a large one has to be surer than a small one. What fails this is sent as a trial now and then, to see whether that has changed;
 * the more seldom the longer nothing else passes. O(1) a call.
 */
export class BenefitAccount {
  readonly #options: BenefitAccountOptions;
  /** Value of what was lost of late, and bytes that were staged. */
  #displaced = 0;
  #staged = 0;
  #passedOver = 0;
  #trialEvery = TRIAL_EVERY_FIRST;

  constructor(options: BenefitAccountOptions) {
    this.#options = options;
  }

  /** A demand waited `waitMs` where the baseline had a hit; it fetched `bytes`, or -1 = it joined a prefetch. It stands for `weight` of them. */
  lost(waitMs: number, bytes: number, weight = 1): void {
    this.#displaced += weight * (this.#value(waitMs) + (bytes < 0 ? 0 : this.#price(bytes)));
  }

  /** A prefetch of `bytes` ended, whichever way. */
  ended(bytes: number): void {
    this.#displaced *= 1 - 1 / MEMORY;
    this.#staged = this.#staged * (1 - 1 / MEMORY) + bytes;
  }

  /** Whether to send a prefetch. `probability` NaN = not stated; `waitMs` = what a demand waits for such a fetch. */
  isWorth(probability: number, waitMs: number, bytes: number): boolean {
    const value = probability * this.#value(waitMs);
    if (value <= (1 - probability) * this.#price(bytes)) return false;
    // An unstated probability passes.
    if (!(value <= (this.#displaced * bytes) / Math.max(this.#staged, 1))) {
      this.#passedOver = 0;
      this.#trialEvery = TRIAL_EVERY_FIRST;
      return true;
    }
    if (++this.#passedOver < this.#trialEvery) return false;
    this.#passedOver = 0;
    this.#trialEvery = Math.min(2 * this.#trialEvery, TRIAL_EVERY_LAST);
    return true;
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.#displaced = fields.number(this.#displaced);
    this.#staged = fields.number(this.#staged);
    this.#passedOver = fields.number(this.#passedOver);
    this.#trialEvery = fields.number(this.#trialEvery);
  }

  #value(waitMs: number): number {
    return valueOfTime(this.#options.prices, this.#options.missPenaltyMs ?? waitMs);
  }

  #price(bytes: number): number {
    return priceOfTransfer(this.#options.prices, bytes, 1);
  }
}
