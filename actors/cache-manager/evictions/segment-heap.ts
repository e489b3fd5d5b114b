/** A priority queue of segments whose priorities may change. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';

/**
 * A binary min-heap with a table from segment to place; `put` and `remove` are O(log n), `first` is O(1).
 * Of equal priorities the one put longest ago comes first, so that the order never depends on the heap's shape.
 */
export class SegmentHeap {
  count = 0;
  #puts = 0;
  /** Segments in heap order from 1; place 0 is nobody, so that zeroed places mean "not in it". */
  #heap = new Int32Array(64);
  #place: Int32Array;
  #priority: Float64Array;
  #stamp: Float64Array;

  constructor(segmentLimit: number) {
    this.#place = new Int32Array(segmentLimit);
    this.#priority = new Float64Array(segmentLimit);
    this.#stamp = new Float64Array(segmentLimit);
  }

  fit(segmentLimit: number): void {
    this.#place = grownTable(this.#place, segmentLimit);
    this.#priority = grownTable(this.#priority, segmentLimit);
    this.#stamp = grownTable(this.#stamp, segmentLimit);
  }

  has(segment: number): boolean {
    return this.#place[segment] !== 0;
  }

  priorityOf(segment: number): number {
    return this.#priority[segment];
  }

  /** Adds a segment or changes its priority. */
  put(segment: number, priority: number): void {
    this.#priority[segment] = priority;
    this.#stamp[segment] = this.#puts++;
    let place = this.#place[segment];
    if (place === 0) {
      place = ++this.count;
      if (place === this.#heap.length) this.#heap = grownTable(this.#heap, 2 * place);
    }
    this.#settle(segment, place);
  }

  remove(segment: number): void {
    const place = this.#place[segment];
    const last = this.#heap[this.count--];
    this.#place[segment] = 0;
    if (last !== segment) this.#settle(last, place);
  }

  /** The segment of least priority; -1 when there is none. */
  first(): number {
    return this.count === 0 ? -1 : this.#heap[1];
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.count = fields.number(this.count);
    this.#puts = fields.number(this.#puts);
    this.#heap = fields.array(this.#heap);
    this.#place = fields.array(this.#place);
    this.#priority = fields.array(this.#priority);
    this.#stamp = fields.array(this.#stamp);
  }

  #precedes(a: number, b: number): boolean {
    const priorityA = this.#priority[a];
    const priorityB = this.#priority[b];
    return priorityA < priorityB || (priorityA === priorityB && this.#stamp[a] < this.#stamp[b]);
  }

  /** Finds `segment` its place, starting from the free one at `place`. */
  #settle(segment: number, place: number): void {
    const heap = this.#heap;
    const placeOf = this.#place;
    let at = place;
    while (at > 1 && this.#precedes(segment, heap[at >> 1])) {
      heap[at] = heap[at >> 1];
      placeOf[heap[at]] = at;
      at >>= 1;
    }
    for (let child = 2 * at; child <= this.count; child = 2 * at) {
      if (child < this.count && this.#precedes(heap[child + 1], heap[child])) child++;
      if (!this.#precedes(heap[child], segment)) break;
      heap[at] = heap[child];
      placeOf[heap[at]] = at;
      at = child;
    }
    heap[at] = segment;
    placeOf[segment] = at;
  }
}
