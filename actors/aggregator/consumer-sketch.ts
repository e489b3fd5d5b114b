/** Approximate number of distinct consumers from 64 bits. */

import { bitCount } from './bit-count.ts';

/** Estimates by count of set bits, for a sketch that one bit in 64 was set in for each consumer. */
const estimates = Float64Array.from({ length: 65 }, (_, set) => 64 * Math.log(64 / Math.max(1, 64 - set)));

/**
 * The bit, 0 to 63, that `consumer` sets, as if drawn at random: ids are given out in a row, and a factor alone would spread those evenly,
 * so that 62 consumers set 55 bits and were told as 126 (finaliser of Appleby's MurmurHash3).
 */
export function consumerBit(consumer: number): number {
  let h = consumer ^ (consumer >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) & 63;
}

/**
 * Linear counting (Whang, Vander-Zanden and Taylor, TODS 1990): -64 ln(share of zero bits). Within a few percent up to about
 * 60 consumers; all bits set reads 266 and means "that or more". Two sketches merge by OR.
 */
export function distinctConsumers(low: number, high: number): number {
  return estimates[bitCount(low) + bitCount(high)]!;
}

/** Where the sketch is all but full: it tells more apart only by guesswork. */
const TOLD_MAX = 260;

/** How many consumers, as a person says it: ` by about 12 consumers`, ` by at least 260 consumers`; empty where none was named. */
export function byConsumers(distinct: number): string {
  if (distinct === 0) return '';
  if (distinct > TOLD_MAX) return ` by at least ${TOLD_MAX} consumers`;
  const count = Math.round(distinct);
  return ` by about ${count} ${count === 1 ? 'consumer' : 'consumers'}`;
}

/** How often, as a person says it: `once`, `3 times`. */
export function timesText(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}
