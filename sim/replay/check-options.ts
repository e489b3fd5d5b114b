/** What can be said of a replay's options before anything is read, and without loading what replays. */

import type { WritePolicy } from '../../actors/cache-manager/site.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { createBaseline } from '../baselines/index.ts';
import { type CacheSizeSpec, parseCacheSizes } from './cache-size.ts';
import { evictionOf } from './plan-runs.ts';
import type { ReplayOptions } from './replay.ts';
import { type ReplayConfig, replayConfigSchema } from './replay-config.ts';
import type { TraceOptions } from './trace.ts';

/** What every trace of a replay is put through: the options with their defaults, checked. */
export interface ReplayPlan {
  readonly config: ReplayConfig;
  readonly seed: number;
  readonly evictions: readonly string[];
  readonly prefetchers: readonly string[];
  readonly sizes: readonly CacheSizeSpec[];
  readonly trafficMax: readonly (number | null)[];
  readonly writes: WritePolicy;
  readonly warmup: number;
}

/**
 * Checks all that can be checked before anything is read; what is said twice is meant once.
 * @throws AnteroomError 'bad-usage'.
 */
export function checkOptions(options: ReplayOptions): ReplayPlan {
  const evictions = [...new Set(options.evict ?? ['auto'])];
  const prefetchers = [...new Set(options.prefetch ?? ['none', 'anteroom'])];
  for (const evict of evictions) evictionOf(evict);
  for (const prefetch of prefetchers) checkPrefetcher(prefetch);
  if (options.latency !== undefined) parseLatencySpec(options.latency);
  return {
    config: options.config ?? replayConfigSchema.parse({}),
    seed: options.seed ?? 1,
    evictions,
    prefetchers,
    sizes: parseCacheSizes(options.cache ?? '0.01,0.1'),
    trafficMax: [...new Set(options.trafficMax ?? [1.3])],
    writes: options.writes ?? 'access',
    warmup: options.warmup ?? 0,
  };
}

/** Refuses a prefetcher's name or settings before anything is read. */
function checkPrefetcher(prefetch: string): void {
  if (prefetch === 'anteroom') return;
  const isClairvoyant = prefetch.split(':')[0] === 'clairvoyant';
  createBaseline(prefetch, {
    addresses: null,
    ...(isClairvoyant
      ? {
          clairvoyance: {
            upcoming: { depth: 1, segmentAfter: () => -1, sizeBytesAfter: () => -1 },
            cache: { capacity: 1, unit: 'segments' as const },
          },
        }
      : {}),
  });
}

/** How the options say that a trace is read. */
export function traceOptionsOf(options: ReplayOptions): TraceOptions {
  return {
    seed: options.seed ?? 1,
    addressBytes: options.addresses ?? null,
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.formatOptions === undefined ? {} : { formatOptions: options.formatOptions }),
    ...(options.isLenient === undefined ? {} : { isLenient: options.isLenient }),
    ...(options.limit === undefined ? {} : { limit: options.limit }),
    ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
  };
}
