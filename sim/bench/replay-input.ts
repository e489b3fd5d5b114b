/** The trace of the replay benches: kv_orm_busy where it is at hand, else a built-in workload of its shape. */

import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import type { PlannedRun } from '../replay/plan-runs.ts';
import { Trace } from '../replay/trace.ts';
import type { BenchContext, Contender } from './bench.ts';
import { fileExists } from './bench-host.ts';
import { Kept } from './kept.ts';
import { timed } from './timed.ts';

const ACCESSES = 5_000_000;

/** Number of accesses at the context's scale. */
export function accessesAt(scale: number, whole = ACCESSES): number {
  return Math.max(1000, Math.round(whole * scale));
}

/** A name for `anteroom replay`, and what to tell a person about it. */
export function replayTraceName(context: BenchContext): { readonly name: string; readonly about: string } {
  const file = `${context.traces}/kv_orm_busy.csv.gz`;
  if (fileExists(file)) return { name: file, about: 'kv_orm_busy' };
  // Skewed and strongly predictable, like the entity cache of an application.
  const segments = Math.max(2000, Math.round(76_000 * context.scale));
  return {
    name: `workload:chains,accesses=${accessesAt(context.scale)},segments=${segments}`,
    about: 'workload chains, for want of kv_orm_busy.csv.gz',
  };
}

export async function openReplayTrace(
  context: BenchContext,
): Promise<{ readonly trace: Trace; readonly about: string }> {
  const { name, about } = replayTraceName(context);
  const trace = await Trace.open(name, { seed: 1, addressBytes: null, limit: accessesAt(context.scale) });
  const { accessCount, segmentCount } = trace.facts;
  return { trace, about: `${about}: ${accessCount} accesses to ${segmentCount} segments` };
}

/** A run at 1 % of the distinct segments, LRU. */
export function runAtOnePercent(trace: Trace, prefetch: string, trafficMax: number | null): PlannedRun {
  return {
    cache: resolveCacheSize({ kind: 'fraction', fraction: 0.01 }, 'segments', trace.facts),
    evict: 'lru',
    eviction: 'lru',
    prefetch,
    trafficMax,
    isAsked: true,
  };
}

export async function batchesInMemory(trace: Trace): Promise<readonly AccessBatch[]> {
  const batches: AccessBatch[] = [];
  for await (const batch of trace.batches()) batches.push(batch);
  return batches;
}

/** `lru-cache` as a program would use it as a read-through cache: get, and set after a miss. */
export async function lruCacheContender(
  batches: readonly AccessBatch[],
  capacity: number,
  accessCount: number,
): Promise<Contender> {
  const { LRUCache } = await import('lru-cache');
  const kept = new Kept<object>();
  return {
    name: 'lru-cache',
    does: 'the lru-cache package with max = the same capacity: get(id), and set(id) after a miss, from the same columns of ids',
    run: () =>
      timed(accessCount, () => {
        const cache = new LRUCache<number, number>({ max: capacity });
        let misses = 0;
        for (const { segment, length } of batches) {
          for (let i = 0; i < length; i++) {
            const id = segment[i]!;
            if (cache.get(id) === undefined) {
              misses++;
              cache.set(id, id);
            }
          }
        }
        kept.keep(cache);
        return `${misses} misses`;
      }),
  };
}

/** The eviction alone: what the cache core does without a site around it. */
export function evictionContender(
  batches: readonly AccessBatch[],
  capacity: number,
  accessCount: number,
  segmentCountHint: number,
): Contender {
  const kept = new Kept<object>();
  return {
    name: 'eviction',
    does: "this project's LRU alone, without the site that measures it",
    run: () =>
      timed(accessCount, () => {
        const lru = createEviction('lru', { capacity, segmentCountHint });
        let misses = 0;
        for (const { segment, length } of batches) {
          for (let i = 0; i < length; i++) if (!lru.access(segment[i]!, 1)) misses++;
        }
        kept.keep(lru);
        return `${misses} misses`;
      }),
  };
}
