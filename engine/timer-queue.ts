/** The pending timers of a clock, ordered by due time and then by the order in which they were set. */

import { assert } from './assert.ts';
import type { TimerId } from './clock.ts';
import { AnteroomError } from './errors.ts';

/** Timers that may be pending at once unless the clock says otherwise; a leak fails here instead of in memory. */
export const TIMERS_MAX_DEFAULT = 4_194_304;

/**
 * A binary heap over two parallel arrays, keyed by (due time, id). Ids count upwards, so the id is the tie-breaker.
 *
 * Cancelling is O(1): the callback is forgotten and its heap entry skipped when it surfaces. When more than half of the
 * heap is such leftovers it is rebuilt, so memory follows the live timers and not the cancelled ones.
 */
export class TimerQueue {
  readonly #timersMax: number;
  readonly #callbacks = new Map<TimerId, () => void>();
  #dueAt: number[] = [];
  #ids: TimerId[] = [];
  #lastId: TimerId = 0;

  constructor(timersMax = TIMERS_MAX_DEFAULT) {
    assert(Number.isInteger(timersMax) && timersMax >= 1, `timersMax is an integer >= 1, not ${timersMax}`);
    this.#timersMax = timersMax;
  }

  /** Live timers. */
  get size(): number {
    return this.#callbacks.size;
  }

  /** Adds a timer due at `dueAt` (Infinity: never). O(log n). @throws AnteroomError `limit` when too many are pending. */
  add(dueAt: number, callback: () => void): TimerId {
    assert(!Number.isNaN(dueAt), 'a timer is due at a number');
    if (this.#callbacks.size >= this.#timersMax) {
      throw new AnteroomError('limit', `more than ${this.#timersMax} timers are pending`, {
        context: { timersMax: this.#timersMax },
      });
    }
    const id = ++this.#lastId;
    this.#callbacks.set(id, callback);
    this.#dueAt.push(dueAt);
    this.#ids.push(id);
    this.#siftUp(this.#ids.length - 1);
    return id;
  }

  /** Forgets a timer; one that has run or is unknown is ignored. */
  cancel(id: TimerId): void {
    if (!this.#callbacks.delete(id)) return;
    if (this.#ids.length > 64 && this.#ids.length > 2 * this.#callbacks.size) this.#rebuild();
  }

  /** When the earliest live timer is due; Infinity when there is none. */
  nextAt(): number {
    while (this.#ids.length > 0) {
      if (this.#callbacks.has(this.#ids[0] as number)) return this.#dueAt[0] as number;
      this.#removeTop();
    }
    return Infinity;
  }

  /** Removes the earliest live timer and returns its callback. O(log n). The caller has seen that there is one. */
  take(): () => void {
    const dueAt = this.nextAt();
    assert(this.#ids.length > 0 && dueAt !== Infinity, 'no timer is due');
    const id = this.#ids[0] as number;
    const callback = this.#callbacks.get(id) as () => void;
    this.#callbacks.delete(id);
    this.#removeTop();
    return callback;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = (this.#dueAt[a] as number) - (this.#dueAt[b] as number);
    // Two timers at Infinity differ by NaN and fall through to their ids, as equal times do.
    return difference < 0 || (!(difference > 0) && (this.#ids[a] as number) < (this.#ids[b] as number));
  }

  #swap(a: number, b: number): void {
    const dueAt = this.#dueAt[a] as number;
    const id = this.#ids[a] as number;
    this.#dueAt[a] = this.#dueAt[b] as number;
    this.#ids[a] = this.#ids[b] as number;
    this.#dueAt[b] = dueAt;
    this.#ids[b] = id;
  }

  #siftUp(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= this.#ids.length) return;
      const right = left + 1;
      const least = right < this.#ids.length && this.#isBefore(right, left) ? right : left;
      if (!this.#isBefore(least, index)) return;
      this.#swap(index, least);
      index = least;
    }
  }

  #removeTop(): void {
    this.#swap(0, this.#ids.length - 1);
    this.#dueAt.pop();
    this.#ids.pop();
    this.#siftDown(0);
  }

  #rebuild(): void {
    const dueAt: number[] = [];
    const ids: number[] = [];
    for (let i = 0; i < this.#ids.length; i++) {
      if (!this.#callbacks.has(this.#ids[i] as number)) continue;
      dueAt.push(this.#dueAt[i] as number);
      ids.push(this.#ids[i] as number);
    }
    this.#dueAt = dueAt;
    this.#ids = ids;
    for (let i = (ids.length >> 1) - 1; i >= 0; i--) this.#siftDown(i);
  }
}
