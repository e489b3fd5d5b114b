/** What the governor of a site stands at, for reports. */

import type { ConsumerCounts } from '../prefetcher.ts';
import type { EvictionName } from './eviction.ts';
import type { ExpertAccount } from './expert-trust.ts';
import { isEstimateOn } from './ghost-config.ts';
import type { HoldoutCounts } from './holdout.ts';
import type { MissBound } from './miss-bound.ts';
import type { Site, SiteOptions } from './site.ts';
import type { SiteGuard } from './site-guard.ts';

export interface GovernorState {
  /** Null without a bound on misses. */
  readonly missBound: {
    readonly excessMax: number;
    readonly allowance: number;
    /** Misses that may still be lost. */
    readonly slack: number;
    readonly breaches: number;
    /** Most misses by which the site stood above the world without prefetching. */
    readonly excess: number;
  } | null;
  readonly ghost: {
    readonly kind: 'whole' | 'sampled';
    /** Share of the segments that are watched. */
    readonly rate: number;
    /** Null where the bounds hold on every input. */
    readonly confidence: number | null;
    /** Whether that confidence is aimed at and not shown to be reached: a sample beside an eviction whose miniature may part from the whole. */
    readonly isEstimate: boolean;
    readonly misses: number;
    /** By how much `misses` may be too high at that confidence. */
    readonly error: number;
  };
  /** Fetches that the bound on traffic allows on top; null without one. */
  readonly trafficHeadroom: number | null;
  /** Of the prefetches that could have been sent, those that the bound on misses or an expert's record refused; null where there was none. */
  readonly throttledShare: number | null;
  /** By expert, in the order of their codes; empty where experts are not judged one by one. */
  readonly experts: readonly ExpertAccount[];
  /** Consumers with a record, those believed less now, and forecasts lowered so far; null where consumers are not judged. */
  readonly consumers: ConsumerCounts | null;
}

/** Where a site and its guard stand. */
export function stateOf(
  site: Pick<Site, 'ledger' | 'prefetcher' | 'trafficHeadroom'>,
  guard: SiteGuard,
  missBound: MissBound,
  options: SiteOptions,
  eviction: EvictionName,
): GovernorState {
  const { ledger, prefetcher } = site;
  const { expertTrust, ghost } = options;
  const isSampled = ghost?.kind === 'sampled';
  const asked = ledger.issued + ledger.throttled;
  const expertCount = expertTrust === undefined ? 0 : EXPERTS_MAX;
  return {
    missBound: missBound.isBounded
      ? {
          excessMax: missBound.excessMax,
          allowance: missBound.allowance,
          slack: guard.missSlack,
          breaches: missBound.breachCount,
          excess: missBound.excess,
        }
      : null,
    ghost: {
      kind: isSampled ? 'sampled' : 'whole',
      rate: guard.rate,
      confidence: isSampled ? ghost.confidence : null,
      isEstimate: isSampled && guard.rate < 1 && isEstimateOn(eviction),
      misses: guard.ghostMisses,
      error: guard.ghostError,
    },
    trafficHeadroom: guard.isTrafficBounded ? site.trafficHeadroom : null,
    throttledShare: asked === 0 ? null : ledger.throttled / asked,
    experts: Array.from({ length: expertCount }, (_, expert) => expertTrust!.account(expert)),
    consumers: prefetcher?.consumerCounts?.() ?? null,
  };
}

/** The lift by the holdout: of prefetches withheld by chance, the share that was demanded in time, with its interval. */
export interface Lift {
  readonly withheld: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
  /** What had been forecast for these, in the mean. */
  readonly forecast: number;
}

/** Experts that are told of; their codes are small. */
const EXPERTS_MAX = 32;
/** Two standard deviations of a normal distribution hold 95.45 %; this holds 95 %. */
const Z = 1.959964;

/**
 * Misses that one prefetch avoids, in the mean: with Wilson's interval at 95 % (Wilson 1927), which holds for few and for shares near 0 and 1.
 * Null where nothing was withheld for its whole horizon.
 */
export function liftOf(counts: HoldoutCounts): Lift | null {
  const n = counts.withheld - counts.open;
  if (n <= 0) return null;
  const share = counts.demanded / n;
  const middle = (share + (Z * Z) / (2 * n)) / (1 + (Z * Z) / n);
  const half = (Z * Math.sqrt((share * (1 - share)) / n + (Z * Z) / (4 * n * n))) / (1 + (Z * Z) / n);
  return {
    withheld: n,
    share,
    low: Math.max(0, middle - half),
    high: Math.min(1, middle + half),
    forecast: counts.expected / n,
  };
}
