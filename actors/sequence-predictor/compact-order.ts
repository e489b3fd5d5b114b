/** Memory of order where bytes are short: 24 bytes for each segment and 12 for each pair, in one table of fixed size. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import {
  age,
  ageIn,
  codeOf,
  confirm,
  FIRST,
  hasPlace,
  ID_MASK,
  idIn,
  isKnown,
  promote,
  RECORD,
  set,
  VISITS_MASK,
  WEIGHT_MASK,
  weightIn,
} from './compact-record.ts';

/** Words of a pair: a head and two successors. A segment's record is as long as two. */
const PAIR = RECORD / 2;
/** Segments of a bucket, if no pair is in it. */
const WAYS = 6;
const BUCKET = WAYS * RECORD;
/** Bytes of the smallest table. */
export const COMPACT_BYTES_MIN = 4 * BUCKET;

/**
 * The head of a record: 16 bits of its key's hash, its worth of 2, its kind of 2, and 12 bits of counts. Of a segment these are visits (6), whether
 * its further successors were given a record of their own, and 5 more bits of the hash; of a pair sightings, confirmations of its successor and of the challenger (4 each).
 * A pair has 4 more bits of its hash above its two successors. A head of 0: nothing is there.
 */
const HASH_MASK = ~0xffff;
const WORTH = 14;
const WORTH_MASK = 3 << WORTH;
const WORTH_ONE = 1 << WORTH;
const KIND = 12;
const KIND_MASK = 3 << KIND;
const COUNTS_MASK = (1 << KIND) - 1;
const HAS_FURTHER = VISITS_MASK + 1;
const MORE = 7;
const MORE_MASK = 31 << MORE;
/** What of a segment's head tells it from others. */
const SEGMENT_MASK = HASH_MASK | KIND_MASK | MORE_MASK;
const PAIR_MASK = HASH_MASK | KIND_MASK;
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
 * Successors of segments, and of pairs, in buckets found by hash.
 *
 * A segment's record counts visits and, for four successors, the visits after which each came, by how soon, in steps of half an observation, and how
 * many visits ago: what `SuccessorTable` keeps of eight, in fewer bits. A successor seen at the present visit is not pushed out by
 * a later one of the same visit; an older one is worn down first. Who finds no place
 * may stand among four further ones in a record that competes for its place by itself, and comes forward once it is the stronger. A pair's record counts as that of `ContextTable` does.
 *
 * Segments and pairs compete for places by worth: a record that held what came, when that was not at hand or only because it was foreseen, is worth most; one that
 * never did goes first, and of these the one confirmed least. Further successors take no place but of such a one, seen once. Worth wears off by claims, slowly, and a bucket full of worth yields only to every
 * fourth newcomer: a loop longer than the table keeps part of itself instead of losing each record just before it is needed
 * (the lesson of Qureshi et al., "Adaptive Insertion Policies", ISCA 2007).
 *
 * A key's hash can be undone, and what the place of the bucket says of it is not written down again (Cleary, "Compact Hash Tables Using Bidirectional
 * Linear Probing", IEEE ToC 1984): with 2,048 buckets or more a segment's record is its own, with fewer another's is met once in 2^21 / 6 times. O(12) a call.
 */
export class CompactOrder {
  /** Records taken from one owner for another. */
  replacedCount = 0;
  readonly #visitsMax: number;
  readonly #bucketCount: number;
  #words: Int32Array;
  #claimCount = 0;

  constructor(options: { readonly bytesMax: number; readonly visitsMax: number }) {
    assert(options.bytesMax >= COMPACT_BYTES_MIN, `${options.bytesMax} bytes do not hold ${WAYS} records`);
    this.#visitsMax = Math.min(VISITS_MASK, options.visitsMax);
    this.#bucketCount = Math.floor(options.bytesMax / COMPACT_BYTES_MIN);
    this.#words = new Int32Array(this.#bucketCount * BUCKET);
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  /** Record of a segment's key, or -1; it stands until the next call that learns. */
  find(key: number): number {
    const words = this.#words;
    const hash = mixed(key);
    const head = segmentHead(hash, key);
    const first = this.#bucketOf(hash);
    for (let at = first; at < first + BUCKET; at += RECORD) if ((words[at]! & SEGMENT_MASK) === head) return at;
    return -1;
  }

  /** Record of a pair's key, or -1; it stands until the next call that learns. */
  findPair(key: number): number {
    const hash = mixed(key);
    const first = this.#bucketOf(hash);
    for (let at = first; at < first + BUCKET; at += PAIR) if (this.#isPairAt(at, first, hash)) return at;
    return -1;
  }

  /** Visits counted. */
  visitsAt(record: number): number {
    return this.#words[record]! & VISITS_MASK;
  }

  /** Successor in place 0 to 3, the strongest first; -1 = none. */
  successorAt(record: number, place: number): number {
    return idIn(this.#words, record, place) - 1;
  }

  /** Its weight in units of which one visit is worth {@link COMPACT_ONE} at most. */
  weightAt(record: number, place: number): number {
    return weightIn(this.#words, record, place);
  }

  /** Visits ago that it was confirmed: 1 = at the latest one; exact up to 4. */
  ageAt(record: number, place: number): number {
    return ageIn(this.#words, record, place);
  }

  /** Sightings of a pair, 0..15. */
  seenAt(pair: number): number {
    return this.#words[pair]! & PAIR_MAX;
  }

  /** Successor of a pair in place 0 or 1, the strongest first; -1 = none. */
  pairedAt(pair: number, place: number): number {
    return (this.#words[pair + FIRST + place]! & ID_MASK) - 1;
  }

  /** How well it is confirmed: 0..15. */
  confirmedAt(pair: number, place: number): number {
    return (this.#words[pair]! >>> (4 + 4 * place)) & PAIR_MAX;
  }

  /** Counts a visit of the segment behind `key`, which may be told from now on what came after it. */
  visit(key: number): void {
    const at = this.find(key);
    if (at < 0) {
      this.#claim(key, WORTH_ONE);
      return;
    }
    const words = this.#words;
    let visits = this.visitsAt(at);
    const shift = visits >= this.#visitsMax ? 1 : 0;
    visits = (visits >>> shift) + 1;
    words[at] = (words[at]! & ~VISITS_MASK) | visits;
    age(words, at, visits, shift);
    const further = this.furtherOf(key, at);
    if (further >= 0) age(words, further, visits, shift);
  }

  /** Record of the segment's fifth to eighth successor, which counts no visits of its own; -1 = none. `record`: the segment's. */
  furtherOf(key: number, record: number): number {
    return (this.#words[record]! & HAS_FURTHER) !== 0 ? this.find((key | OrderKind.further) >>> 0) : -1;
  }

  /** `target` came after the segment behind `key`, worth `weight` of at most {@link COMPACT_ONE}; a second time within one visit is ignored, and so is a segment without a record. `isWanted`: it was not at hand, or only because it was foreseen. */
  observe(key: number, target: number, weight: number, isWanted = false): void {
    const at = this.find(key);
    if (at < 0) return;
    const words = this.#words;
    const id = target + 1;
    // Who has a place, here or further on, wears down nobody.
    if (hasPlace(words, at, id) || (key & 3) !== OrderKind.successor) {
      if (isWanted && isKnown(words, at, id)) this.#praise(at);
      confirm(words, at, id, weight);
      return;
    }
    let further = this.furtherOf(key, at);
    if (further < 0) {
      const head = words[at]!;
      further = this.#claim((key | OrderKind.further) >>> 0, 0);
      if (further === at) return;
      if (further < 0) {
        confirm(words, at, id, weight);
        return;
      }
      words[at] = head | HAS_FURTHER;
    }
    if (isWanted && isKnown(words, further, id)) this.#note(further);
    if (confirm(words, further, id, weight)) promote(words, at, further);
  }

  /** Whether `next` is one of the two strongest successors of `segment`, so that a pair would say little more. */
  isExpected(segment: number, next: number): boolean {
    const record = this.find(successorKey(segment, OrderKind.successor));
    return record >= 0 && (this.successorAt(record, 0) === next || this.successorAt(record, 1) === next);
  }

  /** `next` came after the pair behind `key`; one that was expected begins no record. `hint`: where {@link findPair} saw its record lately, or -1; spares looking for it. `isWanted`: see {@link observe}; a pair has the credit where its segment does not say the same. */
  observePair(key: number, next: number, hint = -1, isExpected = false, isWanted = false): void {
    const words = this.#words;
    const hash = mixed(key);
    const at = hint >= 0 && this.#isPairAt(hint, this.#bucketOf(hash), hash) ? hint : this.findPair(key);
    const id = next + 1;
    if (at < 0) {
      if (!isExpected) this.adoptPair(key, next, -1, 1, 0, 1);
      return;
    }
    let first = this.confirmedAt(at, 0);
    let second = this.confirmedAt(at, 1);
    const champion = words[at + FIRST]! & ID_MASK;
    const challenger = words[at + FIRST + 1]! & ID_MASK;
    if (isWanted && !isExpected && (champion === id || challenger === id)) this.#praise(at);
    if (champion === id) {
      first++;
    } else if (challenger !== id && second > 1) {
      second--;
    } else {
      second = challenger === id ? second + 1 : 1;
      writeId(words, at + FIRST + 1, id);
      if (second > first) {
        writeId(words, at + FIRST + 1, champion);
        writeId(words, at + FIRST, id);
        const t = first;
        first = second;
        second = t;
      }
    }
    let seen = this.seenAt(at) + 1;
    if (seen > PAIR_MAX) {
      seen = (PAIR_MAX + 1) >>> 1;
      first >>>= 1;
      second >>>= 1;
    }
    words[at] = (words[at]! & ~COUNTS_MASK) | pairCounts(seen, first, second);
  }

  /** Takes over a segment that another table knew and this one does not; its record, or -1 when there is no place for it. */
  adopt(key: number, visits: number): number {
    const record = this.#claim(key, WORTH_ONE);
    if (record >= 0) this.#words[record] = (this.#words[record]! & ~VISITS_MASK) | Math.min(visits, this.#visitsMax);
    return record;
  }

  /** Sets a successor of a record just adopted, the heaviest in place 0: `weight` in units of {@link COMPACT_ONE}, `age` in visits ago. */
  adoptSuccessor(record: number, place: number, target: number, weight: number, age: number): void {
    set(this.#words, record, place, target + 1, Math.min(WEIGHT_MASK, weight), codeOf(age));
  }

  /** Takes over a pair that is not known: two successors or -1, confirmations of each and sightings (1..15). */
  adoptPair(key: number, first: number, second: number, confirmed: number, challenged: number, seen: number): void {
    const at = this.#claimPair(key);
    if (at < 0) return;
    const words = this.#words;
    words[at] = words[at]! | pairCounts(seen, confirmed, challenged);
    writeId(words, at + FIRST, first + 1);
    writeId(words, at + FIRST + 1, second + 1);
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

  /** The share of 2^32 that the hash is, of the buckets: any number of them will do, so no byte is left over. */
  #bucketOf(hash: number): number {
    return Math.floor((hash / 2 ** 32) * this.#bucketCount) * BUCKET;
  }

  /** Whether the pair of that hash is at a place of the bucket that begins at `first`, which is its own. */
  #isPairAt(at: number, first: number, hash: number): boolean {
    const words = this.#words;
    if ((words[at]! & PAIR_MASK) !== pairHead(hash) || at < first || at >= first + BUCKET) return false;
    if (words[at + FIRST]! >>> 30 !== ((hash >>> 16) & 3) || words[at + FIRST + 1]! >>> 30 !== ((hash >>> 18) & 3)) {
      return false;
    }
    // The second half of a segment's record is no pair, whatever it looks like.
    return (at - first) % RECORD === 0 || !isSegmentAt(words, at - PAIR);
  }

  /** An empty record, of one visit, for a segment's key that has none, or -1 when the bucket keeps what it has. */
  #claim(key: number, worth: number): number {
    const words = this.#words;
    const hash = mixed(key);
    const first = this.#bucketOf(hash);
    let record = first;
    let least = Number.POSITIVE_INFINITY;
    for (let at = first; at < first + BUCKET && least >= 0; at += RECORD) {
      const value = isSegmentAt(words, at)
        ? segmentValue(words, at)
        : Math.max(pairValue(words, at), pairValue(words, at + PAIR));
      if (value >= least) continue;
      least = value;
      record = at;
    }
    if (least > 1 && (key & 3) === OrderKind.further) return -1;
    if (least >= 0 && !this.#mayReplace(first, least)) return -1;
    words.fill(0, record, record + RECORD);
    words[record] = segmentHead(hash, key) | worth | 1;
    return record;
  }

  /** The same for a pair, whose counts and successors are still to be written. */
  #claimPair(key: number): number {
    const words = this.#words;
    const hash = mixed(key);
    const first = this.#bucketOf(hash);
    let pair = first;
    let least = Number.POSITIVE_INFINITY;
    for (let at = first; at < first + BUCKET; at += PAIR) {
      let value: number;
      if ((at - first) % RECORD === 0 && isSegmentAt(words, at)) {
        value = segmentValue(words, at);
        if (value < least) {
          least = value;
          pair = at;
        }
        at += PAIR;
        continue;
      }
      value = pairValue(words, at);
      // Beside another pair first, so that whole records stay free.
      if (value < 0 && words[(at - first) % RECORD === 0 ? at + PAIR : at - PAIR] !== 0) value = -2;
      if (value >= least) continue;
      least = value;
      pair = at;
    }
    if (least >= 0 && !this.#mayReplace(first, least)) return -1;
    words.fill(0, pair, pair + (isSegmentAt(words, pair) && (pair - first) % RECORD === 0 ? RECORD : PAIR));
    words[pair] = pairHead(hash);
    words[pair + FIRST] = (hash >>> 16) << 30;
    words[pair + FIRST + 1] = (hash >>> 18) << 30;
    return pair;
  }

  /** Whether a newcomer may take the place of what is worth `least` in a full bucket. */
  #mayReplace(first: number, least: number): boolean {
    this.#claimCount++;
    if (this.#claimCount % WEAR_EVERY === 0) this.#wear(first);
    if (least > WEIGHT_MASK && this.#claimCount % YIELD_EVERY !== 0) return false;
    this.replacedCount++;
    return true;
  }

  /** It is spared for long. */
  #praise(record: number): void {
    this.#words[record] = this.#words[record]! | WORTH_MASK;
  }

  /** It is spared for a while, not as long as what pairs and the first successors say: less likely ones must not crowd these out. */
  #note(further: number): void {
    const words = this.#words;
    if ((words[further]! & WORTH_MASK) === 0) words[further] = words[further]! | WORTH_ONE;
  }

  #wear(first: number): void {
    const words = this.#words;
    for (let at = first; at < first + BUCKET; at += isSegmentAt(words, at) ? RECORD : PAIR) {
      if ((words[at]! & WORTH_MASK) !== 0) words[at] = words[at]! - WORTH_ONE;
    }
  }
}

/** A hash of 32 bits, 0..2^32, that no two keys share. */
function mixed(key: number): number {
  let h = Math.imul(key ^ (key >>> 15), 0x2c1b3c6d);
  h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
  return (h ^ (h >>> 15)) >>> 0;
}

function segmentHead(hash: number, key: number): number {
  return (hash << 16) | ((key & 3) << KIND) | (((hash >>> 16) & 31) << MORE);
}

function pairHead(hash: number): number {
  return (hash << 16) | (OrderKind.pair << KIND);
}

function pairCounts(seen: number, first: number, second: number): number {
  return seen | (Math.min(first, PAIR_MAX) << 4) | (Math.min(second, PAIR_MAX) << 8);
}

/** Whether a segment's record begins at a place where one may. */
function isSegmentAt(words: Int32Array, at: number): boolean {
  return words[at] !== 0 && (words[at]! & KIND_MASK) >>> KIND !== OrderKind.pair;
}

function segmentValue(words: Int32Array, at: number): number {
  const worth = (words[at]! & WORTH_MASK) >>> WORTH;
  // Further successors that were not wanted yet are the least of all: pairs must have time to show what they are worth.
  if (worth === 0 && (words[at]! & KIND_MASK) >>> KIND === OrderKind.further) return 0;
  return worth * (WEIGHT_MASK + 1) + weightIn(words, at, 0);
}

/** -1 = nothing is there. */
function pairValue(words: Int32Array, at: number): number {
  const head = words[at]!;
  return head === 0 ? -1 : ((head & WORTH_MASK) >>> WORTH) * (WEIGHT_MASK + 1) + ((head >>> 4) & PAIR_MAX);
}

/** Writes a pair's successor and leaves the bits above it as they are. */
function writeId(words: Int32Array, at: number, id: number): void {
  words[at] = (words[at]! & ~ID_MASK) | id;
}
