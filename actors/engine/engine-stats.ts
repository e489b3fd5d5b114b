/** What an engine has measured so far, by the definitions and names of a replay's report. */

import type { GovernorState, Lift } from '../cache-manager/governor-state.ts';
import type { Ledger, RefusalName } from '../cache-manager/ledger.ts';
import type { MissClassName } from '../cache-manager/miss-classes.ts';
import type { Site } from '../cache-manager/site.ts';
import { expertUse, netBenefit, ratio, type SiteMetrics, siteMetrics } from '../cache-manager/site-metrics.ts';
import type { IntakeCounts } from './access-intake.ts';
import { isEngineTimed } from './engine-config.ts';
import type { EngineParts } from './engine-parts.ts';

/**
 * An estimate: the ghost without prefetching counts its misses and not its waits, so each of them is taken to wait as long as a miss that
 * fetches waits here in the mean. Negative = prefetching cost time.
 */
export interface LatencySaved {
  readonly totalMs: number;
  /** Mean over all demands, beside `latencyMs.mean`. */
  readonly withoutMeanMs: number;
  /** Of the waiting without prefetching. */
  readonly share: number;
}

/** Metrics of an engine, by the definitions of a replay; times are ms, ratios null where nothing is to be divided by. */
export interface EngineStats extends SiteMetrics {
  readonly accesses: number;
  /** Misses of the same cache without prefetching, and of LRU of the same size: the ghosts that run beside it. */
  readonly baselineMisses: number;
  readonly referenceMisses: number;
  /** Of demands, under the latency model; where live, as expected from measured fetches. */
  readonly latencyMs: {
    readonly mean: number | null;
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
  };
  /** Bytes fetched over those that LRU of the same size would have fetched; null with a sampled ghost or a warm-up, which the ghosts' bytes do not know. */
  readonly trafficBytesRatio: number | null;
  /** Waiting over that without prefetching, an estimate (`LatencySaved`); null where that is. */
  readonly latencyRatio: number | null;
  /** Value of the waiting saved (an estimate) less the price of what was fetched beyond the ghost without prefetching, in the currency of the prices; null as `trafficBytesRatio`. */
  readonly netBenefit: number | null;
  /** Waiting that prefetching saved; null before anything waited, or where fetches take no time. */
  readonly latencySaved: LatencySaved | null;
  readonly experts: readonly { readonly name: string; readonly issued: number; readonly used: number }[];
  /** Misses that the ghost without prefetching has too, by why they were not avoided. */
  readonly missClasses: Readonly<Record<MissClassName, number>>;
  readonly refusals: Readonly<Record<RefusalName, number>>;
  readonly intake: IntakeCounts;
  readonly cache: {
    readonly capacity: number;
    readonly used: number;
    readonly staged: number;
    readonly inFlight: number;
  };
  readonly governor: {
    /** Further fetches that the traffic bound allows now; Infinity without a bound. */
    readonly trafficHeadroom: number;
    readonly trafficBreaches: number;
    readonly trafficOvershoot: number;
    /** Accesses after which misses stood above their bound, and the most by which they stood above the ghost's. */
    readonly missBreaches: number;
    readonly missExcess: number;
    /** Bounds, records of experts and consumers, and what they refused; null without a prefetcher. */
    readonly state: GovernorState | null;
    /** What prefetched segments withheld by chance were good for; null where none was withheld for its whole horizon. */
    readonly lift: Lift | null;
    /** What prefetches cost at the prices; null where nothing is capped. */
    readonly spent: number | null;
    /** Least probability that the near loop proposes now; null without one. */
    readonly threshold: number | null;
  };
  /** Where prefetches are answered by someone else; null where they are modelled. */
  readonly live: LiveStats | null;
  readonly position: number;
  readonly digest: string;
}

/** How the outside fetcher answered, in requests. */
export interface LiveStats {
  /** Handed out and not answered. */
  readonly open: number;
  readonly landed: number;
  readonly failed: number;
  /** Answered too late, twice or never sent: changed nothing. */
  readonly ignoredAnswers: number;
  readonly unanswered: number;
  /** Demands came first, so that the request was not handed out. */
  readonly overtaken: number;
  /** Expected ms of a fetch of no bytes, as measured. */
  readonly firstByteMs: number;
}

/** Questions only: asking changes nothing. */
export function engineStats(parts: EngineParts): EngineStats {
  const { config, pipeline, experts, intake, liftNow, admission, nearLoop, desk, driver } = parts;
  const { site } = pipeline;
  const { ledger } = site;
  const saved = latencySaved(ledger);
  const ghostBytes = config.warmup > 0 ? null : site.ghostBytes;
  return {
    ...siteStats(site, experts),
    latencySaved: saved,
    trafficBytesRatio:
      ghostBytes === null ? null : ratio(ledger.demandBytes + ledger.prefetchBytes, ghostBytes.reference),
    latencyRatio: saved === null ? null : 1 - saved.share,
    netBenefit:
      ghostBytes === null || ledger.accesses === 0
        ? null
        : netBenefit(ledger, config.prices, {
            requests: ledger.baselineMisses,
            bytes: ghostBytes.baseline,
            savedMs: isEngineTimed(config)
              ? (saved?.totalMs ?? 0)
              : (ledger.baselineMisses - ledger.misses) * config.missPenaltyMs,
          }),
    intake: intake.counts,
    governor: {
      trafficHeadroom: site.trafficHeadroom,
      trafficBreaches: site.trafficBreaches,
      trafficOvershoot: site.trafficOvershoot,
      missBreaches: site.missBreaches,
      missExcess: site.missExcess,
      state: site.governor,
      lift: liftNow(),
      spent: admission?.caps?.spent ?? null,
      threshold: nearLoop.threshold,
    },
    live: desk?.stats() ?? null,
    position: driver.position,
  };
}

/** The part that every site can tell. */
function siteStats(
  site: Site,
  experts: readonly string[],
): Omit<
  EngineStats,
  'intake' | 'live' | 'position' | 'governor' | 'latencySaved' | 'trafficBytesRatio' | 'latencyRatio' | 'netBenefit'
> {
  const { ledger } = site;
  const hasWaits = ledger.waits.count > 0;
  const quantile = (q: number): number | null => (hasWaits ? ledger.waits.quantile(q) : null);
  return {
    accesses: ledger.accesses,
    ...siteMetrics(ledger, { baselineMisses: ledger.baselineMisses, referenceFetches: ledger.referenceMisses }),
    baselineMisses: ledger.baselineMisses,
    referenceMisses: ledger.referenceMisses,
    latencyMs: {
      mean: hasWaits ? ledger.waits.mean() : null,
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
    },
    experts: expertUse(ledger, experts),
    missClasses: ledger.missClassCounts(),
    refusals: ledger.refusalCounts(),
    cache: { capacity: site.capacity, used: site.used, staged: site.stagingUsed, inFlight: site.inFlightCount },
    digest: ledger.digest.hex(),
  };
}

function latencySaved(ledger: Ledger): LatencySaved | null {
  const fetches = ledger.misses - ledger.late;
  if (ledger.waits.count === 0 || fetches <= 0) return null;
  const missMs = Math.max(0, ledger.waits.sum - ledger.lateness.sum) / fetches;
  const withoutMs = ledger.baselineMisses * missMs;
  if (!(withoutMs > 0)) return null;
  const totalMs = withoutMs - ledger.waits.sum;
  return { totalMs, withoutMeanMs: withoutMs / ledger.accesses, share: totalMs / withoutMs };
}
