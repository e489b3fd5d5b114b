/** Turns from the host's event loop, for actor systems that run in real time. */

import type { TurnScheduler } from '../turns.ts';

/** After the current phase of the event loop: sockets and timers get their share between turns. The choice for a node. */
export const immediateTurns: TurnScheduler = {
  schedule: (run) => {
    setImmediate(run);
  },
};

/** Before anything else the event loop would do: least delay, and a busy system starves sockets and timers. */
export const microtaskTurns: TurnScheduler = {
  schedule: (run) => {
    queueMicrotask(run);
  },
};

/** Resolves after one round of the event loop, when every promise that could settle by itself has. */
export function eventLoopRound(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
