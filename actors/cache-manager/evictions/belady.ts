/** Belady's MIN: the segment whose next access is farthest away leaves. Offline: it must be told the future. */

import { assert } from '../../../engine/assert.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions, Future } from '../eviction.ts';
import { tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import { SegmentHeap } from './segment-heap.ts';

/**
 * Algorithm: each access asks when the segment comes next; of the residents the one farthest away leaves. Of those that never
 * come again the one touched longest ago leaves first, which changes no miss.
 * Why: with unit sizes and every miss admitted no policy misses less, so it says what is left to gain.
 * Cost: O(log n) in the residents, for a heap.
 * Gets wrong: with sizes it is only a strong heuristic (farthest next use, whatever the size; the true optimum is NP-hard), and it
 * admits what is never demanded again, as the contract asks; nor does it know of prefetches to come.
 * Prefetches enter with their next access, as demanded segments do.
 * Reference: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966.
 */
export class BeladyEviction implements Eviction {
  readonly name = 'belady';
  readonly #future: Future;
  /** Least first, hence by the next access negated. */
  readonly #heap: SegmentHeap;
  readonly #residents: Residents;
  #segmentLimit: number;

  /** @throws InvariantError without `options.future`. */
  constructor(options: EvictionOptions) {
    assert(options.future !== undefined, 'belady needs the future');
    this.#future = options.future;
    this.#segmentLimit = options.segmentCountHint ?? tableLengthDefault;
    this.#heap = new SegmentHeap(this.#segmentLimit);
    this.#residents = new Residents(options, this.#segmentLimit);
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
    return segment < this.#segmentLimit && this.#heap.has(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#segmentLimit) this.#fit(segment);
    if (this.#heap.has(segment)) {
      this.#heap.put(segment, -this.#future.nextOf(segment));
      return true;
    }
    if (size <= this.#residents.capacity) this.#insert(segment, size);
    return false;
  }

  admit(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#segmentLimit) this.#fit(segment);
    if (size > this.#residents.capacity || this.#heap.has(segment)) return false;
    this.#insert(segment, size);
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

  /** Everything but what the settings give: #future. */
  persist(fields: StateFields): void {
    this.#heap.persist(fields);
    this.#residents.persist(fields);
    this.#segmentLimit = fields.number(this.#segmentLimit);
  }

  #insert(segment: number, size: number): void {
    this.#makeRoom(size);
    this.#residents.enter(segment, size);
    this.#heap.put(segment, -this.#future.nextOf(segment));
  }

  /** Evicts until `size` more units fit. */
  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const victim = this.#heap.first();
      this.#heap.remove(victim);
      residents.evict(victim);
    }
  }

  #fit(segment: number): void {
    this.#segmentLimit = tableLengthFor(segment, this.#segmentLimit);
    this.#heap.fit(this.#segmentLimit);
    this.#residents.fit(this.#segmentLimit);
  }
}
