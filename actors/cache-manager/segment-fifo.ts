/** A first-in first-out list of segments with their sizes. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { tableLengthFor } from './evictions/dense-table.ts';
import { SegmentLists } from './evictions/segment-lists.ts';
import { type SiteAddresses, type SiteBooks, SiteWord } from './site-layout.ts';

const ONLY = 0;

/**
 * Holds staged segments, because a prediction ages: what was staged longest ago and is still unused is the least likely to be
 * used yet. O(1) per call; memory grows with the largest segment id: 8 bytes a segment, 16 from the first on that is not of one unit. The caller
 * decides how much may be listed.
 */
export class SegmentFifo {
  readonly #lists: SegmentLists;
  /** Units of each, from the first on that has not one. */
  #sizes = new Float64Array(0);
  #used = 0;
  #count = 0;

  constructor(segmentCountHint = 1024) {
    this.#lists = new SegmentLists(1, segmentCountHint);
  }

  /** Cache units held. */
  get used(): number {
    return this.#used;
  }

  get count(): number {
    return this.#count;
  }

  /** The segment listed longest ago, or -1. */
  get oldest(): number {
    return this.#lists.oldest(ONLY);
  }

  /** Those listed, the latest first, at most `limit`. */
  latest(limit: number): readonly number[] {
    const found: number[] = [];
    const lists = this.#lists;
    for (let at = lists.newest(ONLY); at >= 0 && found.length < limit; at = lists.olderThan(at)) found.push(at);
    return found;
  }

  has(segment: number): boolean {
    return segment < this.#lists.segmentLimit && this.#lists.isLinked(segment);
  }

  /** Units of a segment that is listed. */
  sizeOf(segment: number): number {
    return this.#sizes.length === 0 ? 1 : this.#sizes[segment]!;
  }

  add(segment: number, size: number): void {
    const lists = this.#lists;
    if (segment >= lists.segmentLimit) this.#fit(segment);
    // The sentence is composed only where it is needed: composing it costs more than listing.
    if (lists.isLinked(segment)) assert(false, `segment ${segment} is listed already`);
    lists.push(ONLY, segment);
    if (size !== 1 || this.#sizes.length > 0) this.#setSize(segment, size);
    this.#used += size;
    this.#count++;
  }

  /** Takes a segment out; returns its size in cache units. The caller guarantees that it is listed. */
  remove(segment: number): number {
    if (!this.has(segment)) assert(false, `segment ${segment} is not listed`);
    this.#lists.unlink(segment);
    const size = this.sizeOf(segment);
    this.#used -= size;
    this.#count--;
    return size;
  }

  /** Segments that it has a row for. */
  get segmentLimit(): number {
    return this.#lists.segmentLimit;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#lists.adopt(place, at.stagingLinks);
  }

  /** Leaves the list to a kernel, where every segment is of one unit. */
  lend({ words }: SiteBooks): void {
    words[SiteWord.stagingCount] = this.#count;
  }

  takeBack({ words }: SiteBooks): void {
    this.#used = words[SiteWord.stagingCount]!;
    this.#count = this.#used;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#lists.persist(fields);
    this.#sizes = fields.array(this.#sizes);
    this.#used = fields.number(this.#used);
    this.#count = fields.number(this.#count);
  }

  #setSize(segment: number, size: number): void {
    if (this.#sizes.length === 0) this.#sizes = new Float64Array(this.#lists.segmentLimit).fill(1);
    this.#sizes[segment] = size;
  }

  #fit(segment: number): void {
    this.#lists.fit(tableLengthFor(segment, this.#lists.segmentLimit));
    if (this.#sizes.length === 0) return;
    const larger = new Float64Array(this.#lists.segmentLimit).fill(1, this.#sizes.length);
    larger.set(this.#sizes);
    this.#sizes = larger;
  }
}
