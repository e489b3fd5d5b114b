/** Hard caps on what prefetching may take from the origin: rates, concurrency, totals and money. */

import { z } from 'zod';
import { AnteroomError } from '../../engine/errors.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { TokenBucket } from '../prefetch-scheduler/token-bucket.ts';
import { type Prices, priceOfTransfer } from '../prices.ts';
import { Refusal } from './ledger.ts';

const cap = () => z.number().positive().nullable().default(null);

export const prefetchCapsSchema = z.strictObject({
  requestsPerSecondMax: cap().describe(
    'Prefetches a second of event time; null = no cap. Only where fetches are timed.',
  ),
  bytesPerSecondMax: cap().describe(
    'Bytes of prefetches a second of event time; null = no cap. Only where fetches are timed. A segment larger than what a burst saves up is never prefetched.',
  ),
  burstSeconds: z
    .number()
    .positive()
    .default(10)
    .describe(
      'Time for which an unused rate is saved up, at most, of requests one in any case; at the start that much is there.',
    ),
  concurrencyMax: z.int().min(1).nullable().default(null).describe('Prefetches in flight at once; null = no cap.'),
  requestsMax: z.int().min(0).nullable().default(null).describe('Prefetches in all; null = no cap.'),
  bytesMax: z.number().min(0).nullable().default(null).describe('Bytes of prefetches in all; null = no cap.'),
  spendingMax: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe('What all prefetches may cost at the prices, in their currency; null = no cap.'),
});
export type PrefetchCapsConfig = z.output<typeof prefetchCapsSchema>;

/** Whether any cap is set. */
export function hasCaps(config: PrefetchCapsConfig): boolean {
  const { burstSeconds: _, ...caps } = config;
  return Object.values(caps).some((value) => value !== null);
}

/** Numbers that `persist` lists. */
const SPENT_NUMBERS = 6;

/**
 * Counts every prefetch that is sent, whoever asked for it and however it ends. A cap is never passed, at no moment: what does not fit is
 * refused or waits in the queue. Token buckets in event time; O(1) a call.
 */
export class PrefetchCaps {
  #config: PrefetchCapsConfig;
  readonly #prices: Prices;
  readonly #isTimed: boolean;
  #requests: TokenBucket | null;
  #bytes: TokenBucket | null;
  #filledAt = Number.NaN;
  #requestCount = 0;
  #byteCount = 0;
  #spent = 0;

  /**
   * `isTimed`: whether `now` is ms of event time.
   * @throws AnteroomError 'bad-config' for a rate where it is not.
   */
  constructor(config: PrefetchCapsConfig, prices: Prices, isTimed: boolean) {
    const { requestsPerSecondMax, bytesPerSecondMax, burstSeconds } = config;
    checkRates(config, isTimed);
    this.#isTimed = isTimed;
    this.#config = config;
    this.#prices = prices;
    this.#requests = fullBucket(requestsPerSecondMax, burstSeconds, 1);
    this.#bytes = fullBucket(bytesPerSecondMax, burstSeconds);
  }

  /**
   * From now on these hold; what was sent before counts in the totals. A rate that is another one has nothing saved up yet.
   * @throws AnteroomError as the constructor; then the caps are as they were.
   */
  change(config: PrefetchCapsConfig): void {
    checkRates(config, this.#isTimed);
    const { requestsPerSecondMax, bytesPerSecondMax, burstSeconds } = this.#config;
    const isSame = burstSeconds === config.burstSeconds;
    if (!isSame || requestsPerSecondMax !== config.requestsPerSecondMax)
      this.#requests = emptyBucket(config.requestsPerSecondMax, config.burstSeconds, 1);
    if (!isSame || bytesPerSecondMax !== config.bytesPerSecondMax)
      this.#bytes = emptyBucket(config.bytesPerSecondMax, config.burstSeconds);
    this.#config = config;
  }

  /** What all prefetches cost so far, at the prices. */
  get spent(): number {
    return this.#spent;
  }

  /** The `Refusal` for a prefetch of `bytes` at `now` beside `inFlightCount` others; -1 = none. */
  refusal(bytes: number, now: number, inFlightCount: number): number {
    const { concurrencyMax, requestsMax, bytesMax, spendingMax } = this.#config;
    if (requestsMax !== null && this.#requestCount + 1 > requestsMax) return Refusal.requestTotal;
    if (bytesMax !== null && this.#byteCount + bytes > bytesMax) return Refusal.byteTotal;
    if (spendingMax !== null && this.#spent + priceOfTransfer(this.#prices, bytes, 1) > spendingMax)
      return Refusal.spending;
    if (concurrencyMax !== null && inFlightCount >= concurrencyMax) return Refusal.concurrency;
    this.#fill(now);
    if (this.#requests !== null && !this.#requests.has(1)) return Refusal.requestRate;
    if (this.#bytes !== null && !this.#bytes.has(bytes)) return Refusal.byteRate;
    return -1;
  }

  /** A prefetch of `bytes` is sent; the caller has asked. */
  sent(bytes: number): void {
    this.#requestCount++;
    this.#byteCount += bytes;
    this.#spent += priceOfTransfer(this.#prices, bytes, 1);
    this.#requests?.spend(1);
    this.#bytes?.spend(bytes);
  }

  /**
   * What was spent, of `caps` or of nobody's: the same numbers whichever caps there are, for these change while an engine runs. Everything but
   * what the settings give: #config, #prices, #isTimed.
   */
  static persist(fields: StateFields, caps: PrefetchCaps | null): void {
    if (caps !== null) caps.persist(fields);
    else for (let i = 0; i < SPENT_NUMBERS; i++) fields.number(0);
  }

  /** The same of these; #config, #prices and #isTimed are settings. */
  persist(fields: StateFields): void {
    if (this.#requests === null) fields.number(0);
    else this.#requests.persist(fields);
    if (this.#bytes === null) fields.number(0);
    else this.#bytes.persist(fields);
    this.#filledAt = fields.number(this.#filledAt);
    this.#requestCount = fields.number(this.#requestCount);
    this.#byteCount = fields.number(this.#byteCount);
    this.#spent = fields.number(this.#spent);
  }

  #fill(now: number): void {
    const passed = now - this.#filledAt;
    // A queue is served at instants before the access that lets time pass: then nothing is filled in yet.
    if (passed <= 0) return;
    this.#filledAt = now;
    if (Number.isNaN(passed)) return;
    this.#requests?.fill(passed / 1000);
    this.#bytes?.fill(passed / 1000);
  }
}

function checkRates({ requestsPerSecondMax, bytesPerSecondMax }: PrefetchCapsConfig, isTimed: boolean): void {
  if (isTimed || (requestsPerSecondMax === null && bytesPerSecondMax === null)) return;
  const name = requestsPerSecondMax === null ? 'bytesPerSecondMax' : 'requestsPerSecondMax';
  throw new AnteroomError('bad-config', `caps.${name}: a rate needs a latency in time, not in requests or none at all`);
}

function emptyBucket(perSecond: number | null, burstSeconds: number, burstMin = 0): TokenBucket | null {
  return perSecond === null ? null : new TokenBucket(perSecond, burstSeconds, burstMin);
}

function fullBucket(perSecond: number | null, burstSeconds: number, burstMin = 0): TokenBucket | null {
  const bucket = emptyBucket(perSecond, burstSeconds, burstMin);
  bucket?.fill(Infinity);
  return bucket;
}
