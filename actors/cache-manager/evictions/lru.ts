/** Least recently used: the segment that was demanded longest ago leaves. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import { SegmentLists } from './segment-lists.ts';

const recency = 0;

/**
 * Algorithm: one list in order of last access; a hit moves to its newest end, the oldest leaves.
 * Why: the yardstick that every other policy and every prefetcher is quoted against, and the fastest here.
 * Cost: O(1); a hit writes six links.
 * Gets wrong: a scan longer than the cache flushes it, and a loop one segment longer than the cache never hits.
 * Prefetches enter as if just demanded: a list by recency has no other place that does not evict them at once.
 * Reference: Mattson, Gecsei, Slutz, Traiger, "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970.
 */
export class LruEviction implements Eviction {
  readonly name = 'lru';
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
    const lists = this.#lists;
    if (segment >>> 0 >= lists.segmentLimit) this.#fit(segment);
    if (lists.isLinked(segment)) {
      lists.renew(recency, segment);
      return true;
    }
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
    this.#lists.push(recency, segment);
  }

  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(recency);
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
