/** Memory of order where bytes are short: a record of 20 bytes for each segment and each pair, in one table of fixed size. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import {
  aged,
  ageIn,
  codeOf,
  confirm,
  FIELDS,
  FIRST,
  ID_MASK,
  OLDEST,
  PACKED,
  placed,
  promote,
  VISITS_MASK,
  WEIGHT_MASK,
  weightIn,
  without,
} from './compact-record.ts';

/** Records of a bucket: two cache lines. */
const WAYS = 6;
const BUCKET = WAYS * FIELDS;
/** Bytes of the smallest table. */
export const COMPACT_BYTES_MIN = 4 * BUCKET;

/** The two highest bits of the first successor are the record's worth, beyond `ID_MASK`. */
const SECOND = FIRST + 1;
const WORTH = 30;
const WORTH_ONE = 2 ** WORTH;
const WORTH_MOST = 3 * WORTH_ONE;
/** Highest bit of the second successor: the segment's further successors were given a record of their own. */
const HAS_FURTHER = 2 ** 31;
/** Claims of a full bucket after which its records' worth falls by one. */
const WEAR_EVERY = 32;
/** Where every record of a bucket has been worth something, only every so manyth newcomer takes a place. */
const YIELD_EVERY = 4;

/** Weight of one observation at full recency. */
export const COMPACT_ONE = 2;
/** Confirmations and sightings of a pair, at most. */
const PAIR_MAX = 15;

/** What a record is about: the two lowest bits of its key. */
export const OrderKind = { successor: 0, missSuccessor: 1, pair: 2, further: 3 } as const;

/** Key of what follows a segment: exact. */
export function successorKey(segment: number, kind: number): number {
  return (((segment + 1) << 2) | kind) >>> 0;
}

/** Key of what follows a pair: a hash of 30 bits. With n pairs in the table a pair that is not there meets another's record once in 2^30 / n times. */
export function pairKey(previous: number, current: number): number {
  let h = Math.imul(previous + 1, 0x9e3779b1) ^ Math.imul(current + 1, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
  h ^= h >>> 13;
  return ((h & ~3) | OrderKind.pair) >>> 0;
}

/**
 * Successors of segments, and of pairs, in buckets of six records found by hash.
 *
 * A segment's record counts visits and, for three successors, the visits after which each came, by how soon, in steps of half an observation, and how
 * many visits ago: what `SuccessorTable` keeps of eight, in fewer bits. A successor seen at the present visit is not pushed out by
 * a later one of the same visit; an older one is worn down first. Who is refused
 * may stand among three further ones in a record that competes for its place by itself, and comes forward once it is the stronger. A pair's record counts as that of `ContextTable` does.
 *
 * Segments and pairs compete for places by worth: a record that named a segment which was not at hand is worth most, one that never did goes
 * first, and of these the one confirmed least. Worth wears off by claims, slowly, and a bucket full of worth yields only to every
 * fourth newcomer: a loop longer than the table keeps part of itself instead of losing each record just before it is needed
 * (the lesson of Qureshi et al., "Adaptive Insertion Policies", ISCA 2007). O(6) a call.
 */
export class CompactOrder {
  /** Records taken from one owner for another. */
  replacedCount = 0;
  readonly #visitsMax: number;
  readonly #bucketCount: number;
  #words: Uint32Array;
  #claimCount = 0;

  constructor(options: { readonly bytesMax: number; readonly visitsMax: number }) {
    assert(options.bytesMax >= COMPACT_BYTES_MIN, `${options.bytesMax} bytes do not hold ${WAYS} records`);
    this.#visitsMax = Math.min(VISITS_MASK, options.visitsMax);
    this.#bucketCount = Math.floor(options.bytesMax / COMPACT_BYTES_MIN);
    this.#words = new Uint32Array(this.#bucketCount * BUCKET);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Record of a key, or -1; it stands until the next call that learns. */
  find(key: number): number {
    const words = this.#words;
    const first = this.#bucketOf(key);
    for (let at = first; at < first + BUCKET; at += FIELDS) if (words[at] === key) return at;
    return -1;
  }

  /** Visits counted, or sightings of a pair (0..15). */
  visitsAt(record: number): number {
    return this.#words[record + PACKED]! & VISITS_MASK;
  }

  /** Successor in place 0, 1 or 2 (of a pair 0 or 1), the strongest first; -1 = none. */
  successorAt(record: number, place: number): number {
    return (this.#words[record + FIRST + place]! & ID_MASK) - 1;
  }

  /** Its weight in units of which one visit is worth {@link COMPACT_ONE} at most; confirmations (0..15) of a pair's. */
  weightAt(record: number, place: number): number {
    return weightIn(this.#words[record + PACKED]!, place);
  }

  /** Visits ago that it was confirmed: 1 = at the latest one; exact up to 4. */
  ageAt(record: number, place: number): number {
    return ageIn(this.#words[record + PACKED]!, place);
  }

  /** The record named something that was not at hand: it is spared for long. */
  praise(record: number): void {
    this.#words[record + FIRST] = this.#words[record + FIRST]! | WORTH_MOST;
  }

  /** Counts a visit of the segment behind `key`, which may be told from now on what came after it. */
  visit(key: number): void {
    const at = this.find(key);
    if (at < 0) {
      const record = this.#claim(key, WORTH_ONE);
      if (record >= 0) this.#words[record + PACKED] = 1 | OLDEST;
      return;
    }
    const packed = this.#words[at + PACKED]!;
    let visits = packed & VISITS_MASK;
    const shift = visits >= this.#visitsMax ? 1 : 0;
    visits = (visits >>> shift) + 1;
    this.#words[at + PACKED] = aged(packed, visits, shift);
    const further = this.furtherOf(key, at);
    if (further >= 0) this.#words[further + PACKED] = aged(this.#words[further + PACKED]!, visits, shift);
  }

  /** Record of the segment's fourth to sixth successor, which counts no visits of its own; -1 = none. `record`: the segment's. */
  furtherOf(key: number, record: number): number {
    return this.#words[record + SECOND]! >= HAS_FURTHER ? this.find((key | OrderKind.further) >>> 0) : -1;
  }

  /** `target` came after the segment behind `key`, worth `weight` of at most {@link COMPACT_ONE}; a second time within one visit is ignored, and so is a segment without a record. */
  observe(key: number, target: number, weight: number): void {
    const at = this.find(key);
    if (at < 0) return;
    const words = this.#words;
    if (confirm(words, at, target + 1, weight) || (key & 3) !== OrderKind.successor) return;
    // Beside the strongest three there may be three more, where there is room for them.
    let further = this.furtherOf(key, at);
    if (further < 0) {
      further = this.#claim((key | OrderKind.further) >>> 0, 0);
      // The newcomer may have taken the place of the segment's own record.
      if (further < 0 || words[at] !== key) return;
      words[further + PACKED] = OLDEST;
      words[at + SECOND] = (words[at + SECOND]! | HAS_FURTHER) >>> 0;
    }
    confirm(words, further, target + 1, weight);
    promote(words, at, further);
  }

  /** Whether `next` is one of the two strongest successors of `segment`, so that a pair would say little more. */
  isExpected(segment: number, next: number): boolean {
    const record = this.find(successorKey(segment, OrderKind.successor));
    return record >= 0 && (this.successorAt(record, 0) === next || this.successorAt(record, 1) === next);
  }

  /** `next` came after the pair behind `key`; one that was expected begins no record. `hint`: where {@link find} saw its record lately, or -1; spares looking for it. */
  observePair(key: number, next: number, hint = -1, isExpected = false): void {
    const words = this.#words;
    const at = hint >= 0 && words[hint] === key ? hint : this.find(key);
    const id = next + 1;
    if (at < 0) {
      if (isExpected) return;
      const record = this.#claim(key, 0);
      if (record < 0) return;
      words[record + FIRST] = id;
      words[record + PACKED] = 1 | placed(0, 1, 0);
      return;
    }
    const packed = words[at + PACKED]!;
    let first = weightIn(packed, 0);
    let second = weightIn(packed, 1);
    const champion = words[at + FIRST]! & ID_MASK;
    if (champion === id) {
      first++;
    } else if (words[at + FIRST + 1] !== id && second > 1) {
      second--;
    } else {
      second = words[at + FIRST + 1] === id ? second + 1 : 1;
      words[at + FIRST + 1] = id;
      if (second > first) {
        words[at + FIRST + 1] = champion;
        words[at + FIRST] = (words[at + FIRST]! & ~ID_MASK) | id;
        const t = first;
        first = second;
        second = t;
      }
    }
    let seen = (packed & VISITS_MASK) + 1;
    if (seen > PAIR_MAX) {
      seen = (PAIR_MAX + 1) >>> 1;
      first >>>= 1;
      second >>>= 1;
    }
    words[at + PACKED] = seen | placed(0, Math.min(first, PAIR_MAX), 0) | placed(1, Math.min(second, PAIR_MAX), 0);
  }

  /** Takes over a segment that another table knew and this one does not; its record, or -1 when there is no place for it. */
  adopt(key: number, visits: number): number {
    const record = this.#claim(key, WORTH_ONE);
    if (record >= 0) this.#words[record + PACKED] = Math.min(visits, this.#visitsMax) | OLDEST;
    return record;
  }

  /** Sets a successor of a record just adopted, the heaviest in place 0: `weight` in units of {@link COMPACT_ONE}, `age` in visits ago. */
  adoptSuccessor(record: number, place: number, target: number, weight: number, age: number): void {
    const words = this.#words;
    words[record + FIRST + place] = (words[record + FIRST + place]! & ~ID_MASK) | (target + 1);
    words[record + PACKED] =
      without(words[record + PACKED]!, place) | placed(place, Math.min(WEIGHT_MASK, weight), codeOf(age));
  }

  /** Takes over a pair that another table knew: two successors or -1, confirmations of each and sightings, 0..15. */
  adoptPair(key: number, first: number, second: number, confirmed: number, challenged: number, seen: number): void {
    const record = this.#claim(key, 0);
    if (record < 0) return;
    this.#words[record + FIRST] = first + 1;
    this.#words[record + FIRST + 1] = second + 1;
    this.#words[record + PACKED] = seen | placed(0, confirmed, 0) | placed(1, challenged, 0);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#claimCount, this.replacedCount);
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    const [claims, replaced] = reader.numbers();
    this.#claimCount = claims!;
    this.replacedCount = replaced!;
    reader.into(this.#words);
  }

  #bucketOf(key: number): number {
    let h = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    h ^= h >>> 15;
    // The share of 2^32 that the hash is, of the buckets: any number of them will do, so no byte is left over.
    return Math.floor(((h >>> 0) / 2 ** 32) * this.#bucketCount) * BUCKET;
  }

  /** An empty record for a key that has none, or -1 when the bucket keeps what it has. */
  #claim(key: number, worth: number): number {
    const words = this.#words;
    const first = this.#bucketOf(key);
    let record = first;
    let least = Number.POSITIVE_INFINITY;
    for (let at = first; at < first + BUCKET && least >= 0; at += FIELDS) {
      const packed = words[at + PACKED]!;
      const value = words[at] === 0 ? -1 : (words[at + FIRST]! >>> WORTH) * (WEIGHT_MASK + 1) + weightIn(packed, 0);
      if (value >= least) continue;
      least = value;
      record = at;
    }
    if (least >= 0) {
      this.#claimCount++;
      if (this.#claimCount % WEAR_EVERY === 0) wear(words, first);
      if (least > WEIGHT_MASK && this.#claimCount % YIELD_EVERY !== 0) return -1;
      this.replacedCount++;
    }
    words[record] = key;
    words.fill(0, record + FIRST, record + FIELDS);
    words[record + FIRST] = worth;
    return record;
  }
}

function wear(words: Uint32Array, first: number): void {
  for (let at = first; at < first + BUCKET; at += FIELDS) {
    if (words[at + FIRST]! >= WORTH_ONE) words[at + FIRST] = words[at + FIRST]! - WORTH_ONE;
  }
}
