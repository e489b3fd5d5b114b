/** First in, first out: the segment that was admitted longest ago leaves. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import { SegmentLists } from './segment-lists.ts';

const arrival = 0;

/**
 * Algorithm: one queue in order of admission; a hit changes nothing.
 * Why: the least a cache can do, the base that CLOCK, SIEVE and S3-FIFO improve, and the kindest to flash.
 * Cost: O(1); a hit writes nothing.
 * Gets wrong: a segment in constant use leaves as soon as its turn comes, and a larger cache may miss more (Belady's anomaly).
 * Prefetches enter as demanded segments do.
 * Reference: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966.
 */
export class FifoEviction implements Eviction {
  readonly name = 'fifo';
  readonly #lists: SegmentLists;
  readonly #residents: Residents;

  constructor(options: EvictionOptions) {
    const segmentLimit = options.segmentCountHint ?? tableLengthDefault;
    this.#lists = new SegmentLists(1, segmentLimit);
    this.#residents = new Residents(options, segmentLimit);
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
    return segment < this.#lists.segmentLimit && this.#lists.isLinked(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#lists.segmentLimit) this.#fit(segment);
    if (this.#lists.isLinked(segment)) return true;
    if (size <= this.#residents.capacity) this.#insert(segment, size);
    return false;
  }

  admit(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#lists.segmentLimit) this.#fit(segment);
    if (size > this.#residents.capacity || this.#lists.isLinked(segment)) return false;
    this.#insert(segment, size);
    return true;
  }

  remove(segment: number): boolean {
    if (!this.has(segment)) return false;
    this.#lists.unlink(segment);
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
    this.#lists.persist(fields);
    this.#residents.persist(fields);
  }

  #insert(segment: number, size: number): void {
    this.#makeRoom(size);
    this.#residents.enter(segment, size);
    this.#lists.push(arrival, segment);
  }

  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(arrival);
      this.#lists.unlink(oldest);
      residents.evict(oldest);
    }
  }

  #fit(segment: number): void {
    const segmentLimit = tableLengthFor(segment, this.#lists.segmentLimit);
    this.#lists.fit(segmentLimit);
    this.#residents.fit(segmentLimit);
  }
}
