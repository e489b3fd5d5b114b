/** The site with a prefetcher: the near loop that serves each demand access and stages what is proposed. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { isWrite } from '../../streams/operation.ts';
import {
  firstCursor,
  Outcome,
  type OutcomeCode,
  type Prefetcher,
  ProposalBuffer,
  pointAt,
  Served,
} from '../prefetcher.ts';
import { Decision } from './decision-digest.ts';
import type { Eviction } from './eviction.ts';
import { FetchLog } from './fetch-log.ts';
import { FlightTable } from './flight-table.ts';
import type { Where } from './ghost.ts';
import { type GovernorState, stateOf } from './governor-state.ts';
import type { Holdout } from './holdout.ts';
import { Ledger, Refusal } from './ledger.ts';
import { MissBound } from './miss-bound.ts';
import { MissClasses } from './miss-classes.ts';
import type { Origin } from './origin.ts';
import { PrefetchAdmission } from './prefetch-admission.ts';
import { PrefetchQueue } from './prefetch-queue.ts';
import { PrefetchTable, Stage } from './prefetch-table.ts';
import { sortByProbability } from './proposal-order.ts';
import { type Prospect, prospectsOf } from './prospects.ts';
import { SampledGuard } from './sampled-guard.ts';
import { SegmentFifo } from './segment-fifo.ts';
import { SegmentSizes } from './segment-sizes.ts';
import { type FetchSample, type Site, type SiteOptions, WITHDRAWN, type WritePolicy } from './site.ts';
import type { SiteGuard } from './site-guard.ts';
import { StagingShare } from './staging-share.ts';
import { TrafficBudget } from './traffic-budget.ts';
import { TrafficGuard } from './traffic-guard.ts';

/** Segments that the prefetch cache may always hold, and those that it may hold at first: at least so many, or that share. */
const STAGED_LEAST = 2;
const STAGED_FIRST = 8;
const STAGED_FIRST_SHARE = 0.02;
/** Headroom of the traffic bound below which the site follows its baseline: fetches stand above the limit, see `trafficHeadroom`. */
const FOLLOW_BELOW = -3;
/** Accesses for which a refused proposal is taken to have been meant, where the prefetcher does not say. */
const HORIZON_UNSTATED = 64;
/** Slack that an eviction's own choices leave to prefetches: as much as the near loop keeps back for its best candidates. */
const SLACK_KEPT = 24;

/**
 * Per access: land what is due, serve the demand, let the prefetcher propose, stage the best within the budget. Everything a
 * decision depends on is the access, its log position and event time; nothing allocates per access.
 *
 * A segment that a demand fetches is resident from that instant, as every cache simulator has it, so miss counts compare with
 * published ones; whoever asks for it before the fetch lands is a hit that waits for the rest (a delayed hit).
 */
export class PrefetchingSite implements Site {
  readonly ledger: Ledger;
  readonly #options: SiteOptions;
  readonly #reactive: Eviction;
  readonly prefetcher: Prefetcher;
  readonly capacity: number;
  readonly #origin: Origin;
  readonly #budget: TrafficBudget;
  readonly #missBound: MissBound;
  readonly #guard: SiteGuard;
  /** The guard where its ghosts are whole, so that there is one to follow; null where they are sampled. */
  readonly #whole: TrafficGuard | null;
  readonly #staging: SegmentFifo;
  readonly #flights = new FlightTable();
  readonly #queue: PrefetchQueue;
  readonly #fetches = new FetchLog();
  readonly #proposals = new ProposalBuffer();
  readonly #cursor = firstCursor();
  readonly #isBytes: boolean;
  readonly #isTimed: boolean;
  readonly #isBounded: boolean;
  readonly #writes: WritePolicy;
  readonly #future: SiteOptions['future'];
  readonly #isShared: boolean;
  readonly #stagingMax: number;
  readonly #share: StagingShare;
  readonly #sizes: SegmentSizes;
  readonly #table: PrefetchTable;
  readonly #classes: MissClasses;
  readonly #holdout: Holdout | null;
  /** Shared staging only: what the prefetcher asked to keep, see `#readmit`. */
  readonly #readmissions: number[] = [];
  /** Model time of the latest access, and its log position. */
  #now = 0;
  #position = 0;
  rowCount = 0;
  pollutionCount = 0;
  /** As measured: an exponential mean over the last hundred or so. */
  leadAccesses = 0;
  #leadCount = 0;
  unusedResidence = Number.NaN;
  /** Of the proposal that is being considered, for whoever is told why it was refused. */
  #askingExpert = 0;
  #askedProbability = Number.NaN;

  constructor(options: SiteOptions) {
    assert(options.capacity >= 1, `a cache holds at least 1 unit, not ${options.capacity}`);
    assert(options.makePrefetcher !== null, 'a site without a prefetcher is a baseline site');
    const hint = options.segmentCountHint ?? 1024;
    this.#options = options;
    this.capacity = options.capacity;
    this.ledger = new Ledger(options);
    this.#origin = options.origin;
    this.#isBytes = options.unit === 'bytes';
    this.#isTimed = options.modelTime === 'ms';
    this.#sizes = new SegmentSizes(hint);
    this.#reactive = options.makeEviction(options.capacity, (segment) => this.#onEvict(segment));
    this.#budget = options.budget ?? new TrafficBudget(Infinity, 0);
    this.#missBound = options.missBound ?? new MissBound(Infinity, 0);
    const beside = {
      whereIs: (segment: number) => this.#whereIs(segment),
      unitsOf: (segment: number) => this.#units(segment),
      reactiveUsed: () => this.#reactive.used,
    };
    const books = [this.#budget, this.#missBound, this.#sizes, beside] as const;
    this.#whole = options.ghost?.kind === 'sampled' ? null : new TrafficGuard(options, ...books);
    this.#guard = this.#whole ?? new SampledGuard(options, options.ghost!, ...books);
    this.#isBounded = this.#guard.isBounded;
    this.#writes = options.writes ?? 'access';
    this.#future = options.future;
    this.#staging = new SegmentFifo(hint);
    this.#queue = new PrefetchQueue(options.queueLengthMax ?? 1024);
    const share = options.stagingShareMax ?? 0.5;
    assert(share >= 0 && share <= 1, `a share is in 0..1, not ${share}`);
    this.#stagingMax = Math.min(options.capacity - 1, Math.floor(share * options.capacity));
    this.#share = new StagingShare({
      least: Math.min(STAGED_LEAST * this.#firstUnits(), this.#stagingMax),
      most: this.#stagingMax,
      first: Math.max(STAGED_FIRST_SHARE * options.capacity, STAGED_FIRST * this.#firstUnits()),
      meanUnits: () => this.#meanUnits(),
      segmentCountHint: hint,
    });
    this.#table = new PrefetchTable(hint);
    this.#classes = new MissClasses(hint);
    this.#holdout = options.holdout ?? null;
    this.prefetcher = options.makePrefetcher(this);
    this.#isShared = this.prefetcher.staging === 'shared';
    assert(this.#whole !== null || !this.#isShared, 'a sampled ghost needs staged segments to be apart');
  }

  get used(): number {
    return this.#reactive.used + this.#staging.used;
  }

  get governor(): GovernorState {
    return stateOf(this, this.#guard, this.#missBound, this.#options);
  }

  get missSlack(): number {
    return this.#guard.missSlack;
  }

  get trafficBreaches(): number {
    return this.#budget.breachCount;
  }
  get trafficOvershoot(): number {
    return this.#budget.overshoot;
  }

  get missBreaches(): number {
    return this.#missBound.breachCount;
  }
  get missExcess(): number {
    return this.#missBound.excess;
  }

  /** Each prefetch takes a fetch and lends space that may have to be fetched again. */
  get trafficHeadroom(): number {
    if (!this.#guard.isTrafficBounded) return Infinity;
    return Math.min(this.#guard.headroom(this.#lentCount()) - 2, this.#guard.trafficSlack);
  }

  get stagingCapacity(): number {
    return Math.floor(this.#share.units);
  }

  get stagingUsed(): number {
    return this.#staging.used;
  }

  get inFlightCount(): number {
    return this.#flights.count;
  }

  /** Resident, staged, in flight or queued. */
  isResident(segment: number): boolean {
    // Who asks knows most of what is in the reactive cache, and asks about the rest.
    return this.#table.stageOf(segment) !== Stage.none || this.#reactive.has(segment);
  }

  holds(segment: number): boolean {
    return this.#reactive.has(segment) || this.#staging.has(segment);
  }

  prospects(limit: number): readonly Prospect[] {
    return prospectsOf(this.#table, this.#sizes, this.#queue, this.#flights, this.#staging, limit);
  }

  takeFetches(): FetchSample {
    return this.#fetches.take();
  }

  serve(batch: AccessBatch): void {
    // A call for each row: a loop that is compiled while it runs does not come to know whose fields it reads.
    for (let i = 0; i < batch.length; i++) this.#serveRow(batch, i);
  }

  stage(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    if (segment >= this.#table.length) this.#table.grow(segment);
    return this.#consider(segment, sizeBytes, probability, expert);
  }

  callBack(segment: number): void {
    const stage = this.#table.stageOf(segment);
    if (stage === Stage.queued) {
      this.#unqueue(segment);
    } else if (stage === Stage.inFlight) {
      this.#table.stage[segment] = Stage.none;
      this.#flights.forget(segment);
      this.#origin.callBack(segment);
      this.#settle(segment, Outcome.cancelled);
    }
  }

  invalidate(segment: number): void {
    this.ledger.invalidated();
    this.#reactive.remove(segment);
    const stage = this.#table.stageOf(segment);
    if (stage === Stage.queued) {
      this.#unqueue(segment);
    } else if (stage !== Stage.none) {
      this.#table.stage[segment] = Stage.none;
      if (stage === Stage.inFlight) {
        this.#flights.forget(segment);
        this.#origin.callBack(segment);
      } else if (!this.#isShared) {
        this.#unstage(segment);
      }
      this.#settle(segment, Outcome.stale);
    }
    this.#guard.invalidate(segment);
  }

  land(segment: number, now: number, sizeBytes: number): boolean {
    const table = this.#table;
    if (table.stageOf(segment) !== Stage.inFlight) return false;
    this.#now = Math.max(this.#now, now);
    this.#flights.forget(segment);
    this.#origin.answered?.(segment);
    this.#observeLead(this.#position - table.issuedAt[segment]!);
    table.landsAt[segment] = this.#now;
    if (sizeBytes >= 0) table.bytes[segment] = this.#sizes.observe(segment, sizeBytes);
    if (this.#isTooLarge(segment)) {
      table.stage[segment] = Stage.none;
      this.#settle(segment, Outcome.wasted);
    } else {
      this.#land(segment);
    }
    this.#sendQueued(this.#now);
    return table.stage[segment] === Stage.staged;
  }

  learnSize(segment: number, sizeBytes: number): void {
    this.#sizes.observe(segment, sizeBytes);
  }

  fail(segment: number, now: number): boolean {
    if (this.#table.stageOf(segment) !== Stage.inFlight) return false;
    this.#now = Math.max(this.#now, now);
    this.#flights.forget(segment);
    this.#origin.answered?.(segment);
    this.#failFlight(segment);
    this.#sendQueued(this.#now);
    return true;
  }

  finish(): void {
    const { stage } = this.#table;
    for (let segment = 0; segment < stage.length; segment++) {
      if (stage[segment] === Stage.queued) this.#withdraw(segment);
      else if (stage[segment] !== Stage.none) {
        if (stage[segment] === Stage.staged && !this.#isShared) this.#chargeSpace(segment);
        this.#settle(segment, Outcome.pending);
      }
    }
    this.ledger.finish(this.#position + 1, this);
  }

  #serveRow(batch: AccessBatch, i: number): void {
    const { ledger } = this;
    const position = batch.position + i;
    if (position >= ledger.turnsAt) {
      ledger.moveTo(position, this);
      this.#guard.moveTo(position);
    }
    const id = batch.segment[i]!;
    this.#position = position;
    this.rowCount++;
    if (!this.#isTimed) this.#now = position;
    else if (!Number.isNaN(batch.timeMs[i]!)) this.#now = batch.timeMs[i]!;
    if (this.#writes !== 'access' && isWrite(batch.op[i]!)) {
      if (this.#writes === 'ignore') ledger.ignoredWrite();
      else this.invalidate(id);
      return;
    }
    this.#future?.beforeAccess(position, id);
    this.#options.admission?.policy?.observe(id, batch.op[i]!);
    if (id >= this.#table.length) this.#table.grow(id);
    if (this.#flights.count > 0 || this.#queue.count > 0) this.#advance(this.#now);
    // Only now: what landed a moment ago was fetched at the size known then.
    const bytes = this.#sizes.observe(id, batch.size[i]!);
    const served = this.#serveDemand(id, bytes);
    pointAt(this.#cursor, batch, i);
    const proposals = this.#proposals;
    proposals.count = 0;
    this.prefetcher.onAccess(this.#cursor, served, proposals);
    if (proposals.count > 0) this.#applyProposals();
    if (this.#isBounded) this.#guard.check();
  }

  /** All but #options, #cursor, the prefetcher, #origin, #isBytes, #isTimed, #isShared, #stagingMax, #askingExpert, #askedProbability, #whole (the guard), #isBounded, #writes, #future, #policy. */
  persist(fields: StateFields): void {
    fields.section('site');
    const { benefit, expertTrust } = this.#options;
    const accounts = [this.ledger, this.#budget, this.#missBound, benefit, expertTrust, this.#guard, this.#share];
    const queues = [this.#staging, this.#flights, this.#queue, this.#fetches, this.#proposals];
    const tables = [this.#reactive, this.#sizes, this.#table, this.#classes, this.#holdout];
    for (const part of [...accounts, ...queues, ...tables]) part?.persist(fields);
    fields.list(this.#readmissions);
    [this.#now, this.#position, this.rowCount] = fields.plain([this.#now, this.#position, this.rowCount] as const);
    [this.leadAccesses, this.#leadCount] = fields.plain([this.leadAccesses, this.#leadCount] as const);
    this.pollutionCount = fields.number(this.pollutionCount);
    this.unusedResidence = fields.number(this.unusedResidence);
  }

  #serveDemand(segment: number, bytes: number): number {
    const table = this.#table;
    const guard = this.#guard;
    const units = this.#isBytes ? Math.max(1, bytes) : 1;
    guard.demand(segment, units, bytes);
    const { isBaselineHit, weight } = guard;
    let served: number = Served.miss;
    let wait = 0;
    let joinedAt = -1;
    const stage = table.stage[segment];
    if (stage === Stage.staged) {
      served = Served.stagedHit;
      table.stage[segment] = Stage.none;
      if (!this.#isShared) this.#unstage(segment);
      this.#admitDemanded(segment, units);
      this.#settle(segment, Outcome.useful);
    } else if (stage === Stage.inFlight) {
      served = Served.late;
      table.stage[segment] = Stage.none;
      this.#flights.forget(segment);
      this.#origin.join(segment);
      joinedAt = table.issuedAt[segment]!;
      wait = this.#origin.remaining?.(segment, this.#now) ?? table.landsAt[segment]! - this.#now;
      // It takes at least that long, and says nothing where others took longer.
      this.#observeLead(Math.max(this.leadAccesses, this.#position - joinedAt));
      this.#admitDemanded(segment, units);
      this.#settle(segment, Outcome.late);
      this.ledger.joined(joinedAt, wait);
    } else {
      if (stage === Stage.queued) this.#unqueue(segment);
      if (this.#admitDemanded(segment, units)) {
        served = Served.hit;
        // A demand may have fetched it a moment ago.
        if (!this.#origin.isInstant) wait = Math.max(0, table.landsAt[segment]! - this.#now);
      } else {
        guard.fetched(segment, bytes, false);
        if (!this.#isShared) this.#share.missed(segment, isBaselineHit ? weight : 0);
        if (!this.#origin.isInstant) wait = this.#fetchDemand(segment, bytes);
      }
    }
    if (this.#readmissions.length > 0) this.#readmit();
    if (!isBaselineHit && (served === Served.miss || served === Served.late)) this.#classify(segment, stage!, weight);
    this.#classes.demanded(segment);
    this.#holdout?.observe(segment, this.#position - (this.prefetcher.horizonAccesses ?? HORIZON_UNSTATED));
    this.#count(segment, served, bytes, wait, joinedAt);
    return served;
  }

  /** Says why a miss that the baseline has too was not avoided. */
  #classify(segment: number, stage: number, weight: number): void {
    const horizon = this.prefetcher.horizonAccesses ?? HORIZON_UNSTATED;
    const isForecast = (this.prefetcher.forecastOf?.(segment, this.#position) ?? 0) > 0;
    const isLate = stage === Stage.inFlight || stage === Stage.queued;
    this.ledger.unavoided(this.#classes.classOf(segment, this.#position, horizon, isLate, isForecast), weight);
  }

  #count(segment: number, served: number, bytes: number, wait: number, joinedAt: number): void {
    const { ledger } = this;
    const { isBaselineHit, isReferenceHit, weight } = this.#guard;
    const { benefit } = this.#options;
    ledger.digest.add(Decision.served + served, segment);
    if (served === Served.miss || served === Served.late) {
      this.#guard.missed(segment);
      if (isBaselineHit) this.pollutionCount += weight;
      ledger.miss(bytes, isBaselineHit, isReferenceHit, joinedAt, weight);
      if (isBaselineHit) benefit?.lost(wait, served === Served.miss ? bytes : -1, weight);
      else if (served === Served.late) benefit?.gained(this.#fetches.waitMean - wait, bytes);
    } else {
      ledger.hit(bytes, isBaselineHit, isReferenceHit, weight);
      // Where nothing is known of the baseline, what was staged is taken to have been a miss without it.
      if (!isBaselineHit && (weight > 0 || served === Served.stagedHit))
        benefit?.gained(this.#fetches.waitMean - wait, bytes);
    }
    if (!this.#origin.isInstant) ledger.waited(wait);
  }

  /** Gives a demanded segment to the reactive cache; true = it was there. */
  #admitDemanded(segment: number, units: number): boolean {
    if (!this.#guard.isBounded) return this.#reactive.access(segment, units);
    if (this.#reactive.has(segment)) return this.#reactive.access(segment, units);
    // With slack to spare it need not be known that a ghost holds the segment a moment before the site does.
    if (this.#isBytes || this.#guard.slack <= SLACK_KEPT + 1 || this.trafficHeadroom < FOLLOW_BELOW) {
      this.#guard.compare(segment, 'nowhere');
      this.#makeRoom(units);
    }
    this.#reactive.access(segment, units);
    this.#guard.compare(segment, this.#whereIs(segment));
    return false;
  }

  /**
   * Sees to it that `units` more fit without breaking the traffic bound: where slack is short, or does not cover what the eviction might
   * give up for them, what a ghost gave up before goes first, the longest ago first, then what is staged. Where fetches stand above the limit,
   * so that nothing can be sent anyway, the baseline is followed too, to come back to its misses. True = they fit, or will.
   */
  #makeRoom(units: number): boolean {
    const guard = this.#guard;
    const reactive = this.#reactive;
    const { capacity } = this.#options;
    if (!guard.isBounded || this.used + units <= capacity) return true;
    const isCovered = guard.slack > SLACK_KEPT && guard.covers(this.used + units - capacity, reactive.count);
    if (isCovered && guard.headroom(this.#lentCount()) - 2 >= FOLLOW_BELOW) return true;
    if (this.#whole === null) {
      // No ghost to follow: what is lent comes back first, and the eviction chooses the rest.
      while (this.used + units > capacity && this.#staging.count > 0) this.#waste(this.#staging.oldest);
      return isCovered || this.used + units <= capacity;
    }
    const { extras, stagedExtras } = isCovered ? this.#whole.baseline : this.#whole.followed;
    while (this.used + units > capacity && extras.count > 0) this.#giveUp(extras.oldest);
    for (;;) {
      const excess = this.used + units - capacity;
      if (excess <= 0 || guard.covers(excess, reactive.count)) return true;
      if (stagedExtras.count === 0) return false;
      this.#waste(stagedExtras.oldest);
    }
  }

  /** Takes a segment out of the reactive cache that its eviction would have kept. */
  #giveUp(segment: number): void {
    const stage = this.#table.stage[segment];
    this.#reactive.remove(segment);
    this.#guard.compare(segment, 'nowhere');
    if (stage === Stage.staged) {
      this.#table.stage[segment] = Stage.none;
      this.#settle(segment, Outcome.wasted);
    }
    this.prefetcher.onEvict?.(segment, stage === Stage.staged);
  }

  #fetchDemand(segment: number, bytes: number): number {
    const landsAt = this.#origin.demand(segment, bytes, this.#now, this.#position);
    this.#table.landsAt[segment] = landsAt;
    const victim = this.#origin.preempted;
    if (victim >= 0) {
      this.#flights.forget(victim);
      this.#table.stage[victim] = Stage.none;
      this.#settle(victim, Outcome.cancelled);
    }
    this.#fetches.add(bytes, landsAt - this.#now);
    return landsAt - this.#now;
  }

  /** Lands what is due by `now` and sends what was waiting for a slot, in the order of the instants at which it happens. */
  #advance(now: number): void {
    for (;;) {
      const at = this.#flights.nextLanding();
      // A fetch that takes N requests lands after the N-th further access, hence not yet when that one is served.
      if (this.#isTimed ? at > now : at >= now) break;
      const segment = this.#flights.pop();
      if (this.#origin.isAnswered === true) {
        this.#origin.givenUp?.(segment);
        this.#failFlight(segment);
        // Nobody noticed before now: what takes the slot is asked for now, not at the instant that has passed.
        continue;
      }
      // Those between the two, not this access, which finds it landed.
      this.#observeLead(this.#position - this.#table.issuedAt[segment]! - 1);
      this.#land(segment);
      this.#sendQueued(at);
    }
    this.#sendQueued(now);
  }

  /** Ends a prefetch in flight that nobody answers, or that was answered with a failure. */
  #failFlight(segment: number): void {
    this.#table.stage[segment] = Stage.none;
    this.#settle(segment, Outcome.cancelled);
  }

  /** A plain mean until 128 fetches were seen, then an exponential one. */
  #observeLead(accesses: number): void {
    if (this.#leadCount < 128) this.#leadCount++;
    this.leadAccesses += (accesses - this.leadAccesses) / this.#leadCount;
  }

  #sendQueued(now: number): void {
    while (this.#queue.count > 0) {
      const segment = this.#queue.peek();
      if (this.#isTooLarge(segment)) {
        // What an unsized segment is taken to be has grown since.
        this.#unqueue(segment);
        continue;
      }
      const bytes = this.#sizes.of(segment);
      const barred = this.#options.admission?.refusal(segment, bytes, now, this.#flights.count) ?? -1;
      if (barred >= 0) {
        if (PrefetchAdmission.isPassing(barred)) return;
        this.#unqueue(segment);
        continue;
      }
      if (!this.#guard.canSend(bytes, this.#lentCount()) || !this.#guard.canLose(this.#flights.count)) return;
      const landsAt = this.#origin.prefetch(segment, bytes, now, this.#position);
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
      if (segment >= this.#table.length) this.#table.grow(segment);
      this.#consider(segment, p.sizeBytes[i]!, p.probability[i]!, p.expert[i]!);
    }
  }

  /** Sends, queues or refuses one prefetch. */
  #consider(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    const table = this.#table;
    this.#askingExpert = expert;
    this.#askedProbability = probability;
    if (table.stage[segment] !== Stage.none) {
      return this.#refuse(segment, table.stage[segment] === Stage.staged ? Refusal.resident : Refusal.inFlight);
    }
    if (this.#reactive.has(segment)) return this.#refuse(segment, Refusal.resident);
    const holdout = this.#holdout;
    if (holdout?.isHeld(segment) === true) return this.#refuse(segment, Refusal.heldOut);
    if (sizeBytes >= 0) this.#sizes.guess(segment, sizeBytes);
    if (this.#isTooLarge(segment)) return this.#refuse(segment, Refusal.tooLarge);
    const bytes = this.#sizes.of(segment);
    const barred = this.#options.admission?.refusal(segment, bytes, this.#now, this.#flights.count) ?? -1;
    if (barred >= 0) return this.#refuse(segment, barred);
    if (!this.#guard.canSend(bytes, this.#lentCount())) return this.#refuse(segment, Refusal.budget);
    if (!this.#guard.canLose(this.#flights.count)) return this.#refuse(segment, Refusal.throttled);
    const { benefit } = this.#options;
    if (benefit !== undefined && !benefit.isWorth(probability, this.#fetches.waitMean, bytes)) {
      return this.#refuse(segment, Refusal.price);
    }
    if (this.#options.expertTrust?.allows(expert) === false) return this.#refuse(segment, Refusal.distrusted);
    if (holdout?.withholds(segment, this.#position, probability) === true)
      return this.#refuse(segment, Refusal.heldOut);
    table.expert[segment] = expert;
    table.probability[segment] = probability;
    if (this.#origin.isInstant) {
      this.#issue(segment, this.#now);
      return true;
    }
    const landsAt = this.#queue.count > 0 ? -1 : this.#origin.prefetch(segment, bytes, this.#now, this.#position);
    if (landsAt >= 0) {
      this.#issue(segment, landsAt);
      return true;
    }
    table.stage[segment] = Stage.queued;
    const refused = this.#queue.add(segment, Number.isNaN(probability) ? 0 : probability);
    if (refused < 0) return true;
    table.stage[refused] = Stage.none;
    this.#withdraw(refused);
    return refused !== segment;
  }

  /** Segments that may have to be fetched again: as many as the baseline holds more, and one for each prefetch on its way. */
  #lentCount(): number {
    return this.#guard.lentCount(this.#reactive.count, this.#staging.count) + this.#flights.count;
  }

  #isTooLarge(segment: number): boolean {
    return this.#units(segment) > (this.#isShared ? this.capacity : this.#stagingMax);
  }

  #refuse(segment: number, refusal: number): false {
    // Those of the policy, the caps and chance have the codes after it.
    const isThrottled = refusal >= Refusal.throttled;
    if (refusal === Refusal.budget || refusal === Refusal.price || isThrottled) {
      this.#classes.refused(segment, this.#position, isThrottled);
    }
    this.ledger.refused(refusal);
    this.#decided(
      Decision.refused + refusal,
      segment,
      this.#askingExpert,
      this.#askedProbability,
      this.#sizes.of(segment),
    );
    return false;
  }

  #issue(segment: number, landsAt: number): void {
    const table = this.#table;
    const bytes = this.#sizes.of(segment);
    this.#guard.fetched(segment, bytes, true);
    this.#options.admission?.caps?.sent(bytes);
    table.issuedAt[segment] = this.#position;
    table.landsAt[segment] = landsAt;
    table.bytes[segment] = bytes;
    this.ledger.sent(table.expert[segment]!, bytes);
    this.#decided(Decision.issued, segment, table.expert[segment]!, table.probability[segment]!, bytes);
    if (landsAt <= this.#now) {
      this.#land(segment);
      return;
    }
    table.stage[segment] = Stage.inFlight;
    this.#flights.add(segment, landsAt);
  }

  #land(segment: number): void {
    const { stage, bytes } = this.#table;
    const units = this.#isBytes ? Math.max(1, bytes[segment]!) : 1;
    if (this.#isShared) {
      stage[segment] = Stage.staged;
      const isRoom = this.#makeRoom(units);
      // It may also have been demanded while it was queued behind this landing, or the cache shrank below its size.
      if (!isRoom || !this.#reactive.admit(segment, units)) {
        stage[segment] = Stage.none;
        this.#settle(segment, Outcome.wasted);
      }
      this.#guard.compare(segment, this.#whereIs(segment));
      if (this.#readmissions.length > 0) this.#readmit();
      return;
    }
    const room = Math.max(units, this.#share.units);
    if (!this.#makeStagingRoom(units, room) || !this.#makeRoom(units)) {
      // Nothing can leave for it that might not have to be fetched again.
      stage[segment] = Stage.none;
      this.#settle(segment, Outcome.wasted);
      this.prefetcher.onEvict?.(segment, true);
      return;
    }
    stage[segment] = Stage.staged;
    this.#staging.add(segment, units);
    this.#reactive.resize(this.capacity - this.#staging.used);
    this.#guard.compare(segment, 'staged');
  }

  /** Wastes what was staged longest ago until `units` more fit into `room`. False = one that may have to be fetched again would have to go. */
  #makeStagingRoom(units: number, room: number): boolean {
    const staging = this.#staging;
    const guard = this.#guard;
    while (staging.count > 0 && staging.used + units > room) {
      const { oldest } = staging;
      const isSpare = !guard.isBounded || this.#whole?.followed.stagedExtras.has(oldest) === true;
      if (!isSpare && !guard.covers(this.#units(oldest), 1)) return false;
      this.#waste(oldest);
    }
    return true;
  }

  /** Ends a staged segment that nobody asked for. */
  #waste(segment: number): void {
    const table = this.#table;
    const stayed = this.#isTimed ? this.#now - table.landsAt[segment]! : this.#position - table.issuedAt[segment]!;
    const mean = this.unusedResidence;
    this.unusedResidence = Number.isNaN(mean) ? stayed : mean + (stayed - mean) / 128;
    this.#unstage(segment);
    this.#guard.departed();
    this.#guard.compare(segment, 'nowhere');
    this.#share.wasted(segment);
    table.stage[segment] = Stage.none;
    this.#settle(segment, Outcome.wasted);
    this.prefetcher.onEvict?.(segment, true);
  }

  /** Takes a segment out of the prefetch cache and gives its space back to the reactive cache. */
  #unstage(segment: number): void {
    this.#staging.remove(segment);
    this.#reactive.resize(this.capacity - this.#staging.used);
    this.#chargeSpace(segment);
  }

  /** Space costs by the byte, also where the cache counts segments. */
  #chargeSpace(segment: number): void {
    if (!this.#isTimed) return;
    const { bytes, landsAt, issuedAt } = this.#table;
    this.ledger.staged(issuedAt[segment]!, bytes[segment]! * Math.max(0, this.#now - landsAt[segment]!));
  }

  #onEvict(segment: number): void {
    this.#guard.departed();
    this.#guard.compare(segment, 'nowhere');
    if (this.#isShared && this.#table.stageOf(segment) === Stage.staged) {
      if (this.prefetcher.onEvict?.(segment, true) === true) {
        // Not from inside the eviction: the policy is in the middle of making room.
        this.#readmissions.push(segment);
        return;
      }
      this.#table.stage[segment] = Stage.none;
      this.#settle(segment, Outcome.wasted);
      return;
    }
    this.prefetcher.onEvict?.(segment, false);
  }

  /** Admits once more what a prefetcher asked to keep; whoever leaves for it may ask in turn, but only once each. */
  #readmit(): void {
    for (let segment = this.#readmissions.pop(); segment !== undefined; segment = this.#readmissions.pop()) {
      if (this.#table.stage[segment] !== Stage.staged || this.#reactive.has(segment)) continue;
      const units = this.#units(segment);
      if (!this.#makeRoom(units) || !this.#reactive.admit(segment, units)) {
        this.#table.stage[segment] = Stage.none;
        this.#settle(segment, Outcome.wasted);
      }
      this.#guard.compare(segment, this.#whereIs(segment));
    }
  }

  #unqueue(segment: number): void {
    this.#table.stage[segment] = Stage.none;
    this.#queue.remove(segment);
    this.#withdraw(segment);
  }

  #withdraw(segment: number): void {
    this.ledger.withdrew();
    const { expert, probability } = this.#table;
    this.#decided(Decision.withdrawn, segment, expert[segment]!, probability[segment]!, Number.NaN);
    this.#options.onSettled?.(segment, this.#table.expert[segment]!, WITHDRAWN);
  }

  #settle(segment: number, outcome: OutcomeCode): void {
    const table = this.#table;
    const expert = table.expert[segment]!;
    const probability = table.probability[segment]!;
    if (outcome === Outcome.wasted) this.#classes.evicted(segment, this.#position);
    this.#decided(Decision.outcome + outcome, segment, expert, probability, table.bytes[segment]!);
    this.ledger.ended(table.issuedAt[segment]!, outcome, expert, probability);
    this.#options.benefit?.ended(table.bytes[segment]!);
    if (outcome <= Outcome.wasted) this.#options.expertTrust?.ended(expert, probability, outcome !== Outcome.wasted);
    this.prefetcher.onOutcome?.(segment, expert, outcome, probability);
    this.#options.onSettled?.(segment, expert, outcome);
  }

  #decided(code: number, segment: number, expert: number, probability: number, bytes: number): void {
    this.ledger.digest.add(code, segment);
    this.#options.onDecision?.(code, segment, this.#position, this.#now, expert, probability, bytes);
  }

  #whereIs(segment: number): Where {
    if (this.#reactive.has(segment)) return 'reactive';
    return this.#staging.has(segment) ? 'staged' : 'nowhere';
  }

  /** What one segment takes, in the mean over the reactive cache. */
  #meanUnits(): number {
    if (!this.#isBytes) return 1;
    return this.#reactive.count > 0 ? this.#reactive.used / this.#reactive.count : this.#firstUnits();
  }

  /** What one segment is taken to take before any was seen. */
  #firstUnits(): number {
    return this.#isBytes ? this.capacity / 1024 : 1;
  }

  #units(segment: number): number {
    return this.#isBytes ? Math.max(1, this.#sizes.of(segment)) : 1;
  }
}
