/** Consumers on fixed paths, for tests of the models of the next segment. */

import type { RandomSource } from '../../../engine/random.ts';

export interface Step {
  readonly consumer: number;
  readonly segment: number;
  readonly timeMs: number;
}

/** Each consumer walks one path after the other, interleaved at random; a share `noise` of the steps is of any segment. */
export function paths(
  random: RandomSource,
  length: number,
  consumerCount: number,
  { noise = 0.1, pathCount = 30, segmentCount = 400 } = {},
): Step[] {
  const known = Array.from({ length: pathCount }, () => Array.from({ length: 8 }, () => random.int(segmentCount)));
  const at = Array.from({ length: consumerCount }, () => ({ path: random.int(pathCount), step: 0 }));
  let timeMs = 0;
  return Array.from({ length }, () => {
    const consumer = random.int(consumerCount);
    const state = at[consumer]!;
    timeMs += random.int(4) === 0 ? 5000 : 0;
    if (random.next() < noise) return { consumer, segment: random.int(segmentCount), timeMs };
    if (state.step === 8) {
      state.path = random.int(pathCount);
      state.step = 0;
    }
    return { consumer, segment: known[state.path]![state.step++]!, timeMs };
  });
}
