/** The near loop's contract: a prefetcher sees each access as it is served and proposes what to stage next. */

import type { StateFields } from '../engine/state-fields.ts';
import type { AccessBatch } from '../streams/access-batch.ts';
import type { QuietCalls } from './quiet-calls.ts';

/** How a demand access was served. */
export const Served = {
  /** Not resident, not in flight. */
  miss: 0,
  /** Resident in the reactive cache. */
  hit: 1,
  /** First demand of a staged segment: a useful prefetch. */
  stagedHit: 2,
  /** Joined a prefetch in flight: a late prefetch, counted as a miss. */
  late: 3,
} as const;

/** How an issued prefetch ended; exactly one for each. Defined in the README under Metrics. */
export const Outcome = { useful: 0, late: 1, wasted: 2, cancelled: 3, stale: 4, pending: 5 } as const;
export type OutcomeCode = (typeof Outcome)[keyof typeof Outcome];
export type OutcomeName = keyof typeof Outcome;
export const outcomeNames: readonly OutcomeName[] = ['useful', 'late', 'wasted', 'cancelled', 'stale', 'pending'];

/** The access being served. One object is reused for all: copy what must outlive the call. */
export interface AccessCursor {
  /** Log position, from 0. */
  position: number;
  /** Event time in ms; NaN where the trace has none. */
  timeMs: number;
  segment: number;
  /** Dense id, -1 absent. */
  consumer: number;
  /** Dense site id, -1 absent. */
  site: number;
  /** `Operation` code. */
  op: number;
  /** Bytes as the source said, -1 unknown. */
  sizeBytes: number;
  /** Whose access comes next, -1 or absent = not known. It decides nothing: memory may be asked for what that will need. */
  nextSegment?: number;
}

/** A row of a batch as the access being served; a column that few prefetchers ask for is read when one does. */
export class RowCursor implements AccessCursor {
  position = 0;
  segment = 0;
  consumer = -1;
  nextSegment = -1;
  #batch: AccessBatch | null = null;
  #row = 0;

  pointAt(batch: AccessBatch, row: number, position: number, segment: number): void {
    // Once a batch: what is stored in an old object is told to the garbage collector.
    if (this.#batch !== batch) this.#batch = batch;
    this.#row = row;
    this.position = position;
    this.segment = segment;
    this.consumer = batch.consumer[row]!;
    this.nextSegment = row + 1 < batch.length ? batch.segment[row + 1]! | 0 : -1;
  }

  get timeMs(): number {
    return this.#batch!.timeMs[this.#row]!;
  }

  get site(): number {
    return this.#batch!.site[this.#row]!;
  }

  get op(): number {
    return this.#batch!.op[this.#row]!;
  }

  get sizeBytes(): number {
    return this.#batch!.size[this.#row]!;
  }
}

/** Proposals of one access, as parallel columns that are reused. The site drops what is resident or in flight, best first. */
export class ProposalBuffer {
  readonly capacity: number;
  count = 0;
  readonly segment: Uint32Array;
  /** Bytes; -1 = as last seen. */
  readonly sizeBytes: Float64Array;
  /** Probability that the segment is demanded before it would leave, calibrated where the prefetcher can; NaN = it does not say. */
  readonly probability: Float64Array;
  /** Which expert asked, as an index into `Prefetcher.experts`. */
  readonly expert: Uint8Array;
  /** Proposals refused because the buffer was full. */
  overflowCount = 0;

  constructor(capacity = 256) {
    this.capacity = capacity;
    this.segment = new Uint32Array(capacity);
    this.sizeBytes = new Float64Array(capacity);
    this.probability = new Float64Array(capacity);
    this.expert = new Uint8Array(capacity);
  }

  propose(segment: number, sizeBytes: number, probability: number, expert: number): void {
    const i = this.count;
    if (i === this.capacity) {
      this.overflowCount++;
      return;
    }
    this.segment[i] = segment;
    this.sizeBytes[i] = sizeBytes;
    this.probability[i] = probability;
    this.expert[i] = expert;
    this.count = i + 1;
  }

  /** What outlives an access. */
  persist(fields: StateFields): void {
    this.overflowCount = fields.number(this.overflowCount);
  }
}

/** What one expert said of a candidate: of forecasts like this one, so many came true lately. */
export interface ExpertOpinion {
  readonly expert: string;
  /** 0..1; what is assumed where `trials` is 0. */
  readonly probability: number;
  /** Outcomes that it rests on, up to what a bin remembers. */
  readonly trials: number;
}

/** Why a candidate was proposed, or was not. */
export interface Evidence {
  readonly opinions: readonly ExpertOpinion[];
  /** What the mixture makes of the opinions, and of that what is believed after this consumer's access. */
  readonly probability: number;
  /** Least probability at which a fetch of this segment was worth it then. */
  readonly threshold: number;
  /** Share of the forecast that the consumer's own record lets believe; 1 = all of it. */
  readonly trust: number;
  /**
   * Expected net value of the fetch by which it was decided: what a demand is spared less what waste costs under the bound on traffic, in waits for
   * a fetch of mean size; not below 0 = worth a fetch. -Infinity where only certainty is.
   */
  readonly value: number;
}

/** How the consumers of a prefetcher fare. */
export interface ConsumerCounts {
  readonly known: number;
  readonly doubted: number;
  readonly lowered: number;
}

/** How the next accesses can be weighed, and what has ended be told, without a call of `onAccess` each: see `Prefetcher.quietRows`. */
export interface QuietRows {
  /** The same object until others are to be called. */
  readonly calls: QuietCalls;
  /** What the first access is to be told as `fourth`, and how much more each of the next; both 0 = the segment of the access after it, -1 = not known. */
  readonly fourth: number;
  readonly step: number;
  /** So many at most. */
  readonly count: number;
  /** Log position of the access before. */
  readonly position: number;
}

/**
 * Learns from accesses and proposes prefetches. Called once for each access, after it was served and admitted.
 *
 * The implementation must not depend on wall-clock time or batch sizes, must be bounded in memory by distinct segments
 * and consumers, and must take O(1) of trace length per access.
 */
export interface Prefetcher {
  readonly name: string;
  /** `shared`: staged segments enter the reactive cache (as published baselines do). `separate`: the prefetch cache. */
  readonly staging: 'shared' | 'separate';
  /** Names of the experts behind it, for the report. */
  readonly experts: readonly string[];
  /**
   * Accesses within which proposals are meant to be used, as it stands now: what is staged for longer and still unused has missed its time and
   * is the first to go when the cache is full. Absent: staged segments do not age.
   */
  readonly horizonAccesses?: number;
  /** Probability that was last forecast for `segment` without proposing it; 0 = none that still stands at `position`. */
  forecastOf?(segment: number, position: number): number;
  /** What spoke for `segment` at the access that `onAccess` saw last; null = nothing did. Changes nothing; for whoever explains. */
  evidenceOf?(segment: number): Evidence | null;
  /** Consumers with a record, those believed less now, and forecasts lowered so far; null where consumers are not judged. */
  consumerCounts?(): ConsumerCounts | null;
  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void;
  /** How the next accesses may be weighed; null = by `onAccess` alone. The same object each time. */
  quietRows?(): QuietRows | null;
  /** So many accesses were weighed so, the last at that log position. */
  onQuiet?(count: number, position: number): void;
  /** Proposes what `QuietCalls.propose` has chosen last, so many. */
  proposeChosen?(count: number, proposals: ProposalBuffer): void;
  /** A segment left the reactive cache by eviction. `isUnused` = it was staged and never demanded. True = admit it once more. */
  onEvict?(segment: number, isUnused: boolean): boolean;
  /** A prefetch of the segment, whoever asked for it, is queued, in flight or staged from now on; or was, and has ended. */
  onHeld?(segment: number, isHeld: boolean): void;
  /** An issued prefetch ended. `probability` is what was said when it was proposed. */
  onOutcome?(segment: number, expert: number, outcome: number, probability: number): void;
}

export type { AddressSpace } from '../streams/address-space.ts';

/** What the near loop may know of its site; the site keeps the numbers true before each access. */
/** A fetch against one of mean size, for segments whose sizes differ. */
export interface FetchWorth {
  /** What fetching `segment` takes of the traffic that is bounded, in fetches of mean size. `sizeBytes`: -1 = as last seen. */
  costOf(segment: number, sizeBytes: number): number;
  /** What a demand is spared for each of these: 1 for a fetch of mean size. */
  gainOf(segment: number, sizeBytes: number): number;
}

export interface SiteView {
  /** Resident in the reactive cache, staged or in flight: not worth proposing. Changes nothing. */
  isResident(segment: number): boolean;
  /** Further fetches that the traffic bound allows at this moment beyond what is out already; Infinity without a bound. */
  trafficHeadroom: number;
  /** Fetches that it would allow if prefetching cost none, less those granted to start with: what has been earned so far, which may fall; absent = not known. */
  readonly trafficGranted?: number;
  /** Accesses that pass, in the mean, before a fetch lands; 0 when it lands at once. */
  leadAccesses: number;
  /** What the fetches of single segments cost and spare, where they differ by more than their probability; absent = all alike. */
  readonly fetchWorth?: FetchWorth;
}
