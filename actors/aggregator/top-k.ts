/** The k best of many by score, in O(n log k) without sorting them all. */

import { assert } from '../../engine/assert.ts';

/** A bounded heap whose root is the worst kept. Of equal scores the smaller id is the better, so results never depend on order. */
export class TopK {
  readonly #capacity: number;
  readonly #score: Float64Array;
  readonly #id: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    assert(Number.isInteger(capacity) && capacity >= 0, `a capacity is a whole number, not ${capacity}`);
    this.#capacity = capacity;
    this.#score = new Float64Array(capacity);
    this.#id = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** The score below which nothing is kept now. */
  get floor(): number {
    if (this.#capacity === 0) return Infinity;
    return this.#count < this.#capacity ? -Infinity : this.#score[0]!;
  }

  /** Whether {@link offer} would keep the id: for whoever has to pay to know whether it may be offered. */
  wouldKeep(id: number, score: number): boolean {
    if (this.#count < this.#capacity) return !Number.isNaN(score);
    return this.#capacity > 0 && score >= this.#score[0]! && !this.#isWorse(score, id, 0);
  }

  /** Offers an id; the caller offers each id once. NaN scores are ignored. */
  offer(id: number, score: number): void {
    if (Number.isNaN(score) || this.#capacity === 0) return;
    if (this.#count < this.#capacity) {
      let i = this.#count++;
      while (i > 0) {
        const parent = (i - 1) >> 1;
        if (!this.#isWorse(score, id, parent)) break;
        this.#move(parent, i);
        i = parent;
      }
      this.#score[i] = score;
      this.#id[i] = id;
    } else if (!this.#isWorse(score, id, 0) && id !== this.#id[0]) {
      this.#sink(0, score, id);
    }
  }

  /** The kept ids, best first. Empties the heap. */
  takeIds(): Float64Array {
    const ids = new Float64Array(this.#count);
    while (this.#count > 0) {
      ids[this.#count - 1] = this.#id[0]!;
      const last = --this.#count;
      this.#sink(0, this.#score[last]!, this.#id[last]!);
    }
    return ids;
  }

  #isWorse(score: number, id: number, than: number): boolean {
    const other = this.#score[than]!;
    return score < other || (score === other && id > this.#id[than]!);
  }

  #move(from: number, to: number): void {
    this.#score[to] = this.#score[from]!;
    this.#id[to] = this.#id[from]!;
  }

  #sink(at: number, score: number, id: number): void {
    let i = at;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#isWorse(this.#score[child + 1]!, this.#id[child + 1]!, child)) child++;
      if (this.#isWorse(score, id, child)) break;
      this.#move(child, i);
      i = child;
    }
    this.#score[i] = score;
    this.#id[i] = id;
  }
}
