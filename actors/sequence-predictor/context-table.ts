/** What followed each pair of segments lately: second-order contexts in a hashed table of fixed size. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

const FIELDS = 5; // previous + 1, current + 1, two successors (id + 1), packed counts
const CONFIRMED_MAX = 15;
const WAYS = 4;

/**
 * For a pair (previous, current): the successor last confirmed most, and a challenger.
 *
 * An entry is found by hash and verified by both ids, so two contexts are never merged. The champion's count rises when it is right
 * and falls when it is wrong; a challenger takes over at a tie at zero. A bucket has four places; the least confirmed yields.
 * The table starts small and doubles when it is half full, up to `entryCountMax`.
 * O(1) a call, 20 bytes an entry. Idea: the two-level predictors of Joseph and Grunwald (ISCA 1997), with verified keys.
 */
export class ContextTable {
  readonly #entryCountMax: number;
  #entryCount: number;
  #words: Uint32Array;
  #filled = 0;
  #latest = 0;

  constructor(options: { readonly entryCountMax: number }) {
    assert(options.entryCountMax >= 2 && (options.entryCountMax & (options.entryCountMax - 1)) === 0, 'a power of two');
    this.#entryCountMax = options.entryCountMax;
    this.#entryCount = Math.min(4096, options.entryCountMax);
    this.#words = new Uint32Array(this.#entryCount * FIELDS);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Entry of a context in words, or -1. */
  find(previous: number, current: number): number {
    const words = this.#words;
    // What is asked now is mostly told next: the same entry, found without hashing.
    const latest = this.#latest;
    if (words[latest] === previous + 1 && words[latest + 1] === current + 1) return latest;
    const first = this.#bucketOf(previous, current);
    for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
      if (words[at] === previous + 1 && words[at + 1] === current + 1) {
        this.#latest = at;
        return at;
      }
    }
    return -1;
  }

  /** Successor in place 0 or 1 of an entry, or -1. */
  successorAt(entry: number, place: number): number {
    return this.#words[entry + 2 + place]! - 1;
  }

  /** How well the entry's successor in that place is confirmed: 0..15. */
  confirmedAt(entry: number, place: number): number {
    return (this.#words[entry + 4]! >>> (place * 4)) & CONFIRMED_MAX;
  }

  /** How often the context was seen, 0..15. */
  seenAt(entry: number): number {
    return (this.#words[entry + 4]! >>> 8) & 15;
  }

  /** `next` came after (`previous`, `current`). */
  observe(previous: number, current: number, next: number): void {
    const entry = this.find(previous, current);
    if (entry < 0) {
      const claimed = this.#claim(previous, current);
      this.#words[claimed + 2] = next + 1;
      this.#words[claimed + 4] = 1 | (1 << 8);
      return;
    }
    const words = this.#words;
    const packed = words[entry + 4]!;
    let first = packed & CONFIRMED_MAX;
    let second = (packed >>> 4) & CONFIRMED_MAX;
    let seen = (packed >>> 8) & 15;
    if (words[entry + 2] === next + 1) {
      first++;
    } else if (words[entry + 3] === next + 1) {
      second++;
      if (second > first) {
        words[entry + 3] = words[entry + 2]!;
        words[entry + 2] = next + 1;
        const t = first;
        first = second;
        second = t;
      }
    } else if (second <= 1) {
      words[entry + 3] = next + 1;
      second = 1;
    } else {
      second--;
    }
    seen++;
    if (seen > 15) {
      seen = 8;
      first >>>= 1;
      second >>>= 1;
    }
    words[entry + 4] = Math.min(first, 15) | (Math.min(second, 15) << 4) | (seen << 8);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#filled);
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    this.#filled = reader.numbers()[0]!;
    this.#words = reader.array(this.#words);
    this.#entryCount = this.#words.length / FIELDS;
  }

  #bucketOf(previous: number, current: number): number {
    let h = Math.imul(previous + 1, 0x9e3779b1) ^ Math.imul(current + 1, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h ^= h >>> 13;
    return (h & (this.#entryCount - 1) & ~(WAYS - 1)) * FIELDS;
  }

  #claim(previous: number, current: number): number {
    if (this.#filled * 2 > this.#entryCount && this.#entryCount < this.#entryCountMax) this.#grow();
    const words = this.#words;
    const first = this.#bucketOf(previous, current);
    let entry = first;
    for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
      if (words[at] === 0) {
        entry = at;
        break;
      }
      const confirmed = words[at + 4]! & CONFIRMED_MAX;
      if (confirmed < (words[entry + 4]! & CONFIRMED_MAX)) entry = at;
    }
    if (words[entry] !== 0) {
      // The least confirmed yields; the others pay one count, so that nothing stays for ever unseen.
      for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
        if (at !== entry && (words[at + 4]! & CONFIRMED_MAX) > 0) words[at + 4] = words[at + 4]! - 1;
      }
    }
    if (words[entry] === 0) this.#filled++;
    words[entry] = previous + 1;
    words[entry + 1] = current + 1;
    words[entry + 2] = 0;
    words[entry + 3] = 0;
    words[entry + 4] = 0;
    return entry;
  }

  #grow(): void {
    const old = this.#words;
    this.#entryCount *= 2;
    this.#words = new Uint32Array(this.#entryCount * FIELDS);
    this.#filled = 0;
    for (let at = 0; at < old.length; at += FIELDS) {
      if (old[at] === 0) continue;
      let entry = this.#bucketOf(old[at]! - 1, old[at + 1]! - 1);
      // Doubling splits a bucket over two, so there is always room.
      while (this.#words[entry] !== 0) entry += FIELDS;
      for (let field = 0; field < FIELDS; field++) this.#words[entry + field] = old[at + field]!;
      this.#filled++;
    }
  }
}
