/** Sequences kept for replay: the latest ones, in a bounded ring of numbers. */

import { assert } from '../../engine/assert.ts';
import type { RandomSource } from '../../engine/random.ts';

/** Tries at drawing a sequence whose items are all still what they were. */
const TRIES = 8;

/**
 * Sequences as `length, skip, item...` in one array; when it is full, the older half goes. A sequence that names a row which another
 * item has taken since is never drawn again. O(length) a call, amortised.
 */
export class SequenceStore {
  readonly numbers: Int32Array;
  count = 0;
  readonly #starts: Int32Array;
  /** Number of the first sequence, counted from the beginning, that may name the row as it is now. */
  readonly #renewedAt: Float64Array;
  #end = 0;
  /** Sequences that have gone. */
  #gone = 0;

  constructor(numbersMax: number, itemCount: number) {
    assert(numbersMax >= 256, 'a store holds at least 256 numbers');
    this.numbers = new Int32Array(numbersMax);
    // The shortest sequence has two items.
    this.#starts = new Int32Array(numbersMax >> 2);
    this.#renewedAt = new Float64Array(itemCount);
  }

  startOf(sequence: number): number {
    return this.#starts[sequence]!;
  }

  /** Takes sequences in; gives the number of the first of them. Numbers from before hold no longer. */
  append(sequences: Int32Array): number {
    assert(sequences.length <= this.numbers.length / 2, 'a request is at most half of the store');
    if (this.#end + sequences.length > this.numbers.length) this.#dropOlder();
    this.numbers.set(sequences, this.#end);
    const first = this.count;
    for (let at = 0; at < sequences.length; at += 2 + sequences[at]!) {
      this.#starts[this.count++] = this.#end + at;
    }
    this.#end += sequences.length;
    return first;
  }

  /** A sequence by chance, or -1 where none was found that still holds. */
  draw(random: RandomSource): number {
    if (this.count === 0) return -1;
    for (let i = 0; i < TRIES; i++) {
      const sequence = random.int(this.count);
      if (this.#holds(sequence)) return sequence;
    }
    return -1;
  }

  /** Another item takes the row: earlier sequences that name it are not drawn again. */
  forgetItem(row: number): void {
    this.#renewedAt[row] = this.#gone + this.count;
  }

  #holds(sequence: number): boolean {
    const at = this.#starts[sequence]!;
    for (let i = at + 2; i < at + 2 + this.numbers[at]!; i++) {
      if (this.#renewedAt[this.numbers[i]!]! > this.#gone + sequence) return false;
    }
    return true;
  }

  #dropOlder(): void {
    let first = 0;
    while (first < this.count && this.#starts[first]! < this.#end - this.numbers.length / 2) first++;
    const at = first < this.count ? this.#starts[first]! : this.#end;
    this.numbers.copyWithin(0, at, this.#end);
    for (let i = first; i < this.count; i++) this.#starts[i - first] = this.#starts[i]! - at;
    this.count -= first;
    this.#gone += first;
    this.#end -= at;
  }
}
