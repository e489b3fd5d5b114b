/** `npm run bench:latency`: waits against bytes under latency with time, the engine's curve beside those of published prefetchers. */

import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { parseConfig } from '../../engine/config.ts';
import { parseCacheSizes } from '../replay/cache-size.ts';
import { parseTrafficMaxes } from '../replay/plan-runs.ts';
import { replay } from '../replay/replay.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import type { RunResult } from '../replay/result.ts';
import {
  checked,
  commandOptions,
  flag,
  jsonObject,
  list,
  option,
  positive,
  text,
  traceFiles,
} from './command-options.ts';
import { cellOf, type LatencyCell, latencyRow, pointOf, undominated, type WaitName } from './latency-curve.ts';

/** Traces with times; fetches of the last one are of blocks, so its addresses are told. */
const TRACES =
  'web_nasa_day,region_cran_logs,file_git_git,session_wikispeedia,session_bikeshare,serverless_nasa_ipsc,file_swim_fb2010,block_cp_vm';
/** A first byte and a bandwidth that are always the same, and a first byte that varies as on a network (mean 50 ms). */
const LATENCIES = '50ms@20MB/sx32;lognormal:50ms:0.7@20MB/sx32';
/** By half octaves: between two neighbours, an octave apart, the engine may go from sending next to nothing to waits a twentieth shorter. */
const PRICES = '1024,724,512,362,256,181,128,91,64,45,32,23,16,11,8,5.7,4,2.8,2,1.4,1,0.7,0.5,0.35,0.25,0.18,0.1';
const BASELINES = [
  'obl',
  'obl:sequential-confidence-k=0',
  'pg:lookahead-range=5,prefetch-threshold=0.1',
  'pg:lookahead-range=5,prefetch-threshold=0.3',
  'pg:lookahead-range=20,prefetch-threshold=0.05',
  'pg:lookahead-range=20,prefetch-threshold=0.2',
  'mithril',
  'mithril:lookahead-range=50,min-support=2,pf-list-size=4',
  'mithril:lookahead-range=20,min-support=3,pf-list-size=1',
];

const values = commandOptions('bench:latency', {
  shared: option('../shared', text),
  traces: option(TRACES, list(text)),
  latencies: option(LATENCIES, list(checked(parseLatencySpec), ';')),
  bounds: option('1.0,1.05,1.1,1.3,1.6', parseTrafficMaxes),
  cache: option('0.01,0.1', checked(parseCacheSizes)),
  /** What a wasted fetch costs: the engine's own parameter where traffic has no bound, as baselines have theirs. */
  prices: option(PRICES, (prices) => (prices === 'none' ? [] : list(positive)(prices))),
  config: option('{}', (words) => {
    const config: { readonly nearLoop?: object } = jsonObject(words);
    parseConfig(replayConfigSchema, config, '--config');
    return config;
  }),
  points: flag(),
});
const files = traceFiles('bench:latency', values.shared, values.traces);
const { bounds, config: configured, prices } = values;
const cells: LatencyCell[] = [];

process.stdout.write(
  '| trace | cache | fetches take | none: mean, p99 | engine: bytes to LRU, mean, p99 by bound, then by price | points of baselines not dominated: mean | p99 |\n|---|--:|---|---|---|---|---|\n',
);
for (const latency of values.latencies) {
  for (const [i, trace] of values.traces.entries()) {
    const isBlocks = trace === 'block_cp_vm';
    const asked = {
      traces: [files[i]!],
      latency,
      cache: values.cache,
      ...(isBlocks ? { addresses: 512 } : {}),
    };
    const { result } = await replay({
      ...asked,
      evict: ['auto', 'lru'],
      prefetch: ['none', ...BASELINES],
      config: replayConfigSchema.parse(configured),
    });
    const all = [...result.runs, ...(await engineRuns(asked, bounds, configured))];
    for (const wastedFetchPrice of prices) {
      all.push(
        ...(await engineRuns(asked, [null], { ...configured, nearLoop: { ...configured.nearLoop, wastedFetchPrice } })),
      );
    }
    for (const fraction of new Set(all.map((run) => run.cache.fraction))) {
      const runs = all.filter((run) => run.cache.fraction === fraction);
      const cell = cellOf(runs);
      cells.push(cell);
      process.stdout.write(`${latencyRow(trace, latency, cell)}\n`);
      if (values.points) for (const run of runs) process.stdout.write(`${pointText(run)}\n`);
    }
  }
}
for (const wait of ['mean', 'p99'] as const) process.stdout.write(`\n${totalText(wait)}\n`);

/** Runs of the engine alone, on its own eviction. */
async function engineRuns(
  asked: Parameters<typeof replay>[0],
  trafficMax: readonly (number | null)[],
  config: object,
): Promise<readonly RunResult[]> {
  const { result } = await replay({
    ...asked,
    evict: ['auto'],
    prefetch: ['anteroom'],
    trafficMax,
    config: replayConfigSchema.parse(config),
  });
  return result.runs.filter((run) => run.prefetch === 'anteroom');
}

function pointText(run: RunResult): string {
  const { name, bytes, mean, p99 } = pointOf(run);
  return `    ${name}: bytes ${bytes.toFixed(3)}, mean ${mean.toFixed(3)}, p99 ${p99.toFixed(2)}`;
}

function totalText(wait: WaitName): string {
  const all = cells.reduce((sum, cell) => sum + cell.baselines.length, 0);
  const left = cells.reduce((sum, cell) => sum + undominated(cell, wait).length, 0);
  return `${wait}: of ${all} points of obl, pg and mithril, ${left} are dominated by no point of the engine (no more bytes and no longer ${wait} wait)`;
}
