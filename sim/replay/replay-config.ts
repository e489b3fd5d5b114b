/** Settings of a replay that are not on its command line: the file given to `--config`. */

import { z } from 'zod';
import { missBoundSchema } from '../../actors/cache-manager/miss-bound.ts';
import { farLoopConfigSchema } from '../../actors/far-loop-config.ts';
import { nearLoopConfigSchema } from '../../actors/near-loop/near-loop-config.ts';
import { pricesSchema } from '../../actors/prices.ts';

export const replayConfigSchema = z
  .strictObject({
    prices: pricesSchema.prefault({}).describe('What a second of waiting, a byte, a request and space are worth.'),
    missPenaltyMs: z
      .number()
      .min(0)
      .default(50)
      .describe('Waiting that one avoided miss is worth, where the latency model has no milliseconds (0 and Nreq).'),
    trafficAllowance: z
      .int()
      .min(0)
      .default(64)
      .describe('Requests granted on top of --traffic-max, so that a run can start.'),
    missBound: missBoundSchema.prefault({}).describe('What prefetching may cost in misses at most, at every moment.'),
    stagingShareMax: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Largest share of the cache that staged segments may take before their first demand.'),
    queueLengthMax: z
      .int()
      .min(1)
      .default(1024)
      .describe('Prefetches that may wait for a fetch slot; the least valuable beyond that are withdrawn, counted.'),
    lookAheadMax: z.int().min(1).default(65_536).describe('Accesses that the clairvoyant bound sees ahead.'),
    farLoop: farLoopConfigSchema.prefault({}),
    nearLoop: nearLoopConfigSchema.prefault({}).describe('The near loop: what it remembers and how it learns.'),
  })
  .describe('Settings of a replay.');

export type ReplayConfig = z.output<typeof replayConfigSchema>;
