/** Weights of the most frequent keys in bounded memory. */

import { assert } from '../../engine/assert.ts';

const hashFactor = 0x9e3779b1;

/**
 * A Misra-Gries summary that is pruned in bulk: when 2 x `keysMax` keys are held, the (keysMax + 1)-th largest weight is
 * subtracted from all, and those that fall to zero leave.
 *
 * A reported weight never exceeds the true one and falls short of it by at most `error` <= total / keysMax; with at most
 * 2 x keysMax distinct keys it is exact. Misra and Gries, Science of Computer Programming 1982; that pruning and adding two
 * summaries keeps the bound: Agarwal et al., "Mergeable Summaries", PODS 2012. O(1) amortised per add.
 */
export class FrequentTable {
  readonly #keysMax: number;
  #capacity: number;
  #key: Uint32Array;
  #weight: Float64Array;
  #count = 0;
  #error = 0;
  #prunedCount = 0;

  constructor(keysMax: number) {
    assert(Number.isInteger(keysMax) && keysMax >= 1 && keysMax <= 2 ** 24, `keysMax lies in 1..2^24, not ${keysMax}`);
    this.#keysMax = keysMax;
    this.#capacity = 64;
    this.#key = new Uint32Array(this.#capacity);
    this.#weight = new Float64Array(this.#capacity);
  }

  get keyCount(): number {
    return this.#count;
  }

  /** By how much a reported weight may fall short. */
  get error(): number {
    return this.#error;
  }

  /** Keys that had to leave. */
  get prunedCount(): number {
    return this.#prunedCount;
  }

  /** Adds `weight` > 0 to `key`; nothing for 0. */
  add(key: number, weight: number): void {
    if (!(weight > 0)) return;
    const slot = this.#slotOf(key);
    if (this.#weight[slot] === 0) {
      if (this.#count >= 2 * this.#keysMax) {
        this.#prune();
        this.add(key, weight);
        return;
      }
      this.#key[slot] = key;
      this.#count++;
      this.#weight[slot] = weight;
      if (this.#count * 2 > this.#capacity) this.#rebuild(this.#capacity * 2, 0);
      return;
    }
    this.#weight[slot]! += weight;
  }

  /** The reported weight of `key`; 0 where it is not held. */
  weightOf(key: number): number {
    return this.#weight[this.#slotOf(key)]!;
  }

  /** Adds all that `other` holds, and its error. */
  merge(other: FrequentTable): void {
    other.forEach((key, weight) => {
      this.add(key, weight);
    });
    this.#error += other.#error;
    this.#prunedCount += other.#prunedCount;
  }

  /** Calls back for each key, in an order that depends on what was added only. */
  forEach(visit: (key: number, weight: number) => void): void {
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.#weight[slot]! > 0) visit(this.#key[slot]!, this.#weight[slot]!);
    }
  }

  #slotOf(key: number): number {
    const mask = this.#capacity - 1;
    let slot = (Math.imul(key, hashFactor) >>> 8) & mask;
    while (this.#weight[slot] !== 0 && this.#key[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #prune(): void {
    const sorted = this.#weight.filter((weight) => weight > 0).sort();
    const cut = sorted[sorted.length - 1 - this.#keysMax]!;
    this.#error += cut;
    this.#rebuild(this.#capacity, cut);
  }

  #rebuild(capacity: number, cut: number): void {
    const key = this.#key;
    const weight = this.#weight;
    const before = this.#count;
    this.#capacity = capacity;
    this.#key = new Uint32Array(capacity);
    this.#weight = new Float64Array(capacity);
    this.#count = 0;
    for (let from = 0; from < key.length; from++) {
      if (!(weight[from]! > cut)) continue;
      const slot = this.#slotOf(key[from]!);
      this.#key[slot] = key[from]!;
      this.#weight[slot] = weight[from]! - cut;
      this.#count++;
    }
    this.#prunedCount += before - this.#count;
  }
}
