/** Settings of a site and its engine that a replay and an embedded engine share, so that the same file serves both. */

import { z } from 'zod';
import { expertTrustSchema } from '../cache-manager/expert-trust.ts';
import { ghostSchema } from '../cache-manager/ghost-config.ts';
import { holdoutSchema } from '../cache-manager/holdout.ts';
import { missBoundSchema } from '../cache-manager/miss-bound.ts';
import { prefetchCapsSchema } from '../cache-manager/prefetch-caps.ts';
import { prefetchPolicySchema } from '../cache-manager/prefetch-policy.ts';
import { farLoopConfigSchema } from '../far-loop-config.ts';
import { hintsSchema } from '../hints/hints-config.ts';
import { nearLoopConfigSchema } from '../near-loop/near-loop-config.ts';
import { pricesSchema } from '../prices.ts';

/** Fields to be spread into a strict schema. */
export const siteSettings = {
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
    .describe('Requests granted on top of the traffic bound, so that a run can start.'),
  missBound: missBoundSchema.prefault({}).describe('What prefetching may cost in misses at most, at every moment.'),
  expertTrust: expertTrustSchema
    .prefault({})
    .describe('When an expert whose prefetches are used less often than it says is turned off.'),
  ghost: ghostSchema
    .prefault({})
    .describe('How the world without prefetching, which bounds are measured against, is watched.'),
  holdout: holdoutSchema.prefault({}).describe('Prefetches withheld by chance, to measure what they are good for.'),
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
  caps: prefetchCapsSchema.prefault({}).describe('Hard caps on what prefetching may take from the origin.'),
  policy: prefetchPolicySchema.prefault({}).describe('What may be prefetched at all.'),
  hints: hintsSchema.prefault({}).describe('What is known of accesses before anything is learned.'),
  farLoop: farLoopConfigSchema.prefault({}),
  nearLoop: nearLoopConfigSchema.prefault({}).describe('The near loop: what it remembers and how it learns.'),
} as const;
