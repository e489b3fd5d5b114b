/** The latest intervals between the uses of each of a bounded set of segments. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** Longer intervals count as this many units: they are out of range. */
export const intervalMax = 240;
/** Units of which it is known whether a segment was used in them; a power of two. */
export const activityUnits = 256;
const activityWords = activityUnits / 32;
const NONE = -1;
/** Slots that are looked at for one to give up. */
const victimsLookedAt = 8;

/**
 * One row a segment: the unit of its latest use, a ring of its latest intervals in units, and a bit for each of the last 256
 * units. The intervals themselves are a histogram that forgets: 32 of them take an eighth of the 240 bins and count the same.
 *
 * When the table is full, of eight slots in turn the one leaves that has too few intervals to be known, or, among equals, was idle longest
 * (sampled LRU). O(1) a use; intervalsMax x 2 + 48 bytes a slot, 4 bytes an id ever seen.
 */
export class IntervalTable {
  readonly slotsMax: number;
  readonly intervalsKept: number;
  /** Slots 0..slotCount-1 are in use. */
  slotCount = 0;
  releasedCount = 0;
  /** Unit of each slot's latest use. */
  readonly lastUnit: Float64Array;
  /** Uses in distinct units, intervals ever, and of those kept how many are out of range. */
  readonly useCount: Uint32Array;
  readonly #knownFrom: number;
  readonly #segment: Uint32Array;
  readonly #intervals: Uint16Array;
  readonly #outOfRange: Uint16Array;
  readonly #activity: Int32Array;
  #slotOf = new Int32Array(1024).fill(NONE);
  #hand = 0;

  /** A slot with at least `knownFrom` intervals is given up after those with fewer. */
  constructor(slotsMax: number, intervalsKept: number, knownFrom: number) {
    this.slotsMax = slotsMax;
    this.intervalsKept = intervalsKept;
    this.#knownFrom = knownFrom;
    this.lastUnit = new Float64Array(slotsMax);
    this.useCount = new Uint32Array(slotsMax);
    this.#segment = new Uint32Array(slotsMax);
    this.#intervals = new Uint16Array(slotsMax * intervalsKept);
    this.#outOfRange = new Uint16Array(slotsMax);
    this.#activity = new Int32Array(slotsMax * activityWords);
  }

  segmentAt(slot: number): number {
    return this.#segment[slot]!;
  }

  /** Slot of a segment, or -1. */
  slotOf(segment: number): number {
    return segment < this.#slotOf.length ? this.#slotOf[segment]! : NONE;
  }

  /** Intervals kept of a slot. */
  intervalCount(slot: number): number {
    return Math.min(this.useCount[slot]! - 1, this.intervalsKept);
  }

  /** Of these, how many are out of range. */
  outOfRangeCount(slot: number): number {
    return this.#outOfRange[slot]!;
  }

  /** The interval that ended `back` uses ago, 0 = the latest; 0 where there is none. */
  intervalAt(slot: number, back: number): number {
    if (back >= this.intervalCount(slot)) return 0;
    const at = (this.useCount[slot]! - 2 - back) % this.intervalsKept;
    return this.#intervals[slot * this.intervalsKept + at]!;
  }

  /** How many kept intervals are in [from, to] units. */
  countWithin(slot: number, from: number, to: number): number {
    const start = slot * this.intervalsKept;
    const end = start + this.intervalCount(slot);
    let count = 0;
    for (let i = start; i < end; i++) {
      const interval = this.#intervals[i]!;
      if (interval >= from && interval <= to) count++;
    }
    return count;
  }

  /** Counts of kept intervals at `age`: as long or longer, exactly as long, and within one unit of it. */
  countAt(slot: number, age: number): { readonly atRisk: number; readonly exact: number; readonly near: number } {
    const start = slot * this.intervalsKept;
    const end = start + this.intervalCount(slot);
    let atRisk = 0;
    let exact = 0;
    let near = 0;
    for (let i = start; i < end; i++) {
      const late = this.#intervals[i]! - age;
      if (late >= 0) atRisk++;
      if (late >= -1 && late <= 1) near++;
      if (late === 0) exact++;
    }
    return { atRisk, exact, near };
  }

  /** Whether the segment was used in `unit`, which is one of the 256 up to its latest use. */
  wasUsedIn(slot: number, unit: number): boolean {
    const last = this.lastUnit[slot]!;
    if (unit > last || unit <= last - activityUnits) return false;
    const bit = unit & (activityUnits - 1);
    return ((this.#activity[slot * activityWords + (bit >>> 5)]! >>> (bit & 31)) & 1) === 1;
  }

  /** The segment was used in `unit`, not before its last; returns its slot. `onRelease` is told of a slot that changes hands. */
  use(segment: number, unit: number, onRelease: (slot: number) => void): number {
    assert(Number.isSafeInteger(unit), 'a unit is a whole number');
    let slot = this.slotOf(segment);
    if (slot === NONE) {
      slot = this.#take(segment, onRelease);
      this.lastUnit[slot] = unit;
      this.useCount[slot] = 1;
      this.#mark(slot, unit);
      return slot;
    }
    const since = unit - this.lastUnit[slot]!;
    if (since <= 0) return slot;
    const at = slot * this.intervalsKept + ((this.useCount[slot]! - 1) % this.intervalsKept);
    const interval = Math.min(intervalMax + 1, since);
    if (this.useCount[slot]! > this.intervalsKept && this.#intervals[at]! > intervalMax) this.#outOfRange[slot]!--;
    this.#intervals[at] = interval;
    if (interval > intervalMax) this.#outOfRange[slot]!++;
    this.useCount[slot]!++;
    this.#clearBetween(slot, this.lastUnit[slot]!, unit);
    this.lastUnit[slot] = unit;
    this.#mark(slot, unit);
    return slot;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.slotCount, this.releasedCount, this.#hand);
    for (const array of this.#arrays()) writer.array(array);
    writer.array(this.#slotOf);
  }

  load(reader: SnapshotReader): void {
    const [slotCount, releasedCount, hand] = reader.numbers();
    this.slotCount = slotCount!;
    this.releasedCount = releasedCount!;
    this.#hand = hand!;
    for (const array of this.#arrays()) reader.into(array);
    this.#slotOf = reader.array(this.#slotOf);
  }

  #arrays(): readonly (Float64Array | Uint32Array | Uint16Array | Int32Array)[] {
    return [this.lastUnit, this.useCount, this.#segment, this.#intervals, this.#outOfRange, this.#activity];
  }

  #take(segment: number, onRelease: (slot: number) => void): number {
    if (segment >= this.#slotOf.length) {
      const longer = new Int32Array(Math.max(segment + 1, this.#slotOf.length * 2)).fill(NONE);
      longer.set(this.#slotOf);
      this.#slotOf = longer;
    }
    let slot = this.slotCount;
    if (slot < this.slotsMax) this.slotCount++;
    else {
      slot = this.#victim();
      this.#slotOf[this.#segment[slot]!] = NONE;
      this.#outOfRange[slot] = 0;
      this.#activity.fill(0, slot * activityWords, (slot + 1) * activityWords);
      this.releasedCount++;
      onRelease(slot);
    }
    this.#slotOf[segment] = slot;
    this.#segment[slot] = segment;
    return slot;
  }

  #victim(): number {
    let victim = this.#hand;
    for (let i = 0; i < Math.min(victimsLookedAt, this.slotsMax); i++) {
      const slot = this.#hand;
      this.#hand = slot + 1 === this.slotsMax ? 0 : slot + 1;
      const isKnown = this.intervalCount(slot) >= this.#knownFrom;
      const isVictimKnown = this.intervalCount(victim) >= this.#knownFrom;
      if (isKnown !== isVictimKnown ? !isKnown : this.lastUnit[slot]! < this.lastUnit[victim]!) victim = slot;
    }
    return victim;
  }

  #mark(slot: number, unit: number): void {
    const bit = unit & (activityUnits - 1);
    this.#activity[slot * activityWords + (bit >>> 5)]! |= 1 << (bit & 31);
  }

  /** Empties the bits of the units after `from`, up to `to`. */
  #clearBetween(slot: number, from: number, to: number): void {
    if (to - from >= activityUnits) {
      this.#activity.fill(0, slot * activityWords, (slot + 1) * activityWords);
      return;
    }
    for (let unit = from + 1; unit <= to; unit++) {
      const bit = unit & (activityUnits - 1);
      this.#activity[slot * activityWords + (bit >>> 5)]! &= ~(1 << (bit & 31));
    }
  }
}
