/** The upper bound: a prefetcher that sees the accesses to come and stages what is missing, without harm. */

import { z } from 'zod';
import {
  type AccessCursor,
  Outcome,
  type Prefetcher,
  type ProposalBuffer,
  Served,
  type SiteView,
} from '../../actors/prefetcher.ts';
import { grownFloat64, grownInt32, grownUint8 } from './grown.ts';

/**
 * What comes after the access being served, as the replay's look-ahead ring holds it.
 * The driver keeps it true from before an access is served until the next one is.
 */
export interface Upcoming {
  /** How many log positions ahead it sees, >= 1. */
  readonly depth: number;
  /** Segment at the k-th log position after the current one, k in 1..depth; -1 past the end and where nothing is demanded. */
  segmentAfter(k: number): number;
  /** Its size in bytes as the source says, -1 unknown. */
  sizeBytesAfter(k: number): number;
}

/** The cache that is staged into. */
export interface CacheSize {
  /** In `unit`s. */
  readonly capacity: number;
  readonly unit: 'segments' | 'bytes';
}

/** Settings of `clairvoyant`. */
export const clairvoyantParameters = z.strictObject({
  'lookahead-range': z
    .int()
    .min(0)
    .max(2 ** 31)
    .default(0)
    .describe('Log positions ahead that are staged, within what the replay can see; 0 = as far as fetches take.'),
});
export type ClairvoyantParameters = z.output<typeof clairvoyantParameters>;

/** How much of the horizon goes with each access. */
const HORIZON_DECAY = 1 / 8192;

const HERE = 1;
const RESTAGED = 2;

/**
 * Algorithm: after "aggressive" of Cao, Felten, Karlin and Li, "A Study of Integrated Prefetching and Caching Strategies",
 * SIGMETRICS 1995: always stage the next missing segment, and never displace what is needed sooner; that is so while the
 * distinct segments asked for up to it fit the cache together. Theirs stages at the first such moment, which costs as many
 * fetches as LRU does (it is LRU with time reversed); here a fetch starts only as early as it must. How early that is
 * follows from the outcomes: a late prefetch, or one that still waited for a slot, widens the horizon by half, and it
 * shrinks again by half in some 6,000 accesses. So without latency it fetches exactly what belady does, one access ahead,
 * and a `lookahead-range` larger than the cache gives "aggressive".
 *
 * With belady as the eviction what is displaced is indeed what is needed last. Another eviction may take what is needed
 * sooner; that is staged once more, not over and over. It is not told of proposals that were refused or withdrawn nor of
 * copies that an invalidation took: with a view of the site it looks once more, just before the fetch would come too late;
 * without one those stay misses. Amortised O(1) per access. Memory: 13 bytes for a distinct segment and 4 for a log
 * position in the window.
 */
export class ClairvoyantPrefetcher implements Prefetcher {
  readonly name = 'clairvoyant';
  readonly staging = 'shared';
  readonly experts: readonly string[] = ['clairvoyant'];
  readonly #upcoming: Upcoming;
  readonly #depth: number;
  readonly #isAdaptive: boolean;
  /** Log positions ahead that are staged now. */
  #horizon = 1;
  /** A late prefetch widens the horizon again only from here on, when what the last widening changed has shown. */
  #wideningFrom = 0;
  readonly #capacity: number;
  readonly #isBytes: boolean;
  readonly #view: SiteView | null;
  #position = -1;
  /** First log position beyond the window; what the window holds is resident or on its way. */
  #windowEnd = 0;
  /** Segments at the log positions of the window, -1 where there is none; indexed by position modulo the length. */
  #window = new Int32Array(1024);
  /** Space of the distinct segments in the window. */
  #windowUnits = 0;
  /** By segment: its positions in the window, its units when it entered, HERE and RESTAGED. */
  #windowCount = new Int32Array(0);
  #units = new Float64Array(0);
  #state = new Uint8Array(0);
  /** Segments of the window that an eviction took since the last access. */
  readonly #lost: number[] = [];

  constructor(parameters: ClairvoyantParameters, upcoming: Upcoming, cache: CacheSize, view: SiteView | null) {
    const range = parameters['lookahead-range'];
    this.#upcoming = upcoming;
    this.#depth = range > 0 ? Math.min(range, upcoming.depth) : upcoming.depth;
    this.#isAdaptive = range === 0;
    if (range > 0) this.#horizon = this.#depth;
    this.#capacity = cache.capacity;
    this.#isBytes = cache.unit === 'bytes';
    this.#view = view;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const segment = access.segment;
    if (segment >= this.#state.length) this.#growSegments(segment + 1);
    // A miss on what was staged in time and not lost: it was still waiting for a slot, so it was proposed too late.
    if (served === Served.miss && this.#state[segment] === HERE && access.position < this.#windowEnd) this.#widen();
    this.#state[segment] = (this.#state[segment] as number) | HERE;
    this.#moveTo(access.position);
    if (this.#isAdaptive) this.#narrow();
    for (const lost of this.#lost) this.#restage(lost, proposals);
    this.#lost.length = 0;
    if (this.#view !== null) this.#lookOnceMore(this.#view, proposals);
    this.#extend(proposals);
  }

  onEvict(segment: number): boolean {
    this.#lose(segment);
    return false;
  }

  onOutcome(segment: number, _expert: number, outcome: number): void {
    if (outcome === Outcome.late) {
      // What had to be staged again is late for that reason, and looking further ahead would only displace more.
      if (this.#state[segment] === HERE) this.#widen();
    } else if (outcome === Outcome.wasted || outcome === Outcome.cancelled || outcome === Outcome.stale)
      this.#lose(segment);
  }

  #widen(): void {
    if (!this.#isAdaptive || this.#position < this.#wideningFrom) return;
    this.#horizon = Math.min(this.#depth, this.#horizon * 1.5 + 1);
    this.#wideningFrom = this.#position + this.#horizon;
  }

  #narrow(): void {
    const lead = this.#view === null ? 0 : this.#view.leadAccesses;
    this.#horizon = Math.min(this.#depth, Math.max(lead + 1, this.#horizon - this.#horizon * HORIZON_DECAY));
  }

  /** Takes the positions up to `position` out of the window. */
  #moveTo(position: number): void {
    if (this.#windowEnd <= position) {
      for (let p = this.#position + 1; p < this.#windowEnd; p++) this.#leave(p);
      this.#windowEnd = position + 1;
    } else {
      for (let p = this.#position + 1; p <= position; p++) this.#leave(p);
    }
    this.#position = position;
  }

  #leave(position: number): void {
    const segment = this.#window[position & (this.#window.length - 1)] as number;
    if (segment < 0) return;
    const count = (this.#windowCount[segment] as number) - 1;
    this.#windowCount[segment] = count;
    if (count > 0) return;
    this.#windowUnits -= this.#units[segment] as number;
    this.#state[segment] = (this.#state[segment] as number) & HERE;
  }

  /** Takes further positions into the window while their segments fit the cache together. */
  #extend(proposals: ProposalBuffer): void {
    const last = this.#position + Math.ceil(this.#horizon);
    while (this.#windowEnd <= last) {
      const k = this.#windowEnd - this.#position;
      let segment = this.#upcoming.segmentAfter(k);
      if (segment >= 0) {
        if (segment >= this.#state.length) this.#growSegments(segment + 1);
        const sizeBytes = this.#upcoming.sizeBytesAfter(k);
        const units = this.#isBytes ? Math.max(1, sizeBytes) : 1;
        if (units > this.#capacity) segment = -1;
        else if (!this.#admit(segment, units, sizeBytes, proposals)) return;
      }
      if (this.#windowEnd - this.#position > this.#window.length) this.#growWindow();
      this.#window[this.#windowEnd & (this.#window.length - 1)] = segment;
      this.#windowEnd++;
    }
  }

  /** Counts a segment into the window and proposes it when it is missing; false when that must wait. */
  #admit(segment: number, units: number, sizeBytes: number, proposals: ProposalBuffer): boolean {
    const count = this.#windowCount[segment] as number;
    if (count === 0 && this.#windowUnits + units > this.#capacity) return false;
    const state = this.#state[segment] as number;
    if ((state & HERE) === 0) {
      if (proposals.count === proposals.capacity) return false;
      proposals.propose(segment, sizeBytes, Number.NaN, 0);
      this.#state[segment] = state | HERE;
    }
    if (count === 0) {
      this.#units[segment] = units;
      this.#windowUnits += units;
    }
    this.#windowCount[segment] = count + 1;
    return true;
  }

  /** Stages again what should be here, is not, and must be sent now to land in time. */
  #lookOnceMore(view: SiteView, proposals: ProposalBuffer): void {
    const k = Math.ceil(view.leadAccesses) + 1;
    if (k > this.#depth || this.#position + k >= this.#windowEnd) return;
    const segment = this.#window[(this.#position + k) & (this.#window.length - 1)] as number;
    if (segment < 0 || (this.#state[segment] as number) === 0 || view.isResident(segment)) return;
    if (proposals.count === proposals.capacity) return;
    proposals.propose(segment, this.#isBytes ? (this.#units[segment] as number) : -1, Number.NaN, 0);
    this.#state[segment] = HERE | RESTAGED;
  }

  #restage(segment: number, proposals: ProposalBuffer): void {
    const isNeeded = (this.#windowCount[segment] as number) > 0;
    if (!isNeeded || this.#state[segment] !== 0 || proposals.count === proposals.capacity) return;
    proposals.propose(segment, this.#isBytes ? (this.#units[segment] as number) : -1, Number.NaN, 0);
    this.#state[segment] = HERE | RESTAGED;
  }

  #lose(segment: number): void {
    if (segment >= this.#state.length) return;
    this.#state[segment] = (this.#state[segment] as number) & RESTAGED;
    if ((this.#windowCount[segment] as number) > 0) this.#lost.push(segment);
  }

  #growSegments(needed: number): void {
    this.#windowCount = grownInt32(this.#windowCount, needed, 0);
    this.#units = grownFloat64(this.#units, needed);
    this.#state = grownUint8(this.#state, needed);
  }

  #growWindow(): void {
    const old = this.#window;
    const longer = new Int32Array(old.length * 2);
    for (let p = this.#windowEnd - old.length; p < this.#windowEnd; p++) {
      longer[p & (longer.length - 1)] = old[p & (old.length - 1)] as number;
    }
    this.#window = longer;
  }
}
