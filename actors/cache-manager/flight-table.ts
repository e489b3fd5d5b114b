/** Prefetches in flight, ordered by the instant at which they land. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

/**
 * A binary min-heap over typed arrays keyed by (landing instant, send order), so that two prefetches that land together
 * land in the order in which they were sent. Removal by segment is lazy: a heap entry whose order is not its segment's any more is skipped.
 * Cost: O(log n) to add and to pop, O(1) to forget; memory 8 bytes a segment beside the heap.
 */
export class FlightTable {
  #landsAt: Float64Array;
  #order: Float64Array;
  #segment: Int32Array;
  #length = 0;
  #sequence = 0;
  #count = 0;
  /** Send order + 1 of the flight that a segment is on, 0 = none: tells live heap entries from forgotten ones. */
  #live: Float64Array = new Float64Array(0);

  constructor(capacity = 64) {
    this.#landsAt = new Float64Array(capacity);
    this.#order = new Float64Array(capacity);
    this.#segment = new Int32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Those on their way, sent first first, at most `limit`. */
  list(limit: number): readonly number[] {
    const entries = Array.from({ length: this.#length }, (_, i) => ({
      segment: this.#segment[i]!,
      order: this.#order[i]!,
    }));
    return entries
      .filter(({ segment, order }) => this.#live[segment] === order)
      .sort((a, b) => a.order - b.order)
      .slice(0, limit)
      .map(({ segment }) => segment);
  }

  add(segment: number, landsAt: number): void {
    if (segment >= this.#live.length) this.#live = grownTable(this.#live, Math.max(segment, 1023));
    if (this.#live[segment] !== 0) assert(false, `segment ${segment} is in flight already`);
    if (this.#length === this.#segment.length) this.#grow();
    const order = ++this.#sequence;
    this.#live[segment] = order;
    this.#count++;
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

  /** Takes a segment off its flight (a demand joined it, or it was called back). */
  forget(segment: number): void {
    if (segment >= this.#live.length || this.#live[segment] === 0) return;
    this.#live[segment] = 0;
    this.#count--;
  }

  /** Instant of the next landing, or Infinity. */
  nextLanding(): number {
    this.#dropForgotten();
    return this.#length === 0 ? Infinity : this.#landsAt[0]!;
  }

  /** Takes the flight that lands first; the caller guarantees that there is one. */
  pop(): number {
    this.#dropForgotten();
    if (this.#length === 0) assert(false, 'pop from an empty flight table');
    const segment = this.#segment[0]!;
    this.#live[segment] = 0;
    this.#count--;
    this.#removeRoot();
    return segment;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#landsAt = fields.array(this.#landsAt);
    this.#order = fields.array(this.#order);
    this.#segment = fields.array(this.#segment);
    this.#length = fields.number(this.#length);
    this.#sequence = fields.number(this.#sequence);
    this.#live = fields.array(this.#live);
    this.#count = fields.number(this.#count);
  }

  #dropForgotten(): void {
    while (this.#length > 0 && this.#live[this.#segment[0]!] !== this.#order[0]) this.#removeRoot();
  }
  #removeRoot(): void {
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

  #grow(): void {
    const capacity = this.#segment.length * 2;
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
