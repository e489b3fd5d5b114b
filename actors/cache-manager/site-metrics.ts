/** The field's metrics from what a site counted: one definition each, for a replay's report and an engine's stats alike. */

import { Outcome, type OutcomeName } from '../prefetcher.ts';
import { type Prices, priceOfSpace, priceOfTransfer, valueOfTime } from '../prices.ts';
import type { Ledger } from './ledger.ts';

/** How prefetches ended, and those never sent. */
export interface PrefetchCounts extends Readonly<Record<OutcomeName, number>> {
  /** Sent, whatever became of them; those without an end yet are the difference to the sum of the outcomes. */
  readonly issued: number;
  /** Withdrawn before they were sent; not issued. */
  readonly withdrawn: number;
  readonly bytes: number;
}

/** The worlds that a site is measured against: the same cache without prefetching, and LRU of the same size without it. */
export interface ComparedWith {
  readonly baselineMisses: number;
  /** Requests that the reference sent to the origin. */
  readonly referenceFetches: number;
}

/** Of demand accesses; a ratio is null where there is nothing to divide by. */
export interface SiteMetrics {
  readonly hits: number;
  readonly misses: number;
  readonly missRatio: number | null;
  readonly byteMissRatio: number | null;
  readonly late: number;
  readonly prefetches: PrefetchCounts;
  /** Useful and late over issued. */
  readonly precision: number | null;
  /** Baseline misses that became hits over baseline misses. */
  readonly coverage: number | null;
  /** Useful over useful and late. */
  readonly timeliness: number | null;
  /** Misses on segments that the baseline held at that moment, over accesses. */
  readonly pollution: number | null;
  /** Requests to the origin over those of the reference. */
  readonly trafficRatio: number | null;
  /** Null where no probability was stated. */
  readonly calibration: { readonly brier: number | null; readonly ece: number | null } | null;
}

export function siteMetrics(ledger: Ledger, { baselineMisses, referenceFetches }: ComparedWith): SiteMetrics {
  const prefetches = countPrefetches(ledger);
  const used = prefetches.useful + prefetches.late;
  const { calibration } = ledger;
  return {
    hits: ledger.accesses - ledger.misses,
    misses: ledger.misses,
    missRatio: ratio(ledger.misses, ledger.accesses),
    byteMissRatio: ratio(ledger.bytesMissed, ledger.bytesAccessed),
    late: ledger.late,
    prefetches,
    precision: ratio(used, prefetches.issued),
    coverage: ratio(ledger.coveredMisses, baselineMisses),
    timeliness: ratio(prefetches.useful, used),
    pollution: ratio(ledger.pollutionMisses, ledger.accesses),
    trafficRatio: ratio(ledger.demandFetches + prefetches.issued, referenceFetches),
    calibration: calibration.count === 0 ? null : { brier: calibration.brier, ece: calibration.ece },
  };
}

/** What a world without prefetching fetched from the origin, and the waiting that prefetching spared against it. */
export interface Against {
  readonly requests: number;
  readonly bytes: number;
  /** ms; negative = prefetching cost time. */
  readonly savedMs: number;
}

/** Waiting saved, less what the extra fetches, their bytes and the staged space cost, in the currency of the prices. Fewer fetches than there count as savings. */
export function netBenefit(ledger: Ledger, prices: Prices, { requests, bytes, savedMs }: Against): number {
  return (
    valueOfTime(prices, savedMs) -
    priceOfTransfer(
      prices,
      ledger.demandBytes + ledger.prefetchBytes - bytes,
      ledger.demandFetches + ledger.issued - requests,
    ) -
    priceOfSpace(prices, ledger.stagedByteMs, 1)
  );
}

/** By expert, in their order: prefetches sent, and those of them that were used. */
export function expertUse(
  ledger: Ledger,
  experts: readonly string[],
): readonly { readonly name: string; readonly issued: number; readonly used: number }[] {
  return experts.map((name, i) => ({
    name,
    issued: ledger.issuedByExpert[i]!,
    used: ledger.usedByExpert[i]!,
  }));
}

/** A ratio; null where the denominator is zero. */
export function ratio(numerator: number, denominator: number): number | null {
  return denominator === 0 ? null : numerator / denominator;
}

function countPrefetches(ledger: Ledger): PrefetchCounts {
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
