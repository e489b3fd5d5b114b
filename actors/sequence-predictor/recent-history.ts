/** The latest distinct segments of each consumer, with where in the log they were, and which of them are old enough to learn from. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { type ExtendTable, nowhere } from './extend-table.ts';

/** Segments kept for each consumer; a power of two. */
export const HISTORY_LENGTH = 32;
const MASK = HISTORY_LENGTH - 1;
/** Entry `index` of a record has its fields at `index & HISTORY_MASK`. */
export const HISTORY_MASK = MASK;

/** Words of a consumer's record: entries pushed, entries ripe, a hint; segments and their positions. */
const PUSHED = 0;
const RIPE = 1;
const HINT = 2;
const SEGMENTS = 4;
const POSITIONS = SEGMENTS + HISTORY_LENGTH;
/** Where they are in a record of {@link RecentHistory.words}. */
export const HistoryField = {
  pushed: PUSHED,
  ripe: RIPE,
  hint: HINT,
  segments: SEGMENTS,
  positions: POSITIONS,
} as const;
const STRIDE = POSITIONS + HISTORY_LENGTH;
/** Consumers that there is room for at first. */
const FIRST_COUNT = 16;
/** Bytes of a consumer's record. */
export const HISTORY_BYTES = 4 * STRIDE;

/**
 * A ring per consumer over one typed array. Consumer -1 (absent) has a ring of its own, so a trace without consumers has one
 * global order. Consumers beyond `consumerCountMax` share rings by their id modulo that number: memory is bounded, and at the
 * bound orders mix instead of failing.
 *
 * An entry is ripe once as many accesses have passed as a fetch takes: what comes from then on could have been there in time, had it been
 * fetched at that entry. Where fetches land at once every entry is ripe by the consumer's next access. O(1) a call, amortised.
 */
export class RecentHistory {
  #consumerCountMax: number;
  #words: Int32Array;
  #extend: ExtendTable = nowhere;

  constructor(options: { readonly consumerCountMax: number }) {
    assert(options.consumerCountMax >= 1, 'a history holds at least one consumer');
    this.#consumerCountMax = options.consumerCountMax;
    this.#words = new Int32Array(FIRST_COUNT * STRIDE);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Words behind the records, for loops that read them in place: see {@link HistoryField}. Replaced when the table grows. */
  get words(): Int32Array {
    return this.#words;
  }

  /** Goes on in `words`, which must hold what {@link words} does; `extend` is asked first when they grow. */
  adopt(words: Int32Array, extend: ExtendTable): void {
    this.#words = words;
    this.#extend = extend;
  }

  /** Consumers with a ring of their own at most. */
  get consumerCountMax(): number {
    return this.#consumerCountMax;
  }

  /** From now on there are no more than that; consumers above it that had a ring go on in one that they share. */
  limit(consumerCountMax: number): void {
    this.#consumerCountMax = Math.min(this.#consumerCountMax, Math.max(1, consumerCountMax));
  }

  /** Records up to the last in which anything was pushed. O(consumers). */
  get usedCount(): number {
    let count = this.#words.length / STRIDE;
    while (count > 0 && this.#words[(count - 1) * STRIDE + PUSHED] === 0) count--;
    return count;
  }

  /** Bytes at the longest. */
  get bytesMax(): number {
    return Math.max(FIRST_COUNT, this.#consumerCountMax + 1) * HISTORY_BYTES;
  }

  /** The consumer's record, to be handed to the other calls; makes room for it. */
  recordOf(consumer: number): number {
    const n = this.#consumerCountMax;
    const record = (consumer < 0 ? 0 : 1 + (consumer < n ? consumer : consumer % n)) * STRIDE;
    if (record >= this.#words.length) this.#grow(record);
    return record;
  }

  /** Entries ever pushed; the latest {@link HISTORY_LENGTH} of them are kept. */
  pushedCount(record: number): number {
    return this.#words[record + PUSHED]!;
  }

  /** Segment of entry `index` (from 0, counted from the first push); the caller guarantees that it is kept. */
  segmentAt(record: number, index: number): number {
    return this.#words[record + SEGMENTS + (index & MASK)]!;
  }

  /** Entries that {@link ripen} has passed. */
  ripeCount(record: number): number {
    return this.#words[record + RIPE]!;
  }

  /** The next entry becomes ripe if more than `age` accesses old at `position`, or about to be overwritten; gives its index, else -1. */
  ripen(record: number, position: number, age: number): number {
    const words = this.#words;
    const index = words[record + RIPE]!;
    const pushed = words[record + PUSHED]!;
    if (index === pushed) return -1;
    const since = (position - words[record + POSITIONS + (index & MASK)]!) | 0;
    if (since <= age && pushed - index < HISTORY_LENGTH) return -1;
    words[record + RIPE] = index + 1;
    return index;
  }

  /** Where the caller saw what it keeps of the latest two entries; -1 after each push. */
  hintOf(record: number): number {
    return this.#words[record + HINT]!;
  }

  setHint(record: number, hint: number): void {
    this.#words[record + HINT] = hint;
  }

  /** What the hints pointed at is no longer there. O(consumers). */
  clearHints(): void {
    for (let at = HINT; at < this.#words.length; at += STRIDE) this.#words[at] = -1;
  }

  /** Adds an entry; every entry but the latest {@link HISTORY_LENGTH} - 1 must have been ripened. */
  push(record: number, segment: number, position: number): void {
    const words = this.#words;
    const index = words[record + PUSHED]!;
    words[record + PUSHED] = index + 1;
    words[record + HINT] = -1;
    words[record + SEGMENTS + (index & MASK)] = segment;
    words[record + POSITIONS + (index & MASK)] = position;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    this.#words = reader.array(this.#words);
  }

  #grow(record: number): void {
    const length = Math.min(Math.max(this.#words.length * 2, record + STRIDE), this.bytesMax / 4);
    this.#words = this.#extend(this.#words, length) ?? copied(this.#words, length);
  }
}

function copied(words: Int32Array, length: number): Int32Array {
  const longer = new Int32Array(length);
  longer.set(words);
  return longer;
}
