/** Messages of the far loop: accesses and ticks in, proposals and forecasts between, plans out, outcomes back. */

import type { AccessBatch } from '../streams/access-batch.ts';
import type { AccessSummary } from './aggregator/access-summary.ts';

/** The next accesses of the log, in order. */
export interface AccessesMessage {
  readonly kind: 'accesses';
  readonly batch: AccessBatch;
}

/** A point of the log: every access before `position` has been sent, none at or after it. */
export interface TickMessage {
  readonly kind: 'tick';
  readonly position: number;
  /** Event time, NaN where the trace has none. */
  readonly timeMs: number;
}

/** What an expert expects, as parallel columns. `horizon` indexes the horizons that the far loop was configured with. */
export interface ProposalColumns {
  readonly segment: Uint32Array;
  readonly horizon: Uint8Array;
  /** The expert's own score in 0..1; the forecaster calibrates it. */
  readonly score: Float64Array;
}

/** One expert's proposals at a tick; no rows = it abstains. Exactly one for each expert and tick. */
export interface ProposalsMessage {
  readonly kind: 'proposals';
  readonly expert: string;
  readonly position: number;
  readonly timeMs: number;
  readonly proposals: ProposalColumns;
}

/** The access map of one producer at a tick, for whoever merges the maps of several. */
export interface SummaryMessage {
  readonly kind: 'summary';
  readonly position: number;
  readonly timeMs: number;
  readonly summary: AccessSummary;
}

/** P(segment accessed within a horizon), as parallel columns. */
export interface ForecastColumns {
  readonly segment: Uint32Array;
  readonly horizon: Uint8Array;
  /** Calibrated, 0..1. */
  readonly probability: Float64Array;
  /** The expert whose share of the mixture is largest, as an index into the forecaster's experts. */
  readonly expert: Uint8Array;
}

/** The forecaster's view at a tick. */
export interface ForecastsMessage {
  readonly kind: 'forecasts';
  readonly position: number;
  readonly timeMs: number;
  readonly forecasts: ForecastColumns;
}

/** What to stage, most urgent first, as parallel columns. */
export interface PlanEntries {
  /** Unique among the plans of one scheduler. */
  readonly id: Float64Array;
  readonly segment: Uint32Array;
  /** Bytes, as last seen or the mean. */
  readonly sizeBytes: Float64Array;
  readonly probability: Float64Array;
  readonly expert: Uint8Array;
  /** Latest instant (ms of event time, or log position) at which the fetch must start to be in time. */
  readonly startBy: Float64Array;
  /** Instant after which the reason has passed: an entry not started by then is dropped, counted. */
  readonly expiresAt: Float64Array;
  /** Expected net benefit in the currency of the prices. */
  readonly netBenefit: Float64Array;
}

/** A plan is adopted at `position` of the log, whenever it arrives: decisions never depend on delays between actors. */
export interface PrefetchPlan {
  readonly position: number;
  readonly timeMs: number;
  readonly entries: PlanEntries;
  /** Ids of earlier entries that are no longer worth their price; one that is in flight is called back, one unknown is ignored. */
  readonly cancelled: Float64Array;
}

export interface PlanMessage {
  readonly kind: 'plan';
  readonly plan: PrefetchPlan;
}

/** How planned prefetches ended, as parallel columns; one row for each entry that was issued or given up. */
export interface OutcomesMessage {
  readonly kind: 'outcomes';
  /** Log position by which all of them were known. */
  readonly position: number;
  readonly id: Float64Array;
  /** The expert that the entry was planned for. */
  readonly expert: Uint8Array;
  /** `Outcome` code, or `withdrawn` for an entry that was never sent. */
  readonly outcome: Uint8Array;
}

/** Code in `OutcomesMessage` of an entry that was never sent to the origin. Follows the codes of `Outcome`. */
export const withdrawnOutcome = 255;

/**
 * What the site measured up to `position`, for the scheduler's live budgets. The site sends the outcomes up to `position`
 * first, then this, so a scheduler that waits for it has them all.
 */
export interface SiteStatusMessage extends SiteStatus {
  readonly kind: 'site-status';
  readonly position: number;
}

/** State of a site that a plan is made for. */
export interface SiteStatus {
  /** Bytes that the prefetch cache can take without displacing anything; what earlier plans reserved counts as taken. */
  readonly freeBytes: number;
  /** Bytes that it may hold in all. */
  readonly capacityBytes: number;
  /** Fetches in flight, demand included. */
  readonly inFlightCount: number;
  /** Mean time that a staged segment stays when it is not used, in ms or accesses; NaN = not known. */
  readonly residence: number;
  /** What is lost by each byte displaced, in the currency of the prices; 0 = nothing of worth is staged, Infinity = nothing may leave. */
  readonly displacedValuePerByte: number;
  /** Fetches measured since the last status: bytes and duration of each. */
  readonly fetchBytes: Float64Array;
  readonly fetchMs: Float64Array;
}

export type FarLoopMessage = AccessesMessage | TickMessage;
export type ForecasterMessage = FarLoopMessage | ProposalsMessage | OutcomesMessage;
export type SchedulerMessage = FarLoopMessage | ForecastsMessage | OutcomesMessage | SiteStatusMessage;
