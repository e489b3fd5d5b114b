/** `npm run bench:quality`: the engine's misses against the best that any published peer reaches with parameters chosen in hindsight. */

import { existsSync, readFileSync } from 'node:fs';
import { missClassNames } from '../../actors/cache-manager/miss-classes.ts';
import { evictionOf } from '../replay/plan-runs.ts';
import { replay } from '../replay/replay.ts';
import type { RunResult } from '../replay/result.ts';
import { checked, commandOptions, list, numberFrom, option, refuse, text, traceFiles } from './command-options.ts';
import { realTraces } from './real-traces.ts';

/** Bytes of the unit in which the segments of a trace are addresses; peers had them opaque, so this is told beside. */
const ADDRESSED: Readonly<Record<string, number>> = { block_cp_vm: 512 };

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

const values = commandOptions('bench:quality', {
  shared: option('../shared', text),
  traces: option(realTraces.join(','), list(text)),
  bounds: option('1.0,1.1,1.3,1.6', list(numberFrom(1))),
  evict: option('auto', checked(evictionOf)),
});
const tablePath = `${values.shared}/peers.tsv`;
if (!existsSync(tablePath)) {
  refuse('bench:quality', `needs the real traces and peers.tsv; there is no ${tablePath} (--shared FOLDER)`);
}
const files = traceFiles('bench:quality', values.shared, values.traces);
const peers = readPeers(tablePath);
const { bounds } = values;
const logs = new Map<number, number[]>();
/** Bound at which the misses that are left are looked into: the default's, or the largest. */
const lookedInto = bounds.includes(1.3) ? 1.3 : Math.max(...bounds);
const gaps: string[] = [];

process.stdout.write(
  `| trace | cache | LRU | ${bounds.map((b) => `at ${b.toFixed(1)}: peers / engine`).join(' | ')} |\n|---|--:|--:|${'--:|'.repeat(bounds.length)}\n`,
);
for (const [i, trace] of values.traces.entries()) {
  const { result } = await replay({
    traces: [files[i]!],
    unit: 'segments',
    latency: '0',
    evict: [values.evict],
    prefetch: ['none', 'anteroom', 'clairvoyant'],
    trafficMax: bounds,
    jobs: 'auto',
  });
  const addressed = ADDRESSED[trace];
  const { result: byAddress } =
    addressed === undefined
      ? { result: null }
      : await replay({
          traces: [files[i]!],
          unit: 'segments',
          latency: '0',
          evict: [values.evict],
          prefetch: ['anteroom'],
          trafficMax: bounds,
          addresses: addressed,
          jobs: 'auto',
        });
  for (const fraction of [0.01, 0.1]) {
    const rows = peers.filter((row) => row.trace === trace && row.fraction === fraction);
    const lru = rows.find((row) => row.eviction === 'lru' && row.prefetcher === '-');
    if (lru === undefined) continue;
    const cells = bounds.map((bound) => {
      const run = engineRun(result.runs, fraction, bound);
      const frontier = frontierOf(rows, lru.misses, bound);
      const logsOfBound = logs.get(bound) ?? [];
      logsOfBound.push(Math.log(run.misses / frontier));
      logs.set(bound, logsOfBound);
      return `${share(frontier, lru)} / ${share(run.misses, lru)}`;
    });
    process.stdout.write(`| ${trace} | ${fraction} | ${share(lru.misses, lru)} | ${cells.join(' | ')} |\n`);
    if (byAddress !== null) {
      const beside = bounds.map((bound) => `/ ${share(engineRun(byAddress.runs, fraction, bound).misses, lru)}`);
      process.stdout.write(
        `| ${trace}, as addresses of ${addressed} bytes | ${fraction} | | ${beside.join(' | ')} |\n`,
      );
    }
    const seer = result.runs.find((r) => r.prefetch === 'clairvoyant' && r.cache.fraction === fraction)!;
    gaps.push(gapRow(trace, fraction, engineRun(result.runs, fraction, lookedInto), seer));
  }
}
const means = bounds.map((bound) => {
  const list = logs.get(bound) ?? [];
  return Math.exp(list.reduce((sum, value) => sum + value, 0) / list.length).toFixed(3);
});
process.stdout.write(`| geometric mean of engine / peers | | | ${means.join(' | ')} |\n`);

process.stdout.write(
  `\nWhere the rest of the gap to the clairvoyant bound lies, at ${lookedInto}: shares of the misses that are left\n\n| trace | cache | without | engine | clairvoyant (traffic) | ${missClassNames.join(' | ')} | displaced |\n|---|--:|--:|--:|--:|${'--:|'.repeat(missClassNames.length + 1)}\n${gaps.join('\n')}\n`,
);

function engineRun(runs: readonly RunResult[], fraction: number, bound: number): RunResult {
  return runs.find((r) => r.prefetch === 'anteroom' && r.cache.fraction === fraction && r.trafficMax === bound)!;
}

/** `displaced`: misses that the eviction alone would not have had. */
function gapRow(trace: string, fraction: number, run: RunResult, seer: RunResult): string {
  const ratio = (misses: number): string => (misses / run.accesses).toFixed(4).replace(/^0/, '');
  const part = (count: number): string => (run.misses === 0 ? '-' : `${((100 * count) / run.misses).toFixed(1)} %`);
  const classes = missClassNames.map((name) => part(run.missClasses[name]!));
  const displaced = run.misses - missClassNames.reduce((sum, name) => sum + run.missClasses[name]!, 0);
  return `| ${trace} | ${fraction} | ${ratio(run.baselineMisses)} | ${ratio(run.misses)} | ${ratio(seer.misses)} (${seer.trafficRatio?.toFixed(2)}) | ${classes.join(' | ')} | ${part(displaced)} |`;
}

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
