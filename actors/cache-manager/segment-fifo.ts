/** A first-in first-out list of segments with their sizes. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';

const NONE = -1;

/**
 * Holds staged segments, because a prediction ages: what was staged longest ago and is still unused is the least likely to be
 * used yet. Holds also what a site has and its ghost has not, and the reverse. O(1) per call; memory grows with the largest segment id. The caller decides how much may be listed.
 */
export class SegmentFifo {
  #older: Int32Array;
  #newer: Int32Array;
  #size: Float64Array;
  #isListed: Uint8Array;
  #oldest = NONE;
  #newest = NONE;
  #used = 0;
  #count = 0;

  constructor(segmentCountHint = 1024) {
    this.#older = new Int32Array(segmentCountHint);
    this.#newer = new Int32Array(segmentCountHint);
    this.#size = new Float64Array(segmentCountHint);
    this.#isListed = new Uint8Array(segmentCountHint);
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
    return this.#oldest;
  }

  /** Those listed, the latest first, at most `limit`. */
  latest(limit: number): readonly number[] {
    const found: number[] = [];
    for (let at = this.#newest; at !== NONE && found.length < limit; at = this.#older[at]!) found.push(at);
    return found;
  }

  has(segment: number): boolean {
    return segment < this.#isListed.length && this.#isListed[segment] === 1;
  }

  /** Units of a segment that is listed. */
  sizeOf(segment: number): number {
    return this.#size[segment]!;
  }

  add(segment: number, size: number): void {
    if (segment >= this.#isListed.length) this.#grow(segment);
    // The sentence is composed only where it is needed: composing it costs more than listing.
    if (this.#isListed[segment] !== 0) assert(false, `segment ${segment} is listed already`);
    this.#isListed[segment] = 1;
    this.#size[segment] = size;
    this.#older[segment] = this.#newest;
    this.#newer[segment] = NONE;
    if (this.#newest === NONE) this.#oldest = segment;
    else this.#newer[this.#newest] = segment;
    this.#newest = segment;
    this.#used += size;
    this.#count++;
  }

  /** Takes a segment out; returns its size in cache units. The caller guarantees that it is listed. */
  remove(segment: number): number {
    if (!this.has(segment)) assert(false, `segment ${segment} is not listed`);
    this.#isListed[segment] = 0;
    const older = this.#older[segment]!;
    const newer = this.#newer[segment]!;
    if (older === NONE) this.#oldest = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#newest = older;
    else this.#older[newer] = older;
    const size = this.#size[segment]!;
    this.#used -= size;
    this.#count--;
    return size;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#older = fields.array(this.#older);
    this.#newer = fields.array(this.#newer);
    this.#size = fields.array(this.#size);
    this.#isListed = fields.array(this.#isListed);
    this.#oldest = fields.number(this.#oldest);
    this.#newest = fields.number(this.#newest);
    this.#used = fields.number(this.#used);
    this.#count = fields.number(this.#count);
  }

  #grow(segment: number): void {
    const length = Math.max(this.#isListed.length * 2, segment + 1);
    const older = new Int32Array(length);
    older.set(this.#older);
    this.#older = older;
    const newer = new Int32Array(length);
    newer.set(this.#newer);
    this.#newer = newer;
    const size = new Float64Array(length);
    size.set(this.#size);
    this.#size = size;
    const isListed = new Uint8Array(length);
    isListed.set(this.#isListed);
    this.#isListed = isListed;
  }
}
