/** Settings of an embedded engine: those that it shares with a replay, and those of being live. */

import { z } from 'zod';
import { CAPACITY_MAX, evictionNames } from '../cache-manager/eviction.ts';
import { prefetchPolicySchema } from '../cache-manager/prefetch-policy.ts';
import { parseLatencySpec } from '../origin/latency-spec.ts';
import { siteSettings } from './site-settings.ts';

/** Offline policies need the future, which an engine does not have. */
const evictions = evictionNames.filter((name) => name !== 'belady');

const liveSchema = z
  .strictObject({
    concurrencyMax: z
      .int()
      .min(1)
      .max(65_536)
      .default(8)
      .describe('Prefetches that may be unanswered at once; one that a demand joined is a demand.'),
    answerWithinMs: z
      .number()
      .min(1)
      .default(30_000)
      .describe('Time after which the answer to a prefetch is no longer waited for; it then counts as cancelled.'),
    firstByteMs: z.number().min(0).default(50).describe('Time to first byte of a fetch before any was measured.'),
    bytesPerSecond: z.number().min(1).default(100_000_000).describe('Bandwidth of a fetch before any was measured.'),
    measuredFetches: z.int().min(1).default(256).describe('Measured fetches after which an old one counts half.'),
  })
  .describe('Where an outside fetcher does the work.');

/** Every setting of an embedded engine, with its default and what it means; unknown keys are errors. */
export const engineConfigSchema = z
  .strictObject({
    mode: z
      .enum(['live', 'modelled'])
      .default('live')
      .describe(
        'live: prefetches go out and are answered. modelled: fetches take what `latency` says, as in a replay.',
      ),
    capacity: z
      .int()
      .min(1)
      .max(CAPACITY_MAX)
      .default(1000)
      .describe('Size of the cache in `unit`s, staged segments included.'),
    unit: z.enum(['segments', 'bytes']).default('segments').describe('What the cache counts.'),
    eviction: z.enum(evictions).default('auto').describe('Eviction policy of the cache.'),
    writes: z
      .enum(['access', 'invalidate', 'ignore'])
      .default('invalidate')
      .describe('What a write or delete is: an access, the end of every copy, or nothing.'),
    trafficMax: z
      .number()
      .min(1)
      .nullable()
      .default(1.3)
      .describe('Hard bound on requests to the origin, relative to LRU without prefetching; null = no bound.'),
    latency: z
      .string()
      .default('50ms@100MB/sx32')
      .describe('Modelled mode only: what a fetch takes, as `anteroom replay --latency` has it.'),
    seed: z.int().default(1).describe('Seed of all chance.'),
    warmup: z.int().min(0).default(0).describe('Accesses before metrics are counted.'),
    segmentsMax: z
      .int()
      .min(1)
      // Tables of the site reckon places of four words a segment in 31 bits.
      .max(2 ** 29 - 1)
      .default(10_000_000)
      .describe('Distinct segments that are known; accesses to further ones are passed over, counted.'),
    consumersMax: z
      .int()
      .min(1)
      .max(2 ** 31 - 1)
      .default(1_000_000)
      .describe('Distinct consumers that are known; accesses of further ones count as without a consumer, counted.'),
    decisionsKeptMax: z.int().min(1).max(1_000_000).default(1024).describe('Latest decisions kept for `decisions`.'),
    journalAccessesMax: z
      .int()
      .min(0)
      .default(65_536)
      .describe(
        'Latest accesses kept in a snapshot, 37 bytes each, for an engine that goes on from it under other settings; 0 = that one has the names alone.',
      ),
    live: liveSchema.prefault({}),
    ...siteSettings,
    policy: prefetchPolicySchema
      .extend({
        readOnly: prefetchPolicySchema.shape.readOnly
          .unwrap()
          .default(true)
          .describe(prefetchPolicySchema.shape.readOnly.description!),
      })
      .prefault({})
      .describe('What may be prefetched at all; here `readOnly`, unless it says otherwise.'),
  })
  .describe('Settings of an embedded engine.');

/** With every default filled in. */
export type EngineConfig = z.output<typeof engineConfigSchema>;
/** As a caller writes it: every field may be left out. */
export type EngineConfigInput = z.input<typeof engineConfigSchema>;

/** Whether event time drives an engine's fetches and its far loop; where not, the log position does. @throws AnteroomError 'bad-config'. */
export function isEngineTimed({ mode, latency }: Pick<EngineConfig, 'mode' | 'latency'>): boolean {
  return mode === 'live' || parseLatencySpec(latency, 'engine: latency').kind === 'time';
}
