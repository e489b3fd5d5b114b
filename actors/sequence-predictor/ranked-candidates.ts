/** The segments that may come next, each once, with a bin of evidence from every feature. */

import { assert } from '../../engine/assert.ts';

/** Candidates of one step, found again by a small hash; what comes beyond `capacity` is passed over. */
export class RankedCandidates {
  readonly capacity: number;
  readonly featureCount: number;
  count = 0;
  readonly segment: Int32Array;
  /** `featureCount` bin numbers a candidate. */
  readonly bins: Uint16Array;
  readonly #slots: Int16Array;
  #barred = -1;

  constructor(capacity: number, featureCount: number) {
    assert(capacity >= 1 && capacity <= 1024, `${capacity} candidates are not in 1..1024`);
    this.capacity = capacity;
    this.featureCount = featureCount;
    this.segment = new Int32Array(capacity);
    this.bins = new Uint16Array(capacity * featureCount);
    let size = 4;
    while (size < 4 * capacity) size *= 2;
    this.#slots = new Int16Array(size);
  }

  /** Empties the set; `barred` cannot be next. */
  begin(barred: number): void {
    this.count = 0;
    this.#barred = barred;
    this.#slots.fill(-1);
  }

  /** The segment's slot, or -1. */
  find(segment: number): number {
    return this.#slots[this.#placeOf(segment)]!;
  }

  /** Takes the segment in, where it is new, may come next, and has room. */
  add(segment: number): void {
    if (segment === this.#barred || this.count === this.capacity) return;
    const place = this.#placeOf(segment);
    if (this.#slots[place]! >= 0) return;
    this.segment[this.count] = segment;
    this.#slots[place] = this.count++;
  }

  /** Gives every candidate the same bin of a feature. */
  fillBins(feature: number, bin: number): void {
    for (let at = feature; at < this.count * this.featureCount; at += this.featureCount) this.bins[at] = bin;
  }

  #placeOf(segment: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let place = (Math.imul(segment + 1, 0x9e3779b1) >>> 15) & mask;
    while (slots[place]! >= 0 && this.segment[slots[place]!] !== segment) place = (place + 1) & mask;
    return place;
  }
}
