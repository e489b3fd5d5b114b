/** Which row of a bounded table belongs to a key of two words; the table's rows are the caller's. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

const FIRST_CAPACITY = 64;
/** Bytes that the index takes for each row, at most. */
export const INDEX_BYTES = 21;

/**
 * Keys hashed into chains over typed arrays; both words are compared, so two keys never share a row.
 *
 * Rows grow by doubling up to `rowCountMax`. From there on a hand goes round and gives the next row that was not used again since it
 * last passed (Corbató, "A Paging Experiment with the Multics System", 1969), and `evictedCount` counts it. A new row is not marked as used, so a scan
 * of keys that never return takes rows from its own kind. O(1) a call, amortised.
 */
export class RowIndex {
  readonly rowCountMax: number;
  evictedCount = 0;
  rowCount = 0;
  /** Rows that the caller must have room for. */
  capacity: number;
  #keys: Uint32Array;
  #next: Int32Array;
  #heads: Int32Array;
  #isUsed: Uint8Array;
  #hand = 0;

  constructor(rowCountMax: number) {
    assert(rowCountMax >= 1, 'an index has at least one row');
    this.rowCountMax = Math.floor(rowCountMax);
    this.capacity = Math.min(FIRST_CAPACITY, this.rowCountMax);
    this.#keys = new Uint32Array(2 * this.capacity);
    this.#next = new Int32Array(this.capacity);
    this.#isUsed = new Uint8Array(this.capacity);
    this.#heads = headsFor(this.capacity);
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#next.byteLength + this.#heads.byteLength + this.#isUsed.byteLength;
  }

  /** The key's row, or -1. Changes nothing. */
  find(a: number, b: number): number {
    const keys = this.#keys;
    for (let row = this.#heads[this.#chainOf(a, b)]!; row >= 0; row = this.#next[row]!) {
      if (keys[2 * row] === a && keys[2 * row + 1] === b) return row;
    }
    return -1;
  }

  /** Marks a row as used: the hand spares it once. */
  use(row: number): void {
    this.#isUsed[row] = 1;
  }

  /** A row for a key that has none, with whatever its last owner left in it. The caller guarantees that the key has none and looks at {@link capacity} afterwards. */
  claim(a: number, b: number): number {
    if (this.rowCount === this.capacity && this.capacity < this.rowCountMax) this.#grow();
    const row = this.rowCount < this.capacity ? this.rowCount++ : this.#evict();
    this.#keys[2 * row] = a;
    this.#keys[2 * row + 1] = b;
    this.#isUsed[row] = 0;
    this.#link(row);
    return row;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.rowCount, this.#hand, this.evictedCount);
    for (const array of [this.#keys, this.#next, this.#heads, this.#isUsed]) writer.array(array);
  }

  load(reader: SnapshotReader): void {
    const [rowCount, hand, evictedCount] = reader.numbers();
    this.rowCount = rowCount!;
    this.#hand = hand!;
    this.evictedCount = evictedCount!;
    this.#keys = reader.array(this.#keys);
    this.#next = reader.array(this.#next);
    this.#heads = reader.array(this.#heads);
    this.#isUsed = reader.array(this.#isUsed);
    this.capacity = this.#next.length;
    assert(this.capacity <= this.rowCountMax, 'a snapshot made with more rows');
  }

  #chainOf(a: number, b: number): number {
    let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h ^= h >>> 13;
    return h & (this.#heads.length - 1);
  }

  #link(row: number): void {
    const chain = this.#chainOf(this.#keys[2 * row]!, this.#keys[2 * row + 1]!);
    this.#next[row] = this.#heads[chain]!;
    this.#heads[chain] = row;
  }

  #evict(): number {
    const isUsed = this.#isUsed;
    let row = this.#hand;
    // Each step clears a mark that some call has set, so the steps are paid for.
    while (isUsed[row] === 1) {
      isUsed[row] = 0;
      row = row + 1 === this.capacity ? 0 : row + 1;
    }
    this.#hand = row + 1 === this.capacity ? 0 : row + 1;
    this.evictedCount++;
    const chain = this.#chainOf(this.#keys[2 * row]!, this.#keys[2 * row + 1]!);
    if (this.#heads[chain] === row) {
      this.#heads[chain] = this.#next[row]!;
    } else {
      let before = this.#heads[chain]!;
      while (this.#next[before] !== row) before = this.#next[before]!;
      this.#next[before] = this.#next[row]!;
    }
    return row;
  }

  #grow(): void {
    const capacity = Math.min(2 * this.capacity, this.rowCountMax);
    const keys = new Uint32Array(2 * capacity);
    keys.set(this.#keys);
    const isUsed = new Uint8Array(capacity);
    isUsed.set(this.#isUsed);
    this.#keys = keys;
    this.#isUsed = isUsed;
    this.#next = new Int32Array(capacity);
    this.#heads = headsFor(capacity);
    this.capacity = capacity;
    for (let row = 0; row < this.rowCount; row++) this.#link(row);
  }
}

/** Chains: the power of two from `capacity` on. */
function headsFor(capacity: number): Int32Array {
  let count = 1;
  while (count < capacity) count *= 2;
  return new Int32Array(count).fill(-1);
}
