/** Least recently used: the segment that was demanded longest ago leaves. */

import { assert } from '../../../engine/assert.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import type { Place } from '../../kernel-columns.ts';
import { RowEnd } from '../eviction.ts';
import type { SiteAddresses, SiteBooks } from '../site-layout.ts';
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

  accessRows(segments: Uint32Array, from: number, to: number, ended: Int32Array): void {
    const { residents } = this;
    assert(residents.capacity >= 1, 'rows come to a cache that has room for one of them');
    for (let i = from; i < to; ) {
      const room = residents.capacity - residents.used;
      const stop = this.#lists.turnRows(recency, segments, i, to, room, ended, from);
      if (room > 0) for (; i < stop; i++) if (ended[i - from] === RowEnd.free) residents.enter(segments[i], 1);
      i = stop;
      if (i < to) this.grow(segments[i]);
    }
  }

  /** Segments that it has a row for. */
  get segmentLimit(): number {
    return this.residents.segmentLimit;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#lists.adopt(place, at.reactiveLinks);
  }

  /** Leaves the books to a kernel, where every segment is of one unit. */
  lend(books: SiteBooks): void {
    this.residents.lend(books);
  }

  takeBack(books: SiteBooks): void {
    this.residents.takeBack(books);
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
