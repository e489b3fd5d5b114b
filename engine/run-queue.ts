/** A first-in first-out queue of those who have something to do; each is in it at most once. */

import { assert } from './assert.ts';

/** A ring that doubles when full. Its bound is the number of its users, so it has no policy. O(1) amortised. */
export class RunQueue<T> {
  #slots: (T | undefined)[] = new Array(64).fill(undefined);
  #mask = 63;
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  peek(): T | undefined {
    return this.#slots[this.#head];
  }

  push(item: T): void {
    if (this.#size > this.#mask) this.#grow();
    this.#slots[(this.#head + this.#size) & this.#mask] = item;
    this.#size++;
  }

  /** The caller has seen that `size` > 0. */
  shift(): T {
    assert(this.#size > 0, 'an empty run queue has nothing to run');
    const item = this.#slots[this.#head] as T;
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & this.#mask;
    this.#size--;
    return item;
  }

  #grow(): void {
    const slots: (T | undefined)[] = new Array((this.#mask + 1) * 2).fill(undefined);
    for (let i = 0; i < this.#size; i++) slots[i] = this.#slots[(this.#head + i) & this.#mask];
    this.#slots = slots;
    this.#mask = slots.length - 1;
    this.#head = 0;
  }
}
