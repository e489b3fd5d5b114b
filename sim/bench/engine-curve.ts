/** Whether an access costs the engine the same late in a log as early: its rate over logs of 1, 2, 4 and 8 million accesses. */

import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';
import type { Bench } from './bench.ts';
import { accessesAt, runAtOnePercent } from './replay-input.ts';
import { timed } from './timed.ts';

const SEGMENTS = 50_000;
const LENGTHS = [1_000_000, 2_000_000, 4_000_000, 8_000_000];

export const engineCurve: Bench = {
  name: 'engine-curve',
  compares: 'replay with prefetching by the engine over ever longer logs of the same segments, with itself',
  unit: 'accesses/s',
  better: 'higher',
  async prepare({ scale }) {
    const segments = Math.max(500, Math.round(SEGMENTS * scale));
    const traces: Trace[] = [];
    for (const length of LENGTHS) {
      const name = `workload:chains,accesses=${accessesAt(scale, length)},segments=${segments}`;
      traces.push(await Trace.open(name, { seed: 1, addressBytes: null }));
    }
    return {
      workload: `workload chains, ${segments} segments, cache of 1 %, latency 8req, traffic at most 1.3`,
      contenders: traces.map((trace) => {
        const { accessCount } = trace.facts;
        return {
          name: `${accessCount} accesses`,
          does: 'executeRun with prefetch anteroom as anteroom replay calls it',
          run: () =>
            timed(accessCount, async () => {
              await executeRun(trace, runAtOnePercent(trace, 'anteroom', 1.3), {
                latency: parseLatencySpec('8req'),
                writes: 'access',
                warmup: 0,
                seed: 1,
                config: replayConfigSchema.parse({}),
              });
            }),
        };
      }),
      goals: [
        {
          contender: `${traces.at(-1)!.facts.accessCount} accesses`,
          versus: `${traces[0]!.facts.accessCount} accesses`,
          target: 0.8,
          aim: 1,
        },
      ],
      close: async () => {
        for (const trace of traces) await trace.close();
      },
    };
  },
};
