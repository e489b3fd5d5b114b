/** Replay with the engine, as the command runs it and with the far loop too, against the lru-cache package. */

import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import type { OrderThread } from '../replay/order-thread.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun, nearLoopOf, orderThreadFor } from '../replay/run.ts';
import type { Bench, Contender } from './bench.ts';
import { batchesInMemory, lruCacheContender, openReplayTrace, runAtOnePercent } from './replay-input.ts';
import { timed } from './timed.ts';

export const replayEngine: Bench = {
  name: 'replay-engine',
  compares:
    'replay with prefetching by the engine, by its defaults and with the far loop too, with the lru-cache package',
  unit: 'accesses/s',
  better: 'higher',
  async prepare(context) {
    const { trace, about } = await openReplayTrace(context);
    const batches = await batchesInMemory(trace);
    // As `anteroom replay` without options runs it.
    const run = runAtOnePercent(trace, 'anteroom', 1.3);
    const { accessCount } = trace.facts;
    // The command starts it beside its first run, and it serves one run after the other.
    const kept = orderThreadFor(trace, [run], { writes: 'access' }, nearLoopOf(replayConfigSchema.parse({})));
    const contender = (
      name: string,
      does: string,
      isEnabled: 'auto' | true,
      orderThread: OrderThread | null = null,
    ): Contender => ({
      name,
      does,
      run: () =>
        timed(accessCount, async () => {
          await executeRun(trace, run, {
            latency: parseLatencySpec('8req'),
            writes: 'access',
            warmup: 0,
            seed: 1,
            config: replayConfigSchema.parse({ farLoop: { isEnabled } }),
            ...(orderThread === null ? {} : { orderThread }),
          });
        }),
    });
    return {
      workload: `${about}, cache ${run.cache.size}, latency 8req, traffic at most 1.3`,
      contenders: [
        contender(
          'engine',
          'executeRun with prefetch anteroom as anteroom replay calls it: order in a thread of its own where there is a core for it, the same one for all runs',
          'auto',
          kept,
        ),
        await lruCacheContender(batches, run.cache.size, accessCount),
        contender('own thread', 'the same with a thread that is started for the run, within its time', 'auto'),
        contender('with far loop', 'as engine, with the far loop on, which learns in accesses here', true, kept),
      ],
      goals: [
        { contender: 'engine', versus: 'lru-cache', target: 0.15, aim: 0.3 },
        { contender: 'own thread', versus: 'lru-cache', target: null, aim: null },
        { contender: 'with far loop', versus: 'lru-cache', target: null, aim: null },
      ],
      close: async () => {
        await kept?.close();
        await trace.close();
      },
    };
  },
};
