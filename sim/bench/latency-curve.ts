/** Points of bytes and waits, and which of them another dominates. */

import type { RunResult } from '../replay/result.ts';

export type WaitName = 'mean' | 'p99';

/** One run as a point: bytes that it fetched to those of LRU (requests, in a log without sizes), and how long demands waited. */
export interface LatencyPoint {
  readonly name: string;
  readonly bytes: number;
  readonly mean: number;
  readonly p99: number;
}

/** One trace, cache and latency: the engine's points by bound, and those of published prefetchers that sent anything. */
export interface LatencyCell {
  readonly fraction: number | null;
  readonly none: LatencyPoint;
  readonly engine: readonly LatencyPoint[];
  readonly baselines: readonly LatencyPoint[];
}

export function cellOf(runs: readonly RunResult[]): LatencyCell {
  const pointsOf = (isWanted: (run: RunResult) => boolean): LatencyPoint[] => runs.filter(isWanted).map(pointOf);
  return {
    fraction: runs[0]!.cache.fraction,
    none: pointsOf((run) => run.prefetch === 'none' && run.evict === 'auto')[0]!,
    engine: pointsOf((run) => run.prefetch === 'anteroom'),
    baselines: pointsOf((run) => run.prefetch !== 'anteroom' && run.prefetch !== 'none' && run.prefetches.issued > 0),
  };
}

/** Waits at a percentile are told within 0.8 % (`LatencyHistogram`), means are exact. */
const TOLD_WITHIN: Readonly<Record<WaitName, number>> = { mean: 0, p99: 0.008 };

/**
 * Baselines' points that no point of the engine dominates: none has no more bytes and no longer a wait, as far as that is told. Its curve begins where
 * it is turned off, at its eviction alone.
 */
export function undominated(cell: LatencyCell, wait: WaitName): readonly LatencyPoint[] {
  const curve = [cell.none, ...cell.engine];
  const told = 1 + TOLD_WITHIN[wait];
  return cell.baselines.filter(
    (point) => !curve.some((ours) => ours.bytes <= point.bytes && ours[wait] <= point[wait] * told),
  );
}

/** One line of the table. */
export function latencyRow(trace: string, latency: string, cell: LatencyCell): string {
  const { fraction, none, engine, baselines } = cell;
  const left = (wait: WaitName): string => {
    const points = undominated(cell, wait);
    const names = points.map((point) => `${point.name}: ${point.bytes.toFixed(3)}, ${waitText(point[wait])}`);
    return `${points.length} of ${baselines.length}${names.length === 0 ? '' : ` (${names.join('; ')})`}`;
  };
  const curve = engine.map((point) => `${point.bytes.toFixed(3)}, ${waitText(point.mean)}, ${waitText(point.p99)}`);
  return `| ${trace} | ${fraction} | ${latency} | ${waitText(none.mean)}, ${waitText(none.p99)} | ${curve.join('; ')} | ${left('mean')} | ${left('p99')} |`;
}

function waitText(wait: number): string {
  return wait.toPrecision(4);
}

export function pointOf(run: RunResult): LatencyPoint {
  const bound = run.prefetch === 'anteroom' ? ` <=${run.trafficMax ?? 'price'}` : '';
  return {
    name: `${run.prefetch}${bound} on ${run.evict}`,
    // A log without sizes says how many were fetched, not how much.
    bytes: run.trafficBytesRatio ?? run.trafficRatio ?? Number.NaN,
    mean: run.latencyMs.mean ?? Number.NaN,
    p99: run.latencyMs.p99 ?? Number.NaN,
  };
}
