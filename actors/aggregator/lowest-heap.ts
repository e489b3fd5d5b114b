/** Finds the slot of the lowest value while values only grow: the victim of Space-Saving. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * A binary min-heap over slots 0..n-1, keyed by a value outside of it. Built once in O(n); `raise` after a value grew is
 * O(log n). Ties go to the lower slot, so the victim is always the same.
 */
export class LowestHeap {
  readonly #heap: Int32Array;
  readonly #place: Int32Array;
  readonly #valueOf: (slot: number) => number;

  constructor(slotCount: number, valueAt: (slot: number) => number) {
    this.#heap = Int32Array.from({ length: slotCount }, (_, slot) => slot);
    this.#place = this.#heap.slice();
    this.#valueOf = valueAt;
    for (let i = (slotCount >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  /** The slot of the lowest value. */
  lowest(): number {
    return this.#heap[0]!;
  }

  /** Says that the value of `slot` grew. */
  raise(slot: number): void {
    this.#sink(this.#place[slot]!);
  }

  /** The order, to save or restore it; values (#valueOf) are kept elsewhere. */
  persist(fields: StateFields): void {
    fields.into(this.#heap);
    fields.into(this.#place);
  }

  #sink(at: number): void {
    const heap = this.#heap;
    const slot = heap[at]!;
    const value = this.#valueOf(slot);
    let i = at;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isLower(heap[child + 1]!, heap[child]!)) child++;
      const lower = heap[child]!;
      const lowerValue = this.#valueOf(lower);
      if (lowerValue > value || (lowerValue === value && lower > slot)) break;
      heap[i] = lower;
      this.#place[lower] = i;
      i = child;
    }
    heap[i] = slot;
    this.#place[slot] = i;
  }

  #isLower(a: number, b: number): boolean {
    const x = this.#valueOf(a);
    const y = this.#valueOf(b);
    return x < y || (x === y && a < b);
  }
}
