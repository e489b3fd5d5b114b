/** Prefetches in flight, ordered by the instant at which they land. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import { type SiteAddresses, type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';

/** What an entry of the ring is, a power of two long. */
export const ENTRY = 4;
const LANDS_AT = 0;
const ORDER = 1;
const SEGMENT = 2;

/**
 * Ordered by (landing instant, send order), so that two prefetches that land together land in the order in which they were sent.
 *
 * What lands no sooner than what was sent before it, which is all of them where fetches take the same time, waits in a ring; what
 * overtakes goes to a binary min-heap; the next to land is the earlier of the two heads. Removal by segment is lazy: an entry whose order is not its
 * segment's any more is skipped. Cost: O(1) to add and to pop where nothing overtakes, else O(log n); O(1) to forget; memory 8 bytes a
 * segment beside the two.
 */
export class FlightTable {
  /** The heap. */
  #landsAt: Float64Array;
  #order: Float64Array;
  #segment: Int32Array;
  #length = 0;
  /** The ring, a power of two of entries long: instant, order and segment of each, from the one at `#head` on. */
  #ring: Float64Array;
  #head = 0;
  #ringCount = 0;
  #sequence = 0;
  #count = 0;
  /** Instant at which the first entry of either lands, forgotten or not; Infinity = there is none. */
  #firstAt = Infinity;
  /** When the flight landed that `takeDue` took last. */
  landedAt = 0;
  /** Send order + 1 of the flight that a segment is on, 0 = none: tells live entries from forgotten ones. */
  #live: Float64Array = new Float64Array(0);

  constructor(capacity = 64) {
    let length = 1;
    while (length < capacity) length *= 2;
    this.#landsAt = new Float64Array(length);
    this.#order = new Float64Array(length);
    this.#segment = new Int32Array(length);
    this.#ring = new Float64Array(ENTRY * length);
  }

  get count(): number {
    return this.#count;
  }

  /** Those on their way, sent first first, at most `limit`. */
  list(limit: number): readonly number[] {
    return this.#entries()
      .filter(({ segment, order }) => this.#live[segment] === order)
      .sort((a, b) => a.order - b.order)
      .slice(0, limit)
      .map(({ segment }) => segment);
  }

  add(segment: number, landsAt: number): void {
    if (segment >= this.#live.length) this.#live = grownTable(this.#live, Math.max(segment, 1023));
    if (this.#live[segment] !== 0) assert(false, `segment ${segment} is in flight already`);
    const order = ++this.#sequence;
    this.#live[segment] = order;
    this.#count++;
    if (this.#ringCount === 0 || landsAt >= this.#ring[this.#entryAt(this.#ringCount - 1) + LANDS_AT]!)
      this.#append(segment, landsAt, order);
    else this.#insert(segment, landsAt, order);
    if (landsAt < this.#firstAt) this.#firstAt = landsAt;
  }

  /** Takes a segment off its flight (a demand joined it, or it was called back). */
  forget(segment: number): void {
    if (segment >= this.#live.length || this.#live[segment] === 0) return;
    this.#live[segment] = 0;
    this.#count--;
  }

  /** Whether anything may land by `now`, or, where it would then be too soon, before it; false = nothing does. */
  mayLand(now: number, isBy: boolean): boolean {
    // Of what was forgotten too: it stands no later than what is behind it.
    return isBy ? this.#firstAt <= now : this.#firstAt < now;
  }

  /** Instant of the next landing, or Infinity. */
  nextLanding(): number {
    this.#dropForgotten();
    return this.#firstAt;
  }

  /** Takes the flight that lands first, if that is by `now` (`isBy`) or before it, and leaves its instant in `landedAt`; -1 = none does. */
  takeDue(now: number, isBy: boolean): number {
    while (this.mayLand(now, isBy)) {
      const landsAt = this.#firstAt;
      const isRing = this.#length === 0 || this.#isRingFirst();
      const head = ENTRY * this.#head;
      const segment = isRing ? this.#ring[head + SEGMENT]! | 0 : this.#segment[0]!;
      const order = isRing ? this.#ring[head + ORDER]! : this.#order[0]!;
      if (isRing) this.#removeHead();
      else this.#removeRoot();
      if (this.#live[segment] !== order) continue;
      this.#live[segment] = 0;
      this.#count--;
      this.landedAt = landsAt;
      return segment;
    }
    return -1;
  }

  /** Takes the flight that lands first; the caller guarantees that there is one. */
  pop(): number {
    if (this.#count === 0) assert(false, 'pop from an empty flight table');
    return this.takeDue(Infinity, true);
  }

  /** Segments that it has a row for, and entries of the ring that there is room for. */
  get segmentLimit(): number {
    return this.#live.length;
  }

  get ringLength(): number {
    return this.#ring.length / ENTRY;
  }

  /** Whether all that is on its way is in the ring. */
  get isInOrder(): boolean {
    return this.#length === 0;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#ring = place(this.#ring, at.ring);
    this.#live = place(this.#live, at.live);
  }

  /** Leaves the ring to a kernel; only where {@link isInOrder}. */
  lend({ numbers, words }: SiteBooks): void {
    numbers[SiteNumber.firstAt] = this.#firstAt;
    numbers[SiteNumber.sequence] = this.#sequence;
    words[SiteWord.ringHead] = this.#head;
    words[SiteWord.ringCount] = this.#ringCount;
    words[SiteWord.flightCount] = this.#count;
  }

  takeBack({ numbers, words }: SiteBooks): void {
    this.#firstAt = numbers[SiteNumber.firstAt]!;
    this.#sequence = numbers[SiteNumber.sequence]!;
    this.#head = words[SiteWord.ringHead]!;
    this.#ringCount = words[SiteWord.ringCount]!;
    this.#count = words[SiteWord.flightCount]!;
  }

  /** The state, to save or restore it, as one heap, for a list in order is one: the ring (#firstAt, #head, #ring; landedAt is of one landing) is emptied into it. */
  persist(fields: StateFields): void {
    const entries = this.#entries().sort((a, b) => a.landsAt - b.landsAt || a.order - b.order);
    this.#landsAt = fields.array(Float64Array.from(entries, (entry) => entry.landsAt));
    this.#order = fields.array(Float64Array.from(entries, (entry) => entry.order));
    this.#segment = fields.array(Int32Array.from(entries, (entry) => entry.segment));
    this.#length = fields.number(entries.length);
    this.#ringCount = 0;
    this.#sequence = fields.number(this.#sequence);
    this.#live = fields.array(this.#live);
    this.#count = fields.number(this.#count);
    this.#findFirst();
  }

  #entries(): { readonly segment: number; readonly landsAt: number; readonly order: number }[] {
    const heap = Array.from({ length: this.#length }, (_, i) => ({
      segment: this.#segment[i]!,
      landsAt: this.#landsAt[i]!,
      order: this.#order[i]!,
    }));
    const ring = Array.from({ length: this.#ringCount }, (_, i) => ({
      segment: this.#ring[this.#entryAt(i) + SEGMENT]!,
      landsAt: this.#ring[this.#entryAt(i) + LANDS_AT]!,
      order: this.#ring[this.#entryAt(i) + ORDER]!,
    }));
    return [...heap, ...ring];
  }

  /** Whether the ring has an entry that lands before the heap's. */
  #isRingFirst(): boolean {
    if (this.#ringCount === 0 || this.#length === 0) return this.#ringCount > 0;
    const head = ENTRY * this.#head;
    const difference = this.#ring[head + LANDS_AT]! - this.#landsAt[0]!;
    return difference < 0 || (difference === 0 && this.#ring[head + ORDER]! < this.#order[0]!);
  }

  #append(segment: number, landsAt: number, order: number): void {
    if (ENTRY * this.#ringCount === this.#ring.length) this.#growRing();
    const ring = this.#ring;
    const at = this.#entryAt(this.#ringCount++);
    ring[at + LANDS_AT] = landsAt;
    ring[at + ORDER] = order;
    ring[at + SEGMENT] = segment;
  }

  #insert(segment: number, landsAt: number, order: number): void {
    if (this.#length === this.#segment.length) this.#grow();
    let i = this.#length++;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.#landsAt[parent]! <= landsAt) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#landsAt[i] = landsAt;
    this.#order[i] = order;
    this.#segment[i] = segment;
  }

  #dropForgotten(): void {
    while (this.#ringCount > 0) {
      const head = ENTRY * this.#head;
      if (this.#live[this.#ring[head + SEGMENT]! | 0] === this.#ring[head + ORDER]) break;
      this.#removeHead();
    }
    while (this.#length > 0 && this.#live[this.#segment[0]!] !== this.#order[0]) this.#removeRoot();
  }

  #removeHead(): void {
    this.#head = (this.#head + 1) & (this.#ring.length / ENTRY - 1);
    this.#ringCount--;
    this.#findFirst();
  }

  /** Where entry number `i` of the ring begins. */
  #entryAt(i: number): number {
    return (ENTRY * (this.#head + i)) & (this.#ring.length - 1);
  }

  #findFirst(): void {
    const ring = this.#ringCount === 0 ? Infinity : this.#ring[ENTRY * this.#head + LANDS_AT]!;
    this.#firstAt = this.#length === 0 || ring < this.#landsAt[0]! ? ring : this.#landsAt[0]!;
  }

  #removeRoot(): void {
    this.#siftOutRoot();
    this.#findFirst();
  }

  #siftOutRoot(): void {
    const last = --this.#length;
    if (last === 0) return;
    const landsAt = this.#landsAt[last]!;
    const order = this.#order[last]!;
    const segment = this.#segment[last]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++;
      const childLandsAt = this.#landsAt[child]!;
      if (landsAt < childLandsAt || (landsAt === childLandsAt && order < this.#order[child]!)) break;
      this.#move(child, i);
      i = child;
    }
    this.#landsAt[i] = landsAt;
    this.#order[i] = order;
    this.#segment[i] = segment;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#landsAt[a]! - this.#landsAt[b]!;
    return difference < 0 || (difference === 0 && this.#order[a]! < this.#order[b]!);
  }

  #move(from: number, to: number): void {
    this.#landsAt[to] = this.#landsAt[from]!;
    this.#order[to] = this.#order[from]!;
    this.#segment[to] = this.#segment[from]!;
  }

  #growRing(): void {
    const before = this.#ring;
    const head = ENTRY * this.#head;
    this.#ring = new Float64Array(2 * before.length);
    this.#ring.set(before.subarray(head));
    this.#ring.set(before.subarray(0, head), before.length - head);
    this.#head = 0;
  }

  #grow(): void {
    const capacity = Math.max(64, this.#segment.length * 2);
    const landsAt = new Float64Array(capacity);
    landsAt.set(this.#landsAt);
    this.#landsAt = landsAt;
    const order = new Float64Array(capacity);
    order.set(this.#order);
    this.#order = order;
    const segment = new Int32Array(capacity);
    segment.set(this.#segment);
    this.#segment = segment;
  }
}
