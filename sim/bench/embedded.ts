/** The engine as a library: accesses told one by one, and in batches. */

import { createEngine } from '../../actors/engine/create-engine.ts';
import type { Engine } from '../../actors/engine/engine.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Bench, Contender } from './bench.ts';
import { batchesInMemory, lruCacheContender, openReplayTrace, runAtOnePercent } from './replay-input.ts';
import { timed } from './timed.ts';

export const embedded: Bench = {
  name: 'embedded',
  compares: 'createEngine(...).observe, one access a call and a batch a call, with the lru-cache package',
  unit: 'accesses/s',
  better: 'higher',
  async prepare(context) {
    const { trace, about } = await openReplayTrace(context);
    const batches = await batchesInMemory(trace);
    const { accessCount, segmentCount } = trace.facts;
    const capacity = runAtOnePercent(trace, 'anteroom', 1.3).cache.size;
    const contender = (name: string, does: string, tell: (engine: Engine, batch: AccessBatch) => void): Contender => ({
      name,
      does,
      run: () =>
        timed(accessCount, async () => {
          const engine = createEngine({
            config: { mode: 'modelled', capacity, latency: '8req', writes: 'access', journalAccessesMax: 0 },
            segmentCountHint: segmentCount,
          });
          for (const batch of batches) tell(engine, batch);
          await engine.stop();
        }),
    });
    return {
      workload: `${about}, cache ${capacity}, latency 8req, traffic at most 1.3`,
      contenders: [
        contender('one by one', 'observe({ segment, consumer, timeMs, size }) for each access, far loop on', oneByOne),
        contender('batches', 'observe(batch) with batches of 32768 rows', (engine, batch) => engine.observe(batch)),
        await lruCacheContender(batches, capacity, accessCount),
      ],
      goals: [
        { contender: 'one by one', versus: 'batches', target: null, aim: 0.5 },
        { contender: 'one by one', versus: 'lru-cache', target: null, aim: null },
      ],
      close: () => trace.close(),
    };
  },
};

function oneByOne(engine: Engine, batch: AccessBatch): void {
  const { segment, consumer, timeMs, size, length } = batch;
  for (let i = 0; i < length; i++) {
    const time = timeMs[i]!;
    engine.observe({
      segment: segment[i]!,
      consumer: consumer[i]!,
      size: size[i]!,
      ...(Number.isNaN(time) ? {} : { timeMs: time }),
    });
  }
}
