/** A virtual world for one actor system, and what happened in it. */

import type { SystemEvent } from '../../../engine/cell-host.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ActorSystem, type ActorSystemOptions } from '../../../engine/system.ts';
import { clockTurns, manualTurns } from '../../../engine/turns.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

export interface World {
  readonly clock: VirtualClock;
  readonly system: ActorSystem;
  readonly events: SystemEvent[];
  /** `at address detail` of each event. */
  trace(): string[];
  /** The states that one actor went through. */
  states(address: string): string[];
}

/** `turns: 'clock'` runs actors while the clock advances; `'manual'`, the default, only when drained. */
export function world(
  options: {
    readonly seed?: number;
    readonly turns?: 'clock' | 'manual';
    readonly config?: ActorSystemOptions['config'];
  } = {},
): World {
  const clock = new VirtualClock();
  const events: SystemEvent[] = [];
  const system = new ActorSystem({
    clock,
    random: new Xoshiro128(options.seed ?? 1),
    turns: options.turns === 'clock' ? clockTurns(clock) : manualTurns,
    onEvent: (event) => events.push(event),
    ...(options.config === undefined ? {} : { config: options.config }),
  });
  return {
    clock,
    system,
    events,
    trace: () => events.map((event) => `${event.at} ${event.address} ${event.kind} ${event.detail}`),
    states: (address) =>
      events.filter((event) => event.kind === 'entered' && event.address === address).map((event) => event.detail),
  };
}

/** A promise and the way to settle it from outside. */
export function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
