/** What a prefetch is worth, in the currency of the prices. */

import { type Prices, priceOfSpace, priceOfTransfer, valueOfTime } from '../prices.ts';

/** What is known of a candidate. */
export interface Candidate {
  /** P(demanded within the horizon). */
  readonly probability: number;
  readonly horizonMs: number;
  readonly sizeBytes: number;
  /** Expected duration of the fetch. */
  readonly fetchMs: number;
  /** Mean time that a staged segment stays when it is not used; NaN = not known. */
  readonly residenceMs: number;
  /** Bytes that would have to leave for it. */
  readonly displacedBytes: number;
  readonly displacedValuePerByte: number;
}

/**
 * P(use before it leaves) x value of the time saved
 *   - (1 - P) x price of the transfer - price of the space - value of what is displaced.
 *
 * The transfer is charged only where the prefetch is not used: one that is used takes the place of the demand's own fetch,
 * byte for byte, as traffic counts it. A demand is taken to fall anywhere in the horizon: before the
 * fetch has landed it saves what has passed of it, after that the whole fetch. A segment that stays for less than the horizon is
 * used in proportion.
 */
export function netBenefit(prices: Prices, candidate: Candidate): number {
  const { horizonMs, sizeBytes, residenceMs, displacedBytes } = candidate;
  const stayMs = Number.isNaN(residenceMs) ? horizonMs : Math.min(residenceMs, horizonMs);
  const used = candidate.probability * (stayMs / horizonMs);
  return (
    used * valueOfTime(prices, timeSavedMs(candidate.fetchMs, horizonMs)) -
    (1 - used) * priceOfTransfer(prices, sizeBytes, 1) -
    priceOfSpace(prices, sizeBytes, stayMs * (1 - used / 2)) -
    (displacedBytes > 0 ? displacedBytes * candidate.displacedValuePerByte : 0)
  );
}

/** Mean waiting saved by a fetch of `fetchMs` started now, for a demand that falls evenly within `horizonMs`. */
export function timeSavedMs(fetchMs: number, horizonMs: number): number {
  if (fetchMs >= horizonMs) return horizonMs / 2;
  return fetchMs - (fetchMs * fetchMs) / (2 * horizonMs);
}
