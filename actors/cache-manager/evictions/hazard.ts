/** Hazard: the segment leaves that is good for the fewest hits per access of residence, as learned from segments with a history like its own. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { EvictionOptions } from '../eviction.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { ageOf, ageStart } from './reuse-ages.ts';
import {
  admittedClass,
  fastGap,
  reuseClassCount,
  reuseClassOf,
  sizeOctaveCount,
  sizeOctaveOf,
  slowGap,
} from './reuse-classes.ts';
import { ReuseHazards } from './reuse-hazards.ts';
import { SegmentLists } from './segment-lists.ts';

/** Known segments inspected at each access, for the exposure. */
const INSPECTED = 4;
/** The same, and the returns that a wider class counts for, where sizes differ: there worths that differ little decide over much space. */
const INSPECTED_IN_BYTES = 8;
const PRIOR_RETURNS_IN_BYTES = 4;
/** Accesses over which what was learned counts half: so many times the number of residents, and at least so many. */
const HALF_LIFE_RESIDENCES = 16;
const HALF_LIFE_LEAST = 32768;
/** Accesses between two updates of the densities: a sixteenth of those so far, at least so many, and at most a quarter of the half life. */
const UPDATE_SHARE = 1 / 16;
const UPDATE_LEAST = 256;
const UPDATES_A_HALF_LIFE = 4;
const START = ageStart;
/** Words of a history: class + 1 (0 = of no class yet) above 8 bits of uses; since when it is of that class: its last demand or, of a prefetch, its admission; its last demand. */
const KIND = 0;
const SINCE = 1;
const DEMANDED_AT = 2;
/** Mean gaps, as Float32. */
const SLOW = 3;
const FAST = 4;
const HISTORY_FIELDS = 5;
const USES_BITS = 8;
const USES_MAX = (1 << USES_BITS) - 1;
/** What neither end of a row is worth less than, whoever leaves, and until when that is so. */
const BOUND = 0;
const BOUND_UNTIL = 1;
/** The least worth at the two ends, and until when that is so. */
const LEAST = 2;
const LEAST_UNTIL = 3;
/** No resident of the row is larger. */
const LARGEST = 4;
const WEIGHT_FIELDS = 5;
/** The bound of the worth of a row is to hold for as long as it is so many times that of the latest victim. */
const BOUND_MARGIN = 2;

/**
 * Algorithm: a segment's class is made of how often it was accessed and of its mean gaps, in the long run and lately (reuse-classes.ts). For each
 * class the chance of an access by time since the last one is learned online from all segments ever seen (reuse-hazards.ts), and from it the hits per
 * access of residence that a resident is good for. The least leaves. Within a class residents stand in order of age, and as that worth mostly falls or
 * rises with age, or rises and falls, only the two ends of each class are compared.
 * Why: the policies with fixed rules each suit some traces; this one finds out whether recency, frequency or regularity counts.
 * Cost: O(1) an access but for the four inspections; O(classes in use) an eviction, at most 257, in bytes O(classes and octaves in use). 32 bytes a segment ever seen and 470 KB, in bytes 890.
 * Gets wrong: what follows from order (who comes after whom), which is the prefetcher's; the first few thousand accesses, when little is known.
 * Sizes in bytes: the worth is per byte, compared at the two ends of each octave of sizes of each class.
 * Sources of the idea: hit density, Beckmann, Chen, Cidon, "LHD: improving cache hit rate by maximizing hit density", NSDI 2018; ordering by hazard,
 * Panigrahy, Nain, Neglia, Towsley, "A new upper bound on cache hit probability for non-anticipative caching policies", 2020; the index, Gittins 1979.
 */
export class HazardEviction extends Policy {
  readonly name = 'hazard';
  readonly #lists: SegmentLists;
  readonly #hazards: ReuseHazards;
  readonly #inspected: number;
  readonly #histories = new Histories(this.residents.segmentLimit);
  #now = 0;
  #untilUpdate = UPDATE_LEAST;
  #sinceUpdate = 0;
  /** Segments in the order in which they were first seen: what is decided must not depend on how they are numbered. */
  #seen = new Int32Array(this.residents.segmentLimit);
  #seenCount = 0;
  #inspectNext = 0;
  /** Size octaves in each class: 1 where all sizes are. A row is one octave of one class. */
  readonly #octaves: number;
  /** Rows that have residents, in any order, and where each stands among them. */
  readonly #inUse: Int32Array;
  #inUseCount = 0;
  readonly #placeOf: Int32Array;
  /** By place `WEIGHT_FIELDS` entries, and whose the least worth is. */
  readonly #weights: Float64Array;
  readonly #leastSegment: Int32Array;
  /** No bound ends before. */
  #boundsUntil = 0;
  /** The row of the latest victim, and what that was worth. */
  #latest = 0;
  #latestWorth = 0;

  constructor(options: EvictionOptions) {
    super(options);
    const isBytes = options.unit === 'bytes';
    this.#hazards = new ReuseHazards(isBytes ? PRIOR_RETURNS_IN_BYTES : undefined);
    this.#inspected = isBytes ? INSPECTED_IN_BYTES : INSPECTED;
    this.#octaves = isBytes ? sizeOctaveCount : 1;
    const rows = reuseClassCount * this.#octaves;
    this.#inUse = new Int32Array(rows);
    this.#placeOf = new Int32Array(rows);
    this.#weights = new Float64Array(rows * WEIGHT_FIELDS);
    this.#leastSegment = new Int32Array(rows);
    this.#lists = new SegmentLists(rows, this.residents.segmentLimit);
  }

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#lists.isLinked(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    this.#now++;
    this.#inspect(segment);
    const isHit = this.#lists.isLinked(segment);
    const from = isHit ? this.#rowOf(segment) : 0;
    this.#demanded(segment);
    if (isHit) {
      this.#renew(from, segment);
    } else if (size <= this.residents.capacity) {
      this.makeRoom(size);
      this.residents.enter(segment, size);
      this.#link(this.#rowOf(segment), segment);
    }
    this.#sinceUpdate++;
    if (--this.#untilUpdate === 0) this.#update();
    return isHit;
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    const { words } = this.#histories;
    const at = segment * HISTORY_FIELDS;
    const kind = words[at + KIND]!;
    if (kind === 0) this.#seen[this.#seenCount++] = segment;
    words[at + KIND] = ((admittedClass + 1) << USES_BITS) | (kind & USES_MAX);
    words[at + SINCE] = this.#now;
    this.residents.enter(segment, size);
    this.#link(this.#rowOf(segment), segment);
  }

  /** Everything but what the settings give: #octaves, #inspected. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    this.#hazards.persist(fields);
    this.#histories.persist(fields);
    this.#now = fields.number(this.#now);
    this.#sinceUpdate = fields.number(this.#sinceUpdate);
    this.#untilUpdate = fields.number(this.#untilUpdate);
    this.#seen = fields.array(this.#seen);
    this.#seenCount = fields.number(this.#seenCount);
    this.#inspectNext = fields.number(this.#inspectNext);
    fields.into(this.#inUse);
    this.#inUseCount = fields.number(this.#inUseCount);
    fields.into(this.#placeOf);
    fields.into(this.#weights);
    fields.into(this.#leastSegment);
    this.#boundsUntil = fields.number(this.#boundsUntil);
    this.#latest = fields.number(this.#latest);
    this.#latestWorth = fields.number(this.#latestWorth);
  }

  /** Some known segments, in turn, stand for all: each that is passed was at its age for this access. */
  #inspect(demanded: number): void {
    const { words } = this.#histories;
    const seen = this.#seen;
    const hazards = this.#hazards;
    const now = this.#now;
    const count = this.#seenCount;
    if (count === 0) return;
    const segments = count / this.#inspected;
    let next = this.#inspectNext;
    for (let i = this.#inspected; i > 0; i--) {
      if (next >= count) next = 0;
      const segment = seen[next++]!;
      if (segment === demanded) continue;
      const at = segment * HISTORY_FIELDS;
      hazards.exposed((words[at + KIND]! >> USES_BITS) - 1, (now - words[at + SINCE]!) >>> 0, segments);
    }
    this.#inspectNext = next;
  }

  /** What the access says of the class that the segment was in; its history is brought up to date, and with it its class. It is in no list. */
  #demanded(segment: number): void {
    const { words, gaps } = this.#histories;
    const at = segment * HISTORY_FIELDS;
    const now = this.#now;
    const kind = words[at + KIND]!;
    const before = kind & USES_MAX;
    if (kind === 0) this.#seen[this.#seenCount++] = segment;
    else this.#hazards.returned((kind >> USES_BITS) - 1, (now - words[at + SINCE]!) >>> 0);
    let reuseClass = 0;
    if (before > 0) {
      const gap = (now - words[at + DEMANDED_AT]!) >>> 0;
      gaps[at + SLOW] = slowGap(gaps[at + SLOW]!, gap, before);
      gaps[at + FAST] = fastGap(gaps[at + FAST]!, gap, before);
      reuseClass = reuseClassOf(before + 1, gaps[at + SLOW]!, gaps[at + FAST]!);
    }
    words[at + KIND] = ((reuseClass + 1) << USES_BITS) | (before < USES_MAX ? before + 1 : before);
    words[at + SINCE] = now;
    words[at + DEMANDED_AT] = now;
  }

  #rowOf(segment: number): number {
    const reuseClass = (this.#histories.words[segment * HISTORY_FIELDS + KIND]! >> USES_BITS) - 1;
    return this.#octaves === 1 ? reuseClass : reuseClass * this.#octaves + sizeOctaveOf(this.residents.sizeOf(segment));
  }

  /** A demanded segment leaves the row `from` for that which it is of now. */
  #renew(from: number, segment: number): void {
    const row = this.#rowOf(segment);
    if (row === from) {
      this.#lists.renew(row, segment);
      this.#weights[this.#placeOf[row]! * WEIGHT_FIELDS + LEAST_UNTIL] = 0;
    } else {
      this.#unlink(from, segment);
      this.#link(row, segment);
    }
  }

  #link(row: number, segment: number): void {
    const weights = this.#weights;
    const size = this.residents.sizeOf(segment);
    if (this.#lists.oldest(row) < 0) {
      const place = this.#inUseCount++;
      this.#placeOf[row] = place;
      this.#inUse[place] = row;
      weights[place * WEIGHT_FIELDS + LARGEST] = 0;
    }
    this.#lists.push(row, segment);
    const at = this.#placeOf[row]! * WEIGHT_FIELDS;
    weights[at + LEAST_UNTIL] = 0;
    if (size > weights[at + LARGEST]!) {
      weights[at + LARGEST] = size;
      weights[at + BOUND] = 0;
    }
  }

  protected drop(segment: number): void {
    this.#unlink(this.#rowOf(segment), segment);
  }

  #unlink(row: number, segment: number): void {
    const place = this.#placeOf[row]!;
    const weights = this.#weights;
    this.#lists.unlink(segment);
    weights[place * WEIGHT_FIELDS + LEAST_UNTIL] = 0;
    if (this.#lists.oldest(row) >= 0) return;
    const from = --this.#inUseCount;
    const last = this.#inUse[from]!;
    this.#inUse[place] = last;
    this.#placeOf[last] = place;
    this.#leastSegment[place] = this.#leastSegment[from]!;
    for (let field = 0; field < WEIGHT_FIELDS; field++) {
      weights[place * WEIGHT_FIELDS + field] = weights[from * WEIGHT_FIELDS + field]!;
    }
  }

  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const victim = this.#victim();
      this.drop(victim);
      residents.evict(victim);
    }
  }

  /** Of equals, that of the lower class; within a class the older. Only rows that may hold the least are weighed. */
  #victim(): number {
    const now = this.#now;
    if (this.#boundsUntil <= now) this.#endBounds();
    const inUse = this.#inUse;
    const weights = this.#weights;
    const end = this.#inUseCount * WEIGHT_FIELDS;
    // The row of the latest victim is where the least often is: if it is found first, few others need to be weighed.
    let best = this.#placeOf[this.#latest]! * WEIGHT_FIELDS;
    if (best >= end) best = 0;
    if (weights[best + LEAST_UNTIL]! <= now) this.#weigh(best);
    let least = weights[best + LEAST]!;
    for (let at = 0; ; at += WEIGHT_FIELDS) {
      // A loop of its own, since without a call in it the engine tests but once what `weights` is.
      while (at < end && weights[at]! > least) at += WEIGHT_FIELDS;
      if (at >= end) break;
      if (weights[at + LEAST_UNTIL]! <= now) this.#weigh(at);
      const worth = weights[at + LEAST]!;
      if (worth > least) continue;
      if (worth === least && inUse[at / WEIGHT_FIELDS]! >= inUse[best / WEIGHT_FIELDS]!) continue;
      least = worth;
      best = at;
    }
    this.#latest = inUse[best / WEIGHT_FIELDS]!;
    this.#latestWorth = least;
    return this.#leastSegment[best / WEIGHT_FIELDS]!;
  }

  /** Rows whose bound has ended are to be weighed. */
  #endBounds(): void {
    const weights = this.#weights;
    let until = Number.POSITIVE_INFINITY;
    for (let at = 0; at < this.#inUseCount * WEIGHT_FIELDS; at += WEIGHT_FIELDS) {
      if (weights[at + BOUND] === 0) continue;
      const boundUntil = weights[at + BOUND_UNTIL]!;
      if (boundUntil <= this.#now) weights[at + BOUND] = 0;
      else if (boundUntil < until) until = boundUntil;
    }
    this.#boundsUntil = until;
  }

  /** Finds the lesser end of a row, and for how long it is so. */
  #weigh(at: number): void {
    const place = at / WEIGHT_FIELDS;
    const weights = this.#weights;
    const { words } = this.#histories;
    const hazards = this.#hazards;
    const now = this.#now;
    const row = this.#inUse[place]!;
    const reuseClass = (row / this.#octaves) | 0;
    const oldest = this.#lists.oldest(row);
    const newest = this.#lists.newest(row);
    const oldestFor = (now - words[oldest * HISTORY_FIELDS + SINCE]!) >>> 0;
    const oldestAge = ageOf(oldestFor);
    let least = hazards.densityOf(reuseClass, oldestAge) / this.residents.sizeOf(oldest);
    let segment = oldest;
    let forAccesses = START[oldestAge + 1]! - oldestFor;
    if (newest !== oldest) {
      const newestFor = (now - words[newest * HISTORY_FIELDS + SINCE]!) >>> 0;
      const newestAge = ageOf(newestFor);
      const worth = hazards.densityOf(reuseClass, newestAge) / this.residents.sizeOf(newest);
      if (worth < least) {
        least = worth;
        segment = newest;
      }
      forAccesses = Math.min(forAccesses, START[newestAge + 1]! - newestFor);
    }
    weights[at + LEAST] = least;
    this.#leastSegment[place] = segment;
    weights[at + LEAST_UNTIL] = now + Math.max(1, forAccesses);
    // Nobody in the row is older than its oldest, nor larger than its largest so far.
    const largest = weights[at + LARGEST]!;
    const boundAge = hazards.ageAbove(reuseClass, oldestAge, BOUND_MARGIN * this.#latestWorth * largest);
    const bound = hazards.floorOf(reuseClass, boundAge) / largest;
    const isBound = bound > this.#latestWorth;
    const until = now + START[boundAge + 1]! - oldestFor;
    weights[at + BOUND] = isBound ? bound : 0;
    weights[at + BOUND_UNTIL] = until;
    if (isBound && until < this.#boundsUntil) this.#boundsUntil = until;
  }

  /** What was known of the worth of rows no longer holds. */
  #reweigh(): void {
    const weights = this.#weights;
    for (let at = 0; at < this.#inUseCount * WEIGHT_FIELDS; at += WEIGHT_FIELDS) {
      weights[at + BOUND] = 0;
      weights[at + LEAST_UNTIL] = 0;
    }
    this.#boundsUntil = Number.POSITIVE_INFINITY;
  }

  #update(): void {
    const halfLife = Math.max(HALF_LIFE_RESIDENCES * this.residents.count, HALF_LIFE_LEAST);
    this.#hazards.update(this.#sinceUpdate, halfLife);
    this.#reweigh();
    this.#sinceUpdate = 0;
    const most = Math.ceil(halfLife / UPDATES_A_HALF_LIFE);
    this.#untilUpdate = Math.min(most, Math.max(UPDATE_LEAST, Math.floor(this.#now * UPDATE_SHARE)));
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#histories.fit(segmentLimit);
    this.#seen = grownTable(this.#seen, segmentLimit);
  }
}

/**
 * What is kept of each segment that was ever seen, side by side, so that it lies in one line of the processor's cache.
 * Instants are access counts modulo 2^32.
 */
class Histories {
  length: number;
  /** By segment `HISTORY_FIELDS` entries. */
  words: Int32Array;
  /** The same memory. */
  gaps: Float32Array;

  constructor(length: number) {
    this.length = length;
    this.words = new Int32Array(length * HISTORY_FIELDS);
    this.gaps = new Float32Array(this.words.buffer);
  }

  fit(length: number): void {
    this.length = length;
    this.words = grownTable(this.words, length * HISTORY_FIELDS);
    this.gaps = new Float32Array(this.words.buffer);
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.length = fields.number(this.length);
    this.words = fields.array(this.words);
    this.gaps = new Float32Array(this.words.buffer, this.words.byteOffset, this.words.length);
  }
}
