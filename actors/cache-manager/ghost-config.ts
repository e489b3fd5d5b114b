/** How the world without prefetching is watched: whole, or by a sample of its segments. */

import { z } from 'zod';
import type { EvictionName } from './eviction.ts';

export const ghostSchema = z.strictObject({
  kind: z
    .enum(['whole', 'sampled'])
    .default('whole')
    .describe(
      'whole: every segment, so that bounds hold on every input. sampled: a share of the segments, chosen by hash; bounds then hold at `confidence`, for less memory, on lru, fifo, clock, sieve, s3-fifo, arc and hazard. On auto, w-tinylfu, lirs and gdsf they are an estimate, and reports say so.',
    ),
  rate: z
    .number()
    .min(0.0001)
    .max(1)
    .default(0.05)
    .describe('sampled: share of the segments that are watched, to begin with.'),
  segmentsMax: z
    .int()
    .min(64)
    .default(100_000)
    .describe('sampled: segments that are watched at most; beyond that the share is halved, counted.'),
  confidence: z
    .number()
    .min(0.5)
    .max(0.999999)
    .default(0.99)
    .describe('sampled: least share of samples for which the bounds are to hold at every moment.'),
});
export type GhostConfig = z.output<typeof ghostSchema>;

/** Evictions on which trials over generated logs kept the stated confidence (test/laws/sampled-ghost.test.ts); on the others a sample is an estimate. */
const shown: readonly EvictionName[] = ['lru', 'fifo', 'clock', 'sieve', 's3-fifo', 'arc', 'hazard'];

/** Whether the bounds of a sampled ghost beside this eviction are only an estimate: its miniature may part from the whole for good. */
export function isEstimateOn(eviction: EvictionName): boolean {
  return !shown.includes(eviction);
}
