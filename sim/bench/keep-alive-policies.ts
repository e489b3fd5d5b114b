/** Published policies of how long a function stays in memory after an invocation: fixed, and the hybrid histogram. */

/** Window in which a function is held after an invocation, in minutes since it: both ends inclusive, from 1 on. */
export interface KeepAliveWindow {
  readonly from: number;
  readonly to: number;
}

/** Told of each interval between two invocations in whole minutes (null at the first); answers how to hold the function now. */
export type KeepAlivePolicy = (interval: number | null) => KeepAliveWindow;

/** Cold starts, and minutes in which functions were held without an invocation before the next. */
export interface KeepAliveCost {
  readonly coldStarts: number;
  readonly minutes: number;
}

/** Held for `minutes` after each invocation. */
export function fixedKeepAlive(minutes: number): () => KeepAlivePolicy {
  return () => () => ({ from: 1, to: minutes });
}

/** Settings of the published policy: 4 hours of minutes, 5th and 99th percentile, margins of a tenth, CV above 2, at most half out of bounds. */
const range = 240;
const headShare = 0.05;
const tailShare = 0.99;
const margin = 0.1;
const cvMin = 2;
const outOfBoundsMax = 0.5;

/**
 * The hybrid histogram policy (Shahrad et al., "Serverless in the Wild", USENIX ATC 2020, section 4.2): a function whose histogram of
 * idle minutes is representative is unloaded at once, loaded again shortly before the 5th percentile and held past the 99th; any other is held
 * for `fallbackMinutes`, which in the paper is the histogram's range. Its time-series model for functions that are mostly out of bounds is left to that
 * fallback: a day has too few such intervals to fit one.
 */
export function hybridHistogram(fallbackMinutes: number): () => KeepAlivePolicy {
  return () => {
    const counts = new Float64Array(range);
    let inBounds = 0;
    let outOfBounds = 0;
    return (interval) => {
      if (interval !== null) {
        if (interval < range) {
          counts[interval]!++;
          inBounds++;
        } else outOfBounds++;
      }
      const fallback = { from: 1, to: fallbackMinutes };
      if (inBounds === 0 || outOfBounds > outOfBoundsMax * (inBounds + outOfBounds)) return fallback;
      if (variation(counts, inBounds) <= cvMin) return fallback;
      const head = percentile(counts, headShare * inBounds);
      const tail = percentile(counts, tailShare * inBounds) + 1;
      return { from: Math.max(1, Math.floor(head * (1 - margin))), to: Math.ceil(tail * (1 + margin)) };
    };
  };
}

/** Coefficient of variation of the bins' counts. */
function variation(counts: Float64Array, total: number): number {
  const mean = total / counts.length;
  let squares = 0;
  for (const count of counts) squares += (count - mean) ** 2;
  return Math.sqrt(squares / counts.length) / mean;
}

/** First bin at which the counts so far reach `rank`. */
function percentile(counts: Float64Array, rank: number): number {
  let sum = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    sum += counts[bin]!;
    if (sum >= rank) return bin;
  }
  return counts.length - 1;
}

/**
 * Plays a policy on the minutes in which each function was invoked, and counts what falls into minutes from `fromMinute` up to `endMinute`
 * (exclusive). A first invocation is cold under any policy.
 */
export function playKeepAlive(
  functions: readonly (readonly number[])[],
  fromMinute: number,
  endMinute: number,
  makePolicy: () => KeepAlivePolicy,
): KeepAliveCost {
  let coldStarts = 0;
  let minutes = 0;
  for (const invoked of functions) {
    const policy = makePolicy();
    let window: KeepAliveWindow = { from: 1, to: 0 };
    let last = Number.NaN;
    const hold = (until: number): void => {
      const from = Math.max(last + window.from, fromMinute);
      const to = Math.min(last + window.to, until);
      minutes += Math.max(0, to - from + 1);
    };
    for (const minute of invoked) {
      const interval = Number.isNaN(last) ? null : minute - last;
      const isWarm = interval !== null && interval >= window.from && interval <= window.to;
      if (!isWarm && minute >= fromMinute) coldStarts++;
      if (interval !== null) hold(minute);
      window = policy(interval);
      last = minute;
    }
    hold(endMinute - 1);
  }
  return { coldStarts, minutes };
}
