/** Waits counted in logarithmic buckets: quantiles within 0.8 % in fixed memory. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import type { HistogramPlace, SiteAddresses, SiteBooks } from './site-layout.ts';

const MANTISSA_BITS = 7;
export const BUCKETS = 1 << (8 + MANTISSA_BITS);
/** A bucket is a wait as a 32-bit float, shifted by so many bits. */
export const BUCKET_SHIFT = 23 - MANTISSA_BITS;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/**
 * Buckets are the upper bits of the value as a 32-bit float: eight of exponent, seven of mantissa. Each bucket keeps the sum of
 * what fell into it, so a quantile is the mean of its bucket and a constant latency comes back exactly.
 */
export class LatencyHistogram {
  #counts = new Float64Array(BUCKETS);
  #sums = new Float64Array(BUCKETS);
  /** A fixed latency brings the same wait again and again. */
  #lastWait = 0;
  #lastBucket = 0;
  /** Waits of 0, most of all: of hits. They are added to the first bucket where it is read. */
  #zeroCount = 0;
  /** The others. */
  #count = 0;
  #sum = 0;

  get count(): number {
    return this.#zeroCount + this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Adds a wait >= 0, in the unit of the caller. */
  add(wait: number): void {
    if (wait === 0) {
      this.#zeroCount++;
      return;
    }
    const bucket = this.#bucketOf(wait);
    this.#counts[bucket]! += 1;
    this.#sums[bucket]! += wait;
    this.#count++;
    this.#sum += wait;
  }

  /** Adds the same wait `count` times. */
  addMany(wait: number, count: number): void {
    if (wait === 0) {
      this.#zeroCount += count;
      return;
    }
    const bucket = this.#bucketOf(wait);
    this.#counts[bucket]! += count;
    this.#sums[bucket]! += wait * count;
    this.#count += count;
    this.#sum += wait * count;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses, { counts, sums }: HistogramPlace): void {
    this.#counts = place(this.#counts, at[counts]);
    this.#sums = place(this.#sums, at[sums]);
  }

  lend({ numbers, words }: SiteBooks, at: HistogramPlace): void {
    numbers[at.zeroCount] = this.#zeroCount;
    numbers[at.count] = this.#count;
    numbers[at.sum] = this.#sum;
    numbers[at.lastWait] = this.#lastWait;
    words[at.lastBucket] = this.#lastBucket;
  }

  takeBack({ numbers, words }: SiteBooks, at: HistogramPlace): void {
    this.#zeroCount = numbers[at.zeroCount]!;
    this.#count = numbers[at.count]!;
    this.#sum = numbers[at.sum]!;
    this.#lastWait = numbers[at.lastWait]!;
    this.#lastBucket = words[at.lastBucket]!;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.#counts);
    fields.into(this.#sums);
    this.#lastWait = fields.number(this.#lastWait);
    this.#lastBucket = fields.number(this.#lastBucket);
    this.#zeroCount = fields.number(this.#zeroCount);
    this.#count = fields.number(this.#count);
    this.#sum = fields.number(this.#sum);
  }

  #bucketOf(wait: number): number {
    if (wait !== this.#lastWait) {
      float[0] = wait;
      this.#lastWait = wait;
      this.#lastBucket = bits[0]! >>> BUCKET_SHIFT;
    }
    return this.#lastBucket;
  }

  mean(): number | null {
    return this.count === 0 ? null : this.#sum / this.count;
  }

  /** The wait that a share `q` (0..1) of all waits do not exceed, or null when nothing was added. */
  quantile(q: number): number | null {
    if (this.count === 0) return null;
    const rank = Math.max(1, Math.ceil(q * this.count));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#countIn(bucket);
      if (count === 0) continue;
      seen += count;
      if (seen >= rank) return this.#sums[bucket]! / count;
    }
    return null;
  }

  /** Non-empty buckets in ascending order, as (mean wait, count). */
  buckets(): { readonly wait: number; readonly count: number }[] {
    const result: { wait: number; count: number }[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#countIn(bucket);
      if (count > 0) result.push({ wait: this.#sums[bucket]! / count, count });
    }
    return result;
  }

  #countIn(bucket: number): number {
    return this.#counts[bucket]! + (bucket === 0 ? this.#zeroCount : 0);
  }
}
