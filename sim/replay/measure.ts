/** Turns what a site counted into the metrics of a report, by the definitions in the README. */

import type { Ledger } from '../../actors/cache-manager/ledger.ts';
import { expertUse, netBenefit, ratio, siteMetrics } from '../../actors/cache-manager/site-metrics.ts';
import type { Prices } from '../../actors/prices.ts';
import type { RunDetails, RunResult } from './result.ts';

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

export function measure(ledger: Ledger, context: MeasureContext): Measures {
  const { baseline, reference } = context;
  const hasWaits = ledger.waits.count > 0;
  return {
    ...siteMetrics(ledger, { baselineMisses: baseline.misses, referenceFetches: reference.demandFetches }),
    baselineMisses: baseline.misses,
    referenceMisses: reference.misses,
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
    netBenefit: netBenefitOver(ledger, baseline, context),
    netBenefitOverReference: netBenefitOver(ledger, reference, context),
  };
}

export function runDetails(ledger: Ledger, experts: readonly string[]): RunDetails {
  return {
    lateness: ledger.lateness.buckets(),
    reliability: ledger.calibration.table(),
    slices: ledger.slices,
    experts: expertUse(ledger, experts),
  };
}

/** With instant fetches nobody waits; without accesses there is nothing to speak of. */
function zeroIfAny(accesses: number): number | null {
  return accesses === 0 ? null : 0;
}

/** Against another run. */
function netBenefitOver(ledger: Ledger, other: Ledger, context: MeasureContext): number | null {
  if (ledger.accesses === 0) return null;
  return netBenefit(ledger, context.prices, {
    requests: other.demandFetches,
    bytes: other.demandBytes,
    savedMs:
      context.latencyUnit === 'ms'
        ? other.waits.sum - ledger.waits.sum
        : (other.misses - ledger.misses) * context.missPenaltyMs,
  });
}
