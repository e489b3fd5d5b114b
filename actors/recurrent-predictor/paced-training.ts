/** Runs training in slices and rests in between, so that it takes no more than its share of a core. */

import type { Clock } from '../../engine/clock.ts';

export interface PaceOptions {
  readonly clock: Clock;
  /** Share of the time at work: above 0, up to 1. */
  readonly cpuShare: number;
  /** Milliseconds at work between two rests. */
  readonly sliceMs: number;
  readonly isCancelled: () => boolean;
}

/** Result of the work, or null when it was cancelled between two slices. Rests at least as long as lets messages in. */
export async function runPaced<Result>(
  work: Generator<void, Result, void>,
  { clock, cpuShare, sliceMs, isCancelled }: PaceOptions,
): Promise<Result | null> {
  for (;;) {
    if (isCancelled()) {
      work.return(undefined as Result);
      return null;
    }
    const startedAt = clock.now();
    let elapsed = 0;
    do {
      const step = work.next();
      if (step.done) return step.value;
      elapsed = clock.now() - startedAt;
    } while (elapsed < sliceMs);
    const restMs = elapsed * (1 / cpuShare - 1);
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, restMs);
    });
  }
}
