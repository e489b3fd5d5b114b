/** Hazard: the segment leaves that is good for the fewest hits per access of residence, as learned from segments with a history like its own. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { grownTable, tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import {
  admittedClass,
  fastGap,
  reuseClassCount,
  reuseClassOf,
  sizeOctaveCount,
  sizeOctaveOf,
  slowGap,
} from './reuse-classes.ts';
import { ageOf, ageStart, ReuseHazards } from './reuse-hazards.ts';
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
/** Of no class yet. */
const unknown = 65535;

/**
 * Algorithm: a segment's class is made of how often it was accessed and of its mean gaps, in the long run and lately (reuse-classes.ts). For each
 * class the chance of an access by time since the last one is learned online from all segments ever seen (reuse-hazards.ts), and from it the hits per
 * access of residence that a resident is good for. The least leaves. Within a class residents stand in order of age, and as that worth mostly falls or
 * rises with age, or rises and falls, only the two ends of each class are compared.
 * Why: the policies with fixed rules each suit some traces; this one finds out whether recency, frequency or regularity counts.
 * Cost: O(1) an access but for the four inspections; O(classes in use) an eviction, at most 257, in bytes O(classes and octaves in use). 31 bytes a segment ever seen and 350 KB, in bytes 610.
 * Gets wrong: what follows from order (who comes after whom), which is the prefetcher's; the first few thousand accesses, when little is known.
 * Sizes in bytes: the worth is per byte, compared at the two ends of each octave of sizes of each class.
 * Sources of the idea: hit density, Beckmann, Chen, Cidon, "LHD: improving cache hit rate by maximizing hit density", NSDI 2018; ordering by hazard,
 * Panigrahy, Nain, Neglia, Towsley, "A new upper bound on cache hit probability for non-anticipative caching policies", 2020; the index, Gittins 1979.
 */
export class HazardEviction implements Eviction {
  readonly name = 'hazard';
  readonly #lists: SegmentLists;
  readonly #residents: Residents;
  readonly #hazards: ReuseHazards;
  readonly #inspected: number;
  #table: HistoryTable;
  #now = 0;
  #untilUpdate = UPDATE_LEAST;
  #sinceUpdate = 0;
  /** Segments in the order in which they were first seen: what is decided must not depend on how they are numbered. */
  #seen: Int32Array;
  #seenCount = 0;
  #inspectNext = 0;
  /** Size octaves in each class: 1 where all sizes are. A row is one octave of one class. */
  readonly #octaves: number;
  /** Rows that have residents, in any order, and where each stands among them. */
  readonly #inUse: Int32Array;
  #inUseCount = 0;
  readonly #countOf: Int32Array;
  readonly #placeOf: Int32Array;
  /** By place: the least worth at the two ends of a row, whose it is, and until when that is so. */
  readonly #least: Float64Array;
  readonly #leastSegment: Int32Array;
  readonly #leastUntil: Float64Array;

  constructor(options: EvictionOptions) {
    const segmentLimit = options.segmentCountHint ?? tableLengthDefault;
    const isBytes = options.unit === 'bytes';
    this.#hazards = new ReuseHazards(isBytes ? PRIOR_RETURNS_IN_BYTES : undefined);
    this.#inspected = isBytes ? INSPECTED_IN_BYTES : INSPECTED;
    this.#octaves = isBytes ? sizeOctaveCount : 1;
    const rows = reuseClassCount * this.#octaves;
    this.#inUse = new Int32Array(rows);
    this.#countOf = new Int32Array(rows);
    this.#placeOf = new Int32Array(rows);
    this.#least = new Float64Array(rows);
    this.#leastSegment = new Int32Array(rows);
    this.#leastUntil = new Float64Array(rows);
    this.#lists = new SegmentLists(rows, segmentLimit);
    this.#residents = new Residents(options, segmentLimit);
    this.#table = new HistoryTable(segmentLimit);
    this.#seen = new Int32Array(segmentLimit);
  }

  get used(): number {
    return this.#residents.used;
  }

  get count(): number {
    return this.#residents.count;
  }

  get capacity(): number {
    return this.#residents.capacity;
  }

  /** Units that a resident segment takes here. */
  sizeOf(segment: number): number {
    return this.#residents.sizeOf(segment);
  }

  has(segment: number): boolean {
    return segment < this.#table.length && this.#lists.isLinked(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#table.length) this.#fit(segment);
    this.#now++;
    this.#inspect(segment);
    this.#record(segment);
    const isHit = this.#lists.isLinked(segment);
    if (isHit) {
      this.#unlink(segment);
      this.#demanded(segment);
      this.#link(segment);
    } else if (size <= this.#residents.capacity) {
      this.#makeRoom(size);
      this.#demanded(segment);
      this.#residents.enter(segment, size);
      this.#link(segment);
    } else {
      this.#demanded(segment);
    }
    this.#sinceUpdate++;
    if (--this.#untilUpdate === 0) this.#update();
    return isHit;
  }

  admit(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#table.length) this.#fit(segment);
    if (size > this.#residents.capacity || this.#lists.isLinked(segment)) return false;
    this.#makeRoom(size);
    if (this.#table.reuseClass[segment] === unknown) this.#seen[this.#seenCount++] = segment;
    this.#table.reuseClass[segment] = admittedClass;
    this.#table.since[segment] = this.#now;
    this.#residents.enter(segment, size);
    this.#link(segment);
    return true;
  }

  remove(segment: number): boolean {
    if (!this.has(segment)) return false;
    this.#unlink(segment);
    this.#residents.leave(segment);
    return true;
  }

  evictNext(): void {
    if (this.#residents.count > 0) this.#makeRoom(this.#residents.capacity - this.#residents.used + 1);
  }

  resize(capacity: number): void {
    this.#residents.setCapacity(capacity);
    this.#makeRoom(0);
  }

  /** Everything but what the settings give: #octaves, #inspected. */
  persist(fields: StateFields): void {
    this.#lists.persist(fields);
    this.#residents.persist(fields);
    this.#hazards.persist(fields);
    const length = fields.number(this.#table.length);
    if (length !== this.#table.length) this.#table = new HistoryTable(length);
    this.#table.persist(fields);
    this.#now = fields.number(this.#now);
    this.#sinceUpdate = fields.number(this.#sinceUpdate);
    this.#untilUpdate = fields.number(this.#untilUpdate);
    this.#seen = fields.array(this.#seen);
    this.#seenCount = fields.number(this.#seenCount);
    this.#inspectNext = fields.number(this.#inspectNext);
    fields.into(this.#inUse);
    this.#inUseCount = fields.number(this.#inUseCount);
    fields.into(this.#countOf);
    fields.into(this.#placeOf);
    fields.into(this.#least);
    fields.into(this.#leastSegment);
    fields.into(this.#leastUntil);
  }

  /** Some known segments, in turn, stand for all: each that is passed was at its age for this access. */
  #inspect(demanded: number): void {
    const { reuseClass, since } = this.#table;
    const count = this.#seenCount;
    let next = this.#inspectNext;
    const inspected = this.#inspected;
    for (let i = 0; i < inspected && count > 0; i++) {
      if (next >= count) next = 0;
      const segment = this.#seen[next++]!;
      if (segment === demanded) continue;
      this.#hazards.exposed(reuseClass[segment]!, (this.#now - since[segment]!) >>> 0, count / inspected);
    }
    this.#inspectNext = next;
  }

  /** What the access says of the class that the segment was in. */
  #record(segment: number): void {
    const { reuseClass, since } = this.#table;
    const former = reuseClass[segment]!;
    if (former !== unknown) this.#hazards.returned(former, (this.#now - since[segment]!) >>> 0);
    else this.#seen[this.#seenCount++] = segment;
  }

  /** Brings the history of a segment up to date, and with it its class. It is in no list. */
  #demanded(segment: number): void {
    const { uses, slow, fast, demandedAt, since, reuseClass } = this.#table;
    const before = uses[segment]!;
    if (before > 0) {
      const gap = (this.#now - demandedAt[segment]!) >>> 0;
      slow[segment] = slowGap(slow[segment]!, gap, before);
      fast[segment] = fastGap(fast[segment]!, gap, before);
    }
    if (before < 255) uses[segment] = before + 1;
    demandedAt[segment] = this.#now;
    since[segment] = this.#now;
    reuseClass[segment] = reuseClassOf(before + 1, slow[segment]!, fast[segment]!);
  }

  #rowOf(segment: number): number {
    const reuseClass = this.#table.reuseClass[segment]!;
    return this.#octaves === 1
      ? reuseClass
      : reuseClass * this.#octaves + sizeOctaveOf(this.#residents.sizeOf(segment));
  }

  #link(segment: number): void {
    const row = this.#rowOf(segment);
    this.#lists.push(row, segment);
    if (this.#countOf[row]!++ === 0) {
      this.#placeOf[row] = this.#inUseCount;
      this.#inUse[this.#inUseCount++] = row;
    }
    this.#leastUntil[this.#placeOf[row]!] = 0;
  }

  #unlink(segment: number): void {
    const row = this.#rowOf(segment);
    this.#lists.unlink(segment);
    const place = this.#placeOf[row]!;
    this.#leastUntil[place] = 0;
    if (--this.#countOf[row]! === 0) {
      const from = --this.#inUseCount;
      const last = this.#inUse[from]!;
      this.#inUse[place] = last;
      this.#placeOf[last] = place;
      this.#least[place] = this.#least[from]!;
      this.#leastSegment[place] = this.#leastSegment[from]!;
      this.#leastUntil[place] = this.#leastUntil[from]!;
    }
  }

  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const victim = this.#victim();
      this.#unlink(victim);
      residents.evict(victim);
    }
  }

  /** Of equals, that of the lower class; within a class the older. */
  #victim(): number {
    const now = this.#now;
    const count = this.#inUseCount;
    const leastOf = this.#least;
    const until = this.#leastUntil;
    let least = Number.POSITIVE_INFINITY;
    let best = 0;
    for (let place = 0; place < count; place++) {
      if (until[place]! <= now) this.#weigh(place);
      const worth = leastOf[place]!;
      if (worth > least) continue;
      if (worth === least && this.#inUse[place]! > this.#inUse[best]!) continue;
      least = worth;
      best = place;
    }
    return this.#leastSegment[best]!;
  }

  /** Finds the lesser end of a class, and for how long it is so. */
  #weigh(place: number): void {
    const row = this.#inUse[place]!;
    const reuseClass = (row / this.#octaves) | 0;
    const { since } = this.#table;
    const oldest = this.#lists.oldest(row);
    const newest = this.#lists.newest(row);
    const oldestFor = (this.#now - since[oldest]!) >>> 0;
    const newestFor = (this.#now - since[newest]!) >>> 0;
    const oldestAge = ageOf(oldestFor);
    const newestAge = ageOf(newestFor);
    const oldestWorth = this.#hazards.densityOf(reuseClass, oldestAge) / this.#residents.sizeOf(oldest);
    const newestWorth = this.#hazards.densityOf(reuseClass, newestAge) / this.#residents.sizeOf(newest);
    const isNewest = newestWorth < oldestWorth;
    this.#least[place] = isNewest ? newestWorth : oldestWorth;
    this.#leastSegment[place] = isNewest ? newest : oldest;
    const forAccesses = Math.min(ageStart[oldestAge + 1]! - oldestFor, ageStart[newestAge + 1]! - newestFor);
    this.#leastUntil[place] = this.#now + Math.max(1, forAccesses);
  }

  #update(): void {
    const halfLife = Math.max(HALF_LIFE_RESIDENCES * this.#residents.count, HALF_LIFE_LEAST);
    this.#hazards.update(this.#sinceUpdate, halfLife);
    this.#leastUntil.fill(0);
    this.#sinceUpdate = 0;
    const most = Math.ceil(halfLife / UPDATES_A_HALF_LIFE);
    this.#untilUpdate = Math.min(most, Math.max(UPDATE_LEAST, Math.floor(this.#now * UPDATE_SHARE)));
  }

  #fit(segment: number): void {
    const segmentLimit = tableLengthFor(segment, this.#table.length);
    this.#lists.fit(segmentLimit);
    this.#residents.fit(segmentLimit);
    this.#table = this.#table.grown(segmentLimit);
    this.#seen = grownTable(this.#seen, segmentLimit);
  }
}

/** What is kept of each segment that was ever seen, a column each. Instants are access counts modulo 2^32. */
class HistoryTable {
  readonly length: number;
  readonly uses: Uint8Array;
  readonly slow: Float32Array;
  readonly fast: Float32Array;
  readonly demandedAt: Uint32Array;
  /** Since when it is of its class: its last demand or, of a prefetch, its admission. */
  readonly since: Uint32Array;
  readonly reuseClass: Uint16Array;

  constructor(length: number) {
    this.length = length;
    this.uses = new Uint8Array(length);
    this.slow = new Float32Array(length);
    this.fast = new Float32Array(length);
    this.demandedAt = new Uint32Array(length);
    this.since = new Uint32Array(length);
    this.reuseClass = new Uint16Array(length).fill(unknown);
  }

  grown(length: number): HistoryTable {
    const table = new HistoryTable(length);
    for (const column of ['uses', 'slow', 'fast', 'demandedAt', 'since', 'reuseClass'] as const) {
      table[column].set(this[column]);
    }
    return table;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.uses);
    fields.into(this.slow);
    fields.into(this.fast);
    fields.into(this.demandedAt);
    fields.into(this.since);
    fields.into(this.reuseClass);
  }
}
