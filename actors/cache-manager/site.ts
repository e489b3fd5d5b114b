/** A site: the caches that serve demand accesses, and where prefetches are staged. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { Prefetcher, SiteView } from '../prefetcher.ts';
import type { BenefitAccount } from './benefit-account.ts';
import type { Eviction } from './eviction.ts';
import type { ExpertTrust } from './expert-trust.ts';
import type { GhostConfig } from './ghost-config.ts';
import type { GovernorState } from './governor-state.ts';
import type { Holdout } from './holdout.ts';
import type { Ledger } from './ledger.ts';
import type { MissBound } from './miss-bound.ts';
import type { Origin } from './origin.ts';
import type { PrefetchAdmission } from './prefetch-admission.ts';
import type { Prospect } from './prospects.ts';
import type { GhostBytes } from './site-guard.ts';
import type { TrafficBudget } from './traffic-budget.ts';

/** What to do with a write or delete: count it as an access, let it end every copy, or pass over it. */
export type WritePolicy = 'access' | 'invalidate' | 'ignore';

/** `segmentCountHint` where it is not that of the site. */
export type MakeEviction = (
  capacity: number,
  onEvict?: (segment: number) => void,
  segmentCountHint?: number,
) => Eviction;

export interface SiteOptions {
  /** Cache size in `unit`s, reactive and prefetch cache together. */
  readonly capacity: number;
  readonly unit: 'segments' | 'bytes';
  /** Makes an eviction of this site's kind; called for the reactive cache and, beside a prefetcher, for the baseline's ghost. */
  readonly makeEviction: MakeEviction;
  /** Told of each access before it is served, to keep the future of offline policies true. */
  readonly future?: { beforeAccess(position: number, segment: number): void };
  /** Makes the reference's eviction (LRU), unless `makeEviction` makes the same kind; then leave it out. */
  readonly makeReference?: MakeEviction;
  /** Makes the prefetcher that watches this site; null = the baseline itself. */
  readonly makePrefetcher: ((view: SiteView) => Prefetcher) | null;
  readonly origin: Origin;
  /** `ms`: event time drives fetches; `requests`: the log position does. */
  readonly modelTime: 'ms' | 'requests';
  readonly writes?: WritePolicy;
  readonly budget?: TrafficBudget;
  /** Bounds what prefetching may cost in misses; without it nothing does. */
  readonly missBound?: MissBound;
  /** How the worlds without prefetching are watched, and the seed of the hash that chooses a sample. Default: whole. */
  readonly ghost?: GhostConfig & { readonly seed: number };
  /** Withholds a share of the prefetches; without it none is. */
  readonly holdout?: Holdout;
  /** Turns experts off that mislead; without it each is taken at its word. */
  readonly expertTrust?: ExpertTrust;
  /** Refuses prefetches that are not worth their price; without it nothing is priced. */
  readonly benefit?: BenefitAccount;
  /** Hard caps and what may be prefetched at all; without it nothing is capped or forbidden. */
  readonly admission?: PrefetchAdmission;
  /** Largest share of the capacity that staged segments may take, 0..1. Default 0.5. */
  readonly stagingShareMax?: number;
  /** Prefetches that may wait for a fetch slot; the least valuable beyond that are withdrawn. Default 1024. */
  readonly queueLengthMax?: number;
  /** Log position from which on accesses are counted. Default 0. */
  readonly warmup?: number;
  /** Accesses in a slice of the ledger. Default: one slice. */
  readonly sliceLength?: number;
  readonly segmentCountHint?: number;
  /** Accesses after which a kernel may serve what plain code does, with the same result; Infinity = never. */
  readonly kernelAfter?: number;
  /** Told how each prefetch ended: an `Outcome`, or `WITHDRAWN` for one that was never sent; and `DELIVERED` of one that was late, once its fetch has come. */
  readonly onSettled?: (segment: number, expert: number, outcome: number) => void;
  /** Told of each decision about a prefetch (`Decision` codes, with those of its reason) after it was made; demands are not told. */
  readonly onDecision?: OnDecision;
}

/** Code told to `onSettled` for a prefetch that left the queue unsent. */
export const WITHDRAWN = 255;
/** Code told to `onSettled` once what a demand joined was delivered: at once where fetches are modelled, never where one failed. */
export const DELIVERED = 254;

/** `position` and `now` (model time) are those of the access being served; `probability` and `bytes` NaN = not stated. */
export type OnDecision = (
  code: number,
  segment: number,
  position: number,
  now: number,
  expert: number,
  probability: number,
  bytes: number,
) => void;

/** What a cache manager does with its site; `createSite` makes one. */
export interface Site extends SiteView {
  readonly ledger: Ledger;
  readonly prefetcher: Prefetcher | null;
  readonly capacity: number;
  /** Units resident now, reactive and staged. */
  readonly used: number;
  /** Rows taken from the log: served as demands, taken as invalidations, or passed over. */
  readonly rowCount: number;
  /** Accesses after which fetches stood above the traffic bound, and the most requests by which they did. */
  readonly trafficBreaches: number;
  readonly trafficOvershoot: number;
  /** Accesses after which misses stood above their bound, and the most by which they stood above the baseline's. */
  readonly missBreaches: number;
  readonly missExcess: number;
  /** Where its bounds and records stand; null without a prefetcher. */
  readonly governor: GovernorState | null;
  /** Bytes that the misses of the worlds without prefetching asked for so far, counted or not; null where these are a sample, or none is watched. */
  readonly ghostBytes: GhostBytes | null;
  /** Misses so far, counted or not, on segments that the baseline held. */
  readonly pollutionCount: number;
  /** Space that the prefetch cache may take now, in the site's unit, and what of it is taken. */
  readonly stagingCapacity: number;
  readonly stagingUsed: number;
  /** Prefetches on their way. */
  readonly inFlightCount: number;
  /** Mean model time that an unused segment stayed staged, over the last hundred or so; NaN before the first. */
  readonly unusedResidence: number;
  /** Serves a batch, row by row. */
  serve(batch: AccessBatch): void;
  /** Ends the run: what is still staged or in flight is pending. */
  finish(): void;
  /** Whether a demand for `segment` would be served from a copy here. */
  holds(segment: number): boolean;
  /** Stages one segment that the far loop planned. Returns whether it was sent or queued. `sizeBytes` is for one whose size no access told. */
  stage(segment: number, sizeBytes: number, probability: number, expert: number): boolean;
  /** Takes back a planned prefetch that is queued or in flight; one that is staged stays, it is paid for. */
  callBack(segment: number): void;
  /** Ends every copy of a segment whose origin changed: what is staged or in flight is stale. */
  invalidate(segment: number): void;
  /**
   * An outside fetcher has the segment of a prefetch in flight at `now`; `sizeBytes` -1 = as expected. Returns whether it is staged.
   * Only where the origin is answered, as is `fail`.
   */
  land(segment: number, now: number, sizeBytes: number): boolean;
  /** A prefetch that a demand joined has delivered, so it counts for who asked for it. Only where the origin is answered. */
  confirm(segment: number, expert: number, probability: number): void;
  /** The size of a segment became known by other means than an access or a landing. */
  learnSize(segment: number, sizeBytes: number): void;
  /** An outside fetcher gave up on the segment of a prefetch in flight. Returns whether one was. */
  fail(segment: number, now: number): boolean;
  /** Prefetches that have not ended, at most `limit` of each stage: queued by value, then in flight by age, then staged, the latest first. */
  prospects(limit: number): readonly Prospect[];
  /** Sizes and durations, in model time, of the latest fetches since the last call. */
  takeFetches(): FetchSample;
  /** Everything but the prefetcher and the origin, to save or restore it. */
  persist(fields: StateFields): void;
}

/** Fetches as they were measured, parallel columns. */
export interface FetchSample {
  readonly bytes: Float64Array;
  readonly waits: Float64Array;
}
