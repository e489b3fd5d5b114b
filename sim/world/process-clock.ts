/** The clock of one simulated process: it stands still while the process is paused and forgets everything when it dies. */

import type { Clock, TimerId } from '../../engine/clock.ts';

/** The wall clock of a machine, as far as it differs from the world's time: someone may set it at any moment. It outlives processes. */
export interface WallClock {
  offsetMs: number;
}

/**
 * Reads the wall clock once, when the process starts, and counts from there, as `engine/host/real-clock.ts` does: a step of the wall clock is seen by the
 * next life alone. Time goes on while a process is paused; its timers that came due meanwhile run together when it goes on, as after SIGCONT.
 */
export class ProcessClock implements Clock {
  readonly #world: Clock;
  readonly #wall: WallClock;
  readonly #deferred = new Map<TimerId, () => void>();
  #isPaused = false;
  #isDead = false;

  /** `isFollowing`: a planted bug, the wall clock is read again for every question. */
  constructor(world: Clock, wall: WallClock, isFollowing = false) {
    this.#world = world;
    this.#wall = isFollowing ? wall : { ...wall };
  }

  now(): number {
    return this.#world.now() + this.#wall.offsetMs;
  }

  /** The world's time, which no process can know: for what happens to it from outside. */
  get worldMs(): number {
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
