/** `npm run bench:calibration`: whether forecasts come true as often as they say, in the near loop and in the far loop, on every trace. */

import { readdirSync } from 'node:fs';
import { CalibrationStats } from '../../actors/forecaster/calibration-stats.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import type { PlannedRun } from '../replay/plan-runs.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';
import {
  commandOptions,
  flag,
  list,
  option,
  optional,
  positive,
  text,
  traceFiles,
  traceFolder,
} from './command-options.ts';

const values = commandOptions('bench:calibration', {
  shared: option('../shared', text),
  traces: optional(list(text)),
  far: flag(true),
  cache: option('0.01', positive),
});
const folder = traceFolder('bench:calibration', values.shared);
const wanted =
  values.traces ?? readdirSync(folder).flatMap((name) => /^(.*)\.(?:csv|jsonl)\.gz$/.exec(name)?.[1] ?? []);
const files = traceFiles('bench:calibration', values.shared, wanted);

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
for (const [i, name] of wanted.entries()) {
  const trace = await Trace.open(files[i]!, { seed: 1, addressBytes: null });
  const near = new CalibrationStats();
  const run: PlannedRun = {
    cache: resolveCacheSize({ kind: 'fraction', fraction: values.cache }, 'segments', trace.facts),
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
