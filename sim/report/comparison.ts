/** What a run changes against another of the same trace and cache: one yardstick for every sentence and chart. */

import type { RunResult } from '../replay/result.ts';

/** Shares are of the other run's figure, positive = saved; null where that figure is zero or unknown. */
export interface Comparison {
  readonly missesSaved: number | null;
  readonly meanWaitSaved: number | null;
  readonly p99WaitSaved: number | null;
  /** Positive = more. */
  readonly requestsAdded: number | null;
  readonly bytesAdded: number | null;
  /** Net benefit over the other run, in the currency of the prices. */
  readonly benefit: number | null;
}

export function compare(run: RunResult, other: RunResult): Comparison {
  const hasWaits = run.latency !== '0';
  return {
    missesSaved: saved(run.misses, other.misses),
    meanWaitSaved: hasWaits ? saved(run.latencyMs.mean, other.latencyMs.mean) : null,
    p99WaitSaved: hasWaits ? saved(run.latencyMs.p99, other.latencyMs.p99) : null,
    requestsAdded: negated(saved(run.originRequests, other.originRequests)),
    bytesAdded: run.bytes === null ? null : negated(saved(run.originBytes, other.originBytes)),
    benefit:
      run.netBenefitOverReference === null || other.netBenefitOverReference === null
        ? null
        : run.netBenefitOverReference - other.netBenefitOverReference,
  };
}

/** The run of the same trace, cache and eviction without prefetching. */
export function baselineOf(run: RunResult, runs: readonly RunResult[]): RunResult | undefined {
  return runs.find(
    (other) => isSameCache(run, other) && other.evictUsed === run.evictUsed && other.prefetch === 'none',
  );
}

/** LRU of the same trace and cache without prefetching. */
export function referenceOf(run: RunResult, runs: readonly RunResult[]): RunResult | undefined {
  return runs.find((other) => isSameCache(run, other) && other.evictUsed === 'lru' && other.prefetch === 'none');
}

/**
 * The run worth most. Every benefit is taken over LRU of the same size, so runs of different evictions compare; the fewest misses
 * decide where benefits are equal.
 */
export function best(runs: readonly RunResult[]): RunResult | undefined {
  let chosen: RunResult | undefined;
  for (const run of runs) {
    if (chosen === undefined) {
      chosen = run;
      continue;
    }
    const lead = (run.netBenefitOverReference ?? 0) - (chosen.netBenefitOverReference ?? 0);
    if (lead > 0 || (lead === 0 && run.misses < chosen.misses)) chosen = run;
  }
  return chosen;
}

function isSameCache(a: RunResult, b: RunResult): boolean {
  return a.trace === b.trace && a.cache.unit === b.cache.unit && a.cache.size === b.cache.size;
}

function saved(value: number | null, of: number | null): number | null {
  return value === null || of === null || of === 0 ? null : 1 - value / of;
}

function negated(share: number | null): number | null {
  return share === null ? null : share === 0 ? 0 : -share;
}
