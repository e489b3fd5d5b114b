/** Draws that the workloads share: Zipf ranks, Poisson counts, sorted instants; portable to the last bit. */

import { assert } from '../../engine/assert.ts';
import { exponential, power } from '../../engine/portable-math.ts';
import type { RandomSource } from '../../engine/random.ts';

/** A discrete distribution, sampled by binary search in its cumulative sums: O(log n) a draw. */
export class DiscreteDistribution {
  readonly #cumulative: Float64Array;

  /** @param weights non-negative, not all zero. */
  constructor(weights: ArrayLike<number>) {
    this.#cumulative = new Float64Array(weights.length);
    let sum = 0;
    for (let i = 0; i < weights.length; i++) {
      sum += weights[i]!;
      this.#cumulative[i] = sum;
    }
    assert(sum > 0, 'a distribution needs a positive weight');
  }

  sample(random: RandomSource): number {
    const last = this.#cumulative.length - 1;
    const u = random.next() * this.#cumulative[last]!;
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#cumulative[middle]! > u) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  probabilityOf(index: number): number {
    const below = index === 0 ? 0 : this.#cumulative[index - 1]!;
    return (this.#cumulative[index]! - below) / this.#cumulative[this.#cumulative.length - 1]!;
  }
}

/** Ranks 0..n-1 with P(rank) proportional to 1 / (rank + 1)^exponent. */
export function zipf(n: number, exponent: number): DiscreteDistribution {
  return new DiscreteDistribution(Float64Array.from({ length: n }, (_, rank) => power(rank + 1, -exponent)));
}

/** A Poisson count of the given mean (Knuth's product of uniforms, in parts of 16 so that the product does not underflow). */
export function poisson(mean: number, random: RandomSource): number {
  let count = 0;
  let rest = mean;
  while (rest > 0) {
    const part = Math.min(rest, 16);
    const limit = exponential(-part);
    let product = random.next();
    while (product > limit) {
      count++;
      product *= random.next();
    }
    rest -= part;
  }
  return count;
}

/** `count` instants drawn uniformly from [startMs, startMs + lengthMs), ascending, in whole milliseconds. */
export function instants(count: number, startMs: number, lengthMs: number, random: RandomSource): Float64Array {
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = startMs + Math.floor(random.next() * lengthMs);
  return result.sort();
}

/** A permutation of 0..n-1 (Fisher and Yates). */
export function shuffled(n: number, random: RandomSource): Uint32Array {
  const result = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = random.int(i + 1);
    const swapped = result[i]!;
    result[i] = result[j]!;
    result[j] = swapped;
  }
  return result;
}

/** Size in bytes of a segment: 1 KiB times a power of two up to 512, fixed by the segment's number, mean about 20 KiB. */
export function sizeOf(segment: number): number {
  let h = Math.imul(segment + 1, 0x9e3779b1);
  h ^= h >>> 15;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  let exponent = 0;
  while (exponent < 9 && ((h >>> exponent) & 1) === 1) exponent++;
  return 1024 * 2 ** exponent * (1 + ((h >>> 16) & 3));
}
