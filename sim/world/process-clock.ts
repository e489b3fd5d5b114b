/** The clock of one simulated process: it stands still while the process is paused and forgets everything when it dies. */

import type { Clock, TimerId } from '../../engine/clock.ts';

/** Time goes on while a process is paused; its timers that came due meanwhile run together when it goes on, as after SIGCONT. */
export class ProcessClock implements Clock {
  readonly #world: Clock;
  readonly #deferred = new Map<TimerId, () => void>();
  #isPaused = false;
  #isDead = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  now(): number {
    return this.#world.now();
  }

  setTimeout(callback: () => void, delayMs: number): TimerId {
    const id = this.#world.setTimeout(() => {
      if (this.#isDead) return;
      if (this.#isPaused) this.#deferred.set(id, callback);
      else callback();
    }, delayMs);
    return id;
  }

  clearTimeout(id: TimerId): void {
    this.#world.clearTimeout(id);
    this.#deferred.delete(id);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    for (const id of [...this.#deferred.keys()]) {
      this.#world.setTimeout(() => {
        const callback = this.#deferred.get(id);
        if (callback === undefined || this.#isDead) return;
        // A pause that began again meanwhile keeps it.
        if (this.#isPaused) return;
        this.#deferred.delete(id);
        callback();
      }, 0);
    }
  }

  kill(): void {
    this.#isDead = true;
    this.#deferred.clear();
  }
}
