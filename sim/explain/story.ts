/** What `anteroom explain` tells: the life of one segment in a replay, event by event, or why misses of a whole log remained. */

import type { MissClassName } from '../../actors/cache-manager/miss-classes.ts';
import type { Evidence } from '../../actors/prefetcher.ts';

/** A demand for the segment. */
export interface DemandEvent {
  readonly kind: 'demand';
  readonly position: number;
  /** Event time in ms; null where the log has none. */
  readonly timeMs: number | null;
  readonly consumer: string | null;
  readonly served: 'miss' | 'hit' | 'staged-hit' | 'late';
  /** What the same cache without prefetching would have done. */
  readonly baseline: 'miss' | 'hit';
  /** Why a miss that the baseline has too was not avoided; null for all else. */
  readonly missClass: MissClassName | null;
}

/** Demands in a row that were hits with and without prefetching. */
export interface HitsEvent {
  readonly kind: 'hits';
  readonly position: number;
  readonly lastPosition: number;
  readonly timeMs: number | null;
  readonly count: number;
}

/** The segment was a candidate after an access to another one, or was planned by the far loop. */
export interface ForecastEvent {
  readonly kind: 'forecast';
  readonly position: number;
  readonly timeMs: number | null;
  /** What was accessed then; null for a plan of the far loop. */
  readonly after: string | null;
  readonly consumer: string | null;
  /** Who asked; null where nothing was asked for. */
  readonly expert: string | null;
  readonly probability: number | null;
  /** Null for a plan of the far loop. */
  readonly evidence: Evidence | null;
  /** Expected net benefit that the far loop planned it for, in the currency of the prices; null where it did not. */
  readonly netBenefit: number | null;
  /** What came of it at once: `issued`, `queued`, `below-threshold`, or the reason of a refusal. */
  readonly verdict: string;
}

/** What became of a prefetch of the segment. */
export interface OutcomeEvent {
  readonly kind: 'outcome';
  readonly position: number;
  readonly timeMs: number | null;
  /** `sent` after it had waited for a slot, one of the outcomes, or `withdrawn`. */
  readonly outcome: string;
}

export type StoryEvent = DemandEvent | HitsEvent | ForecastEvent | OutcomeEvent;

/** Which run was looked at. */
export interface StoryRun {
  readonly trace: string;
  readonly format: string;
  readonly accesses: number;
  readonly cache: { readonly unit: 'segments' | 'bytes'; readonly size: number; readonly fraction: number | null };
  readonly evict: string;
  readonly trafficMax: number | null;
  readonly latency: string;
  /** By a `sampled` ghost what it would have been without prefetching, and classes of misses, are estimates, and no whole numbers. */
  readonly ghost: 'whole' | 'sampled';
  readonly digest: string;
}

/** One segment's story. */
export interface SegmentStory {
  readonly schema: 'anteroom.explain/1';
  readonly version: string;
  readonly run: StoryRun;
  readonly segment: string;
  readonly demands: number;
  readonly hits: number;
  readonly avoided: number;
  readonly misses: number;
  readonly missClasses: Readonly<Record<MissClassName, number>>;
  readonly issued: number;
  /** In the order of the log; at most as many as were asked for. */
  readonly events: readonly StoryEvent[];
  /** Events beyond those. */
  readonly omitted: number;
}

/** A segment whose misses remained. */
export interface RemainingMisses {
  readonly segment: string;
  readonly misses: number;
  readonly missClasses: Readonly<Record<MissClassName, number>>;
}

/** A whole log's. */
export interface LogStory {
  readonly schema: 'anteroom.explain/1';
  readonly version: string;
  readonly run: StoryRun;
  readonly baselineMisses: number;
  readonly avoided: number;
  readonly pollution: number;
  readonly misses: number;
  readonly missClasses: Readonly<Record<MissClassName, number>>;
  /** Segments with the most misses that the baseline has too, most first. */
  readonly worst: readonly RemainingMisses[];
}
