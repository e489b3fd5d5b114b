/** The books of a cache: what is resident, how large it is, what that adds up to, and whom to tell about departures. */

import { assert } from '../../../engine/assert.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import { CAPACITY_MAX, type EvictionOptions } from '../eviction.ts';
import { type SiteBooks, SiteWord } from '../site-layout.ts';
import { grownTable, tableLengthDefault, tableLengthFor } from './dense-table.ts';

/**
 * Every policy keeps one. A cache that counts segments never sees a size other than 1 and then neither stores nor reads any:
 * the table of sizes comes into being with the first other size. A size outlives its segment's residence, for ghosts.
 */
export class Residents {
  capacity: number;
  used = 0;
  count = 0;
  /** The tables of a policy have room for segments below. */
  segmentLimit: number;
  readonly #onEvict: ((segment: number) => void) | undefined;
  #isSized = false;
  #sizes = new Float64Array(0);

  constructor(options: EvictionOptions) {
    const { capacity } = options;
    assert(capacity >= 1 && capacity <= CAPACITY_MAX, `a capacity is 1 to ${CAPACITY_MAX} units, not ${capacity}`);
    this.capacity = capacity;
    this.#onEvict = options.onEvict;
    this.segmentLimit = options.segmentCountHint ?? tableLengthDefault;
  }

  /** Makes room for a segment beyond `segmentLimit`. */
  grow(segment: number): void {
    this.segmentLimit = tableLengthFor(segment, this.segmentLimit);
    if (this.#isSized) this.#sizes = grownTable(this.#sizes, this.segmentLimit).fill(1, this.#sizes.length);
  }

  /** Units of a segment that is resident, or that was and has not been since. */
  sizeOf(segment: number): number {
    return this.#isSized ? this.#sizes[segment] : 1;
  }

  enter(segment: number, size: number): void {
    if (size !== 1 || this.#isSized) this.#setSize(segment, size);
    this.used += size;
    this.count++;
  }

  /** Goes without notice: invalidated or promoted elsewhere. */
  leave(segment: number): void {
    this.used -= this.sizeOf(segment);
    this.count--;
  }

  /** Goes because the policy says so. */
  evict(segment: number): void {
    this.used -= this.sizeOf(segment);
    this.count--;
    if (this.#onEvict !== undefined) this.#onEvict(segment);
  }

  setCapacity(capacity: number): void {
    if (!(capacity >= 0)) assert(false, `a capacity is not negative, as ${capacity} is`);
    this.capacity = capacity;
  }

  /** Leaves the books to a kernel, where every segment is of one unit. */
  lend({ words }: SiteBooks): void {
    words[SiteWord.reactiveCount] = this.count;
    words[SiteWord.reactiveCapacity] = this.capacity;
  }

  takeBack({ words }: SiteBooks): void {
    this.count = words[SiteWord.reactiveCount]!;
    this.used = this.count;
    this.capacity = words[SiteWord.reactiveCapacity]!;
  }

  /** Everything but who is told (#onEvict). */
  persist(fields: StateFields): void {
    this.capacity = fields.number(this.capacity);
    this.used = fields.number(this.used);
    this.count = fields.number(this.count);
    this.segmentLimit = fields.number(this.segmentLimit);
    this.#isSized = fields.flag(this.#isSized);
    this.#sizes = fields.array(this.#sizes);
  }

  #setSize(segment: number, size: number): void {
    if (!(size >= 1)) assert(false, `a size is at least 1 unit, not ${size} (segment ${segment})`);
    if (!this.#isSized) {
      this.#isSized = true;
      this.#sizes = new Float64Array(this.segmentLimit).fill(1);
    }
    this.#sizes[segment] = size;
  }
}
