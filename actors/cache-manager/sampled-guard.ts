/** Keeps the bounds of a site by a sample of its segments, at a stated confidence. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Eviction } from './eviction.ts';
import type { Where } from './ghost.ts';
import type { GhostConfig } from './ghost-config.ts';
import { grownTable } from './grown-table.ts';
import type { MissBound } from './miss-bound.ts';
import { SampledSegments } from './sampled-segments.ts';
import { SampledSum } from './sampled-sum.ts';
import type { SegmentSizes } from './segment-sizes.ts';
import type { SiteOptions } from './site.ts';
import type { SiteGuard } from './site-guard.ts';
import type { TrafficBudget } from './traffic-budget.ts';

/** What the guard asks of the site. */
export interface SampledSite {
  unitsOf(segment: number): number;
  /** Units in the reactive cache. */
  reactiveUsed(): number;
}

/** Misses that must be left to lose where a prefetch is sent: with fewer the site would give it up again at once. */
const SLACK_LEFT = 32;
/** Slots that tables start with. */
const SLOTS_FIRST = 64;
/** Where the site has a slot's segment, and which ghosts hold it while the site does not. */
const Flag = { reactive: 1, staged: 2, lostByBaseline: 4, lostByReference: 8 } as const;

/**
 * Miniature ghosts: evictions of the site's kind that see only the demands for sampled segments (SHARDS, Waldspurger et al., FAST'15; for other
 * policies than LRU, Waldspurger et al., ATC'17). What is bounded is not the ghost's misses but how they differ from the site's, segment by segment,
 * by `SampledSum`: a heavy segment that both miss counts for nothing. For misses y = misses here - misses there + 1 where only
 * the ghost holds it; then misses <= (1 + e) ghost + C follows from D <= e (M - D) + C, with D at most the sum's upper bound and M, the site's own misses, exact.
 * Traffic likewise, with fetches for misses, in requests and bytes.
 *
 * How large a miniature is: on LRU the ghost holds what the reactive cache holds and, for the space lent to prefetches or free, the segments
 * just below. So it gets as much as the sampled residents of the reactive cache take, exactly, and for the rest `rate` of it and
 * as many standard deviations as the confidence asks for, on the safe side: a loop that just fits must fit the miniature. Without
 * prefetches a miniature LRU is then exact, and a site without anything lent has no error at all.
 *
 * Until the sample says more, what is lost is at most the number of segments that left since the first was staged.
 *
 * It assumes: that the hash has nothing to do with the log; that refusing prefetches, all that the sample decides, does not favour
 * what is outside it; that no unsampled segment loses more than `SampledSum` says; and for policies other than LRU, that a miniature
 * differs from the whole as evenly in all segments as the sample shows. Trials bear that out for fifo, clock, sieve, s3-fifo, arc and hazard, and not for
 * w-tinylfu and lirs on loops near the cache's size, nor for auto, which may follow them: there it is an estimate (`isEstimateOn`). Moments are joined by L growing with log((j+1)(j+2)) at the j-th doubling of the accesses.
 * When there is no slack there is no ghost to follow: no more is sent, staged segments leave first, and the eviction comes back by itself.
 *
 * O(1) a call; memory follows the sample (`bytes`), not the segments.
 */
export class SampledGuard implements SiteGuard {
  isBaselineHit = false;
  isReferenceHit = false;
  weight = 0;
  readonly isKnownFar = false;
  readonly segments: SampledSegments;
  readonly #config: GhostConfig;
  readonly #budget: TrafficBudget;
  readonly #missBound: MissBound;
  readonly #sizes: SegmentSizes;
  readonly #site: SampledSite;
  readonly #isBytes: boolean;
  readonly #capacity: number;
  readonly #baseline: Eviction;
  /** The baseline itself where that is LRU. */
  readonly #reference: Eviction;
  readonly #missSum = new SampledSum(SLOTS_FIRST);
  readonly #fetchSums: readonly SampledSum[];
  readonly #byteSums: readonly SampledSum[];
  #flags = new Uint8Array(SLOTS_FIRST);
  #units = new Float64Array(SLOTS_FIRST);
  /** Units of sampled segments in the reactive cache; and the sums that say how unevenly sizes are spread over the sample. */
  #reactiveUnits = 0;
  #sizeSum = 0;
  #sizeSquares = 0;
  #fetches = 0;
  #fetchBytes = 0;
  #accesses = 0;
  #nextDoubling = 1;
  #doublings = 0;
  #logInverse: number;
  readonly #deviations: number;
  /** Segments that left since the first was staged: what is lost is at most as much. */
  #departures = 0;
  #isStaging = false;
  #extraFetches = 0;

  constructor(
    options: SiteOptions,
    config: GhostConfig & { readonly seed: number },
    budget: TrafficBudget,
    missBound: MissBound,
    sizes: SegmentSizes,
    site: SampledSite,
  ) {
    const { capacity, makeEviction, makeReference } = options;
    this.#config = config;
    this.#budget = budget;
    this.#missBound = missBound;
    this.#sizes = sizes;
    this.#site = site;
    this.#isBytes = options.unit === 'bytes';
    this.#capacity = capacity;
    this.#deviations = Math.sqrt(2 * Math.log(1 / (1 - config.confidence)));
    this.#logInverse = this.#logInverseAt(0);
    this.segments = new SampledSegments(config.rate, config.segmentsMax, config.seed, (slot) => this.#leave(slot));
    const onEvict = (slot: number): void => this.#compareLost(slot);
    this.#baseline = makeEviction(this.#miniature(0), onEvict, SLOTS_FIRST);
    this.#reference =
      makeReference === undefined ? this.#baseline : makeReference(this.#miniature(0), onEvict, SLOTS_FIRST);
    const sums = (): SampledSum[] =>
      this.#reference === this.#baseline
        ? [new SampledSum(SLOTS_FIRST)]
        : [new SampledSum(SLOTS_FIRST), new SampledSum(SLOTS_FIRST)];
    this.#fetchSums = budget.isBounded ? sums() : [];
    this.#byteSums = budget.isBounded && this.#isBytes ? sums() : [];
  }

  get isBounded(): boolean {
    return this.#budget.isBounded || this.#missBound.isBounded;
  }

  get isTrafficBounded(): boolean {
    return this.#budget.isBounded;
  }

  /** One sample says too little of who is ahead. */
  get granted(): number {
    return 0;
  }

  get rate(): number {
    return this.segments.rate;
  }

  /** Bytes of the tables that follow the sample, evictions left out. */
  get bytes(): number {
    const sums = [this.#missSum, ...this.#fetchSums, ...this.#byteSums];
    return (
      this.segments.bytes +
      this.#flags.byteLength +
      this.#units.byteLength +
      sums.reduce((sum, each) => sum + each.bytes, 0)
    );
  }

  moveTo(): void {}

  demand(segment: number, units: number, bytes: number): void {
    if (++this.#accesses >= this.#nextDoubling) {
      this.#nextDoubling *= 2;
      this.#logInverse = this.#logInverseAt(++this.#doublings);
    }
    const slot = this.#slotOf(segment);
    if (slot < 0) {
      this.weight = 0;
      this.isBaselineHit = false;
      this.isReferenceHit = false;
      return;
    }
    this.weight = 1 / this.rate;
    this.#sizeSum += units;
    this.#sizeSquares += units * units;
    this.isBaselineHit = this.#accessGhost(this.#baseline, slot, units);
    this.isReferenceHit =
      this.#reference === this.#baseline ? this.isBaselineHit : this.#accessGhost(this.#reference, slot, units);
    if (!this.isBaselineHit) {
      this.#missSum.add(slot, -1);
      this.#fetchSums[0]?.add(slot, -1);
      this.#byteSums[0]?.add(slot, -bytes);
    }
    if (!this.isReferenceHit) {
      this.#fetchSums[1]?.add(slot, -1);
      this.#byteSums[1]?.add(slot, -bytes);
    }
    this.#compareLost(slot);
  }

  fetched(segment: number, bytes: number, isPrefetch: boolean): void {
    if (isPrefetch) this.#extraFetches++;
    this.#fetches++;
    this.#fetchBytes += bytes;
    const slot = this.#slotOf(segment);
    if (slot < 0) return;
    for (const sum of this.#fetchSums) sum.add(slot, 1);
    for (const sum of this.#byteSums) sum.add(slot, bytes);
  }

  missed(segment: number): void {
    this.#missBound.misses++;
    const slot = this.#slotOf(segment);
    if (slot >= 0) this.#missSum.add(slot, 1);
  }

  compare(segment: number, where: Where): void {
    if (where === 'staged') this.#isStaging = true;
    const slot = this.#slotOf(segment);
    if (slot < 0) return;
    const flags = this.#flags[slot]!;
    if ((flags & Flag.reactive) !== 0) this.#reactiveUnits -= this.#units[slot]!;
    const now = where === 'reactive' ? Flag.reactive : where === 'staged' ? Flag.staged : 0;
    if (now === Flag.reactive) {
      this.#units[slot] = this.#site.unitsOf(segment);
      this.#reactiveUnits += this.#units[slot]!;
    }
    this.#flags[slot] = (flags & ~(Flag.reactive | Flag.staged)) | now;
    this.#compareLost(slot);
  }

  departed(): void {
    if (!this.#isStaging) return;
    this.#departures++;
  }

  invalidate(segment: number): void {
    const slot = this.#slotOf(segment);
    if (slot < 0) return;
    this.#baseline.remove(slot);
    if (this.#reference !== this.#baseline) this.#reference.remove(slot);
    this.compare(segment, 'nowhere');
  }

  lentCount(_reactiveCount: number, stagedCount: number): number {
    return stagedCount;
  }

  headroom(lentCount: number): number {
    return this.#budget.isBounded ? this.#trafficSlackBut(0) - lentCount : Infinity;
  }

  get trafficSlack(): number {
    return this.#budget.isBounded ? this.#trafficSlackBut(this.#budget.overshootMax) : Infinity;
  }

  get missSlack(): number {
    if (!this.#missBound.isBounded) return Infinity;
    const { misses, excessMax, allowance } = this.#missBound;
    const lost = this.#lostMost;
    return excessMax * Math.max(0, misses - lost) + allowance - lost;
  }

  get slack(): number {
    return Math.min(this.trafficSlack, this.missSlack);
  }

  get ghostBytes(): null {
    return null;
  }

  get ghostMisses(): number {
    return this.#missBound.misses - this.#missSum.estimate(this.rate);
  }

  get ghostError(): number {
    return Math.max(0, this.#lostMost - this.#missSum.estimate(this.rate));
  }

  isFar(): boolean {
    return false;
  }

  canLose(inFlightCount: number): boolean {
    return this.missSlack >= inFlightCount + SLACK_LEFT;
  }

  canSend(bytes: number, lentCount: number): boolean {
    if (!this.#budget.isBounded) return true;
    const sizes = bytes / Math.max(1, this.#sizes.mean);
    return this.#trafficSlackBut(0) >= lentCount + 3 + (this.#isBytes ? 2 * sizes : 0);
  }

  covers(units: number, residentCount: number): boolean {
    const requests = this.#isBytes ? 1 + Math.min(residentCount, Math.ceil(units / this.#sizes.least) + 1) : units;
    return this.slack >= requests;
  }

  /** Brings the miniatures to the size that what the site holds now gives them; the bounds are kept by what is sent, and cannot be looked at. */
  check(): void {
    const capacity = this.#miniature(this.#site.reactiveUsed());
    if (capacity !== this.#baseline.capacity) this.#baseline.resize(capacity);
    if (this.#reference !== this.#baseline && capacity !== this.#reference.capacity) this.#reference.resize(capacity);
    if (this.#missBound.isBounded) this.#missBound.note(this.#missBound.misses - this.ghostMisses);
  }

  /** Everything but what the settings give: #config, #budget, #missBound, #sizes, #site, #isBytes, #capacity, #byteSums, #deviations. */
  persist(fields: StateFields): void {
    this.isBaselineHit = fields.flag(this.isBaselineHit);
    this.isReferenceHit = fields.flag(this.isReferenceHit);
    this.weight = fields.number(this.weight);
    this.segments.persist(fields);
    this.#baseline.persist(fields);
    if (this.#reference !== this.#baseline) this.#reference.persist(fields);
    this.#missSum.persist(fields);
    for (const sum of [...this.#fetchSums, ...this.#byteSums]) sum.persist(fields);
    this.#flags = fields.array(this.#flags);
    this.#units = fields.array(this.#units);
    this.#reactiveUnits = fields.number(this.#reactiveUnits);
    this.#sizeSum = fields.number(this.#sizeSum);
    this.#sizeSquares = fields.number(this.#sizeSquares);
    this.#fetches = fields.number(this.#fetches);
    this.#fetchBytes = fields.number(this.#fetchBytes);
    this.#accesses = fields.number(this.#accesses);
    this.#nextDoubling = fields.number(this.#nextDoubling);
    this.#doublings = fields.number(this.#doublings);
    this.#logInverse = fields.number(this.#logInverse);
    this.#departures = fields.number(this.#departures);
    this.#isStaging = fields.flag(this.#isStaging);
    this.#extraFetches = fields.number(this.#extraFetches);
  }

  /** Misses lost at most, with the segments that only the ghost holds. */
  get #lostMost(): number {
    if (!this.#isStaging) return 0;
    return Math.min(this.#departures, this.#missSum.upper(this.rate, this.#logInverse, 1));
  }

  /** Units of a miniature beside a reactive cache of so many. */
  #miniature(reactiveUsed: number): number {
    const { rate } = this;
    if (rate >= 1) return this.#capacity;
    const rest = Math.max(0, this.#capacity - reactiveUsed);
    const meanSquare = this.#sizeSum > 0 ? this.#sizeSquares / this.#sizeSum : 1;
    const spread = this.#deviations * Math.sqrt(rate * (1 - rate) * rest * meanSquare);
    const lent = rate * rest + spread;
    return Math.max(1, Math.ceil(this.#reactiveUnits + Math.min(rest, lent)));
  }

  /** Requests, or bytes in requests of mean size, that fetches are sure to stay below the limit with so many granted on top. */
  #trafficSlackBut(overshoot: number): number {
    const requests = this.#slackOf(this.#fetchSums, this.#fetches, this.#extraMost(false), 1, overshoot);
    if (!this.#isBytes) return requests;
    const mean = Math.max(1, this.#sizes.mean);
    const bytes = this.#slackOf(this.#byteSums, this.#fetchBytes, this.#extraMost(true), mean, overshoot);
    return Math.min(requests, bytes / mean);
  }

  /** What was fetched beyond the baseline is at most what was sent and what left. */
  #extraMost(isBytes: boolean): number {
    if (isBytes) return Infinity;
    return this.#isStaging || this.#extraFetches > 0 ? this.#departures + this.#extraFetches : 0;
  }

  #slackOf(sums: readonly SampledSum[], fetched: number, extraMost: number, unit: number, overshoot: number): number {
    const { ratioMax, allowance } = this.#budget;
    const upper = (sum: SampledSum): number => sum.upper(this.rate, this.#logInverse, unit);
    const baseline = Math.max(0, fetched - Math.min(upper(sums[0]!), extraMost));
    const reference = sums.length === 1 ? baseline : Math.max(0, fetched - upper(sums[1]!));
    const limit = (ratioMax - 1) * reference + Math.max(reference, baseline) + (allowance + overshoot) * unit;
    return limit - fetched;
  }

  /** Either side of a sum may err, and of two sums for traffic the better is taken. */
  #logInverseAt(doublings: number): number {
    return Math.log(4 / (1 - this.#config.confidence)) + Math.log((doublings + 1) * (doublings + 2));
  }

  #accessGhost(ghost: Eviction, slot: number, units: number): boolean {
    // Nothing may leave for it before it is known what left at the site: `check` makes them even again.
    if (this.rate < 1) ghost.resize(ghost.capacity + units);
    return ghost.access(slot, units);
  }

  #slotOf(segment: number): number {
    const slot = this.segments.slotOf(segment);
    if (slot >= this.#flags.length) {
      this.#flags = grownTable(this.#flags, slot);
      this.#units = grownTable(this.#units, slot);
    }
    return slot;
  }

  /** Enters in the sums whether only a ghost holds the slot's segment. */
  #compareLost(slot: number): void {
    this.#lost(slot, this.#baseline, 0, Flag.lostByBaseline);
    if (this.#reference !== this.#baseline) this.#lost(slot, this.#reference, 1, Flag.lostByReference);
  }

  #lost(slot: number, ghost: Eviction, index: number, flag: number): void {
    const flags = this.#flags[slot]!;
    const isHere = (flags & (Flag.reactive | Flag.staged)) !== 0;
    const isLost = !isHere && ghost.has(slot);
    if (isLost === ((flags & flag) !== 0)) return;
    this.#flags[slot] = isLost ? flags | flag : flags & ~flag;
    const sign = isLost ? 1 : -1;
    if (isLost && this.#isBytes) this.#units[slot] = this.#site.unitsOf(this.segments.segmentOf(slot));
    const bytes = this.#isBytes ? this.#units[slot]! : 0;
    if (index === 0) this.#missSum.add(slot, sign);
    this.#fetchSums[index]?.add(slot, sign);
    this.#byteSums[index]?.add(slot, sign * bytes);
  }

  #leave(slot: number): void {
    const flags = this.#flags[slot]!;
    if ((flags & Flag.reactive) !== 0) this.#reactiveUnits -= this.#units[slot]!;
    this.#flags[slot] = 0;
    this.#baseline.remove(slot);
    if (this.#reference !== this.#baseline) this.#reference.remove(slot);
    for (const sum of [this.#missSum, ...this.#fetchSums, ...this.#byteSums]) sum.drop(slot);
  }
}
