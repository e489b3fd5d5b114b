/** What a replay reports: the JSON contract of `anteroom replay` and the details that only the HTML report shows. */

import type { HoldoutCounts } from '../../actors/cache-manager/holdout.ts';
import type { SiteMetrics } from '../../actors/cache-manager/site-metrics.ts';
import type { RunGovernor } from './run-governor.ts';

/** One run: a trace through one cache size, eviction, prefetcher and traffic bound, with what any site is measured by. Field names are a contract: added to, never renamed. */
export interface RunResult extends SiteMetrics {
  readonly trace: string;
  readonly format: string;
  /** What is counted: demand accesses from the warm-up on, their distinct segments, and the bytes they asked for (null without sizes). */
  readonly accesses: number;
  readonly segments: number;
  readonly bytes: number | null;
  /** The whole log, warm-up and writes included, and what of it could not be read. Shares in `--cache` are of its segments or their bytes. */
  readonly log: LogCounts;
  readonly cache: {
    readonly unit: 'segments' | 'bytes';
    readonly size: number;
    readonly fraction: number | null;
  };
  /** As asked for, e.g. `auto`; `evictUsed` says which policy ran. */
  readonly evict: string;
  readonly evictUsed: string;
  readonly prefetch: string;
  readonly trafficMax: number | null;
  /** The `--latency` in force, and the unit of `latencyMs`: milliseconds, or accesses where the model counts requests. */
  readonly latency: string;
  readonly latencyUnit: 'ms' | 'requests';
  readonly baselineMisses: number;
  readonly referenceMisses: number;
  readonly trafficBytesRatio: number | null;
  /** Fetches from the origin, demand and prefetches, and their bytes. */
  readonly originRequests: number;
  readonly originBytes: number;
  readonly latencyMs: {
    readonly mean: number | null;
    readonly p50: number | null;
    readonly p90: number | null;
    readonly p99: number | null;
  };
  readonly latencyRatio: number | null;
  /** Against the baseline: what prefetching is worth. */
  readonly netBenefit: number | null;
  /** Against the reference: what eviction and prefetching are worth together; comparable between evictions. */
  readonly netBenefitOverReference: number | null;
  /** Proposals that were not issued, by reason. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Misses that the baseline had too, by why they were not avoided; with `coverage` and pollution they make up all misses. Zero for `none`. */
  readonly missClasses: Readonly<Record<string, number>>;
  /** Moments at which fetches stood above the traffic bound; 0 on LRU by construction. */
  readonly trafficBreaches: number;
  /** Most requests by which they did. */
  readonly trafficOvershoot: number;
  /** Moments at which misses stood above their bound, and the most misses by which they stood above the baseline's. */
  readonly missBreaches: number;
  readonly missExcess: number;
  /** Prefetches withheld by chance and what became of their segments; null where none are. */
  readonly holdout: HoldoutCounts | null;
  /** Where bounds and records stood at the end, and what was throttled; null for a run that nobody governs. */
  readonly governor: RunGovernor | null;
  readonly clampedTimes: number;
  readonly notes: readonly string[];
  /** Of this run. Reading the log once serves all runs and is apart, in `readSeconds`. */
  readonly seconds: number;
  readonly readSeconds: number;
  /** Rows of the log by `readSeconds + seconds`: reading, predicting, caching. */
  readonly requestsPerSecond: number;
  /** Rows of the log by `seconds`: the replay without reading. */
  readonly replayRequestsPerSecond: number;
  readonly rssBytesMax: number;
  readonly digest: string;
}

/** What is known of a log whatever is replayed on it. */
export interface LogCounts {
  readonly accesses: number;
  readonly segments: number;
  readonly bytes: number | null;
  /** Bad records passed over (`--lenient`). */
  readonly rejected: number;
  /** Well-formed records that are no accesses, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
}

/** What `anteroom replay` measured, as its JSON has it. */
export interface ReplayResult {
  readonly schema: 'anteroom.replay/1';
  readonly version: string;
  readonly seed: number;
  readonly runs: readonly RunResult[];
}

/** What only the HTML report shows of a run. */
export interface RunDetails {
  /** Wait of late demands, ascending, as (mean wait of the bucket, count); unit as `latencyUnit`. */
  readonly lateness: readonly { readonly wait: number; readonly count: number }[];
  /** Reliability diagram; empty bins have null means. */
  readonly reliability: readonly {
    readonly low: number;
    readonly high: number;
    readonly count: number;
    readonly meanForecast: number | null;
    readonly hitRatio: number | null;
  }[];
  /** The run in slices of equal access counts. */
  readonly slices: readonly {
    readonly endPosition: number;
    readonly accesses: number;
    readonly misses: number;
    readonly baselineMisses: number;
    readonly issued: number;
    /** Of those issued in this slice. */
    readonly used: number;
    /** Refused by the bound on misses or for their expert's record, and by the bound on traffic. */
    readonly throttled: number;
    readonly overBudget: number;
    /** What the bounds left at its end; null without one. */
    readonly missSlack: number | null;
    readonly trafficHeadroom: number | null;
  }[];
  readonly experts: readonly { readonly name: string; readonly issued: number; readonly used: number }[];
}

/** What the far loop's actors learned of a trace, for the report. */
export interface TraceInsight {
  readonly trace: string;
  readonly format: string;
  readonly accesses: number;
  readonly segments: number;
  readonly consumers: number;
  /** First and last event time, ms since the epoch (or the trace's own zero); null where the trace has no time. */
  readonly timeSpanMs: readonly [number, number] | null;
  /** Clock by which the hours of the week are counted: an IANA name, or an offset as +05:30. */
  readonly timeZone: string;
  /** Hottest segments with their accesses in each of the 168 hours of the week, Monday 00:00 on that clock first; empty without time. */
  readonly hotByHourOfWeek: readonly {
    readonly segment: string;
    readonly total: number;
    readonly hours: readonly number[];
  }[];
  /** Strongest edges of the dependency graph, strongest first. */
  readonly dependencies: readonly {
    readonly from: string;
    readonly to: string;
    readonly support: number;
    readonly confidence: number;
    readonly lift: number;
    /** Mean lag in ms, or null where the trace has no time. */
    readonly lagMs: number | null;
  }[];
}

/** All that a report is made from. `details[i]` belongs to `result.runs[i]`. */
export interface Report {
  readonly result: ReplayResult;
  readonly details: readonly RunDetails[];
  readonly insights: readonly TraceInsight[];
  /** The command that reproduces it. */
  readonly command: string;
}
