/** One timed piece of work, as a rate. */

import { elapsedMs } from '../../engine/host/process-usage.ts';
import type { Sample } from './bench.ts';

/** Runs `work`, which comes to `count` units; its result is the answer, undefined = none. */
export async function timed(
  count: number,
  work: () => Promise<string | undefined> | string | undefined,
): Promise<Sample> {
  const startedMs = elapsedMs();
  const pending = work();
  // Awaiting what is no promise would hand the turn to whatever else waits.
  const answer = pending instanceof Promise ? await pending : pending;
  const value = (count * 1000) / (elapsedMs() - startedMs);
  return answer === undefined ? { value } : { value, answer };
}
