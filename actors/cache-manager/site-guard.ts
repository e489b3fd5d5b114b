/** What a site asks of whoever keeps its bounds. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Where } from './ghost.ts';

/** In bytes. */
export interface GhostBytes {
  readonly baseline: number;
  readonly reference: number;
}

/**
 * Runs the worlds without prefetching beside a site (the baseline, and LRU as the reference), whole or by a sample, and says what may still be
 * fetched and missed beyond them. The caller tells it every demand, fetch, miss, and each segment that the site gained or gave up.
 */
export interface SiteGuard {
  /** Whether anything is bounded, fetches or misses. */
  readonly isBounded: boolean;
  readonly isTrafficBounded: boolean;
  /** Of the demand told last: whether baseline and reference hit. */
  readonly isBaselineHit: boolean;
  readonly isReferenceHit: boolean;
  /** How many demands the one told last stands for in what is known of baseline and reference: 1 where they are whole; 0 = nothing is known of it. */
  readonly weight: number;
  /** Fetches of mean size, or misses, that may still be lost without breaking a bound. */
  readonly slack: number;
  /** Of these, what the bound on traffic alone leaves; Infinity without one. */
  readonly trafficSlack: number;
  /** Misses that may still be lost; Infinity without a bound on misses. */
  readonly missSlack: number;
  /** Misses of the baseline so far, and by how much the figure may err on the low side: 0 where it is whole. */
  readonly ghostMisses: number;
  readonly ghostError: number;
  /** Bytes that the misses of baseline and reference asked for so far; null where these are a sample. */
  readonly ghostBytes: GhostBytes | null;
  /** Share of the segments that are watched. */
  readonly rate: number;
  /** To be called before the access at `position`. */
  moveTo(position: number): void;
  /** A demand, before the site serves it. */
  demand(segment: number, units: number, bytes: number): void;
  /** A demand was fetched or a prefetch sent. */
  fetched(segment: number, bytes: number, isPrefetch: boolean): void;
  /** A demand was missed, late or not. */
  missed(segment: number): void;
  /** The site gained or gave up a segment. */
  compare(segment: number, where: Where): void;
  /** A segment left the site other than by a demand for it or by invalidation. */
  departed(): void;
  invalidate(segment: number): void;
  /** Segments that may have to be fetched again for space that is lent. */
  lentCount(reactiveCount: number, stagedCount: number): number;
  /** Fetches of mean size that may still be sent while `lentCount` segments may have to be fetched again; Infinity without a bound. */
  headroom(lentCount: number): number;
  /** Fetches of mean size by which the limit stands above what the baseline fetched, less what was granted to start with; 0 where that is not known. */
  readonly granted: number;
  /** Whether misses leave room for a prefetch while `inFlightCount` others are on their way. */
  canLose(inFlightCount: number): boolean;
  /** Whether the bound on traffic leaves room for a prefetch of `bytes` bytes. */
  canSend(bytes: number, lentCount: number): boolean;
  /** Whether the slack covers whatever an eviction of `residentCount` segments gives up for `units` units. */
  covers(units: number, residentCount: number): boolean;
  /**
   * Whether all bounds are so far that what one access does cannot reach them: then `slack`, `headroom`, `canLose`, `canSend` and `covers` (of a few units) need
   * not be asked, for they would all allow it.
   */
  isFar(reactiveCount: number, inFlightCount: number): boolean;
  /** The same as it was last found, where nothing told since can have changed it: then `check` need not be called. */
  readonly isKnownFar: boolean;
  /** Looks, after an access, whether the bounds were kept. */
  check(): void;
  /** The ghosts and what was counted, to save or restore them. */
  persist(fields: StateFields): void;
}
