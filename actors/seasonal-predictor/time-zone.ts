/** Offset of local clocks from UTC, without locale or Date. */

import { assert } from '../../engine/assert.ts';

/** The port: what an IANA zone, precomputed elsewhere, has to answer. */
export interface TimeZone {
  /** Milliseconds to add to an instant (ms since the epoch) to read the local clock. */
  offsetMsAt(timeMs: number): number;
}

/** A clock that is always `minutes` ahead of UTC. */
export function fixedOffset(minutes: number): TimeZone {
  const offsetMs = minutes * 60_000;
  return { offsetMsAt: () => offsetMs };
}

/** A zone from its table of transitions: `offsetMs[i]` holds from `fromMs[i]` on, and `offsetMs[0]` before it too. */
export function transitionZone(fromMs: readonly number[], offsetMs: readonly number[]): TimeZone {
  assert(fromMs.length > 0 && fromMs.length === offsetMs.length, 'each transition has its offset');
  return {
    offsetMsAt(timeMs) {
      let low = 0;
      let high = fromMs.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >>> 1;
        if (fromMs[middle]! <= timeMs) low = middle;
        else high = middle - 1;
      }
      return offsetMs[low]!;
    },
  };
}
