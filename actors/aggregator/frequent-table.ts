/** Weights of the most frequent keys in bounded memory. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/** Keys with their weights that no longer change, in order of first appearance. */
export class WeightedKeys {
  readonly key: Uint32Array;
  readonly weight: Float64Array;
  /** By how much a weight may fall short. */
  readonly error: number;
  /** Keys that had to leave. */
  readonly prunedCount: number;

  constructor(key: Uint32Array, weight: Float64Array, error: number, prunedCount: number) {
    this.key = key;
    this.weight = weight;
    this.error = error;
    this.prunedCount = prunedCount;
  }

  forEach(visit: (key: number, weight: number) => void): void {
    for (let i = 0; i < this.key.length; i++) visit(this.key[i]!, this.weight[i]!);
  }
}

/**
 * A Misra-Gries summary that is pruned in bulk: when 2 x `keysMax` keys are held, the (keysMax + 1)-th largest weight is
 * subtracted from all, and those that fall to zero leave.
 *
 * A reported weight never exceeds the true one and falls short of it by at most `error` <= total / keysMax; with at most
 * 2 x keysMax distinct keys it is exact. Misra and Gries, Science of Computer Programming 1982; that pruning and adding two
 * summaries keeps the bound: Agarwal et al., "Mergeable Summaries", PODS 2012. O(1) amortised per add: keys are dense ids,
 * so they index a table instead of being hashed. Memory: 4 bytes an id ever seen, 12 a key held.
 */
export class FrequentTable {
  readonly #keysMax: number;
  /** Place of each key that is held, else -1. */
  #at = new Int32Array(1024).fill(-1);
  #key = new Uint32Array(64);
  #weight = new Float64Array(64);
  #count = 0;
  #error = 0;
  #prunedCount = 0;

  constructor(keysMax: number) {
    assert(Number.isInteger(keysMax) && keysMax >= 1 && keysMax <= 2 ** 24, `keysMax lies in 1..2^24, not ${keysMax}`);
    this.#keysMax = keysMax;
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
    const at = key < this.#at.length ? this.#at[key]! : -1;
    if (at >= 0) this.#weight[at] = this.#weight[at]! + weight;
    else this.#insert(key, weight);
  }

  /** {@link add} of each of the rows [from, to). Most keys of a young pane are new, so these are put in place here while there is room. */
  addRows(keys: Uint32Array, weights: Float64Array, from: number, to: number): void {
    let places = this.#at;
    let held = this.#key;
    let sums = this.#weight;
    let room = Math.min(held.length, 2 * this.#keysMax);
    let count = this.#count;
    for (let row = from; row < to; row++) {
      const key = keys[row]!;
      const weight = weights[row]!;
      if (!(weight > 0)) continue;
      const at = key < places.length ? places[key]! : -1;
      if (at >= 0) {
        sums[at] = sums[at]! + weight;
      } else if (count < room && key < places.length) {
        places[key] = count;
        held[count] = key;
        sums[count] = weight;
        count++;
      } else {
        this.#count = count;
        this.#insert(key, weight);
        places = this.#at;
        held = this.#key;
        sums = this.#weight;
        room = Math.min(held.length, 2 * this.#keysMax);
        count = this.#count;
      }
    }
    this.#count = count;
  }

  /** The reported weight of `key`; 0 where it is not held. */
  weightOf(key: number): number {
    const at = key < this.#at.length ? this.#at[key]! : -1;
    return at < 0 ? 0 : this.#weight[at]!;
  }

  /** Adds all that `other` holds, and its error. */
  merge(other: WeightedKeys): void {
    this.addRows(other.key, other.weight, 0, other.key.length);
    this.#error += other.error;
    this.#prunedCount += other.prunedCount;
  }

  /** Calls back for each key, in an order that depends on what was added only. */
  forEach(visit: (key: number, weight: number) => void): void {
    for (let i = 0; i < this.#count; i++) visit(this.#key[i]!, this.#weight[i]!);
  }

  /** What is held; the table starts anew and keeps its memory. */
  take(): WeightedKeys {
    const count = this.#count;
    const taken = new WeightedKeys(
      this.#key.slice(0, count),
      this.#weight.slice(0, count),
      this.#error,
      this.#prunedCount,
    );
    for (let i = 0; i < count; i++) this.#at[this.#key[i]!] = -1;
    this.#count = 0;
    this.#error = 0;
    this.#prunedCount = 0;
    return taken;
  }

  /** Everything but what the settings give: #keysMax. */
  persist(fields: StateFields): void {
    this.#at = fields.array(this.#at);
    this.#key = fields.array(this.#key);
    this.#weight = fields.array(this.#weight);
    this.#count = fields.number(this.#count);
    this.#error = fields.number(this.#error);
    this.#prunedCount = fields.number(this.#prunedCount);
  }

  #insert(key: number, weight: number): void {
    if (this.#count >= 2 * this.#keysMax) this.#prune();
    if (key >= this.#at.length) {
      const longer = new Int32Array(Math.max(key + 1, this.#at.length * 2)).fill(-1);
      longer.set(this.#at);
      this.#at = longer;
    }
    if (this.#count === this.#key.length) {
      const keys = new Uint32Array(this.#count * 2);
      keys.set(this.#key);
      this.#key = keys;
      const weights = new Float64Array(this.#count * 2);
      weights.set(this.#weight);
      this.#weight = weights;
    }
    const at = this.#count++;
    this.#at[key] = at;
    this.#key[at] = key;
    this.#weight[at] = weight;
  }

  #prune(): void {
    const before = this.#count;
    const cut = smallest(this.#weight.slice(0, before), before - 1 - this.#keysMax);
    this.#error += cut;
    let kept = 0;
    for (let from = 0; from < before; from++) {
      const key = this.#key[from]!;
      const weight = this.#weight[from]!;
      this.#at[key] = weight > cut ? kept : -1;
      if (!(weight > cut)) continue;
      this.#key[kept] = key;
      this.#weight[kept] = weight - cut;
      kept++;
    }
    this.#count = kept;
    this.#prunedCount += before - kept;
  }
}

/** The value that would stand at `rank` if `values`, which are put in disorder, were sorted: Hoare's quickselect, CACM 1961. */
function smallest(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[(low + high) >>> 1]!;
    let up = low;
    let down = high;
    while (up <= down) {
      while (values[up]! < pivot) up++;
      while (values[down]! > pivot) down--;
      if (up > down) break;
      const other = values[up]!;
      values[up++] = values[down]!;
      values[down--] = other;
    }
    if (rank <= down) high = down;
    else if (rank >= up) low = up;
    else break;
  }
  return values[rank]!;
}
