/** How the world without prefetching is watched: whole, or by a sample of its segments. */

import { z } from 'zod';

export const ghostSchema = z.strictObject({
  kind: z
    .enum(['whole', 'sampled'])
    .default('whole')
    .describe(
      'whole: every segment, so that bounds hold on every input. sampled: a share of the segments, chosen by hash; bounds then hold at `confidence`, for less memory.',
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
