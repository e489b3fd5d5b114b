/** A site: the near loop that serves each demand access from its caches and stages what the prefetcher proposes. */

import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Operation } from '../../streams/operation.ts';
import {
  type AccessCursor,
  Outcome,
  type OutcomeCode,
  type Prefetcher,
  ProposalBuffer,
  Served,
  type SiteView,
} from '../prefetcher.ts';
import type { Eviction } from './eviction.ts';
import { FlightTable } from './flight-table.ts';
import { Ledger, Refusal } from './ledger.ts';
import type { Origin } from './origin.ts';
import { PrefetchQueue } from './prefetch-queue.ts';
import { StagingArea } from './staging-area.ts';
import { StagingShare } from './staging-share.ts';
import { TrafficBudget } from './traffic-budget.ts';

/** What to do with a write or delete: count it as an access, let it end every copy, or pass over it. */
export type WritePolicy = 'access' | 'invalidate' | 'ignore';

export interface SiteOptions {
  /** Cache size in `unit`s, reactive and prefetch cache together. */
  readonly capacity: number;
  readonly unit: 'segments' | 'bytes';
  /** Makes an eviction of this site's kind; called for the reactive cache and, beside a prefetcher, for the baseline's ghost. */
  readonly makeEviction: (capacity: number, onEvict?: (segment: number) => void) => Eviction;
  /** Told of each access before it is served, to keep the future of offline policies true. */
  readonly future?: { beforeAccess(position: number, segment: number): void };
  /** Makes the reference's eviction (LRU), unless `makeEviction` makes the same kind; then leave it out. */
  readonly makeReference?: (capacity: number) => Eviction;
  /** Makes the prefetcher that watches this site; null = the baseline itself. */
  readonly makePrefetcher: ((view: SiteView) => Prefetcher) | null;
  readonly origin: Origin;
  /** `ms`: event time drives fetches; `requests`: the log position does. */
  readonly modelTime: 'ms' | 'requests';
  readonly writes?: WritePolicy;
  readonly budget?: TrafficBudget;
  /** Largest share of the capacity that staged segments may take, 0..1. Default 0.5. */
  readonly stagingShareMax?: number;
  /** Prefetches that may wait for a fetch slot; the least valuable beyond that are withdrawn. Default 1024. */
  readonly queueLengthMax?: number;
  /** Log position from which on accesses are counted. Default 0. */
  readonly warmup?: number;
  /** Accesses in a slice of the ledger. Default: one slice. */
  readonly sliceLength?: number;
  readonly segmentCountHint?: number;
  /** Told of every issued prefetch; for the decision log. */
  readonly onIssue?: (position: number, segment: number, expert: number, probability: number) => void;
  /** Told how each prefetch ended: an `Outcome`, or `WITHDRAWN` for one that was never sent. */
  readonly onSettled?: (segment: number, expert: number, outcome: number) => void;
}

/** Code told to `onSettled` for a prefetch that left the queue unsent. */
export const WITHDRAWN = 255;

/** Segments that the prefetch cache may always hold, and those that it may hold at first: at least so many, or that share. */
const STAGED_LEAST = 2;
const STAGED_FIRST = 8;
const STAGED_FIRST_SHARE = 0.02;

/** Fetches whose size and duration are kept until someone takes them; later ones replace earlier ones. */
const FETCHES_KEPT_MAX = 64;

/** Rows that go through one pass after the other, few enough for their columns to stay in the processor's cache. */
const ROWS_PER_PASS = 4096;
/** Entries of the table of latest landings, less one. */
const LANDING_MASK = 2047;

/** What the site knows of a segment's current prefetch. */
const Stage = { none: 0, staged: 1, inFlight: 2, queued: 3 } as const;

/** Codes in the decision digest. */
const Decision = { served: 0, issued: 4, outcome: 5 } as const;

/**
 * Per access: land what is due, serve the demand, let the prefetcher propose, stage the best within the budget. Everything a
 * decision depends on is the access, its log position and event time; nothing allocates per access.
 *
 * A segment that a demand fetches is resident from that instant, as every cache simulator has it, so miss counts compare with
 * published ones; whoever asks for it before the fetch lands is a hit that waits for the rest (a delayed hit).
 */
export class Site implements SiteView {
  readonly ledger = new Ledger();
  readonly #options: SiteOptions;
  readonly #reactive: Eviction;
  readonly #baseline: Eviction | null;
  readonly #reference: Eviction | null;
  readonly #prefetcher: Prefetcher | null;
  readonly #origin: Origin;
  readonly #budget: TrafficBudget;
  readonly #staging: StagingArea;
  readonly #flights = new FlightTable();
  readonly #queue: PrefetchQueue;
  readonly #proposals = new ProposalBuffer();
  readonly #cursor: AccessCursor = {
    position: 0,
    timeMs: Number.NaN,
    segment: 0,
    consumer: -1,
    site: -1,
    op: 0,
    sizeBytes: -1,
  };
  readonly #isBytes: boolean;
  readonly #isTimed: boolean;
  readonly #isShared: boolean;
  readonly #stagingMax: number;
  readonly #share: StagingShare;
  readonly #warmup: number;
  readonly #sliceLength: number;
  #nextSliceAt: number;
  /** Model time of the latest access. */
  #now = 0;
  #position = 0;
  /** All fetches sent, counted or not: what the budget bounds. */
  #fetches = 0;
  #baselineMisses = 0;
  #referenceMisses = 0;
  #state: Uint8Array;
  #expert: Uint8Array;
  #probability: Float64Array;
  #issuedAt: Float64Array;
  #landsAt: Float64Array;
  #sizeBytes: Float64Array;
  readonly #readmissions: number[] = [];
  /** How the rows at hand were served, while they pass through the loop without a prefetcher. */
  readonly #served: Uint8Array;
  /** The latest landing of the segments whose ids are equal under `LANDING_MASK`; for the same loop. */
  readonly #latestLanding: Float64Array;
  #leadAccesses = 0;
  #leadCount = 0;
  #fetchesKept = 0;
  readonly #fetchBytes = new Float64Array(FETCHES_KEPT_MAX);
  readonly #fetchWaits = new Float64Array(FETCHES_KEPT_MAX);
  #unusedResidence = Number.NaN;

  constructor(options: SiteOptions) {
    assert(options.capacity >= 1, `a cache holds at least 1 unit, not ${options.capacity}`);
    this.#options = options;
    this.#origin = options.origin;
    this.#isBytes = options.unit === 'bytes';
    this.#isTimed = options.modelTime === 'ms';
    const hasPrefetcher = options.makePrefetcher !== null;
    this.#reactive = options.makeEviction(options.capacity, hasPrefetcher ? (s) => this.#onEvict(s) : undefined);
    this.#baseline = hasPrefetcher ? options.makeEviction(options.capacity) : null;
    this.#reference = hasPrefetcher ? (options.makeReference?.(options.capacity) ?? null) : null;
    this.#budget = options.budget ?? new TrafficBudget(Infinity, 0);
    const hint = hasPrefetcher ? (options.segmentCountHint ?? 1024) : 1;
    this.#staging = new StagingArea(hint);
    this.#queue = new PrefetchQueue(options.queueLengthMax ?? 1024);
    const share = options.stagingShareMax ?? 0.5;
    assert(share >= 0 && share <= 1, `a share is in 0..1, not ${share}`);
    this.#stagingMax = Math.min(options.capacity - 1, Math.floor(share * options.capacity));
    this.#share = new StagingShare({
      least: Math.min(STAGED_LEAST * this.#firstUnits(), this.#stagingMax),
      most: this.#stagingMax,
      first: Math.max(STAGED_FIRST_SHARE * options.capacity, STAGED_FIRST * this.#firstUnits()),
      meanUnits: () => this.#meanUnits(),
      segmentCountHint: hasPrefetcher ? (options.segmentCountHint ?? 1024) : 1,
    });
    this.#warmup = options.warmup ?? 0;
    this.#sliceLength = options.sliceLength ?? Infinity;
    this.#nextSliceAt = this.#sliceLength;
    this.#state = new Uint8Array(hint);
    this.#expert = new Uint8Array(hint);
    this.#probability = new Float64Array(hint);
    this.#issuedAt = new Float64Array(hint);
    this.#landsAt = new Float64Array(options.origin.isInstant ? 0 : Math.max(hint, options.segmentCountHint ?? 1024));
    this.#sizeBytes = new Float64Array(hint).fill(-1);
    this.#prefetcher = options.makePrefetcher?.(this) ?? null;
    this.#isShared = this.#prefetcher?.staging === 'shared';
    this.#served = new Uint8Array(hasPrefetcher ? 0 : ROWS_PER_PASS);
    this.#latestLanding = new Float64Array(hasPrefetcher ? 0 : LANDING_MASK + 1).fill(-Infinity);
  }

  /** Fetches that may still be spent on prefetching at this moment; Infinity without a bound. */
  get trafficHeadroom(): number {
    if (!this.#budget.isBounded) return Infinity;
    // One for the reserve that the next prefetch adds, one that an extra miss may take before space is given back.
    return this.#limit() - this.#budget.margin - this.#fetches - this.#reserve() - 2;
  }

  get capacity(): number {
    return this.#options.capacity;
  }

  /** Resident, staged, in flight or queued. */
  isResident(segment: number): boolean {
    return this.#reactive.has(segment) || (segment < this.#state.length && this.#state[segment] !== Stage.none);
  }

  /** Accesses between sending a prefetch and its landing, as measured: an exponential mean over the last hundred or so. */
  get leadAccesses(): number {
    return this.#leadAccesses;
  }

  get prefetcher(): Prefetcher | null {
    return this.#prefetcher;
  }

  /** Moments at which fetches stood above the traffic bound. */
  get trafficBreaches(): number {
    return this.#budget.breachCount;
  }

  /** Most requests by which fetches stood above the traffic bound. */
  get trafficOvershoot(): number {
    return this.#budget.overshootMax;
  }

  /** Whether a demand for `segment` would be served from a copy here. */
  holds(segment: number): boolean {
    return this.#reactive.has(segment) || this.#staging.has(segment);
  }

  /** Units resident now, reactive and staged. */
  get used(): number {
    return this.#reactive.used + this.#staging.used;
  }

  /** Serves a batch, row by row. */
  serve(batch: AccessBatch): void {
    if (this.#prefetcher === null && (this.#options.writes ?? 'access') === 'access') {
      this.#serveAllAlone(batch);
      return;
    }
    const { timeMs, segment, consumer, site, op, size } = batch;
    const writes = this.#options.writes ?? 'access';
    const isBytes = this.#isBytes;
    const cursor = this.#cursor;
    const ledger = this.ledger;
    const prefetcher = this.#prefetcher;
    const future = this.#options.future;
    for (let i = 0; i < batch.length; i++) {
      const position = batch.position + i;
      if (position >= this.#nextSliceAt) this.#closeSlice(position);
      const id = segment[i]!;
      const time = timeMs[i]!;
      this.#position = position;
      if (!this.#isTimed) this.#now = position;
      else if (!Number.isNaN(time)) this.#now = time;
      if (writes !== 'access' && (op[i] === Operation.write || op[i] === Operation.delete)) {
        if (writes === 'ignore') ledger.writesIgnored++;
        else this.invalidate(id);
        continue;
      }
      future?.beforeAccess(position, id);
      const sizeBytes = size[i]!;
      const units = isBytes ? Math.max(sizeBytes, 1) : 1;
      if (prefetcher === null) {
        this.#serveAlone(id, units, sizeBytes);
        continue;
      }
      if (id >= this.#state.length) this.#grow(id);
      if (this.#flights.count > 0 || this.#queue.count > 0) this.#advance(this.#now);
      // Only now: what landed a moment ago was fetched at the size known then.
      this.#sizeBytes[id] = sizeBytes;
      const served = this.#serveDemand(id, units, sizeBytes);
      cursor.position = position;
      cursor.timeMs = time;
      cursor.segment = id;
      cursor.consumer = consumer[i]!;
      cursor.site = site[i]!;
      cursor.op = op[i]!;
      cursor.sizeBytes = sizeBytes;
      this.#proposals.count = 0;
      prefetcher.onAccess(cursor, served, this.#proposals);
      if (this.#proposals.count > 0) this.#applyProposals();
      if (this.#budget.isBounded) this.#keepBudget();
    }
  }

  /** Stages one segment that the far loop planned. Returns whether it was sent or queued. */
  stage(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    if (segment >= this.#state.length) this.#grow(segment);
    const isTaken = this.#consider(segment, sizeBytes, probability, expert);
    if (this.#budget.isBounded) this.#keepBudget();
    return isTaken;
  }

  /** Takes back a planned prefetch that is queued or in flight; one that is staged stays, it is paid for. */
  callBack(segment: number): void {
    const state = segment < this.#state.length ? this.#state[segment] : Stage.none;
    if (state === Stage.queued) {
      this.#state[segment] = Stage.none;
      this.#queue.remove(segment);
      this.#withdraw(segment);
    } else if (state === Stage.inFlight) {
      this.#state[segment] = Stage.none;
      this.#flights.forget(segment);
      this.#origin.callBack(segment);
      this.#settle(segment, Outcome.cancelled);
    }
  }

  /** Space of the prefetch cache, in the site's unit. */
  get stagingCapacity(): number {
    return this.#stagingMax;
  }

  get stagingUsed(): number {
    return this.#staging.used;
  }

  /** Prefetches on their way. */
  get inFlightCount(): number {
    return this.#flights.count;
  }

  /** Mean model time that an unused segment stayed staged, over the last hundred or so; NaN before the first. */
  get unusedResidence(): number {
    return this.#unusedResidence;
  }

  /** Sizes and durations, in model time, of the latest fetches since the last call. */
  takeFetches(): { readonly bytes: Float64Array; readonly waits: Float64Array } {
    const count = Math.min(this.#fetchesKept, FETCHES_KEPT_MAX);
    this.#fetchesKept = 0;
    return { bytes: this.#fetchBytes.slice(0, count), waits: this.#fetchWaits.slice(0, count) };
  }

  #keepFetch(bytes: number, wait: number): void {
    const i = this.#fetchesKept++ % FETCHES_KEPT_MAX;
    this.#fetchBytes[i] = bytes;
    this.#fetchWaits[i] = wait;
  }

  /** Ends every copy of a segment whose origin changed: what is staged or in flight is stale. */
  invalidate(segment: number): void {
    this.ledger.invalidations++;
    this.#reactive.remove(segment);
    this.#baseline?.remove(segment);
    this.#reference?.remove(segment);
    if (segment >= this.#state.length) return;
    const state = this.#state[segment];
    if (state === Stage.none) return;
    this.#state[segment] = Stage.none;
    if (state === Stage.queued) {
      this.#queue.remove(segment);
      this.#withdraw(segment);
      return;
    }
    if (state === Stage.inFlight) {
      this.#flights.forget(segment);
      this.#origin.callBack(segment);
    } else if (!this.#isShared) {
      this.#unstage(segment);
    }
    this.#settle(segment, Outcome.stale);
  }

  /** Ends the run: what is still staged or in flight is pending. */
  finish(): void {
    for (let segment = 0; segment < this.#state.length; segment++) {
      const state = this.#state[segment];
      if (state === Stage.queued) this.#withdraw(segment);
      else if (state !== Stage.none) {
        if (state === Stage.staged && !this.#isShared) this.#chargeSpace(segment, this.#units(segment));
        this.#settle(segment, Outcome.pending);
      }
    }
    this.#closeSlice(this.#position + 1);
  }

  /**
   * The loop without a prefetcher where every row is an access: the same as `#serveAlone` row by row, several times as fast.
   * Rows of one slice, all counted or none, go through the eviction first; nothing that is counted feeds back into it.
   */
  #serveAllAlone(batch: AccessBatch): void {
    for (let from = 0; from < batch.length; ) {
      const position = batch.position + from;
      if (position >= this.#nextSliceAt) this.#closeSlice(position);
      const isCounted = position >= this.#warmup;
      const last = position + Math.min(batch.length - from, ROWS_PER_PASS);
      const to = Math.ceil(Math.min(last, this.#nextSliceAt, isCounted ? Infinity : this.#warmup)) - batch.position;
      const misses = this.#accessAll(batch, from, to);
      if (isCounted) this.#countAlone(batch, from, to, misses);
      if (!this.#origin.isInstant) this.#waitAlone(batch, from, to, isCounted);
      this.#position = batch.position + to - 1;
      this.#now = this.#isTimed ? latestTime(batch.timeMs, from, to, this.#now) : this.#position;
      from = to;
    }
  }

  /** Leaves how row i was served in `#served[i - from]`; gives the number of misses. */
  #accessAll(batch: AccessBatch, from: number, to: number): number {
    const { segment, size } = batch;
    const served = this.#served;
    const reactive = this.#reactive;
    const isBytes = this.#isBytes;
    const future = this.#options.future;
    let misses = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      future?.beforeAccess(batch.position + i, id);
      const isHit = reactive.access(id, isBytes ? Math.max(size[i]!, 1) : 1);
      served[i - from] = Decision.served + (isHit ? Served.hit : Served.miss);
      if (!isHit) misses++;
    }
    return misses;
  }

  #countAlone(batch: AccessBatch, from: number, to: number, misses: number): void {
    const { size } = batch;
    const served = this.#served;
    const ledger = this.ledger;
    ledger.accesses += to - from;
    ledger.misses += misses;
    ledger.demandFetches += misses;
    ledger.digest.addAll(served, batch.segment, from, to);
    let { bytesAccessed, bytesMissed, demandBytes } = ledger;
    for (let i = from; i < to; i++) {
      const sizeBytes = size[i]!;
      if (!(sizeBytes > 0)) continue;
      bytesAccessed += sizeBytes;
      if (served[i - from] !== Decision.served + Served.miss) continue;
      bytesMissed += sizeBytes;
      demandBytes += sizeBytes;
    }
    ledger.bytesAccessed = bytesAccessed;
    ledger.bytesMissed = bytesMissed;
    ledger.demandBytes = demandBytes;
  }

  /**
   * Misses wait for their fetch, hits for what is left of one under way, which for most is nothing. Most hits learn that from
   * a small table that keeps the latest landing of all segments whose ids end alike, and so stays in the processor's cache.
   */
  #waitAlone(batch: AccessBatch, from: number, to: number, isCounted: boolean): void {
    const { segment, size, timeMs, position } = batch;
    const served = this.#served;
    const { waits } = this.ledger;
    const latest = this.#latestLanding;
    const isTimed = this.#isTimed;
    let unwaited = to - from;
    let now = this.#now;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      if (!isTimed) now = position + i;
      else if (!Number.isNaN(timeMs[i]!)) now = timeMs[i]!;
      const entry = id & LANDING_MASK;
      let wait = 0;
      if (served[i - from] !== Decision.served + Served.miss) {
        if (latest[entry]! <= now) continue;
        if (id < this.#landsAt.length) wait = this.#landsAt[id]! - now;
        if (!(wait > 0)) continue;
      } else {
        this.#now = now;
        this.#position = position + i;
        wait = this.#fetchDemand(id, size[i]!);
        const landing = this.#landsAt[id]!;
        if (landing > latest[entry]!) latest[entry] = landing;
      }
      unwaited--;
      if (isCounted) waits.add(wait);
    }
    if (isCounted) waits.addZeros(unwaited);
  }

  /** One row without a prefetcher, among rows that may be writes: eviction alone, nothing learned. */
  #serveAlone(segment: number, units: number, sizeBytes: number): void {
    const isHit = this.#reactive.access(segment, units);
    const isCounted = this.#position >= this.#warmup;
    const ledger = this.ledger;
    if (isCounted) {
      ledger.accesses++;
      if (sizeBytes > 0) ledger.bytesAccessed += sizeBytes;
      ledger.digest.add(Decision.served + (isHit ? Served.hit : Served.miss), segment);
      if (!isHit) {
        ledger.misses++;
        ledger.demandFetches++;
        if (sizeBytes > 0) {
          ledger.bytesMissed += sizeBytes;
          ledger.demandBytes += sizeBytes;
        }
      }
    }
    if (this.#origin.isInstant) return;
    const wait = isHit ? this.#waitForLanding(segment) : this.#fetchDemand(segment, sizeBytes);
    if (isCounted) ledger.waits.add(wait);
  }

  #serveDemand(segment: number, units: number, sizeBytes: number): number {
    const ledger = this.ledger;
    const isBaselineHit = this.#baseline!.access(segment, units);
    const isReferenceHit = this.#reference === null ? isBaselineHit : this.#reference.access(segment, units);
    if (!isBaselineHit) this.#baselineMisses++;
    if (!isReferenceHit) this.#referenceMisses++;
    let served: number = Served.miss;
    let wait = 0;
    const state = this.#state[segment];
    if (state === Stage.staged) {
      served = Served.stagedHit;
      this.#state[segment] = Stage.none;
      if (!this.#isShared) this.#unstage(segment);
      this.#reactive.access(segment, units);
      this.#settle(segment, Outcome.useful);
    } else if (state === Stage.inFlight) {
      served = Served.late;
      this.#state[segment] = Stage.none;
      this.#flights.forget(segment);
      this.#origin.join(segment);
      wait = this.#landsAt[segment]! - this.#now;
      this.#observeLead(this.#position - this.#issuedAt[segment]! + 1);
      this.#reactive.access(segment, units);
      this.#settle(segment, Outcome.late);
      if (this.#issuedAt[segment]! >= this.#warmup) ledger.lateness.add(wait);
    } else {
      if (state === Stage.queued) {
        this.#state[segment] = Stage.none;
        this.#queue.remove(segment);
        this.#withdraw(segment);
      }
      if (this.#reactive.access(segment, units)) {
        served = Served.hit;
        if (!this.#origin.isInstant) wait = this.#waitForLanding(segment);
      } else {
        this.#fetches++;
        if (!this.#isShared) this.#share.missed(segment, isBaselineHit);
        if (!this.#origin.isInstant) wait = this.#fetchDemand(segment, sizeBytes);
      }
    }
    if (this.#readmissions.length > 0) this.#readmit();
    if (this.#position >= this.#warmup) this.#count(segment, served, sizeBytes, wait, isBaselineHit, isReferenceHit);
    return served;
  }

  #count(
    segment: number,
    served: number,
    sizeBytes: number,
    wait: number,
    isBaselineHit: boolean,
    isReferenceHit: boolean,
  ): void {
    const ledger = this.ledger;
    ledger.accesses++;
    ledger.digest.add(Decision.served + served, segment);
    if (sizeBytes > 0) ledger.bytesAccessed += sizeBytes;
    if (!isReferenceHit) ledger.referenceMisses++;
    const isMiss = served === Served.miss || served === Served.late;
    if (!isBaselineHit) {
      ledger.baselineMisses++;
      if (!isMiss) ledger.coveredMisses++;
    }
    if (isMiss) {
      ledger.misses++;
      if (isBaselineHit) ledger.pollutionMisses++;
      if (sizeBytes > 0) ledger.bytesMissed += sizeBytes;
      if (served === Served.late) ledger.late++;
      else {
        ledger.demandFetches++;
        if (sizeBytes > 0) ledger.demandBytes += sizeBytes;
      }
    }
    if (!this.#origin.isInstant) ledger.waits.add(wait);
  }

  /** What is left to wait for a segment that a demand fetched a moment ago. */
  #waitForLanding(segment: number): number {
    if (segment >= this.#landsAt.length) return 0;
    const rest = this.#landsAt[segment]! - this.#now;
    return Math.max(rest, 0);
  }

  #fetchDemand(segment: number, sizeBytes: number): number {
    if (segment >= this.#landsAt.length) this.#landsAt = grown(this.#landsAt, segment);
    const landsAt = this.#origin.demand(segment, Math.max(sizeBytes, 0), this.#now, this.#position);
    this.#landsAt[segment] = landsAt;
    const victim = this.#origin.preempted;
    if (victim >= 0) {
      this.#flights.forget(victim);
      this.#state[victim] = Stage.none;
      this.#settle(victim, Outcome.cancelled);
    }
    this.#keepFetch(Math.max(0, sizeBytes), landsAt - this.#now);
    return landsAt - this.#now;
  }

  /** Lands what is due by `now` and sends what was waiting for a slot, in the order of the instants at which it happens. */
  #advance(now: number): void {
    for (;;) {
      const at = this.#flights.nextLanding();
      // A fetch that takes N requests lands after the N-th further access, hence not yet when that one is served.
      if (this.#isTimed ? at > now : at >= now) break;
      const segment = this.#flights.pop();
      this.#observeLead(this.#position - this.#issuedAt[segment]!);
      this.#land(segment);
      this.#sendQueued(at);
    }
    this.#sendQueued(now);
  }

  /** A plain mean until 128 fetches were seen, then an exponential one. */
  #observeLead(accesses: number): void {
    if (this.#leadCount < 128) this.#leadCount++;
    this.#leadAccesses += (accesses - this.#leadAccesses) / this.#leadCount;
  }

  #sendQueued(now: number): void {
    while (this.#queue.count > 0) {
      const segment = this.#queue.peek();
      if (this.#budget.isBounded && this.trafficHeadroom < 1) return;
      const sizeBytes = Math.max(0, this.#sizeBytes[segment]!);
      const landsAt = this.#origin.prefetch(segment, sizeBytes, now, this.#position);
      if (landsAt < 0) return;
      this.#queue.shift();
      this.#issue(segment, landsAt);
    }
  }

  #applyProposals(): void {
    const p = this.#proposals;
    sortByProbability(p);
    for (let i = 0; i < p.count; i++) {
      const segment = p.segment[i]!;
      if (segment >= this.#state.length) this.#grow(segment);
      this.#consider(segment, p.sizeBytes[i]!, p.probability[i]!, p.expert[i]!);
    }
  }

  /** Sends, queues or refuses one prefetch. */
  #consider(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    const refusals = this.ledger.refusals;
    if (this.#state[segment] !== Stage.none) {
      refusals[this.#state[segment] === Stage.staged ? Refusal.resident : Refusal.inFlight]! += 1;
      return false;
    }
    if (this.#reactive.has(segment)) {
      refusals[Refusal.resident]! += 1;
      return false;
    }
    if (sizeBytes >= 0) this.#sizeBytes[segment] = sizeBytes;
    if (this.#units(segment) > (this.#isShared ? this.#options.capacity : this.#stagingMax)) {
      refusals[Refusal.tooLarge]! += 1;
      return false;
    }
    if (this.#budget.isBounded && this.trafficHeadroom < 1) {
      refusals[Refusal.budget]! += 1;
      return false;
    }
    this.#expert[segment] = expert;
    this.#probability[segment] = probability;
    if (this.#origin.isInstant) {
      this.#issue(segment, this.#now);
      return true;
    }
    const bytes = Math.max(0, this.#sizeBytes[segment]!);
    const landsAt = this.#queue.count > 0 ? -1 : this.#origin.prefetch(segment, bytes, this.#now, this.#position);
    if (landsAt >= 0) {
      this.#issue(segment, landsAt);
      return true;
    }
    this.#state[segment] = Stage.queued;
    const refused = this.#queue.add(segment, Number.isNaN(probability) ? 0 : probability);
    if (refused < 0) return true;
    this.#state[refused] = Stage.none;
    this.#withdraw(refused);
    return refused !== segment;
  }

  #issue(segment: number, landsAt: number): void {
    const isCounted = this.#position >= this.#warmup;
    const expert = this.#expert[segment]!;
    this.#fetches++;
    this.#issuedAt[segment] = this.#position;
    if (isCounted) {
      const ledger = this.ledger;
      ledger.issued++;
      ledger.issuedByExpert[expert]! += 1;
      ledger.prefetchBytes += Math.max(0, this.#sizeBytes[segment]!);
      ledger.digest.add(Decision.issued, segment);
    }
    this.#options.onIssue?.(this.#position, segment, expert, this.#probability[segment]!);
    if (landsAt <= this.#now) {
      this.#land(segment);
      return;
    }
    this.#state[segment] = Stage.inFlight;
    this.#landsAt[segment] = landsAt;
    this.#flights.add(segment, landsAt);
  }

  #land(segment: number): void {
    const units = this.#units(segment);
    if (this.#isShared) {
      this.#state[segment] = Stage.staged;
      if (!this.#reactive.admit(segment, units)) {
        // A demand brought it in while it was queued behind this landing, or the cache shrank below its size.
        this.#state[segment] = Stage.none;
        this.#settle(segment, Outcome.wasted);
      }
      if (this.#readmissions.length > 0) this.#readmit();
      return;
    }
    const room = Math.max(units, this.#share.units);
    while (this.#staging.count > 0 && this.#staging.used + units > room) this.#wasteOldest();
    this.#state[segment] = Stage.staged;
    this.#staging.add(segment, units);
    this.#reactive.resize(this.#options.capacity - this.#staging.used);
  }

  #wasteOldest(): void {
    const victim = this.#staging.oldest;
    const stayed = this.#isTimed ? this.#now - this.#landsAtOrNow(victim) : this.#position - this.#issuedAt[victim]!;
    const mean = this.#unusedResidence;
    this.#unusedResidence = Number.isNaN(mean) ? stayed : mean + (stayed - mean) / 128;
    this.#unstage(victim);
    this.#share.wasted(victim);
    this.#state[victim] = Stage.none;
    this.#settle(victim, Outcome.wasted);
    this.#prefetcher!.onEvict?.(victim, true);
  }

  /** Takes a segment out of the prefetch cache and gives its space back to the reactive cache. */
  #unstage(segment: number): void {
    const units = this.#staging.remove(segment);
    this.#reactive.resize(this.#options.capacity - this.#staging.used);
    this.#chargeSpace(segment, units);
  }

  /** Space costs by the byte, also where the cache counts segments. */
  #chargeSpace(segment: number, units: number): void {
    if (!this.#isTimed) return;
    const bytes = this.#isBytes ? units : Math.max(0, this.#sizeBytes[segment]!);
    this.ledger.stagedByteMs += bytes * Math.max(0, this.#now - this.#landsAtOrNow(segment));
  }

  #landsAtOrNow(segment: number): number {
    return segment < this.#landsAt.length ? this.#landsAt[segment]! : this.#now;
  }

  #onEvict(segment: number): void {
    if (segment < this.#state.length && this.#isShared && this.#state[segment] === Stage.staged) {
      if (this.#prefetcher!.onEvict?.(segment, true) === true) {
        // Not from inside the eviction: the policy is in the middle of making room.
        this.#readmissions.push(segment);
        return;
      }
      this.#state[segment] = Stage.none;
      this.#settle(segment, Outcome.wasted);
      return;
    }
    this.#prefetcher!.onEvict?.(segment, false);
  }

  /** Admits once more what a prefetcher asked to keep; whoever leaves for it may ask in turn, but only once each. */
  #readmit(): void {
    for (let segment = this.#readmissions.pop(); segment !== undefined; segment = this.#readmissions.pop()) {
      if (this.#state[segment] !== Stage.staged || this.#reactive.has(segment)) continue;
      if (!this.#reactive.admit(segment, this.#units(segment))) {
        this.#state[segment] = Stage.none;
        this.#settle(segment, Outcome.wasted);
      }
    }
  }

  #withdraw(segment: number): void {
    if (this.#position >= this.#warmup) this.ledger.withdrawn++;
    this.#options.onSettled?.(segment, this.#expert[segment]!, WITHDRAWN);
  }

  #settle(segment: number, outcome: OutcomeCode): void {
    const expert = this.#expert[segment]!;
    const probability = this.#probability[segment]!;
    if (this.#issuedAt[segment]! >= this.#warmup) {
      this.ledger.settle(outcome, expert, probability);
      this.ledger.digest.add(Decision.outcome + outcome, segment);
    }
    this.#prefetcher?.onOutcome?.(segment, expert, outcome, probability);
    this.#options.onSettled?.(segment, expert, outcome);
  }

  /** Keeps free space at hand when the next extra miss would otherwise break the bound. */
  #keepBudget(): void {
    const limit = this.#limit();
    while (
      this.#staging.count > 0 &&
      this.#fetches + this.#reserve() > limit - this.#budget.margin - 1 &&
      this.#isReactiveFull()
    ) {
      this.#wasteOldest();
    }
    this.#budget.check(this.#fetches, limit);
  }

  #isReactiveFull(): boolean {
    return this.#reactive.used >= this.#reactive.capacity;
  }

  #limit(): number {
    return this.#budget.limit(this.#referenceMisses, this.#baselineMisses);
  }

  /** Extra misses that what is staged, or on its way, may still cause; see `TrafficBudget`. */
  #reserve(): number {
    return Math.max(0, this.#baseline!.count - this.#reactive.count) + this.#flights.count;
  }

  /** What one segment takes, in the mean over the reactive cache. */
  #meanUnits(): number {
    if (!this.#isBytes) return 1;
    return this.#reactive.count > 0 ? this.#reactive.used / this.#reactive.count : this.#firstUnits();
  }

  /** What one segment is taken to take before any was seen. */
  #firstUnits(): number {
    return this.#isBytes ? this.#options.capacity / 1024 : 1;
  }

  #units(segment: number): number {
    return this.#isBytes ? Math.max(1, this.#sizeBytes[segment]!) : 1;
  }

  #closeSlice(position: number): void {
    this.ledger.closeSlice(position);
    this.#nextSliceAt = position + this.#sliceLength;
  }

  #grow(segment: number): void {
    this.#state = grown(this.#state, segment);
    this.#expert = grown(this.#expert, segment);
    this.#probability = grown(this.#probability, segment);
    this.#issuedAt = grown(this.#issuedAt, segment);
    const known = this.#sizeBytes.length;
    this.#sizeBytes = grown(this.#sizeBytes, segment);
    this.#sizeBytes.fill(-1, known);
    if (!this.#origin.isInstant && segment >= this.#landsAt.length) this.#landsAt = grown(this.#landsAt, segment);
  }
}

/** A table twice as long, or long enough for `index`. */
function grown<T extends Uint8Array | Float64Array>(table: T, index: number): T {
  const length = Math.max(table.length * 2, index + 1);
  const larger = (table instanceof Uint8Array ? new Uint8Array(length) : new Float64Array(length)) as T;
  larger.set(table);
  return larger;
}

/** Sorts proposals by descending probability; those without one keep their order, last. Insertion sort: the lists are short. */
function sortByProbability(p: ProposalBuffer): void {
  for (let i = 1; i < p.count; i++) {
    const segment = p.segment[i]!;
    const sizeBytes = p.sizeBytes[i]!;
    const probability = p.probability[i]!;
    const expert = p.expert[i]!;
    let j = i;
    while (j > 0 && probability > p.probability[j - 1]!) {
      p.segment[j] = p.segment[j - 1]!;
      p.sizeBytes[j] = p.sizeBytes[j - 1]!;
      p.probability[j] = p.probability[j - 1]!;
      p.expert[j] = p.expert[j - 1]!;
      j--;
    }
    p.segment[j] = segment;
    p.sizeBytes[j] = sizeBytes;
    p.probability[j] = probability;
    p.expert[j] = expert;
  }
}

/** The last time among rows [from, to), or `latest` where none has one. */
function latestTime(timeMs: Float64Array, from: number, to: number, latest: number): number {
  for (let i = to - 1; i >= from; i--) if (!Number.isNaN(timeMs[i]!)) return timeMs[i]!;
  return latest;
}
