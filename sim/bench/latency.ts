/** `npm run bench:latency`: waits against bytes under latency with time, the engine's curve beside those of published prefetchers. */

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { replay } from '../replay/replay.ts';
import { replayConfigSchema } from '../replay/replay-config.ts';
import type { RunResult } from '../replay/result.ts';
import { cellOf, type LatencyCell, latencyRow, undominated, type WaitName } from './latency-curve.ts';

/** Traces with times; fetches of the last one are of blocks, so its addresses are told. */
const TRACES =
  'web_nasa_day,region_cran_logs,file_git_git,session_wikispeedia,session_bikeshare,serverless_nasa_ipsc,file_swim_fb2010,block_cp_vm';
/** A first byte and a bandwidth that are always the same, and a first byte that varies as on a network (mean 50 ms). */
const LATENCIES = '50ms@20MB/sx32;lognormal:50ms:0.7@20MB/sx32';
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

const { values } = parseArgs({
  options: {
    shared: { type: 'string', default: '../shared' },
    traces: { type: 'string', default: TRACES },
    latencies: { type: 'string', default: LATENCIES },
    bounds: { type: 'string', default: '1.0,1.05,1.1,1.3,1.6,2,none' },
    cache: { type: 'string', default: '0.01,0.1' },
    config: { type: 'string', default: '{}' },
    points: { type: 'boolean', default: false },
  },
});
if (!existsSync(`${values.shared}/traces`)) {
  process.stderr.write(`bench:latency needs the real traces; there is no ${values.shared}/traces (--shared FOLDER)\n`);
  process.exit(2);
}
const bounds = values.bounds.split(',').map((bound) => (bound === 'none' ? null : Number(bound)));
const config = replayConfigSchema.parse(JSON.parse(values.config));
const cells: LatencyCell[] = [];

process.stdout.write(
  '| trace | cache | fetches take | none: mean, p99 | engine: bytes to LRU, mean, p99 by bound | points of baselines not dominated: mean | p99 |\n|---|--:|---|---|---|---|---|\n',
);
for (const latency of values.latencies.split(';')) {
  for (const trace of values.traces.split(',')) {
    const isBlocks = trace === 'block_cp_vm';
    const { result } = await replay({
      traces: [`${values.shared}/traces/${trace}.csv.gz`],
      latency,
      cache: values.cache,
      evict: ['auto', 'lru'],
      prefetch: ['none', ...BASELINES, 'anteroom'],
      trafficMax: bounds,
      config,
      ...(isBlocks ? { addresses: 512 } : {}),
    });
    for (const fraction of new Set(result.runs.map((run) => run.cache.fraction))) {
      const runs = result.runs.filter((run) => run.cache.fraction === fraction);
      const cell = cellOf(runs.filter((run) => run.prefetch !== 'anteroom' || run.evict === 'auto'));
      cells.push(cell);
      process.stdout.write(`${latencyRow(trace, latency, cell)}\n`);
      if (values.points) for (const run of runs) process.stdout.write(`${pointText(run)}\n`);
    }
  }
}
for (const wait of ['mean', 'p99'] as const) process.stdout.write(`\n${totalText(wait)}\n`);

function pointText(run: RunResult): string {
  const { mean, p99 } = run.latencyMs;
  return `    ${run.prefetch} ${run.trafficMax ?? ''} on ${run.evict}: bytes ${run.trafficBytesRatio?.toFixed(3)}, mean ${mean?.toFixed(3)}, p99 ${p99?.toFixed(2)}`;
}

function totalText(wait: WaitName): string {
  const all = cells.reduce((sum, cell) => sum + cell.baselines.length, 0);
  const left = cells.reduce((sum, cell) => sum + undominated(cell, wait).length, 0);
  return `${wait}: of ${all} points of obl, pg and mithril, ${left} are dominated by no point of the engine (no more bytes and no longer ${wait} wait)`;
}
