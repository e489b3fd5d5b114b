/** RxJS's notion of time, standing on a {@link Clock}. */

import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';
import type { Clock, TimerId } from './clock.ts';

/**
 * Pass it to every RxJS operator that takes a scheduler (`interval`, `timer`, `delay`, `debounceTime`, `auditTime`,
 * `bufferTime`, `timestamp`, ...). Without it they read the wall clock, which the rule of determinism forbids.
 *
 * Work always runs from a timer of the clock, never inside `schedule`, so a delay of 0 means "later at this instant".
 * An error thrown by the work ends that work and reaches whoever runs the clock's timers.
 */
export class RxScheduler implements SchedulerLike {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delay: number, state: T): Subscription;
  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay?: number, state?: T): Subscription;
  schedule<T>(work: (this: SchedulerAction<T>, state: T) => void, delay = 0, state?: T): Subscription {
    return new ClockAction<T>(this.#clock, work).schedule(state, delay);
  }
}

/** One piece of scheduled work, which may schedule itself again from within: that is how RxJS repeats. */
class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: Clock;
  readonly #work: (this: SchedulerAction<T>, state: T) => void;
  #timer: TimerId | undefined;

  constructor(clock: Clock, work: (this: SchedulerAction<T>, state: T) => void) {
    super(() => this.#cancel());
    this.#clock = clock;
    this.#work = work;
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.#cancel();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#work.call(this, state as T);
      } catch (error) {
        this.unsubscribe();
        throw error;
      }
    }, delay);
    return this;
  }

  #cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
