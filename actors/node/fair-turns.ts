/** A few pieces of work at a time, so that others get their turn of the event loop between them. */

import { eventLoopRound } from '../../engine/host/turns.ts';

/** First come, first served; at most `concurrencyMax()` are under way. What waits is bounded by whoever admits it. */
export class FairTurns {
  readonly #concurrencyMax: () => number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(concurrencyMax: () => number) {
    this.#concurrencyMax = concurrencyMax;
  }

  /** Calls `work` when it is its turn, after a round of the event loop. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#concurrencyMax()) await new Promise<void>((settle) => this.#waiting.push(settle));
    else this.#running++;
    try {
      await eventLoopRound();
      return await work();
    } finally {
      this.#running--;
      // More than one where more may be under way than before.
      while (this.#waiting.length > 0 && this.#running < this.#concurrencyMax()) {
        this.#running++;
        this.#waiting.shift()!();
      }
    }
  }
}
