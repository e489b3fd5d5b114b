/** The host's clock: real time that never goes backwards. */

import { assert } from '../assert.ts';
import type { Clock, TimerId } from '../clock.ts';
import { TIMERS_MAX_DEFAULT, TimerQueue } from '../timer-queue.ts';

/** The longest delay the host's timers take; a longer one would fire at once. */
const HOST_DELAY_MS_MAX = 2 ** 31 - 1;

/** Milliseconds since the Unix epoch by the machine's wall clock, which may go back. For what compares with times from elsewhere; timers go by `RealClock`. */
export function wallMs(): number {
  return Date.now();
}

/**
 * Milliseconds since the Unix epoch as it was when the process started, moved on by the monotonic clock: a correction of
 * the wall clock does not move it, so over weeks it may differ from the wall clock by what was corrected.
 *
 * All timers share one host timer. The host keeps a list per delay, so it does not promise the order of setting among
 * timers due together, fires up to a millisecond early, and cannot wait longer than 24.8 days; a heap of our own can.
 */
export class RealClock implements Clock {
  readonly #queue: TimerQueue;
  #hostTimer: NodeJS.Timeout | undefined;
  #armedFor = Infinity;
  #isRunning = false;

  constructor(options: { readonly timersMax?: number } = {}) {
    this.#queue = new TimerQueue(options.timersMax ?? TIMERS_MAX_DEFAULT);
  }

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  setTimeout(callback: () => void, delayMs: number): TimerId {
    assert(!Number.isNaN(delayMs), 'a delay is a number of milliseconds');
    const id = this.#queue.add(this.now() + Math.max(0, delayMs), callback);
    this.#arm();
    return id;
  }

  clearTimeout(id: TimerId): void {
    this.#queue.cancel(id);
    this.#arm();
  }

  /** Keeps the host timer on the earliest timer; without timers there is none, and the process may end. */
  #arm(): void {
    if (this.#isRunning) return;
    const nextAt = this.#queue.nextAt();
    if (nextAt === this.#armedFor) return;
    if (this.#hostTimer !== undefined) clearTimeout(this.#hostTimer);
    this.#armedFor = nextAt;
    this.#hostTimer =
      nextAt === Infinity
        ? undefined
        : setTimeout(() => this.#fire(), Math.min(HOST_DELAY_MS_MAX, Math.max(0, Math.ceil(nextAt - this.now()))));
  }

  #fire(): void {
    this.#hostTimer = undefined;
    this.#armedFor = Infinity;
    this.#isRunning = true;
    try {
      // Timers set by these callbacks wait for the next round, or timers without delay would starve the event loop.
      const dueBy = this.now();
      while (this.#queue.nextAt() <= dueBy) this.#queue.take()();
    } finally {
      this.#isRunning = false;
      this.#arm();
    }
  }
}
