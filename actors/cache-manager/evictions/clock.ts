/** CLOCK, or second chance: first in, first out, but a segment that was used since its last turn gets another. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { grownTable, tableLengthDefault, tableLengthFor } from './dense-table.ts';
import { Residents } from './residents.ts';
import { SegmentLists } from './segment-lists.ts';

const arrival = 0;

const absent = 0;
const unused = 1;
const used = 2;

/**
 * Algorithm: one reference bit a segment, set by a hit. The oldest segment leaves if its bit is clear; otherwise the bit is
 * cleared and the segment becomes the newest. (A queue with reinsertion; the circular buffer of the paper gives the same order.)
 * Why: close to LRU, yet a hit writes one byte and no link.
 * Cost: O(1) amortised: a turn of the hand over a set bit is paid for by the hit that set it.
 * Gets wrong: what LRU gets wrong; and one hit counts as much as a hundred.
 * Prefetches enter with the bit clear, as demanded segments do; their first demand sets it.
 * Reference: Corbato, "A paging experiment with the Multics system", MIT Project MAC report MAC-M-384, 1968.
 */
export class ClockEviction implements Eviction {
  readonly name = 'clock';
  readonly #lists: SegmentLists;
  readonly #residents: Residents;
  #state: Uint8Array;

  constructor(options: EvictionOptions) {
    const segmentLimit = options.segmentCountHint ?? tableLengthDefault;
    this.#lists = new SegmentLists(1, segmentLimit);
    this.#residents = new Residents(options, segmentLimit);
    this.#state = new Uint8Array(segmentLimit);
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
    return segment < this.#state.length && this.#state[segment] !== absent;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#state.length) this.#fit(segment);
    if (this.#state[segment] !== absent) {
      this.#state[segment] = used;
      return true;
    }
    if (size <= this.#residents.capacity) this.#insert(segment, size);
    return false;
  }

  admit(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.#state.length) this.#fit(segment);
    if (size > this.#residents.capacity || this.#state[segment] !== absent) return false;
    this.#insert(segment, size);
    return true;
  }

  remove(segment: number): boolean {
    if (!this.has(segment)) return false;
    this.#drop(segment);
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
    this.#state = fields.array(this.#state);
  }

  #insert(segment: number, size: number): void {
    this.#makeRoom(size);
    this.#residents.enter(segment, size);
    this.#lists.push(arrival, segment);
    this.#state[segment] = unused;
  }

  /** Evicts until `size` more units fit. */
  #makeRoom(size: number): void {
    const residents = this.#residents;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(arrival);
      if (this.#state[oldest] === used) {
        this.#state[oldest] = unused;
        this.#lists.renew(arrival, oldest);
      } else {
        this.#drop(oldest);
        residents.evict(oldest);
      }
    }
  }

  #drop(segment: number): void {
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  #fit(segment: number): void {
    const segmentLimit = tableLengthFor(segment, this.#state.length);
    this.#lists.fit(segmentLimit);
    this.#residents.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
