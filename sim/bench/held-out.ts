/** `npm run bench:held-out`: on the last 30 % of each trace, whether another value of a constant would have been better than the default. */

import { type NearLoopConfig, nearLoopConfigSchema } from '../../actors/near-loop/near-loop-config.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../replay/cache-size.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import { executeRun } from '../replay/run.ts';
import { Trace } from '../replay/trace.ts';
import {
  commandOptions,
  list,
  numberFrom,
  oneOf,
  option,
  positive,
  text,
  traceFiles,
  wholeFrom,
} from './command-options.ts';
import { realTraces } from './real-traces.ts';

/** What is warmed up and learned from, and not counted. */
const WARMUP_SHARE = 0.7;
const FRACTIONS = [0.01, 0.1];

/** Constants of the near loop that move decisions, each alone. */
const constants = [
  'degreeMax',
  'visitsMax',
  'lookahead',
  'scoreMin',
  'scoreShare',
  'candidateCountMax',
  'contextCountMax',
  'calibrationMemory',
  'mixWeightFirst',
  'mixRateFirst',
  'mixRateLast',
  'trialCountMax',
  'trialSpacing',
  'horizonMin',
  'horizonMax',
  'thresholdFloor',
  'gateInterval',
  'headroomReserve',
  'spendOver',
] as const satisfies readonly (keyof NearLoopConfig)[];
type Constant = (typeof constants)[number];
/** The rest must be whole. */
const fractional: readonly Constant[] = [
  'scoreMin',
  'scoreShare',
  'mixWeightFirst',
  'mixRateFirst',
  'mixRateLast',
  'thresholdFloor',
];

const values = commandOptions('bench:held-out', {
  shared: option('../shared', text),
  traces: option(realTraces.join(','), list(text)),
  constants: option(constants.join(','), list(oneOf(constants))),
  factors: option('0.5,2', list(positive)),
  bound: option('1.3', numberFrom(1)),
  limit: option('400000', wholeFrom(1)),
});
const files = traceFiles('bench:held-out', values.shared, values.traces);

interface Variant {
  readonly constant: Constant;
  readonly value: number;
  readonly nearLoop: Partial<NearLoopConfig>;
}

const standard = nearLoopConfigSchema.parse({});
const variants = constants
  .filter((constant) => values.constants.includes(constant))
  .flatMap((constant) => values.factors.map((factor) => variantOf(constant, factor)));
const { traces } = values;

process.stdout.write(
  `Misses on the last 30 % of each trace (at most ${values.limit} accesses of it), cache 1 % and 10 % in the geometric mean, --traffic-max ${values.bound}: change in % where one constant is another. Above 0 the default is better.\n\n| constant | default | value | ${traces.join(' | ')} | mean |\n|---|--:|--:|${'--:|'.repeat(traces.length)}--:|\n`,
);
/** By trace: changes in log misses of each variant. */
const changes: number[][] = [];
for (const [i, name] of traces.entries()) {
  const trace = await Trace.open(files[i]!, {
    seed: 1,
    addressBytes: null,
    limit: values.limit,
  });
  const base = await logMisses(trace, {});
  const row: number[] = [];
  for (const { nearLoop } of variants) row.push((await logMisses(trace, nearLoop)) - base);
  changes.push(row);
  await trace.close();
  process.stderr.write(`${name}\n`);
}
for (const [i, { constant, value }] of variants.entries()) {
  const row = changes.map((of) => of[i]!);
  process.stdout.write(
    `| ${constant} | ${standard[constant]} | ${value} | ${[...row, mean(row)].map(percent).join(' | ')} |\n`,
  );
}
const regrets = changes.map((of) => -Math.min(0, ...of));
process.stdout.write(
  `| regret against the best of these in hindsight | | | ${[...regrets, mean(regrets)].map(percent).join(' | ')} |\n`,
);
const overall = variants.map((_, i) => mean(changes.map((of) => of[i]!)));
const best = overall.indexOf(Math.min(...overall));
process.stdout.write(
  `\nBest in the mean: ${variants[best]!.constant} ${variants[best]!.value}, ${percent(overall[best]!)} %.\n`,
);

function variantOf(constant: Constant, factor: number): Variant {
  const scaled = standard[constant] * factor;
  const value = fractional.includes(constant) ? scaled : Math.max(1, Math.round(scaled));
  return { constant, value, nearLoop: { [constant]: value } };
}

/** Logarithm of the misses after the warm-up, mean over the caches. */
async function logMisses(trace: Trace, nearLoop: Partial<NearLoopConfig>): Promise<number> {
  let sum = 0;
  for (const fraction of FRACTIONS) {
    const record = await executeRun(
      trace,
      {
        cache: resolveCacheSize({ kind: 'fraction', fraction }, 'segments', trace.facts),
        evict: 'auto',
        eviction: 'auto',
        prefetch: 'anteroom',
        trafficMax: values.bound,
        isAsked: true,
      },
      {
        latency: parseLatencySpec('0'),
        writes: 'access',
        warmup: Math.floor(WARMUP_SHARE * trace.facts.accessCount),
        seed: 1,
        config: replayConfigSchema.parse({ nearLoop, farLoop: { isEnabled: false } }),
      },
    );
    sum += Math.log(Math.max(1, record.ledger.misses)) / FRACTIONS.length;
  }
  return sum;
}

function mean(of: readonly number[]): number {
  return of.reduce((sum, each) => sum + each, 0) / of.length;
}

function percent(change: number): string {
  return (100 * Math.expm1(change)).toFixed(2);
}
