/** What a site's kernel asks of a prefetcher's without plain code between them: functions of WebAssembly, of these kinds. */

import type { WasmCall, WasmKind } from '../streams/sources/wasm-module.ts';

/** In the order in which they are borrowed; doubles come behind words. */
export const quietCallKinds = {
  /**
   * `weigh(segment, consumer, class, fourth, position, lead)`: what `onAccess` does of an access but for proposals, given its class (`servedClassOf`), what `QuietRows.fourth` says, its log position and
   * `SiteView.leadAccesses` as doubles. Gives -1 where it did nothing, -2 where nothing can come of it, else eight bits and behind them, in the lowest eight, how many candidates pass.
   */
  weigh: { parameterCount: 4, doubleCount: 2, hasResult: true },
  /** `propose(allowed, passing, class, position, consumer)`: chooses so many of those that pass, the best first; gives whether what is stated of each is no more than of the one before, else 0. */
  propose: { parameterCount: 5, hasResult: true },
  /** What was chosen, by number: the segment, who argued most, and the probability that is stated. */
  proposedSegment: { parameterCount: 1, hasResult: true },
  proposedExpert: { parameterCount: 1, hasResult: true },
  proposedStated: { parameterCount: 1, hasResult: 'double' },
  /** `held(segment)`: as `onHeld` of one that was sent. */
  held: { parameterCount: 1, hasResult: false },
  /**
   * `ended(segment, expert, outcome, position)`: as `onHeld` of one that has ended, `onOutcome` and, where it was wasted, `onEvict`; with {@link EVICTED} instead of an `Outcome` as `onEvict` of a demanded one.
   * `position`: of the access before. Gives 0 where it did nothing, else 1.
   */
  endedFor: { parameterCount: 4, hasResult: true },
  /** `foreseen(segment, position, age, lead)`: 1 where `forecastOf` gives more than 0, and 2 more where `age` accesses are within `horizonAccesses`. */
  foreseen: { parameterCount: 3, doubleCount: 1, hasResult: true },
} as const satisfies Readonly<Record<string, WasmKind>>;

export type QuietCall = keyof typeof quietCallKinds;
export const quietCallNames = Object.keys(quietCallKinds) as readonly QuietCall[];

export type QuietCalls = Readonly<Record<QuietCall, WasmCall>>;

/** Told in the place of an `Outcome`: the segment left the reactive cache. */
export const EVICTED = 8;
