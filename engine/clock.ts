/** Time as an argument: the only clock that code outside `engine/host/` may read or wait on. */

/** Opaque handle of a timer. */
export type TimerId = number;

/**
 * A clock in milliseconds. Its timer methods have the shape that xstate's `clock` option takes, so one clock drives
 * actors, state machines and RxJS (see `rx-scheduler.ts`) alike.
 *
 * The implementation must run timers that are due at the same instant in the order in which they were set.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch (real) or since the start of virtual time. Never goes backwards. */
  now(): number;
  /** Runs `callback` once, `delayMs` from now at the earliest; a negative delay counts as 0. */
  setTimeout(callback: () => void, delayMs: number): TimerId;
  /** Forgets a timer; one that has run or is unknown is ignored. */
  clearTimeout(id: TimerId): void;
}
