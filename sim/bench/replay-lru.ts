/** Replay of LRU without prefetching against the lru-cache package. */

import { createSite } from '../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../actors/origin/simulated-origin.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import type { Bench, Contender } from './bench.ts';
import { Kept } from './kept.ts';
import {
  batchesInMemory,
  evictionContender,
  lruCacheContender,
  openReplayTrace,
  runAtOnePercent,
} from './replay-input.ts';
import { timed } from './timed.ts';

/** Slices of a run, as sim/replay/run.ts has them. */
const SLICES = 60;

/** At the latency that anteroom replay takes where a trace has no times. */
export const replayLru: Bench = lruBench('replay-lru', '8req');

/** At the latency at which miss counts are published: fetches land at once, nobody waits. */
export const replayLruInstant: Bench = lruBench('replay-lru-instant', '0');

/** One latency a process, as in a replay: machine code that serves two kinds of origin is slower at both. */
function lruBench(name: string, latency: string): Bench {
  return {
    name,
    compares: `replay of LRU without prefetching, --latency ${latency}, with the lru-cache package on the same decoded ids`,
    unit: 'accesses/s',
    better: 'higher',
    warmups: 3,
    async prepare(context) {
      const { trace, about } = await openReplayTrace(context);
      const batches = await batchesInMemory(trace);
      const run = runAtOnePercent(trace, 'none', null);
      const capacity = run.cache.size;
      const { accessCount, segmentCount } = trace.facts;
      const config = replayConfigSchema.parse({});
      return {
        workload: `${about}, cache ${capacity} (1 %)`,
        contenders: [
          siteContender(latency, batches, capacity, accessCount, segmentCount),
          await lruCacheContender(batches, capacity, accessCount),
          evictionContender(batches, capacity, accessCount, segmentCount),
          {
            name: 'whole run',
            does: 'executeRun as anteroom replay calls it: batches read back from the scratch file, the actor system, the site',
            run: () =>
              timed(accessCount, async () => {
                const { ledger } = await executeRun(trace, run, {
                  latency: parseLatencySpec(latency),
                  writes: 'access',
                  warmup: 0,
                  seed: 1,
                  config,
                });
                return `${ledger.misses} misses`;
              }),
          },
        ],
        goals: [
          { contender: 'site', versus: 'lru-cache', target: 2, aim: 4 },
          { contender: 'whole run', versus: 'lru-cache', target: null, aim: null },
          { contender: 'eviction', versus: 'lru-cache', target: null, aim: null },
        ],
        close: () => trace.close(),
      };
    },
  };
}

function siteContender(
  latency: string,
  batches: readonly AccessBatch[],
  capacity: number,
  accessCount: number,
  segmentCountHint: number,
): Contender {
  const kept = new Kept<Site>();
  return {
    name: 'site',
    does: `the site that measures a run (misses, bytes, decision digest, waiting at latency ${latency}) over decoded batches in memory`,
    run: () =>
      timed(accessCount, () => {
        const site = createSite({
          capacity,
          unit: 'segments',
          makeEviction: (size) => createEviction('lru', { capacity: size, segmentCountHint }),
          makePrefetcher: null,
          origin: createOrigin(parseLatencySpec(latency), 1),
          modelTime: 'requests',
          sliceLength: Math.ceil(accessCount / SLICES),
          segmentCountHint,
        });
        for (const batch of batches) site.serve(batch);
        site.finish();
        kept.keep(site);
        return `${site.ledger.misses} misses`;
      }),
  };
}
