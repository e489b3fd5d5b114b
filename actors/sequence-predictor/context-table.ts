/** What followed each pair of segments lately: second-order contexts in a hashed table of fixed size. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { type ExtendTable, nowhere } from './extend-table.ts';

/** Words of an entry: previous + 1, current + 1, two successors (id + 1), packed counts. */
const FIELDS = 5;
const SUCCESSOR = 2;
const COUNTS = 4;
/** For who reads {@link ContextTable.words}. */
export const CONTEXT_SUCCESSOR = SUCCESSOR;
export const CONTEXT_COUNTS = COUNTS;
const WAYS = 3;
/** Three entries and a spare word: 64 bytes, one cache line. */
const BUCKET = 16;
/** The spare word of the first bucket: entries filled. */
const FILLED = 15;
const COUNT_MAX = 15;

/**
 * For a pair (previous, current): the successor last confirmed most, and a challenger.
 *
 * An entry is found by hash and verified by both ids, so two contexts are never merged. The champion's count rises when it is right
 * and falls when it is wrong; a challenger takes over at a tie at zero. A bucket has three places; the least confirmed yields.
 * The table starts small and doubles when a third of it is filled, up to `entryCountMax` entries, as long as it may grow.
 * O(1) a call, 21 bytes an entry. Idea: the two-level predictors of Joseph and Grunwald (ISCA 1997), with verified keys.
 */
export class ContextTable {
  readonly #bucketCountMax: number;
  readonly #mayGrow: (bytes: number) => boolean;
  #bucketCount: number;
  #words: Int32Array;
  #extend: ExtendTable = nowhere;

  /** `mayGrow` is asked before the table grows by so many bytes. */
  constructor(options: { readonly entryCountMax: number; readonly mayGrow: (bytes: number) => boolean }) {
    assert(options.entryCountMax >= WAYS, `a table holds at least ${WAYS} contexts`);
    let bucketCount = 1;
    while (bucketCount * 2 * WAYS <= options.entryCountMax) bucketCount *= 2;
    this.#bucketCountMax = bucketCount;
    this.#mayGrow = options.mayGrow;
    this.#bucketCount = Math.min(1024, bucketCount);
    this.#words = new Int32Array(this.#bucketCount * BUCKET);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Entry of a context, or -1. */
  find(previous: number, current: number): number {
    const words = this.#words;
    const a = (previous + 1) | 0;
    const b = (current + 1) | 0;
    const first = this.#bucketOf(a, b);
    // The three places, written out: a loop would check the table anew for each.
    if (words[first] === a && words[first + 1] === b) return first;
    if (words[first + FIELDS] === a && words[first + FIELDS + 1] === b) return first + FIELDS;
    if (words[first + 2 * FIELDS] === a && words[first + 2 * FIELDS + 1] === b) return first + 2 * FIELDS;
    return -1;
  }

  /** Words behind the entries, for loops that read them in place: an entry's two successors + 1 from `CONTEXT_SUCCESSOR` on, its counts at `CONTEXT_COUNTS`. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Entries beyond which the next new one makes the table grow. */
  get filledMax(): number {
    return this.#bucketCount < this.#bucketCountMax ? this.#bucketCount : 2 ** 31 - 1;
  }

  /** Goes on in `words`, which must hold what {@link words} does; `extend` is asked first when they grow. */
  adopt(words: Int32Array, extend: ExtendTable): void {
    this.#words = words;
    this.#extend = extend;
  }

  /** Successor in place 0 or 1 of an entry, or -1. */
  successorAt(entry: number, place: number): number {
    return this.#words[entry + SUCCESSOR + place]! - 1;
  }

  /** How well the entry's successor in that place is confirmed: 0..15. */
  confirmedAt(entry: number, place: number): number {
    return (this.#words[entry + COUNTS]! >>> (place * 4)) & COUNT_MAX;
  }

  /** How often the context was seen, 0..15. */
  seenAt(entry: number): number {
    return (this.#words[entry + COUNTS]! >>> 8) & COUNT_MAX;
  }

  /** `next` came after (`previous`, `current`). `hint`: where {@link find} saw this context lately, or -1; spares looking for it. */
  observe(previous: number, current: number, next: number, hint = -1): void {
    const words = this.#words;
    const isThere = hint >= 0 && words[hint] === previous + 1 && words[hint + 1] === current + 1;
    const at = isThere ? hint : this.find(previous, current);
    if (at >= 0) confirm(words, at, next + 1);
    else this.#claim(previous + 1, current + 1, next + 1);
  }

  /** The pairs that are kept, for whoever takes them over. O(entries). */
  forEach(visit: (previous: number, current: number, entry: number) => void): void {
    const words = this.#words;
    for (let first = 0; first < words.length; first += BUCKET) {
      for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
        if (words[at] !== 0) visit(words[at]! - 1, words[at + 1]! - 1, at);
      }
    }
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#words[FILLED]!);
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    reader.numbers();
    this.#words = reader.array(this.#words);
    this.#bucketCount = this.#words.length / BUCKET;
  }

  #bucketOf(a: number, b: number): number {
    let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h ^= h >>> 13;
    return (h & (this.#bucketCount - 1)) * BUCKET;
  }

  /** A new context takes the place of the least confirmed of its bucket. */
  #claim(a: number, b: number, next: number): void {
    const isCrowded = this.#words[FILLED]! > this.filledMax;
    if (isCrowded && this.#mayGrow(this.#words.byteLength)) this.#grow();
    const words = this.#words;
    const first = this.#bucketOf(a, b);
    let entry = first;
    for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
      if (words[at] === 0) {
        entry = at;
        break;
      }
      if ((words[at + COUNTS]! & COUNT_MAX) < (words[entry + COUNTS]! & COUNT_MAX)) entry = at;
    }
    if (words[entry] === 0) {
      words[FILLED] = words[FILLED]! + 1;
    } else {
      // The others pay one count, so that nothing stays for ever unseen.
      for (let at = first; at < first + WAYS * FIELDS; at += FIELDS) {
        if (at !== entry && (words[at + COUNTS]! & COUNT_MAX) > 0) words[at + COUNTS] = words[at + COUNTS]! - 1;
      }
    }
    words[entry] = a;
    words[entry + 1] = b;
    words[entry + SUCCESSOR] = next;
    words[entry + SUCCESSOR + 1] = 0;
    words[entry + COUNTS] = 1 | (1 << 8);
  }

  #grow(): void {
    const old = this.#words;
    this.#bucketCount *= 2;
    const length = this.#bucketCount * BUCKET;
    const words = this.#extend(old, length) ?? new Int32Array(length);
    this.#words = words;
    words[FILLED] = old[FILLED]!;
    const bucket = new Int32Array(WAYS * FIELDS);
    for (let first = 0; first < old.length; first += BUCKET) {
      // Where it grows in place, half of them go back to where they were.
      for (let i = 0; i < bucket.length; i++) {
        bucket[i] = old[first + i]!;
        old[first + i] = 0;
      }
      for (let at = 0; at < bucket.length; at += FIELDS) {
        if (bucket[at] === 0) continue;
        let entry = this.#bucketOf(bucket[at]!, bucket[at + 1]!);
        // Doubling splits a bucket over two, so there is always room.
        while (words[entry] !== 0) entry += FIELDS;
        for (let field = 0; field < FIELDS; field++) words[entry + field] = bucket[at + field]!;
      }
    }
  }
}

function confirm(words: Int32Array, at: number, id: number): void {
  const packed = words[at + COUNTS]!;
  let first = packed & COUNT_MAX;
  let second = (packed >>> 4) & COUNT_MAX;
  let seen = ((packed >>> 8) & COUNT_MAX) + 1;
  if (words[at + SUCCESSOR] === id) {
    first++;
  } else if (words[at + SUCCESSOR + 1] === id) {
    second++;
    if (second > first) {
      words[at + SUCCESSOR + 1] = words[at + SUCCESSOR]!;
      words[at + SUCCESSOR] = id;
      const t = first;
      first = second;
      second = t;
    }
  } else if (second <= 1) {
    words[at + SUCCESSOR + 1] = id;
    second = 1;
  } else {
    second--;
  }
  if (seen > COUNT_MAX) {
    seen = 8;
    first >>>= 1;
    second >>>= 1;
  }
  words[at + COUNTS] = Math.min(first, COUNT_MAX) | (Math.min(second, COUNT_MAX) << 4) | (seen << 8);
}
