/** Count, bytes, last access and decayed frequency by key: the kernel of windowed aggregation. */

import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { exp2 } from '../../engine/exp2.ts';
import { alignedBuffer } from './aligned-memory.ts';

/** Aggregates of one window, as parallel columns: by ascending key where keys are dense, else in order of first appearance. */
export interface KeyedAggregateColumns {
  readonly key: Uint32Array;
  /** Sum of weights. */
  readonly count: Float64Array;
  /** Sum of size x weight; a row of unknown size adds nothing. */
  readonly bytes: Float64Array;
  /** Instant of the last row. */
  readonly last: Float64Array;
  /** Sum of weight x 2^-((end - instant) / halfLife), `end` being the window's. */
  readonly decayed: Float64Array;
}

const blockRows = 512;
const hashFactor = 0x9e3779b1;
/** The count field holds the count plus one, 0 marking an empty slot. */
const countMax = 0xffff_fffe;

/**
 * An open-addressing table of 32-byte slots: key u32, count + 1 u32, bytes f64, last f64, decayed f64.
 *
 * Random access to memory decides its speed, so a slot never straddles a cache line (see aligned-memory.ts), and each
 * block of 512 rows first touches all the slots it will need, letting the loads overlap, before it updates them.
 * Fibonacci hashing (Knuth, TAOCP 3, 6.4), linear probing, load at most 1/2. `dense` keys (ids by first appearance) index
 * the table directly: no probing, and hot ids, which tend to come early, share cache lines.
 * Memory: 32 bytes for each of 2-4 slots a key, or for each id below the largest when dense; freed never, reused by `clear`.
 */
export class KeyedAggregate {
  readonly #isDense: boolean;
  readonly #keysMax: number;
  #capacity: number;
  #shift: number;
  #u32: Uint32Array;
  #f64: Float64Array;
  /** Occupied slots, in order of first appearance. */
  #order: Uint32Array;
  #count = 0;
  #weightTotal = 0;
  readonly #slots = new Uint32Array(blockRows);
  #touched = 0;

  constructor(options: { readonly layout?: 'hashed' | 'dense'; readonly keysMax?: number } = {}) {
    this.#isDense = options.layout === 'dense';
    this.#keysMax = options.keysMax ?? 2 ** 26;
    assert(this.#keysMax >= 1 && this.#keysMax <= 2 ** 27, `keysMax lies in 1..2^27, not ${this.#keysMax}`);
    this.#capacity = 2048;
    this.#shift = 21;
    const buffer = alignedBuffer(this.#capacity * 32);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#order = new Uint32Array(1024);
  }

  /** Distinct keys since the last `clear`. */
  get keyCount(): number {
    return this.#count;
  }

  /**
   * Adds rows [start, end) of the columns, whose instants never decrease and do not exceed `windowEnd`.
   * @throws AnteroomError('bad-record') for a weight that is not a whole number, ('limit') beyond 2^32 - 2 accesses or
   * `keysMax` keys in one window.
   */
  observe(
    key: Uint32Array,
    instant: Float64Array,
    size: Float64Array,
    weight: Float64Array,
    start: number,
    end: number,
    windowEnd: number,
    halfLife: number,
  ): void {
    assert(halfLife > 0, `a half-life is positive, not ${halfLife}`);
    for (let from = start; from < end; from += blockRows) {
      const to = Math.min(end, from + blockRows);
      if (this.#isDense) this.#observeDense(key, instant, size, weight, from, to, windowEnd, 1 / halfLife);
      else this.#observeHashed(key, instant, size, weight, from, to, windowEnd, 1 / halfLife);
    }
  }

  /** The aggregates so far. Copies: the table can be cleared and used again. */
  columns(): KeyedAggregateColumns {
    const n = this.#count;
    const slots = this.#isDense ? this.#ascendingSlots() : this.#order;
    const key = new Uint32Array(n);
    const count = new Float64Array(n);
    const bytes = new Float64Array(n);
    const last = new Float64Array(n);
    const decayed = new Float64Array(n);
    const u32 = this.#u32;
    const f64 = this.#f64;
    let touched = 0;
    for (let from = 0; from < n; from += blockRows) {
      const to = Math.min(n, from + blockRows);
      for (let i = from; i < to; i++) touched ^= u32[slots[i]! << 3]!;
      for (let i = from; i < to; i++) {
        const u = slots[i]! << 3;
        const f = slots[i]! << 2;
        key[i] = u32[u]!;
        count[i] = u32[u + 1]! - 1;
        bytes[i] = f64[f + 1]!;
        last[i] = f64[f + 2]!;
        decayed[i] = f64[f + 3]!;
      }
    }
    this.#touched ^= touched;
    return { key, count, bytes, last, decayed };
  }

  /** Forgets all keys; O(keys) or one sweep of the table, whichever is less. */
  clear(): void {
    if (this.#count * 8 > this.#capacity) {
      this.#f64.fill(0);
    } else {
      for (let i = 0; i < this.#count; i++) this.#f64.fill(0, this.#order[i]! * 4, this.#order[i]! * 4 + 4);
    }
    this.#count = 0;
    this.#weightTotal = 0;
  }

  /** Occupied slots of a dense table in order: by a sweep where it is full enough, else by sorting. */
  #ascendingSlots(): Uint32Array {
    if (this.#count * 16 < this.#capacity) return this.#order.slice(0, this.#count).sort();
    const slots = new Uint32Array(this.#count);
    const u32 = this.#u32;
    for (let slot = 0, n = 0; n < slots.length; slot++) {
      if (u32[slot * 8 + 1] !== 0) slots[n++] = slot;
    }
    return slots;
  }

  /** Accounts for a block's weights before any row is counted: a refused block leaves the table as it was. */
  #admit(total: number, isWhole: boolean): void {
    if (!isWhole) throw new AnteroomError('bad-record', 'a weight is not a whole number in 0..2^32-1');
    if (this.#weightTotal + total > countMax) {
      throw new AnteroomError('limit', `a window holds at most ${countMax} accesses`, {
        context: { accesses: this.#weightTotal + total },
      });
    }
    this.#weightTotal += total;
  }

  #observeHashed(
    key: Uint32Array,
    instant: Float64Array,
    size: Float64Array,
    weight: Float64Array,
    from: number,
    to: number,
    windowEnd: number,
    inverseHalfLife: number,
  ): void {
    if ((this.#count + blockRows) * 2 > this.#capacity) this.#grow((this.#count + blockRows) * 2);
    const u32 = this.#u32;
    const f64 = this.#f64;
    const slots = this.#slots;
    const mask = this.#capacity - 1;
    const shift = this.#shift;
    let touched = 0;
    let total = 0;
    let isWhole = true;
    for (let i = from; i < to; i++) {
      const slot = Math.imul(key[i]!, hashFactor) >>> shift;
      slots[i - from] = slot;
      touched ^= u32[slot << 3]!;
      const w = weight[i]!;
      total += w;
      if (w !== w >>> 0) isWhole = false;
    }
    this.#touched ^= touched; // keeps the loads alive
    this.#admit(total, isWhole);
    let at = Number.NaN;
    let factor = 0;
    for (let i = from; i < to; i++) {
      const k = key[i]!;
      let slot = slots[i - from]!;
      let u = slot << 3;
      while (u32[u + 1] !== 0 && u32[u] !== k) {
        slot = (slot + 1) & mask;
        u = slot << 3;
      }
      if (u32[u + 1] === 0) {
        u32[u] = k;
        u32[u + 1] = 1;
        this.#append(slot);
      }
      const t = instant[i]!;
      if (t !== at) {
        at = t;
        factor = exp2((t - windowEnd) * inverseHalfLife);
      }
      const w = weight[i]!;
      const bytes = size[i]!;
      const f = slot << 2;
      u32[u + 1] = u32[u + 1]! + w;
      f64[f + 1] = f64[f + 1]! + (bytes > 0 ? bytes * w : 0);
      f64[f + 2] = t;
      f64[f + 3] = f64[f + 3]! + factor * w;
    }
  }

  #observeDense(
    key: Uint32Array,
    instant: Float64Array,
    size: Float64Array,
    weight: Float64Array,
    first: number,
    end: number,
    windowEnd: number,
    inverseHalfLife: number,
  ): void {
    // Integers for the compiler too: a row number that came in as a parameter would be checked and unboxed at every step.
    const from = first | 0;
    const to = end | 0;
    // One pass checks the block, so that a refused one leaves the table as it was, and loads the slots that it will need.
    const before = this.#u32;
    const capacity = this.#capacity | 0;
    let largest = 0;
    let total = 0;
    let isWhole = true;
    let touched = 0;
    let isPlain = true;
    for (let i = from; i < to; i++) {
      const k = key[i]!;
      if (k < capacity) touched ^= before[k << 3]!;
      else if (k > largest) largest = k;
      if (weight[i] !== 1) isPlain = false;
    }
    if (isPlain) {
      total = to - from;
    } else {
      for (let i = from; i < to; i++) {
        const w = weight[i]!;
        total += w;
        if (w !== w >>> 0) isWhole = false;
      }
    }
    this.#touched ^= touched; // keeps the loads alive
    this.#admit(total, isWhole);
    if (largest >= capacity) this.#grow(largest + 1);
    while (this.#count + to - from > this.#order.length) this.#lengthenOrder();
    const tables = { u32: this.#u32, f64: this.#f64, order: this.#order };
    this.#count = isPlain
      ? addPlain(tables, this.#count, key, instant, size, from, to, windowEnd, inverseHalfLife)
      : addWeighed(tables, this.#count, key, instant, size, weight, from, to, windowEnd, inverseHalfLife);
  }

  #append(slot: number): void {
    if (this.#count === this.#order.length) this.#lengthenOrder();
    this.#order[this.#count++] = slot;
  }

  #lengthenOrder(): void {
    const longer = new Uint32Array(this.#order.length * 2);
    longer.set(this.#order);
    this.#order = longer;
  }

  #grow(slotsNeeded: number): void {
    if (slotsNeeded > this.#keysMax * (this.#isDense ? 1 : 2) + 2 * blockRows) {
      throw new AnteroomError('limit', `a window holds at most ${this.#keysMax} keys`, {
        context: { slots: slotsNeeded },
      });
    }
    const u32 = this.#u32;
    const f64 = this.#f64;
    while (this.#capacity < slotsNeeded) {
      this.#capacity *= 2;
      this.#shift--;
    }
    const buffer = alignedBuffer(this.#capacity * 32);
    const u32After = new Uint32Array(buffer);
    const f64After = new Float64Array(buffer);
    this.#u32 = u32After;
    this.#f64 = f64After;
    if (this.#isDense) {
      // Slots keep their places. Moved as integers: as doubles the two halves of the first could be a NaN, which need not keep its bits.
      u32After.set(u32);
      return;
    }
    const order = this.#order;
    const shift = this.#shift | 0;
    const mask = (this.#capacity - 1) | 0;
    for (let i = 0; i < this.#count; i++) {
      const from = order[i]!;
      const key = u32[from * 8]!;
      let to = Math.imul(key, hashFactor) >>> shift;
      while (u32After[to * 8 + 1] !== 0) to = (to + 1) & mask;
      u32After[to * 8] = key;
      u32After[to * 8 + 1] = u32[from * 8 + 1]!;
      for (let field = 1; field < 4; field++) f64After[to * 4 + field] = f64[from * 4 + field]!;
      order[i] = to;
    }
  }
}

interface DenseTables {
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly order: Uint32Array;
}

/** Adds rows [from, to) that weigh 1 each to the slots of their keys; gives the number of keys, of which there were `count`. */
function addPlain(
  { u32, f64, order }: DenseTables,
  count: number,
  key: Uint32Array,
  instant: Float64Array,
  size: Float64Array,
  from: number,
  to: number,
  windowEnd: number,
  inverseHalfLife: number,
): number {
  let keys = count | 0;
  let at = Number.NaN;
  let factor = 0;
  const end = to | 0;
  for (let i = from | 0; i < end; i++) {
    const slot = key[i]!;
    const u = slot << 3;
    const f = slot << 2;
    let rows = u32[u + 1]!;
    if (rows === 0) {
      u32[u] = slot;
      rows = 1;
      order[keys] = slot;
      keys = (keys + 1) | 0;
    }
    const t = instant[i]!;
    if (t !== at) {
      at = t;
      factor = exp2((t - windowEnd) * inverseHalfLife);
    }
    const bytes = size[i]!;
    u32[u + 1] = rows + 1;
    if (bytes > 0) f64[f + 1] = f64[f + 1]! + bytes;
    f64[f + 2] = t;
    f64[f + 3] = f64[f + 3]! + factor;
  }
  return keys;
}

/** The same for rows of any whole weight. Apart, because a weight costs a column to read and three multiplications a row. */
function addWeighed(
  { u32, f64, order }: DenseTables,
  count: number,
  key: Uint32Array,
  instant: Float64Array,
  size: Float64Array,
  weight: Float64Array,
  from: number,
  to: number,
  windowEnd: number,
  inverseHalfLife: number,
): number {
  let keys = count | 0;
  let at = Number.NaN;
  let factor = 0;
  const end = to | 0;
  for (let i = from | 0; i < end; i++) {
    const slot = key[i]!;
    const u = slot << 3;
    const f = slot << 2;
    let rows = u32[u + 1]!;
    if (rows === 0) {
      u32[u] = slot;
      rows = 1;
      order[keys] = slot;
      keys = (keys + 1) | 0;
    }
    const t = instant[i]!;
    if (t !== at) {
      at = t;
      factor = exp2((t - windowEnd) * inverseHalfLife);
    }
    const w = weight[i]!;
    const bytes = size[i]!;
    u32[u + 1] = rows + (w | 0);
    if (bytes > 0) f64[f + 1] = f64[f + 1]! + bytes * w;
    f64[f + 2] = t;
    f64[f + 3] = f64[f + 3]! + factor * w;
  }
  return keys;
}
