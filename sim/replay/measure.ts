/** Turns what a site counted into the metrics of a report, by the definitions in the README. */

import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import { Outcome } from '../../actors/prefetcher.ts';
import { type Prices, priceOfSpace, priceOfTransfer, valueOfTime } from '../../actors/prices.ts';
import type { PrefetchCounts, RunDetails, RunResult } from './result.ts';

/** The metrics of one run; the rest of a `RunResult` says which run it was. */
export type Measures = Pick<
  RunResult,
  | 'hits'
  | 'misses'
  | 'missRatio'
  | 'byteMissRatio'
  | 'late'
  | 'baselineMisses'
  | 'referenceMisses'
  | 'prefetches'
  | 'precision'
  | 'coverage'
  | 'timeliness'
  | 'pollution'
  | 'trafficRatio'
  | 'trafficBytesRatio'
  | 'originRequests'
  | 'originBytes'
  | 'latencyMs'
  | 'latencyRatio'
  | 'netBenefit'
  | 'netBenefitOverReference'
  | 'calibration'
>;

/** What the metrics of a run are measured against: both were replayed in the same command. */
export interface MeasureContext {
  /** Same cache and eviction, no prefetching. */
  readonly baseline: Ledger;
  /** LRU of the same size, no prefetching. */
  readonly reference: Ledger;
  readonly prices: Prices;
  readonly latencyUnit: 'ms' | 'requests';
  /** Waiting that an avoided miss is worth where the latency model has no milliseconds. */
  readonly missPenaltyMs: number;
}

/** A ratio; null where the denominator is zero. */
export function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

export function measure(ledger: Ledger, context: MeasureContext): Measures {
  const { baseline, reference } = context;
  const prefetches = countPrefetches(ledger);
  const used = prefetches.useful + prefetches.late;
  const hasWaits = ledger.waits.count > 0;
  return {
    hits: ledger.accesses - ledger.misses,
    misses: ledger.misses,
    missRatio: ratio(ledger.misses, ledger.accesses),
    byteMissRatio: ratio(ledger.bytesMissed, ledger.bytesAccessed),
    late: ledger.late,
    baselineMisses: baseline.misses,
    referenceMisses: reference.misses,
    prefetches,
    precision: ratio(used, prefetches.issued),
    coverage: ratio(ledger.coveredMisses, baseline.misses),
    timeliness: ratio(prefetches.useful, used),
    pollution: ratio(ledger.pollutionMisses, ledger.accesses),
    trafficRatio: ratio(ledger.demandFetches + prefetches.issued, reference.demandFetches),
    trafficBytesRatio: ratio(ledger.demandBytes + ledger.prefetchBytes, reference.demandBytes),
    originRequests: ledger.demandFetches + ledger.issued,
    originBytes: ledger.demandBytes + ledger.prefetchBytes,
    latencyMs: {
      mean: hasWaits ? ledger.waits.mean() : zeroIfAny(ledger.accesses),
      p50: hasWaits ? ledger.waits.quantile(0.5) : zeroIfAny(ledger.accesses),
      p90: hasWaits ? ledger.waits.quantile(0.9) : zeroIfAny(ledger.accesses),
      p99: hasWaits ? ledger.waits.quantile(0.99) : zeroIfAny(ledger.accesses),
    },
    latencyRatio: ratio(ledger.waits.sum, baseline.waits.sum),
    netBenefit: netBenefit(ledger, baseline, context),
    netBenefitOverReference: netBenefit(ledger, reference, context),
    calibration:
      ledger.calibration.count === 0 ? null : { brier: ledger.calibration.brier, ece: ledger.calibration.ece },
  };
}

export function countPrefetches(ledger: Ledger): PrefetchCounts {
  const of = (outcome: number): number => ledger.outcomes[outcome]!;
  return {
    issued: ledger.issued,
    useful: of(Outcome.useful),
    late: of(Outcome.late),
    wasted: of(Outcome.wasted),
    cancelled: of(Outcome.cancelled),
    stale: of(Outcome.stale),
    pending: of(Outcome.pending),
    withdrawn: ledger.withdrawn,
    bytes: ledger.prefetchBytes,
  };
}

export function runDetails(ledger: Ledger, experts: readonly string[]): RunDetails {
  return {
    lateness: ledger.lateness.buckets(),
    reliability: ledger.calibration.table(),
    slices: ledger.slices,
    experts: experts.map((name, i) => ({
      name,
      issued: ledger.issuedByExpert[i]!,
      used: ledger.usedByExpert[i]!,
    })),
  };
}

/** With instant fetches nobody waits; without accesses there is nothing to speak of. */
function zeroIfAny(accesses: number): number | null {
  return accesses === 0 ? null : 0;
}

/**
 * Against another run: waiting saved, less what the extra fetches, their bytes and the staged space cost.
 * Fewer fetches than there count as savings.
 */
function netBenefit(ledger: Ledger, baseline: Ledger, context: MeasureContext): number | null {
  if (ledger.accesses === 0) return null;
  const { prices } = context;
  const savedMs =
    context.latencyUnit === 'ms'
      ? baseline.waits.sum - ledger.waits.sum
      : (baseline.misses - ledger.misses) * context.missPenaltyMs;
  const extraRequests = ledger.demandFetches + ledger.issued - baseline.demandFetches;
  const extraBytes = ledger.demandBytes + ledger.prefetchBytes - baseline.demandBytes;
  return (
    valueOfTime(prices, savedMs) -
    priceOfTransfer(prices, extraBytes, extraRequests) -
    priceOfSpace(prices, ledger.stagedByteMs, 1)
  );
}
