/** A clock that moves only when it is told to: the discrete-event time of simulations and tests. */

import { assert } from './assert.ts';
import type { Clock, TimerId } from './clock.ts';
import { AnteroomError } from './errors.ts';
import { TIMERS_MAX_DEFAULT, TimerQueue } from './timer-queue.ts';

/** Limits of a {@link VirtualClock}. */
export interface VirtualClockOptions {
  /** Where time starts, in ms; 0 by default. */
  readonly startAt?: number;
  /** Timers that may be pending at once. Beyond it `setTimeout` fails with `limit`. */
  readonly timersMax?: number;
  /** Timers that may run without time moving, 10 million by default. Beyond it `limit`: two timers feed each other. */
  readonly timersPerInstantMax?: number;
}

/**
 * Runs timers in the order (due time, order of setting) and never sleeps; between timers time jumps.
 *
 * A callback that throws leaves the clock at that timer's time with the timer removed; the error reaches the caller.
 */
export class VirtualClock implements Clock {
  readonly #queue: TimerQueue;
  readonly #timersPerInstantMax: number;
  #now: number;
  #instantCount = 0;
  #isRunning = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#now = options.startAt ?? 0;
    this.#queue = new TimerQueue(options.timersMax ?? TIMERS_MAX_DEFAULT);
    this.#timersPerInstantMax = options.timersPerInstantMax ?? 10_000_000;
    assert(Number.isFinite(this.#now), `time starts at a finite number, not ${this.#now}`);
  }

  now(): number {
    return this.#now;
  }

  /** As {@link Clock.setTimeout}; a delay of Infinity never comes due. */
  setTimeout(callback: () => void, delayMs: number): TimerId {
    assert(!Number.isNaN(delayMs), 'a delay is a number of milliseconds');
    return this.#queue.add(this.#now + Math.max(0, delayMs), callback);
  }

  clearTimeout(id: TimerId): void {
    this.#queue.cancel(id);
  }

  /** Timers that have not run yet. */
  get pendingCount(): number {
    return this.#queue.size;
  }

  /** When the next timer is due, in ms; Infinity when none will ever be. */
  nextAt(): number {
    return this.#queue.nextAt();
  }

  /** Moves to the next timer and runs it. Returns false, and does not move, when there is none. */
  runNext(): boolean {
    this.#assertIdle();
    const dueAt = this.#queue.nextAt();
    if (dueAt === Infinity) return false;
    assert(dueAt >= this.#now, 'time does not go backwards');
    if (dueAt === this.#now) {
      if (++this.#instantCount > this.#timersPerInstantMax) {
        throw new AnteroomError(
          'limit',
          `${this.#timersPerInstantMax} timers ran at ${dueAt} ms and time did not move`,
          {
            context: { at: dueAt, timersPerInstantMax: this.#timersPerInstantMax },
          },
        );
      }
    } else {
      this.#now = dueAt;
      this.#instantCount = 1;
    }
    const callback = this.#queue.take();
    this.#isRunning = true;
    try {
      callback();
    } finally {
      this.#isRunning = false;
    }
    return true;
  }

  /** Runs everything due up to and including `at`, those set meanwhile too, then stands at `at`. Returns how many ran. */
  advanceTo(at: number): number {
    this.#assertIdle();
    assert(Number.isFinite(at) && at >= this.#now, `time goes forward to a finite instant: ${this.#now} to ${at}`);
    let count = 0;
    while (this.#queue.nextAt() <= at) {
      this.runNext();
      count++;
    }
    if (at > this.#now) {
      this.#now = at;
      this.#instantCount = 0;
    }
    return count;
  }

  /** {@link advanceTo} by a span instead of to an instant. */
  advanceBy(spanMs: number): number {
    return this.advanceTo(this.#now + spanMs);
  }

  /**
   * {@link advanceTo} for code that awaits: `settle` is awaited before the first and after each timer, so that promises
   * which a timer resolved have run their course before time moves on. `ActorSystem.settled` or a turn of the host's
   * event loop serve as `settle`.
   */
  async playTo(at: number, settle: () => Promise<void>): Promise<number> {
    assert(Number.isFinite(at) && at >= this.#now, `time goes forward to a finite instant: ${this.#now} to ${at}`);
    let count = 0;
    await settle();
    while (this.#queue.nextAt() <= at) {
      this.runNext();
      count++;
      await settle();
    }
    return count + this.advanceTo(Math.max(at, this.#now));
  }

  #assertIdle(): void {
    assert(!this.#isRunning, 'a timer callback may not drive the clock that runs it');
  }
}
