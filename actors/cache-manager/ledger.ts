/** What a site counted: the raw figures behind every metric of a report, each prefetch in exactly one outcome. */

import type { StateFields } from '../../engine/state-fields.ts';
import { CalibrationStats } from '../forecaster/calibration-stats.ts';
import type { Place } from '../kernel-columns.ts';
import { type OutcomeCode, outcomeNames, Outcome as outcomes } from '../prefetcher.ts';
import { DecisionDigest } from './decision-digest.ts';
import { LatencyHistogram } from './latency-histogram.ts';
import { type MissClassName, missClassNames } from './miss-classes.ts';
import { latenessPlace, type SiteAddresses, type SiteBooks, SiteNumber, waitsPlace } from './site-layout.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;

/**
 * Why a proposal was not issued; each is counted. `price` = it was not worth what it costs, `throttled` = the bound on misses left no room;
 * `denied` and `unsafe` are of the policy, `heldOut` is by chance, `distrusted` = its expert is turned off, `crowded` = it would push out of the prefetch cache what is no less likely and has only just landed, the others are of the caps.
 */
export const Refusal = {
  resident: 0,
  inFlight: 1,
  budget: 2,
  tooLarge: 3,
  price: 4,
  throttled: 5,
  denied: 6,
  unsafe: 7,
  requestRate: 8,
  byteRate: 9,
  concurrency: 10,
  requestTotal: 11,
  byteTotal: 12,
  spending: 13,
  heldOut: 14,
  distrusted: 15,
  crowded: 16,
} as const;
export type RefusalName = keyof typeof Refusal;
/** In the order of their codes. */
export const refusalNames = Object.keys(Refusal) as readonly RefusalName[];

/** One slice of the run, for precision and hit ratio over time. */
export interface LedgerSlice {
  readonly endPosition: number;
  readonly accesses: number;
  readonly misses: number;
  readonly baselineMisses: number;
  readonly issued: number;
  /** Of the prefetches issued in this slice, those that were used, whenever that was. */
  readonly used: number;
  /** Proposals refused by the bound on misses or because their expert is turned off, and those beyond the bound on traffic. */
  readonly throttled: number;
  readonly overBudget: number;
  /** What the bounds left at its end: misses that may still be lost, fetches that may still be sent; null without a bound. */
  readonly missSlack: number | null;
  readonly trafficHeadroom: number | null;
}

/** What the bounds of a site leave; Infinity without one. */
export interface BoundsLeft {
  readonly missSlack: number;
  readonly trafficHeadroom: number;
}

/**
 * Counters of one site, and the one rule of the warm-up: what happens at a log position before it changes no counter but
 * the digest, which is of all decisions. A prefetch happens when it is sent; its end and the space it takes are counted if its
 * sending was. Who joins a prefetch sent before the warm-up counts as the one who fetched, so `misses = demandFetches + late` always.
 */
export class Ledger {
  /** Log position from which on is counted. */
  readonly warmup: number;
  accesses = 0;
  misses = 0;
  late = 0;
  bytesAccessed = 0;
  bytesMissed = 0;
  demandFetches = 0;
  demandBytes = 0;
  issued = 0;
  prefetchBytes = 0;
  withdrawn = 0;
  /** Accesses that the baseline missed. */
  baselineMisses = 0;
  /** Of these, how many were hits here. */
  coveredMisses = 0;
  /** Demand misses here on segments that the baseline held. */
  pollutionMisses = 0;
  referenceMisses = 0;
  /** Integral of staged bytes over time, byte-milliseconds; 0 where the trace has no time. */
  stagedByteMs = 0;
  writesIgnored = 0;
  invalidations = 0;
  outcomes = new Float64Array(outcomeNames.length);
  refusals = new Float64Array(refusalNames.length);
  /** Misses that the baseline had too, by why they were not avoided. */
  readonly missClasses = new Float64Array(missClassNames.length);
  issuedByExpert = new Float64Array(256);
  usedByExpert = new Float64Array(256);
  readonly waits = new LatencyHistogram();
  readonly lateness = new LatencyHistogram();
  readonly calibration = new CalibrationStats();
  readonly digest = new DecisionDigest();
  readonly #sliceLength: number;
  /** Before the warm-up is over: then nothing that happens is counted. */
  #isWarming: boolean;
  /** Log position at which a slice closes or counting begins, whichever comes first. */
  #turnsAt: number;
  #nextSliceAt: number;
  readonly #slices: Omit<LedgerSlice, 'used'>[] = [];
  /** The slice in which the prefetch that ended last was sent, and the log positions that are in it. */
  #slice = 0;
  #sliceFrom = 0;
  #sliceTo = 0;
  /** Used prefetches by the slice in which they were issued. */
  readonly #usedOfSlice: number[] = [];
  #lastSlice = { accesses: 0, misses: 0, baselineMisses: 0, issued: 0, throttled: 0, overBudget: 0 };

  /** @param options `warmup` 0 and one slice unless they say otherwise. */
  constructor(options: { readonly warmup?: number; readonly sliceLength?: number } = {}) {
    this.warmup = options.warmup ?? 0;
    this.#sliceLength = options.sliceLength ?? Infinity;
    this.#nextSliceAt = this.#sliceLength;
    this.#isWarming = !(this.warmup <= 0);
    this.#turnsAt = this.#isWarming ? Math.min(this.warmup, this.#nextSliceAt) : this.#nextSliceAt;
  }

  /** Whether what happens now is counted. */
  get isCounting(): boolean {
    return !this.#isWarming;
  }

  /** The next log position that `moveTo` must not be told after. */
  get turnsAt(): number {
    return this.#turnsAt;
  }

  /** To be called before what happens at `position`, at least where `position >= turnsAt`. */
  moveTo(position: number, bounds?: BoundsLeft): void {
    if (position < this.#turnsAt) return;
    if (position >= this.#nextSliceAt) this.#closeSlice(position, bounds);
    this.#isWarming = !(position >= this.warmup);
    this.#turnsAt = this.#isWarming ? Math.min(this.warmup, this.#nextSliceAt) : this.#nextSliceAt;
  }

  /** Ends the run at `endPosition`. */
  finish(endPosition: number, bounds?: BoundsLeft): void {
    this.#closeSlice(endPosition, bounds);
  }

  /**
   * A demand access for `bytes` bytes was a hit, on the first demand of a staged segment or not, and waited so long, -1 where nobody waits. It stands for
   * `weight` of them in what is said of baseline and reference: 1 but where these are sampled.
   */
  hit(bytes: number, isBaselineHit: boolean, isReferenceHit: boolean, weight: number, wait: number): void {
    if (this.#isWarming) return;
    if (wait >= 0) this.waits.add(wait);
    this.accesses++;
    this.bytesAccessed += bytes;
    if (!isReferenceHit) this.referenceMisses += weight;
    if (isBaselineHit) return;
    this.baselineMisses += weight;
    this.coveredMisses += weight;
  }

  /** A demand access was a miss. `joinedAt` = log position at which the prefetch that it joined was sent; -1 = it fetched. */
  miss(bytes: number, isBaselineHit: boolean, isReferenceHit: boolean, joinedAt: number, weight: number): void {
    if (this.#isWarming) return;
    this.accesses++;
    this.bytesAccessed += bytes;
    if (!isReferenceHit) this.referenceMisses += weight;
    if (isBaselineHit) this.pollutionMisses += weight;
    else this.baselineMisses += weight;
    this.misses++;
    this.bytesMissed += bytes;
    if (joinedAt >= this.warmup) {
      this.late++;
    } else {
      this.demandFetches++;
      this.demandBytes += bytes;
    }
  }

  /** A miss that the baseline had too was not avoided, for this reason (a `MissClass`). */
  unavoided(missClass: number, weight: number): void {
    if (!this.#isWarming) this.missClasses[missClass]! += weight;
  }

  /** A demand access waited so long, 0 for not at all. */
  waited(wait: number): void {
    if (!this.#isWarming) this.waits.add(wait);
  }

  /** A prefetch was sent. */
  sent(expert: number, bytes: number): void {
    if (this.#isWarming) return;
    this.issued++;
    this.issuedByExpert[expert]! += 1;
    this.prefetchBytes += bytes;
  }

  /** A prefetch that was sent at `issuedAt` ended. */
  ended(issuedAt: number, outcome: OutcomeCode, expert: number, probability: number): void {
    if (issuedAt >= this.warmup) this.settle(outcome, expert, probability, this.#sliceOf(issuedAt));
  }

  /** Of a prefetch that was sent at `issuedAt`, whose end a kernel has counted: it was used. */
  usedOf(issuedAt: number): void {
    if (issuedAt >= this.warmup) this.#usedIn(this.#sliceOf(issuedAt));
  }

  #sliceOf(issuedAt: number): number {
    // Most were sent in the slice of the one before: a division less.
    if (!(issuedAt >= this.#sliceFrom && issuedAt < this.#sliceTo)) {
      this.#slice = Math.floor(issuedAt / this.#sliceLength);
      this.#sliceFrom = this.#slice * this.#sliceLength;
      this.#sliceTo = this.#sliceFrom + this.#sliceLength;
    }
    return this.#slice;
  }

  #usedIn(slice: number): void {
    // Without holes, which would not come back from a saved state.
    while (this.#usedOfSlice.length <= slice) this.#usedOfSlice.push(0);
    this.#usedOfSlice[slice]! += 1;
  }

  /** The demand that joined a prefetch sent at `issuedAt` waited so long. */
  joined(issuedAt: number, wait: number): void {
    if (issuedAt >= this.warmup) this.lateness.add(wait);
  }

  /** A prefetch sent at `issuedAt` was staged for so many byte-milliseconds. */
  staged(issuedAt: number, byteMs: number): void {
    if (issuedAt >= this.warmup) this.stagedByteMs += byteMs;
  }

  refused(refusal: number): void {
    if (!this.#isWarming) this.refusals[refusal]! += 1;
  }

  withdrew(): void {
    if (!this.#isWarming) this.withdrawn++;
  }

  ignoredWrite(): void {
    if (!this.#isWarming) this.writesIgnored++;
  }

  invalidated(): void {
    if (!this.#isWarming) this.invalidations++;
  }

  /** The run in slices. Those that are young still grow in `used`, until all that they issued has ended. */
  get slices(): readonly LedgerSlice[] {
    return this.#slices.map((slice, i) => ({ ...slice, used: this.#usedOfSlice[i] ?? 0 }));
  }

  /** Settles one counted prefetch, issued in slice number `slice`. `probability` NaN = its prefetcher does not say. */
  settle(outcome: OutcomeCode, expert: number, probability: number, slice = 0): void {
    this.outcomes[outcome]! += 1;
    const isUsed = outcome === Outcome.useful || outcome === Outcome.late;
    if (isUsed) {
      this.usedByExpert[expert]! += 1;
      this.#usedIn(slice);
    }
    // What was called back, invalidated or is still open says nothing about whether the forecast was right.
    if (!Number.isNaN(probability) && (isUsed || outcome === Outcome.wasted)) {
      this.calibration.observe(probability, isUsed);
    }
  }

  /** Proposals that were not issued, by reason. */
  refusalCounts(): Record<RefusalName, number> {
    return Object.fromEntries(refusalNames.map((name, i) => [name, this.refusals[i]!])) as Record<RefusalName, number>;
  }

  /** Misses that the baseline had too, by why they were not avoided. */
  missClassCounts(): Record<MissClassName, number> {
    return Object.fromEntries(missClassNames.map((name, i) => [name, this.missClasses[i]!])) as Record<
      MissClassName,
      number
    >;
  }

  /** Prefetches that could have been sent, but for the bound on misses or the record of their expert. */
  get throttled(): number {
    return this.refusals[Refusal.throttled]! + this.refusals[Refusal.distrusted]!;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place, at: SiteAddresses): void {
    this.outcomes = place(this.outcomes, at.outcomes);
    this.refusals = place(this.refusals, at.refusals);
    this.issuedByExpert = place(this.issuedByExpert, at.issuedByExpert);
    this.usedByExpert = place(this.usedByExpert, at.usedByExpert);
    const calibration = [at.calibrationCount, at.calibrationForecast, at.calibrationHits];
    this.calibration.adopt((column, index) => place(column, calibration[index]!));
    this.waits.adopt(place, at, waitsPlace);
    this.lateness.adopt(place, at, latenessPlace);
  }

  /** Leaves the counters to a kernel; only while all is counted, and of accesses without sizes. */
  lend(books: SiteBooks): void {
    const { numbers } = books;
    numbers[SiteNumber.warmup] = this.warmup;
    numbers[SiteNumber.accesses] = this.accesses;
    numbers[SiteNumber.misses] = this.misses;
    numbers[SiteNumber.late] = this.late;
    numbers[SiteNumber.demandFetches] = this.demandFetches;
    numbers[SiteNumber.issued] = this.issued;
    numbers[SiteNumber.baselineMisses] = this.baselineMisses;
    numbers[SiteNumber.coveredMisses] = this.coveredMisses;
    numbers[SiteNumber.pollutionMisses] = this.pollutionMisses;
    numbers[SiteNumber.referenceMisses] = this.referenceMisses;
    const [squared, total] = this.calibration.sums;
    numbers[SiteNumber.calibrationSquared] = squared;
    numbers[SiteNumber.calibrationTotal] = total;
    this.waits.lend(books, waitsPlace);
    this.lateness.lend(books, latenessPlace);
    this.digest.lend(books);
  }

  takeBack(books: SiteBooks): void {
    const { numbers } = books;
    this.accesses = numbers[SiteNumber.accesses]!;
    this.misses = numbers[SiteNumber.misses]!;
    this.late = numbers[SiteNumber.late]!;
    this.demandFetches = numbers[SiteNumber.demandFetches]!;
    this.issued = numbers[SiteNumber.issued]!;
    this.baselineMisses = numbers[SiteNumber.baselineMisses]!;
    this.coveredMisses = numbers[SiteNumber.coveredMisses]!;
    this.pollutionMisses = numbers[SiteNumber.pollutionMisses]!;
    this.referenceMisses = numbers[SiteNumber.referenceMisses]!;
    this.calibration.sums = [numbers[SiteNumber.calibrationSquared]!, numbers[SiteNumber.calibrationTotal]!];
    this.waits.takeBack(books, waitsPlace);
    this.lateness.takeBack(books, latenessPlace);
    this.digest.takeBack(books);
  }

  /** Everything but what the settings give: #sliceLength; and #slice, #sliceFrom, #sliceTo, which are looked up anew. */
  persist(fields: StateFields): void {
    fields.section('ledger');
    this.accesses = fields.number(this.accesses);
    this.misses = fields.number(this.misses);
    this.late = fields.number(this.late);
    this.bytesAccessed = fields.number(this.bytesAccessed);
    this.bytesMissed = fields.number(this.bytesMissed);
    this.demandFetches = fields.number(this.demandFetches);
    this.demandBytes = fields.number(this.demandBytes);
    this.issued = fields.number(this.issued);
    this.prefetchBytes = fields.number(this.prefetchBytes);
    this.withdrawn = fields.number(this.withdrawn);
    this.baselineMisses = fields.number(this.baselineMisses);
    this.coveredMisses = fields.number(this.coveredMisses);
    this.pollutionMisses = fields.number(this.pollutionMisses);
    this.referenceMisses = fields.number(this.referenceMisses);
    this.stagedByteMs = fields.number(this.stagedByteMs);
    this.writesIgnored = fields.number(this.writesIgnored);
    this.invalidations = fields.number(this.invalidations);
    fields.into(this.outcomes);
    fields.into(this.refusals);
    fields.into(this.missClasses);
    fields.into(this.issuedByExpert);
    fields.into(this.usedByExpert);
    this.waits.persist(fields);
    this.lateness.persist(fields);
    this.calibration.persist(fields);
    this.digest.persist(fields);
    this.#isWarming = fields.flag(this.#isWarming);
    this.#turnsAt = fields.number(this.#turnsAt);
    this.#nextSliceAt = fields.number(this.#nextSliceAt);
    const slices = fields.plain([...this.#slices]);
    this.#slices.splice(0, this.#slices.length, ...slices);
    fields.list(this.#usedOfSlice);
    this.#lastSlice = fields.plain({ ...this.#lastSlice });
  }

  #closeSlice(endPosition: number, bounds?: BoundsLeft): void {
    const { accesses, misses, baselineMisses, issued, throttled } = this;
    const overBudget = this.refusals[Refusal.budget]!;
    const last = this.#lastSlice;
    this.#slices.push({
      endPosition,
      accesses: accesses - last.accesses,
      misses: misses - last.misses,
      baselineMisses: baselineMisses - last.baselineMisses,
      issued: issued - last.issued,
      throttled: throttled - last.throttled,
      overBudget: overBudget - last.overBudget,
      missSlack: finite(bounds?.missSlack),
      trafficHeadroom: finite(bounds?.trafficHeadroom),
    });
    this.#lastSlice = { accesses, misses, baselineMisses, issued, throttled, overBudget };
    this.#nextSliceAt = endPosition + this.#sliceLength;
  }
}

function finite(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
