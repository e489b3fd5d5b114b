/** `npm run bench:quality`: the engine's misses against the best that any published peer reaches with parameters chosen in hindsight. */

import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { replay } from '../replay/replay.ts';
import { realTraces } from './real-traces.ts';

/** One row of the peers' table. */
interface PeerRow {
  readonly trace: string;
  readonly requests: number;
  readonly fraction: number;
  readonly eviction: string;
  readonly prefetcher: string;
  readonly misses: number;
  readonly prefetches: number;
}

const { values } = parseArgs({
  options: {
    shared: { type: 'string', default: '../shared' },
    traces: { type: 'string', default: realTraces.join(',') },
    bounds: { type: 'string', default: '1.0,1.1,1.3,1.6' },
    evict: { type: 'string', default: 'auto' },
  },
});
const tablePath = `${values.shared}/peers.tsv`;
if (!existsSync(tablePath)) {
  process.stderr.write(
    `bench:quality needs the real traces and peers.tsv; there is no ${tablePath} (--shared FOLDER)\n`,
  );
  process.exit(2);
}
const peers = readPeers(tablePath);
const bounds = values.bounds.split(',').map(Number);
const logs = new Map<number, number[]>();

process.stdout.write(
  `| trace | cache | LRU | ${bounds.map((b) => `at ${b.toFixed(1)}: peers / engine`).join(' | ')} |\n|---|--:|--:|${'--:|'.repeat(bounds.length)}\n`,
);
for (const trace of values.traces.split(',')) {
  const { result } = await replay({
    traces: [`${values.shared}/traces/${trace}.csv.gz`],
    unit: 'segments',
    latency: '0',
    evict: [values.evict],
    prefetch: ['none', 'anteroom'],
    trafficMax: bounds,
  });
  for (const fraction of [0.01, 0.1]) {
    const rows = peers.filter((row) => row.trace === trace && row.fraction === fraction);
    const lru = rows.find((row) => row.eviction === 'lru' && row.prefetcher === '-');
    if (lru === undefined) continue;
    const cells = bounds.map((bound) => {
      const run = result.runs.find(
        (r) => r.prefetch === 'anteroom' && r.cache.fraction === fraction && r.trafficMax === bound,
      )!;
      const frontier = frontierOf(rows, lru.misses, bound);
      const logsOfBound = logs.get(bound) ?? [];
      logsOfBound.push(Math.log(run.misses / frontier));
      logs.set(bound, logsOfBound);
      return `${share(frontier, lru)} / ${share(run.misses, lru)}`;
    });
    process.stdout.write(`| ${trace} | ${fraction} | ${share(lru.misses, lru)} | ${cells.join(' | ')} |\n`);
  }
}
const means = bounds.map((bound) => {
  const list = logs.get(bound) ?? [];
  return Math.exp(list.reduce((sum, value) => sum + value, 0) / list.length).toFixed(3);
});
process.stdout.write(`| geometric mean of engine / peers | | | ${means.join(' | ')} |\n`);

/** Fewest misses of any peer whose traffic stays within the bound; a peer that missed everything broke. */
function frontierOf(rows: readonly PeerRow[], lruMisses: number, bound: number): number {
  return Math.min(
    ...rows
      .filter((row) => row.misses < row.requests)
      .filter((row) => row.prefetcher === '-' || (row.misses + row.prefetches) / lruMisses <= bound)
      .map((row) => row.misses),
  );
}

function share(misses: number, row: PeerRow): string {
  return (misses / row.requests).toFixed(4).replace(/^0/, '');
}

function readPeers(path: string): PeerRow[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [trace, requests, , fraction, , eviction, prefetcher, , misses, prefetches] = line.split('\t');
      return {
        trace: trace!,
        requests: Number(requests),
        fraction: Number(fraction),
        eviction: eviction!,
        prefetcher: prefetcher!,
        misses: Number(misses),
        prefetches: Number(prefetches ?? 0),
      };
    });
}
