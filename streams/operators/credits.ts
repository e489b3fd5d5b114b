/** Permits to send batches: the back-pressure of every hop inside a process. */

import { assert } from '../../engine/assert.ts';

/**
 * A sender takes one credit a batch, a consumer gives it back when it is done with the batch; at most `max` batches are
 * therefore under way, and nothing runs ahead of its consumer.
 */
export class Credits {
  readonly max: number;
  #available: number;
  readonly #waiting: (() => void)[] = [];

  /** @param max batches that may be unacknowledged, at least 1. */
  constructor(max: number) {
    assert(Number.isInteger(max) && max >= 1, `credits ${max} are not a count of at least 1`);
    this.max = max;
    this.#available = max;
  }

  /** Batches sent and not acknowledged. */
  get outstandingCount(): number {
    return this.max - this.#available;
  }

  /** Takes a credit if there is one. */
  tryTake(): boolean {
    if (this.#available === 0) return false;
    this.#available--;
    return true;
  }

  /** Calls `callback` once, when a credit is there (at once if one is). The callee takes it with `tryTake`. Returns a cancel function. */
  whenAvailable(callback: () => void): () => void {
    if (this.#available > 0) {
      callback();
      return () => {};
    }
    this.#waiting.push(callback);
    return () => {
      const at = this.#waiting.indexOf(callback);
      if (at >= 0) this.#waiting.splice(at, 1);
    };
  }

  /** Gives back `count` credits. */
  ack(count = 1): void {
    assert(Number.isInteger(count) && count >= 0, `ack of ${count} batches`);
    assert(this.#available + count <= this.max, 'more batches acknowledged than were sent');
    this.#available += count;
    // A woken sender may take the credit: wake the next only while some are left.
    while (this.#available > 0) {
      const wake = this.#waiting.shift();
      if (wake === undefined) return;
      wake();
    }
  }
}
