/** Whether prefetching pays at a site: an account of what it gained and cost of late, in the currency of the prices. */

import type { StateFields } from '../../engine/state-fields.ts';
import { type Prices, priceOfTransfer, valueOfTime } from '../prices.ts';

/** Prefetches that the account remembers, roughly. */
const MEMORY = 512;
/** While the account is below zero, of the prefetches that look worth their price one in so many is sent, to see whether that has changed. */
const TRIAL_EVERY = 16;

export interface BenefitAccountOptions {
  readonly prices: Prices;
  /** Waiting of one miss in ms where fetches are not timed; null = as measured. */
  readonly missPenaltyMs: number | null;
}

/**
 * By the report's definition of net benefit: waiting that the baseline had and this site has not, less every fetch that the
 * baseline was spared. A prefetch is entered when it ends, so that those under way do not weigh as losses.
 *
 * A prefetch is worth sending when p x (value of its wait) exceeds (1 - p) x (price of its transfer): a used one replaces the
 * demand's fetch. It exceeds as well what its bytes displace: what was lost of late on segments that the baseline held, for each byte that was
 * sent, so that a large one has to be surer than a small one. Where prefetching is judged too kindly all the same (wrong probabilities) the account
 * runs below zero. What fails one of the last two is sent as a trial now and then, to see whether that has changed. O(1) a call.
 */
export class BenefitAccount {
  readonly #options: BenefitAccountOptions;
  #balance = 0;
  /** Value of what was lost of late, and bytes that were staged. */
  #displaced = 0;
  #staged = 0;
  #passedOver = 0;

  constructor(options: BenefitAccountOptions) {
    this.#options = options;
  }

  /** Gains less costs of late; below zero = prefetching loses. */
  get balance(): number {
    return this.#balance;
  }

  /** The baseline fetched `bytes` where this site did not, and `waitMs` of waiting was spared. */
  gained(waitMs: number, bytes: number): void {
    this.#balance += this.#value(waitMs) + this.#price(bytes);
  }

  /** A demand waited `waitMs` where the baseline had a hit; it fetched `bytes`, or -1 = it joined a prefetch. It stands for `weight` of them. */
  lost(waitMs: number, bytes: number, weight = 1): void {
    const value = weight * (this.#value(waitMs) + (bytes < 0 ? 0 : this.#price(bytes)));
    this.#balance -= value;
    this.#displaced += value;
  }

  /** A prefetch of `bytes` ended, whichever way. */
  ended(bytes: number): void {
    this.#balance -= this.#price(bytes);
    this.#balance *= 1 - 1 / MEMORY;
    this.#displaced *= 1 - 1 / MEMORY;
    this.#staged = this.#staged * (1 - 1 / MEMORY) + bytes;
  }

  /** Whether to send a prefetch. `probability` NaN = not stated; `waitMs` = what a demand waits for such a fetch. */
  isWorth(probability: number, waitMs: number, bytes: number): boolean {
    if (probability * this.#value(waitMs) <= (1 - probability) * this.#price(bytes)) return false;
    const displaced = (this.#displaced * bytes) / Math.max(this.#staged, 1);
    const isTooMuch = probability * this.#value(waitMs) <= displaced;
    if (this.#balance >= 0 && !isTooMuch) return true;
    if (++this.#passedOver < TRIAL_EVERY) return false;
    this.#passedOver = 0;
    return true;
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.#balance = fields.number(this.#balance);
    this.#displaced = fields.number(this.#displaced);
    this.#staged = fields.number(this.#staged);
    this.#passedOver = fields.number(this.#passedOver);
  }

  #value(waitMs: number): number {
    return valueOfTime(this.#options.prices, this.#options.missPenaltyMs ?? waitMs);
  }

  #price(bytes: number): number {
    return priceOfTransfer(this.#options.prices, bytes, 1);
  }
}
