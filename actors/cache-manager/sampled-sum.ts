/** The sum of a figure over all segments, bounded from above by what a sample of them says. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

/**
 * Segments are in the sample independently with probability `rate`, whatever their figure y is (Poisson sampling by hash, as in SHARDS:
 * Waldspurger et al., FAST'15, section 3). The sum is bounded one side at a time, with Chernoff's bound in place of a variance,
 * so that it holds for small samples too and where nothing was seen:
 * - what segments lost, P = sum of y > 0, none above B: P <= B/rate x (x + sqrt(2 L x) + L), x = what the sample lost / B;
 * - what they gained, N = sum of -y > 0: N >= K/rate x (x - sqrt(2 L' x)), x = what the sample gained / K, K any power of two;
 *   segments that gained more than K count as K, which only makes N smaller, so a heavy one outside the sample does no harm.
 * Each fails with probability exp(-L) at most (the first since 1 + a + a^2/2 <= e^a). L' exceeds L by log((k+1)(k+2)) for K = 2^k, for all K at once.
 *
 * It assumes that no segment lost more than B, which is one unit more than the worst in the sample lost: a sample cannot know of one
 * heavy loser outside it. O(1) a call; 8 bytes a slot.
 */
export class SampledSum {
  #value: Float64Array;
  #lost = 0;
  #gained = 0;
  #lostMost = 0;
  #gainedMost = 0;

  constructor(slotCountHint: number) {
    this.#value = new Float64Array(slotCountHint);
  }

  get bytes(): number {
    return this.#value.byteLength;
  }

  add(slot: number, delta: number): void {
    if (slot >= this.#value.length) this.#value = grownTable(this.#value, slot);
    const before = this.#value[slot]!;
    const after = before + delta;
    this.#value[slot] = after;
    this.#count(before, -1);
    this.#count(after, 1);
    if (after > this.#lostMost) this.#lostMost = after;
    if (-after > this.#gainedMost) this.#gainedMost = -after;
  }

  /** The slot's segment leaves the sample. */
  drop(slot: number): void {
    if (slot >= this.#value.length) return;
    this.#count(this.#value[slot]!, -1);
    this.#value[slot] = 0;
  }

  /** The estimate itself, unbiased. */
  estimate(rate: number): number {
    return (this.#lost - this.#gained) / rate;
  }

  /**
   * What the sum is at most.
   * @param logInverse L, natural logarithm of the inverse of the probability that either side errs.
   * @param unit the least that one segment may have lost.
   */
  upper(rate: number, logInverse: number, unit: number): number {
    if (rate >= 1) return this.#lost - this.#gained;
    const b = this.#lostMost + unit;
    const x = this.#lost / b;
    const most = (b / rate) * (x + Math.sqrt(2 * logInverse * x) + logInverse);
    const k = powerOfTwoAbove(Math.max(1, this.#gainedMost));
    const exponent = Math.round(Math.log2(k));
    const y = this.#gained / k;
    const wide = logInverse + Math.log((exponent + 1) * (exponent + 2));
    const least = (k / rate) * Math.max(0, y - Math.sqrt(2 * wide * y));
    return most - least;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#value = fields.array(this.#value);
    this.#lost = fields.number(this.#lost);
    this.#gained = fields.number(this.#gained);
    this.#lostMost = fields.number(this.#lostMost);
    this.#gainedMost = fields.number(this.#gainedMost);
  }

  #count(y: number, sign: number): void {
    if (y > 0) this.#lost += sign * y;
    else this.#gained -= sign * y;
  }
}

/** The least power of two that is at least `value`, which is positive. */
function powerOfTwoAbove(value: number): number {
  let power = 1;
  while (power < value) power *= 2;
  return power;
}
