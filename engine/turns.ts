/** The port through which an actor system asks to be run when nobody calls `drain`. */

import type { Clock } from './clock.ts';

/** Runs a callback soon, after the caller's stack has unwound, in the order of the calls. */
export interface TurnScheduler {
  schedule(run: () => void): void;
}

/** No turns of its own: actors run only inside `drain`, `settled` and `stop`. For embedding into another loop, and tests. */
export const manualTurns: TurnScheduler = { schedule: () => {} };

/** Turns as timers of a clock with no delay: under a VirtualClock all work of an instant runs at that instant, in order. */
export function clockTurns(clock: Clock): TurnScheduler {
  return {
    schedule: (run) => {
      clock.setTimeout(run, 0);
    },
  };
}
