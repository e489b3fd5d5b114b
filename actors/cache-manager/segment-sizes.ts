/** What is known of the sizes of segments, and what an unknown one is taken to be. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

const UNKNOWN = -1;
/** A guess of b bytes is kept as this minus b, until the size is known. */
const GUESSED = -2;

/**
 * The rule for sizes, one for every cache, ledger and budget:
 * - a size that an access states (>= 0) is the segment's from then on;
 * - an access that states none (-1) is for as many bytes as its segment was last known to have;
 * - a segment that was never sized takes what its prefetcher says (an offline bound knows), else the mean of the sized ones at that moment, each at its first size; 0 before the first.
 * An unknown size never overwrites a known one. A cache counts at least one unit for any segment.
 *
 * O(1) a call, 8 bytes a segment.
 */
export class SegmentSizes {
  #known: Float64Array;
  /** Segments that are guessed. */
  #guessCount = 0;
  #sum = 0;
  #count = 0;
  #least = Infinity;
  #most = 0;

  constructor(segmentCountHint: number) {
    this.#known = new Float64Array(segmentCountHint).fill(UNKNOWN);
  }

  /** Whether any size was ever stated. */
  get isAny(): boolean {
    return this.#count > 0;
  }

  /** Whether any was only guessed so far. */
  get isGuessed(): boolean {
    return this.#guessCount > 0;
  }

  /** Mean of the sized segments, each at its first size, rounded up to a byte; 0 before the first. */
  get mean(): number {
    return this.#count === 0 ? 0 : Math.ceil(this.#sum / this.#count);
  }

  /** The smallest and largest size stated so far, at least 1. */
  get least(): number {
    return Math.max(1, Math.min(this.#least, this.#most));
  }

  get most(): number {
    return Math.max(1, this.#most);
  }

  /** An access to `segment` that stated `said` bytes, -1 = none: the bytes that it is for. */
  observe(segment: number, said: number): number {
    if (!(said >= 0)) return this.#count === 0 && this.#guessCount === 0 ? 0 : this.of(segment);
    if (segment >= this.#known.length) this.#grow(segment);
    if (this.#known[segment]! < 0) {
      if (this.#known[segment]! !== UNKNOWN) this.#guessCount--;
      this.#sum += said;
      this.#count++;
    }
    this.#known[segment] = said;
    if (said < this.#least) this.#least = said;
    if (said > this.#most) this.#most = said;
    return said;
  }

  /** Bytes of a segment, as last stated or as taken for one that never was. */
  of(segment: number): number {
    if (this.#count === 0 && this.#guessCount === 0) return 0;
    const known = segment < this.#known.length ? this.#known[segment]! : UNKNOWN;
    if (known >= 0) return known;
    return known === UNKNOWN ? this.mean : GUESSED - known;
  }

  /** Someone who asks to prefetch a segment says how large it is; believed until an access says it. */
  guess(segment: number, bytes: number): void {
    if (this.isKnown(segment)) return;
    if (segment >= this.#known.length) this.#grow(segment);
    if (this.#known[segment] === UNKNOWN) this.#guessCount++;
    this.#known[segment] = GUESSED - Math.ceil(bytes);
  }

  /** Whether any access stated this segment's size. */
  isKnown(segment: number): boolean {
    return segment < this.#known.length && this.#known[segment]! >= 0;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#known = fields.array(this.#known);
    this.#guessCount = fields.number(this.#guessCount);
    this.#sum = fields.number(this.#sum);
    this.#count = fields.number(this.#count);
    this.#least = fields.number(this.#least);
    this.#most = fields.number(this.#most);
  }

  #grow(segment: number): void {
    const length = this.#known.length;
    this.#known = grownTable(this.#known, segment);
    this.#known.fill(UNKNOWN, length);
  }
}
