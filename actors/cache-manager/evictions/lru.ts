/** Least recently used: the segment that was demanded longest ago leaves. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { Policy } from './policy.ts';
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
export class LruEviction extends Policy {
  readonly name = 'lru';
  readonly #lists = new SegmentLists(1, this.residents.segmentLimit);

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#lists.isLinked(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#lists.renew(recency, segment)) return true;
    if (size <= this.residents.capacity) this.insert(segment, size);
    return false;
  }

  override touch(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#lists.renew(recency, segment);
  }

  accessHits(segments: Uint32Array, from: number, to: number): number {
    return this.#lists.renewRows(recency, segments, from, to);
  }

  exchange(segment: number): number {
    const { residents } = this;
    const lists = this.#lists;
    // As many units as segments: each has one, so that one leaves for one.
    const isExchange = residents.used === residents.capacity && residents.used === residents.count;
    if (!isExchange || segment >= lists.segmentLimit) return -1;
    const oldest = lists.oldest(recency);
    lists.unlink(oldest);
    residents.leave(oldest);
    residents.enter(segment, 1);
    lists.push(recency, segment);
    return oldest;
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(recency, segment);
  }

  protected drop(segment: number): void {
    this.#lists.unlink(segment);
  }

  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(recency);
      this.drop(oldest);
      residents.evict(oldest);
    }
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
  }
}
