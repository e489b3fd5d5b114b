/** First in, first out: the segment that was admitted longest ago leaves. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { Policy } from './policy.ts';
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
export class FifoEviction extends Policy {
  readonly name = 'fifo';
  readonly #lists = new SegmentLists(1, this.residents.segmentLimit);

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#lists.isLinked(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#lists.isLinked(segment)) return true;
    if (size <= this.residents.capacity) this.insert(segment, size);
    return false;
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(arrival, segment);
  }

  protected drop(segment: number): void {
    this.#lists.unlink(segment);
  }

  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(arrival);
      this.drop(oldest);
      residents.evict(oldest);
    }
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
  }
}
