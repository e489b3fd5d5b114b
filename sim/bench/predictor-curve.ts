/** Whether learning and forecasting cost the same late in a log as early: the next-item ensemble and the far loop over logs of 1, 2, 4 and 8 million accesses. */

import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { createNextItemModel } from '../../actors/sequence-predictor/create-next-item-model.ts';
import { NextItemRanking } from '../../actors/sequence-predictor/next-item-model.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';
import type { Bench, Contender, Goal } from './bench.ts';
import type { NextTrace } from './next-score.ts';
import { readNextTrace } from './next-trace.ts';
import { accessesAt, runAtOnePercent } from './replay-input.ts';
import { timed } from './timed.ts';

const SEGMENTS = 50_000;
const LENGTHS = [1_000_000, 2_000_000, 4_000_000, 8_000_000];

export const predictorCurve: Bench = {
  name: 'predictor-curve',
  compares: 'the next-item ensemble, and the far loop, over ever longer logs of the same segments, each with itself',
  unit: 'accesses/s',
  better: 'higher',
  runs: 1,
  warmups: 0,
  async prepare({ scale, log }) {
    const segments = Math.max(500, Math.round(SEGMENTS * scale));
    const counts = LENGTHS.map((length) => accessesAt(scale, length));
    const nameOf = (count: number) => `workload:chains,accesses=${count},segments=${segments}`;
    const columns = await readNextTrace(nameOf(counts.at(-1)!));
    log('predictor-curve: log in memory');
    const traces: Trace[] = [];
    for (const count of counts) traces.push(await Trace.open(nameOf(count), { seed: 1, addressBytes: null }));
    // What is compiled on the way is the same for all lengths and would be paid by the first alone.
    forecastAndLearn(columns, Math.min(200_000, counts[0]!));
    await replayFarLoop(traces[0]!);
    const contenders: Contender[] = counts.flatMap((count, i) => [
      {
        name: `next-item, ${count} accesses`,
        does: 'NextItemModel (ensemble, defaults): a forecast and an observation at every access',
        run: () =>
          timed(count, () => {
            forecastAndLearn(columns, count);
            return undefined;
          }),
      },
      {
        name: `far loop, ${count} accesses`,
        does: 'executeRun with prefetch anteroom and a near loop without experts: aggregator, graph, predictors, forecaster, scheduler, and the site',
        run: () => timed(count, () => replayFarLoop(traces[i]!)),
      },
    ]);
    return {
      workload: `workload chains, ${segments} segments; far loop: cache of 1 %, latency 8req, traffic at most 1.3`,
      contenders,
      goals: ['next-item', 'far loop'].flatMap((what): Goal[] =>
        counts.slice(1).map((count) => ({
          contender: `${what}, ${count} accesses`,
          versus: `${what}, ${counts[0]!} accesses`,
          target: 0.8,
          aim: 1,
        })),
      ),
      close: async () => {
        for (const trace of traces) await trace.close();
      },
    };
  },
};

function forecastAndLearn({ segment, consumer, timeMs }: NextTrace, count: number): void {
  const model = createNextItemModel({});
  const ranking = new NextItemRanking(4);
  for (let i = 0; i < count; i++) {
    model.forecast(consumer[i]!, ranking);
    model.observe(consumer[i]!, segment[i]!, timeMs[i]!);
  }
}

async function replayFarLoop(trace: Trace): Promise<undefined> {
  await executeRun(trace, runAtOnePercent(trace, 'anteroom', 1.3), {
    latency: parseLatencySpec('8req'),
    writes: 'access',
    warmup: 0,
    seed: 1,
    config: replayConfigSchema.parse({ nearLoop: { experts: [] } }),
  });
}
