/** GDSF: the segment with the fewest uses per unit leaves, and the bar rises with each that does. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { grownTable, tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import { SegmentHeap } from './segment-heap.ts';

/**
 * Algorithm: priority = L + uses / size, set at each access; the least leaves, and L becomes the priority it left with, so that
 * old merits fade against new ones. Every miss costs the same here (the paper's "GDSF-Hits"). Equal priorities: least recent first.
 * Why: with sizes that differ widely the best simple policy for the hit ratio, as many small segments beat one large.
 * Cost: O(log n) in the residents, for a heap: the one policy here besides belady that is not O(1).
 * Gets wrong: the byte hit ratio (large segments hardly stay), and with equal sizes it is LFU with slow aging.
 * Prefetches enter with the priority of one use, but none is counted until they are demanded.
 * Reference: Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy", HPL-98-69R1, 1998.
 */
export class GdsfEviction implements Eviction {
  readonly name = 'gdsf';
  readonly #heap: SegmentHeap;
  readonly #residents: Residents;
  #uses: Float64Array;
  /** The paper's L: the priority that the last one to leave had. */
  #bar = 0;

  constructor(options: EvictionOptions) {
    const segmentLimit = options.segmentCountHint ?? tableLengthDefault;
    this.#heap = new SegmentHeap(segmentLimit);
    this.#residents = new Residents(options, segmentLimit);
    this.#uses = new Float64Array(segmentLimit);
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
    return segment < this.#uses.length && this.#heap.has(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#uses.length) this.#fit(segment);
    if (this.#heap.has(segment)) {
      const uses = ++this.#uses[segment];
      this.#heap.put(segment, this.#bar + uses / this.#residents.sizeOf(segment));
      return true;
    }
    if (size <= this.#residents.capacity) this.#insert(segment, size, 1);
    return false;
  }

  admit(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#uses.length) this.#fit(segment);
    if (size > this.#residents.capacity || this.#heap.has(segment)) return false;
    this.#insert(segment, size, 0);
    return true;
  }

  remove(segment: number): boolean {
    if (!this.has(segment)) return false;
    this.#heap.remove(segment);
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

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#heap.persist(fields);
    this.#residents.persist(fields);
    this.#uses = fields.array(this.#uses);
    this.#bar = fields.number(this.#bar);
  }

  #insert(segment: number, size: number, uses: number): void {
    this.#makeRoom(size);
    this.#residents.enter(segment, size);
    this.#uses[segment] = uses;
    this.#heap.put(segment, this.#bar + 1 / size);
  }

  /** Evicts until `size` more units fit. */
  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const victim = this.#heap.first();
      this.#bar = this.#heap.priorityOf(victim);
      this.#heap.remove(victim);
      residents.evict(victim);
    }
  }

  #fit(segment: number): void {
    const segmentLimit = tableLengthFor(segment, this.#uses.length);
    this.#heap.fit(segmentLimit);
    this.#residents.fit(segmentLimit);
    this.#uses = grownTable(this.#uses, segmentLimit);
  }
}
