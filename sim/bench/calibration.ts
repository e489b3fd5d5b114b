/** `npm run bench:calibration`: whether forecasts come true as often as they say, in the near loop and in the far loop, on every trace. */

import { existsSync, readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CalibrationStats } from '../../actors/forecaster/calibration-stats.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import type { PlannedRun } from '../replay/plan-runs.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';

const { values } = parseArgs({
  options: {
    shared: { type: 'string', default: '../shared' },
    traces: { type: 'string' },
    far: { type: 'boolean', default: true },
    cache: { type: 'string', default: '0.01' },
  },
});
const folder = `${values.shared}/traces`;
if (!existsSync(folder)) {
  process.stderr.write(
    `bench:calibration needs the real traces; there are none in ${values.shared} (--shared FOLDER)\n`,
  );
  process.exit(2);
}
const files = readdirSync(folder).filter((name) => /\.(csv|jsonl)\.gz$/.test(name));
const wanted = values.traces?.split(',') ?? files.map((name) => name.replace(/\.(csv|jsonl)\.gz$/, ''));

/** Forecasts below this are not counted: they hardly ever come true, and it is easy to be right about that. */
const candidateMin = 0.05;
/** Accesses within which the near loop's forecasts are meant, fixed for the measurement. */
const horizon = 64;
/** Forecasts from which on a calibration error is judged. */
const judgedFrom = 10_000;

process.stdout.write(
  '| trace | loop, horizon | forecasts at .05 or more | came true | calibration error | Brier skill | goal |\n',
);
process.stdout.write('|---|---|--:|--:|--:|--:|---|\n');
for (const name of wanted) {
  const file = files.find((candidate) => candidate.startsWith(`${name}.`));
  if (file === undefined) continue;
  const trace = await Trace.open(`${folder}/${file}`, { seed: 1, addressBytes: null });
  const near = new CalibrationStats();
  const run: PlannedRun = {
    cache: resolveCacheSize({ kind: 'fraction', fraction: Number(values.cache) }, 'segments', trace.facts),
    evict: 'auto',
    eviction: 'auto',
    prefetch: 'anteroom',
    trafficMax: 1.3,
    isAsked: true,
  };
  let far: () => readonly (readonly [string, CalibrationStats])[] = () => [];
  await executeRun(trace, run, {
    latency: parseLatencySpec(trace.facts.timeSpanMs === null ? '0' : '50ms'),
    writes: 'access',
    warmup: 0,
    seed: 1,
    config: replayConfigSchema.parse({
      nearLoop: { horizonMin: horizon, horizonMax: horizon },
      // With every expert, whether it is in the default or not: what it says must be true.
      farLoop: { isEnabled: values.far, intervalPredictor: { isEnabled: true } },
    }),
    onPipeline: (pipeline) => {
      const { prefetcher } = pipeline.site;
      if (prefetcher instanceof AnteroomPrefetcher) {
        prefetcher.watchForecasts((stated, isTrue) => {
          if (stated >= candidateMin) near.observe(stated, isTrue);
        });
      }
      const forecaster = pipeline.forecaster?.forecaster;
      if (forecaster === undefined) return;
      far = () =>
        forecaster.horizons.map((span, h) => [
          `far, ${span} ${forecaster.axis.usesTime === true ? 'ms' : 'accesses'}`,
          forecaster.candidateStatsOf(h),
        ]);
    },
  });
  trace.close();
  print(name, `near, ${horizon} accesses`, near);
  for (const [label, stats] of far()) print(name, label, stats);
}

function print(trace: string, label: string, stats: CalibrationStats): void {
  if (stats.count === 0) return;
  const isGood = stats.ece! <= 0.03 && stats.brierSkill! > 0;
  const verdict = stats.count < judgedFrom ? 'too few to judge' : `<= .03, > 0: ${isGood ? 'met' : 'MISSED'}`;
  process.stdout.write(
    `| ${trace} | ${label} | ${stats.count} | ${stats.hitRatio!.toFixed(3)} | ${stats.ece!.toFixed(4)} | ${(stats.brierSkill ?? 0).toFixed(3)} | ${verdict} |\n`,
  );
}
