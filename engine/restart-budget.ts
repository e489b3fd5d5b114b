/** How often a supervised actor may be restarted: at most so many times within a sliding window. */

import { assert } from './assert.ts';

/** Remembers the last `maxRestarts` restarts. Time is an argument and may not go backwards. */
export class RestartBudget {
  readonly #maxRestarts: number;
  readonly #windowMs: number;
  readonly #restartedAt: number[] = [];

  constructor(maxRestarts: number, windowMs: number) {
    assert(Number.isInteger(maxRestarts) && maxRestarts >= 0, `maxRestarts is an integer >= 0, not ${maxRestarts}`);
    assert(windowMs > 0, `windowMs is > 0, not ${windowMs}`);
    this.#maxRestarts = maxRestarts;
    this.#windowMs = windowMs;
  }

  /** Restarts in the window (now - windowMs, now]. */
  usedCount(now: number): number {
    while (this.#restartedAt.length > 0 && (this.#restartedAt[0] as number) <= now - this.#windowMs) {
      this.#restartedAt.shift();
    }
    return this.#restartedAt.length;
  }

  hasRoom(now: number): boolean {
    return this.usedCount(now) < this.#maxRestarts;
  }

  /** Spends one restart. The caller has seen that there is room. */
  spend(now: number): void {
    assert(this.hasRoom(now), 'the restart budget is spent');
    this.#restartedAt.push(now);
  }
}
