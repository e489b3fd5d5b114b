/** How much of a cache staged segments may take: moved online towards whichever side would gain by more room. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import { type SiteAddresses, type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';

/** How many departures back a miss is still a regret: those of that share of the cache, and at least so many. */
const WINDOW_SHARE = 1 / 32;
const WINDOW_LEAST = 8;
/** By how much a regret moves the boundary: that share of the cache, and at least that part of a segment. */
const STEP_SHARE = 1 / 1024;
const STEP_LEAST = 0.5;

/**
 * The boundary between prefetch cache and reactive cache learns from regrets:
 * - a demand miss on a segment that left the prefetch cache unused not long ago says that it was too small: grow;
 * - a demand miss on a segment that the reactive cache evicted not long ago says the same of that one: shrink.
 * Not long ago means the same for both: no more than a few others left since. So each kind counts the misses that the same few units more
 * would have spared on its side, and the boundary comes to rest where both are worth as much (equal marginal utility; Stone, Turek,
 * Wolf, "Optimal partitioning of cache memory", IEEE Transactions on Computers 41 (9), 1992).
 *
 * It starts small, because what a predictor knows at first is little: a few segments. O(1) per call; 8 bytes a segment.
 */
export class StagingShare {
  readonly #capacity: number;
  readonly #least: number;
  readonly #most: number;
  readonly #meanUnits: () => number;
  #target: number;
  readonly #wasted: Departures;
  readonly #evicted: Departures;
  /** Evictions of the reactive cache since a cacheful had last left it, the log position of that, and of the time before. */
  #sinceTurned = 0;
  #turnedAt = 0;
  #turnedBefore = 0;

  /**
   * @param capacity units of both caches together.
   * @param least units that are always granted, `most` units that are never exceeded, `first` where it starts.
   * @param meanUnits what one segment takes, for steps and for how far back "not long ago" is.
   */
  constructor(options: {
    readonly capacity: number;
    readonly least: number;
    readonly most: number;
    readonly first: number;
    readonly meanUnits: () => number;
    readonly segmentCountHint: number;
  }) {
    this.#capacity = options.capacity;
    this.#least = Math.min(options.least, options.most);
    this.#most = options.most;
    this.#target = Math.min(this.#most, Math.max(this.#least, options.first));
    this.#meanUnits = options.meanUnits;
    this.#wasted = new Departures(options.segmentCountHint);
    this.#evicted = new Departures(options.segmentCountHint);
  }

  /** Units that staged segments may take now. */
  get units(): number {
    return this.#target;
  }

  /** A segment left the prefetch cache unused. */
  wasted(segment: number): void {
    this.#wasted.left(segment);
  }

  /** The reactive cache evicted a segment. */
  evicted(segment: number): void {
    this.#evicted.left(segment);
    this.#sinceTurned++;
  }

  /** Log position such that since then all that a reactive cache of so many segments held has left it at least once. */
  overdueBefore(reactiveCount: number, position: number): number {
    if (this.#sinceTurned > reactiveCount) {
      this.#sinceTurned = 0;
      this.#turnedBefore = this.#turnedAt;
      this.#turnedAt = position;
    }
    return this.#turnedBefore;
  }

  /** A demand was missed. */
  missed(segment: number): void {
    const wastedSince = this.#wasted.takeSince(segment);
    const evictedSince = this.#evicted.takeSince(segment);
    if (wastedSince === Infinity && evictedSince === Infinity) return;
    const { window, step } = this.#regret();
    if (wastedSince < window) this.#target = Math.min(this.#most, this.#target + step);
    if (evictedSince < window) this.#target = Math.max(this.#least, this.#target - step);
  }

  /** How many departures back a miss is a regret, and by how much it then moves the boundary. */
  #regret(): { readonly window: number; readonly step: number } {
    const unit = this.#meanUnits();
    const segments = this.#capacity / unit;
    const window = Math.max(WINDOW_LEAST, WINDOW_SHARE * segments);
    return { window, step: unit * Math.max(STEP_LEAST, STEP_SHARE * segments) };
  }

  /** Segments whose departures from the prefetch cache, and from the reactive cache, it has a row for. */
  get wastedLimit(): number {
    return this.#wasted.segmentLimit;
  }

  get evictedLimit(): number {
    return this.#evicted.segmentLimit;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#wasted.adopt(place, at.wastedAt);
    this.#evicted.adopt(place, at.evictedAt);
  }

  /** Leaves the boundary to a kernel, where every segment is of one unit. */
  lend({ numbers, words }: SiteBooks): void {
    const { window, step } = this.#regret();
    numbers[SiteNumber.shareWindow] = window;
    numbers[SiteNumber.shareStep] = step;
    numbers[SiteNumber.shareLeast] = this.#least;
    numbers[SiteNumber.shareMost] = this.#most;
    numbers[SiteNumber.share] = this.#target;
    numbers[SiteNumber.turnedAt] = this.#turnedAt;
    numbers[SiteNumber.turnedBefore] = this.#turnedBefore;
    words[SiteWord.sinceTurned] = this.#sinceTurned;
    words[SiteWord.wastedCount] = this.#wasted.count;
    words[SiteWord.evictedCount] = this.#evicted.count;
  }

  takeBack({ numbers, words }: SiteBooks): void {
    this.#target = numbers[SiteNumber.share]!;
    this.#turnedAt = numbers[SiteNumber.turnedAt]!;
    this.#turnedBefore = numbers[SiteNumber.turnedBefore]!;
    this.#sinceTurned = words[SiteWord.sinceTurned]!;
    this.#wasted.count = words[SiteWord.wastedCount]!;
    this.#evicted.count = words[SiteWord.evictedCount]!;
  }

  /** Everything but what the settings give: #capacity, #least, #most, #meanUnits. */
  persist(fields: StateFields): void {
    this.#target = fields.number(this.#target);
    this.#wasted.persist(fields);
    this.#evicted.persist(fields);
    this.#sinceTurned = fields.number(this.#sinceTurned);
    this.#turnedAt = fields.number(this.#turnedAt);
    this.#turnedBefore = fields.number(this.#turnedBefore);
  }
}

/** Who left, and how many have left since. Counts are modulo 2^32: after four billion departures an old one seems new. */
class Departures {
  count = 0;
  /** `count` when the segment left last; 0 = never, or it was asked about since. */
  #at: Int32Array;

  constructor(segmentCountHint: number) {
    this.#at = new Int32Array(segmentCountHint);
  }

  left(segment: number): void {
    if (segment >= this.#at.length) this.#at = grownTable(this.#at, segment);
    this.count = (this.count + 1) | 0;
    if (this.count === 0) this.count = 1;
    this.#at[segment] = this.count;
  }

  /** Departures since that of the segment, which is forgotten with that; Infinity = it is not known to have left. */
  takeSince(segment: number): number {
    const at = segment < this.#at.length ? this.#at[segment]! : 0;
    if (at === 0) return Number.POSITIVE_INFINITY;
    this.#at[segment] = 0;
    return (this.count - at) >>> 0;
  }

  get segmentLimit(): number {
    return this.#at.length;
  }

  adopt(place: Place, at: number): void {
    this.#at = place(this.#at, at);
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.count = fields.number(this.count);
    this.#at = fields.array(this.#at);
  }
}
