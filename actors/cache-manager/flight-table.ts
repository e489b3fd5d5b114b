/** Prefetches in flight, ordered by the instant at which they land. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

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
  /** The ring, a power of two long: entries from `#head` on. */
  #ringLandsAt: Float64Array;
  #ringOrder: Float64Array;
  #ringSegment: Int32Array;
  #head = 0;
  #ringCount = 0;
  #sequence = 0;
  #count = 0;
  /** Instant at which the first entry of either lands, forgotten or not; Infinity = there is none. */
  #firstAt = Infinity;
  /** Send order + 1 of the flight that a segment is on, 0 = none: tells live entries from forgotten ones. */
  #live: Float64Array = new Float64Array(0);

  constructor(capacity = 64) {
    let length = 1;
    while (length < capacity) length *= 2;
    this.#landsAt = new Float64Array(length);
    this.#order = new Float64Array(length);
    this.#segment = new Int32Array(length);
    this.#ringLandsAt = new Float64Array(length);
    this.#ringOrder = new Float64Array(length);
    this.#ringSegment = new Int32Array(length);
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
    const mask = this.#ringSegment.length - 1;
    const last = (this.#head + this.#ringCount - 1) & mask;
    if (this.#ringCount === 0 || landsAt >= this.#ringLandsAt[last]!) this.#append(segment, landsAt, order);
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
    const first = this.#ringCount === 0 ? Infinity : this.#ringLandsAt[this.#head]!;
    return this.#length === 0 || first <= this.#landsAt[0]! ? first : this.#landsAt[0]!;
  }

  /** Takes the flight that lands first; the caller guarantees that there is one. */
  pop(): number {
    this.#dropForgotten();
    const isRing = this.#isRingFirst();
    if (!isRing && this.#length === 0) assert(false, 'pop from an empty flight table');
    const segment = isRing ? this.#ringSegment[this.#head]! : this.#segment[0]!;
    this.#live[segment] = 0;
    this.#count--;
    if (isRing) this.#removeHead();
    else this.#removeRoot();
    return segment;
  }

  /** The state, to save or restore it, as one heap, for a list in order is one: the ring (#firstAt, #head, #ringLandsAt, #ringOrder, #ringSegment) is emptied into it. */
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
    const mask = this.#ringSegment.length - 1;
    const ring = Array.from({ length: this.#ringCount }, (_, i) => ({
      segment: this.#ringSegment[(this.#head + i) & mask]!,
      landsAt: this.#ringLandsAt[(this.#head + i) & mask]!,
      order: this.#ringOrder[(this.#head + i) & mask]!,
    }));
    return [...heap, ...ring];
  }

  /** Whether the ring has an entry that lands before the heap's. */
  #isRingFirst(): boolean {
    if (this.#ringCount === 0 || this.#length === 0) return this.#ringCount > 0;
    const difference = this.#ringLandsAt[this.#head]! - this.#landsAt[0]!;
    return difference < 0 || (difference === 0 && this.#ringOrder[this.#head]! < this.#order[0]!);
  }

  #append(segment: number, landsAt: number, order: number): void {
    if (this.#ringCount === this.#ringSegment.length) this.#growRing();
    const at = (this.#head + this.#ringCount) & (this.#ringSegment.length - 1);
    this.#ringLandsAt[at] = landsAt;
    this.#ringOrder[at] = order;
    this.#ringSegment[at] = segment;
    this.#ringCount++;
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
    while (this.#ringCount > 0 && this.#live[this.#ringSegment[this.#head]!] !== this.#ringOrder[this.#head]) {
      this.#removeHead();
    }
    while (this.#length > 0 && this.#live[this.#segment[0]!] !== this.#order[0]) this.#removeRoot();
  }

  #removeHead(): void {
    this.#head = (this.#head + 1) & (this.#ringSegment.length - 1);
    this.#ringCount--;
    this.#findFirst();
  }

  #findFirst(): void {
    const ring = this.#ringCount === 0 ? Infinity : this.#ringLandsAt[this.#head]!;
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
    const before = this.#ringSegment.length;
    const [landsAt, order, segment] = [this.#ringLandsAt, this.#ringOrder, this.#ringSegment];
    this.#ringLandsAt = new Float64Array(2 * before);
    this.#ringOrder = new Float64Array(2 * before);
    this.#ringSegment = new Int32Array(2 * before);
    for (let i = 0; i < this.#ringCount; i++) {
      const from = (this.#head + i) & (before - 1);
      this.#ringLandsAt[i] = landsAt[from]!;
      this.#ringOrder[i] = order[from]!;
      this.#ringSegment[i] = segment[from]!;
    }
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
