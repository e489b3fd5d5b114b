/** Prefetches that are wanted but not sent yet, because every fetch slot is taken. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * A bounded set ordered by value; a newcomer that finds it full pushes out the least valuable, or is refused when it is the least.
 *
 * A plain array kept sorted by descending value: the queue is short (its bound is a setting), so insertion by binary
 * search and a memmove costs less than a heap with removal by key. Equal values keep arrival order.
 */
export class PrefetchQueue {
  readonly lengthMax: number;
  readonly #segments: number[] = [];
  readonly #values: number[] = [];

  constructor(lengthMax: number) {
    this.lengthMax = lengthMax;
  }

  get count(): number {
    return this.#segments.length;
  }

  /** Those that wait, the most valuable first, at most `limit`. */
  list(limit: number): readonly number[] {
    return this.#segments.slice(0, limit);
  }

  /** Adds a segment; returns the segment that had to go for it (perhaps itself), or -1. */
  add(segment: number, value: number): number {
    let low = 0;
    let high = this.#values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#values[middle]! >= value) low = middle + 1;
      else high = middle;
    }
    this.#segments.splice(low, 0, segment);
    this.#values.splice(low, 0, value);
    if (this.#segments.length <= this.lengthMax) return -1;
    this.#values.pop();
    return this.#segments.pop()!;
  }

  /** The most valuable segment, or -1. */
  peek(): number {
    return this.#segments[0] ?? -1;
  }

  shift(): number {
    this.#values.shift();
    return this.#segments.shift() ?? -1;
  }

  /** Removes a segment wherever it stands; false when it is not queued. O(length). */
  remove(segment: number): boolean {
    const i = this.#segments.indexOf(segment);
    if (i < 0) return false;
    this.#segments.splice(i, 1);
    this.#values.splice(i, 1);
    return true;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.list(this.#segments);
    fields.list(this.#values);
  }
}
