/** The site with a prefetcher: the near loop that serves each demand access and stages what is proposed. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { isWrite } from '../../streams/operation.ts';
import { type FetchWorth, Outcome as outcomes, type Prefetcher, ProposalBuffer, RowCursor } from '../prefetcher.ts';
import { DemandDesk } from './demand-desk.ts';
import { type GovernorState, stateOf } from './governor-state.ts';
import { IssueDesk } from './issue-desk.ts';
import { KernelRows } from './kernel-rows.ts';
import { Landings } from './landings.ts';
import type { Ledger } from './ledger.ts';
import type { PrefetchPolicy } from './prefetch-policy.ts';
import { Stage as stages } from './prefetch-table.ts';
import { type Prospect, prospectsOf } from './prospects.ts';
import { Settlement } from './settlement.ts';
import type { FetchSample, Site, SiteOptions, WritePolicy } from './site.ts';
import type { GhostBytes, SiteGuard } from './site-guard.ts';
import { SiteKernel } from './site-kernel.ts';
import { SiteSpace } from './site-space.ts';
import { SiteState } from './site-state.ts';
import type { TrafficGuard } from './traffic-guard.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Stage = stages;

/** Rows that the ghosts take ahead of the site: few enough for what they touched to be in the processor's cache still. */
const ROWS_AHEAD = 512;
/** Fewer rows than that are not worth going ahead for, or giving to a kernel. */
const ROWS_AHEAD_LEAST = 8;
/** Accesses after which a kernel takes over: short runs need none. */
const KERNEL_AFTER = 16_384;

/**
 * Per access: land what is due, serve the demand, let the prefetcher propose, stage the best within the budget. Everything a
 * decision depends on is the access, its log position and event time; nothing allocates per access.
 *
 * The work is that of its parts over one `SiteState`: `DemandDesk` serves, `IssueDesk` sends, `Landings` takes in, `SiteSpace` makes room,
 * `Settlement` says how everything ended.
 */
export class PrefetchingSite implements Site {
  readonly ledger: Ledger;
  readonly prefetcher: Prefetcher;
  readonly capacity: number;
  readonly #state: SiteState;
  readonly #settlement: Settlement;
  readonly #space: SiteSpace;
  readonly #landings: Landings;
  readonly #desk: IssueDesk;
  readonly #demands: DemandDesk;
  readonly #guard: SiteGuard;
  /** The guard, where its ghosts may go ahead: where they are whole, no row is an invalidation, and none has another size or future than the next. */
  readonly #runsAhead: TrafficGuard | null;
  readonly #proposals = new ProposalBuffer();
  readonly #cursor = new RowCursor();
  readonly fetchWorth?: FetchWorth;
  readonly #isBounded: boolean;
  readonly #writes: WritePolicy;
  readonly #future: SiteOptions['future'];
  readonly #policy: PrefetchPolicy | null;
  /** Whether a row is asked for more than its demand: for whether it is a write, by the future or by the policy. */
  readonly #isAsked: boolean;
  /** What a kernel serves; null where it cannot, or no more. */
  #rows: KernelRows | null = null;
  readonly #kernelAfter: number;
  #untilKernel: number;
  /** Whether a row of those being served may state a size, or one did before. */
  #isSized = false;
  rowCount = 0;

  constructor(options: SiteOptions) {
    assert(options.makePrefetcher !== null, 'a site without a prefetcher is a baseline site');
    // An eviction calls back once it holds something, which is after this.
    let space: SiteSpace | undefined;
    const state = new SiteState(options, (segment) => space!.left(segment));
    this.#state = state;
    this.#settlement = new Settlement(state);
    this.#space = new SiteSpace(state, this.#settlement);
    space = this.#space;
    this.#landings = new Landings(state, this.#space, this.#settlement);
    this.#desk = new IssueDesk(state, this.#landings, this.#settlement);
    this.#demands = new DemandDesk(state, this.#space, this.#landings, this.#settlement);
    this.#guard = state.guard;
    this.#isBounded = state.guard.isBounded;
    this.#writes = options.writes ?? 'access';
    this.#future = options.future;
    this.#policy = options.admission?.policy ?? null;
    this.#isAsked = this.#writes !== 'access' || this.#future !== undefined || this.#policy !== null;
    this.#runsAhead = this.#writes !== 'access' || options.future !== undefined || state.isBytes ? null : state.whole;
    const suits = this.#runsAhead !== null && !this.#isAsked;
    this.#kernelAfter = suits ? (options.kernelAfter ?? KERNEL_AFTER) : Infinity;
    this.#untilKernel = this.#kernelAfter;
    this.capacity = options.capacity;
    this.ledger = state.ledger;
    if (state.isBytes) this.fetchWorth = state;
    this.prefetcher = options.makePrefetcher(this);
    state.prefetcher = this.prefetcher;
    state.isShared = this.prefetcher.staging === 'shared';
    assert(state.whole !== null || !state.isShared, 'a sampled ghost needs staged segments to be apart');
  }

  get used(): number {
    return this.#state.used;
  }

  get ghostBytes(): GhostBytes | null {
    return this.#guard.ghostBytes;
  }

  get governor(): GovernorState {
    const { guard, missBound, options, reactive } = this.#state;
    return stateOf(this, guard, missBound, options, reactive.name);
  }

  get missSlack(): number {
    return this.#guard.missSlack;
  }

  get trafficBreaches(): number {
    return this.#state.budget.breachCount;
  }

  get trafficOvershoot(): number {
    return this.#state.budget.overshoot;
  }

  get missBreaches(): number {
    return this.#state.missBound.breachCount;
  }

  get missExcess(): number {
    return this.#state.missBound.excess;
  }

  get trafficHeadroom(): number {
    return this.#rows === null ? this.#state.trafficHeadroom : this.#rows.trafficHeadroom;
  }

  get trafficGranted(): number {
    return this.#guard.granted;
  }

  get pollutionCount(): number {
    return this.#demands.pollutionCount;
  }

  get leadAccesses(): number {
    return this.#landings.leadAccesses;
  }

  get unusedResidence(): number {
    return this.#space.unusedResidence;
  }

  get stagingCapacity(): number {
    return Math.floor(this.#state.share.units);
  }

  get stagingUsed(): number {
    return this.#state.staging.used;
  }

  get inFlightCount(): number {
    return this.#state.flights.count;
  }

  /** Resident, staged, in flight or queued. */
  isResident(segment: number): boolean {
    // Who asks knows most of what is in the reactive cache, and asks about the rest.
    const { table, reactive } = this.#state;
    return table.stageOf(segment) !== Stage.none || reactive.has(segment);
  }

  holds(segment: number): boolean {
    const { reactive, staging } = this.#state;
    return reactive.has(segment) || staging.has(segment);
  }

  prospects(limit: number): readonly Prospect[] {
    const { table, sizes, queue, flights, staging } = this.#state;
    return prospectsOf(table, sizes, queue, flights, staging, limit);
  }

  takeFetches(): FetchSample {
    return this.#state.fetches.take();
  }

  serve(batch: AccessBatch): void {
    for (let from = 0; from < batch.length; ) {
      const to = Math.min(batch.length, from + ROWS_AHEAD);
      if (to - from >= ROWS_AHEAD_LEAST) this.#runsAhead?.runAhead(batch.segment, from, to);
      this.#isSized = this.#state.sizes.isAny || hasAnySize(batch.size, from, to);
      if (this.#hasKernel(to - from)) {
        this.#serveRows(batch, from, to);
        from = to;
      }
      // A call for each row: a loop that is compiled while it runs does not come to know whose fields it reads.
      for (; from < to; from++) this.#serveRow(batch, from);
    }
  }

  /** Whether there is a kernel for so many rows, which have not said how large they are. */
  #hasKernel(rowCount: number): boolean {
    if (this.rowCount < this.#untilKernel || rowCount < ROWS_AHEAD_LEAST || this.#isSized) return false;
    if (this.#rows !== null) return true;
    this.#untilKernel = Infinity;
    if (!SiteKernel.suits(this.#state)) return false;
    const rows = new KernelRows({
      state: this.#state,
      space: this.#space,
      landings: this.#landings,
      settlement: this.#settlement,
      desk: this.#desk,
      demands: this.#demands,
      rowsAhead: ROWS_AHEAD,
      serveRow: (batch, row) => this.#serveRow(batch, row),
    });
    if (!rows.layOut()) return false;
    this.#rows = rows;
    this.#untilKernel = 0;
    return true;
  }

  #serveRows(batch: AccessBatch, from: number, to: number): void {
    const rows = this.#rows!;
    try {
      if (!rows.serve(batch, from, to)) this.#dropKernel(Infinity);
    } finally {
      this.rowCount += rows.takeServed();
    }
  }

  /** From now on there is none, until so many rows were served. */
  #dropKernel(until: number): void {
    this.#rows = null;
    this.#untilKernel = until;
  }

  stage(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    return this.#desk.consider(segment, sizeBytes, probability, expert);
  }

  callBack(segment: number): void {
    const { table, flights, origin } = this.#state;
    const stage = table.stageOf(segment);
    if (stage === Stage.queued) {
      this.#settlement.unqueue(segment);
    } else if (stage === Stage.inFlight) {
      table.stage[segment] = Stage.none;
      flights.forget(segment);
      origin.callBack(segment);
      this.#settlement.settle(segment, Outcome.cancelled);
    }
  }

  invalidate(segment: number): void {
    const { table, flights, origin, reactive, isShared, ledger } = this.#state;
    ledger.invalidated();
    reactive.remove(segment);
    const stage = table.stageOf(segment);
    if (stage === Stage.queued) {
      this.#settlement.unqueue(segment);
    } else if (stage !== Stage.none) {
      table.stage[segment] = Stage.none;
      if (stage === Stage.inFlight) {
        flights.forget(segment);
        origin.callBack(segment);
      } else if (!isShared) {
        this.#space.unstage(segment);
      }
      this.#settlement.settle(segment, Outcome.stale);
    }
    this.#guard.invalidate(segment);
  }

  land(segment: number, now: number, sizeBytes: number): boolean {
    const { table } = this.#state;
    if (table.stageOf(segment) !== Stage.inFlight) return false;
    this.#landings.receive(segment, now, sizeBytes);
    this.#desk.sendQueued(this.#state.now);
    return table.stage[segment] === Stage.staged;
  }

  confirm(segment: number, expert: number, probability: number): void {
    this.#settlement.judge(segment, expert, Outcome.late, probability);
  }

  learnSize(segment: number, sizeBytes: number): void {
    this.#state.sizes.observe(segment, sizeBytes);
  }

  fail(segment: number, now: number): boolean {
    if (this.#state.table.stageOf(segment) !== Stage.inFlight) return false;
    this.#landings.fail(segment, now);
    this.#desk.sendQueued(this.#state.now);
    return true;
  }

  finish(): void {
    this.#settlement.finish();
    this.ledger.finish(this.#state.position + 1, this);
  }

  #serveRow(batch: AccessBatch, i: number): void {
    const state = this.#state;
    const { ledger } = state;
    const position = batch.position + i;
    if (position >= ledger.turnsAt) {
      ledger.moveTo(position, this);
      this.#guard.moveTo(position);
    }
    // Ids are below 2^31: without a sign they would be asked about it wherever they are passed on.
    const id = batch.segment[i]! | 0;
    state.position = position;
    this.rowCount++;
    if (!state.isTimed) state.now = position;
    else if (!Number.isNaN(batch.timeMs[i]!)) state.now = batch.timeMs[i]!;
    if (this.#isAsked && !this.#isDemand(id, batch.op[i]!)) return;
    if (id >= state.table.limit) state.table.grow(id);
    if (state.flights.mayLand(state.now, state.isTimed) || state.queue.count > 0) this.#desk.advance(state.now);
    // Only now: what landed a moment ago was fetched at the size known then.
    const bytes = this.#isSized || state.sizes.isGuessed ? state.sizes.observe(id, batch.size[i]!) : 0;
    const served = this.#demands.serve(id, bytes);
    this.#cursor.pointAt(batch, i, position, id);
    const proposals = this.#proposals;
    proposals.count = 0;
    this.prefetcher.onAccess(this.#cursor, served, proposals);
    if (proposals.count > 0) this.#desk.considerAll(proposals);
    if (!this.#guard.isKnownFar && this.#isBounded) this.#guard.check();
  }

  /** Whether a row is one, and no write that is passed over or ends every copy; who watches demands is told. */
  #isDemand(segment: number, op: number): boolean {
    if (this.#writes !== 'access' && isWrite(op)) {
      if (this.#writes === 'ignore') this.ledger.ignoredWrite();
      else this.invalidate(segment);
      return false;
    }
    this.#future?.beforeAccess(this.#state.position, segment);
    this.#policy?.observe(segment, op);
    return true;
  }

  /**
   * All but the prefetcher, the origin, what the options give, and the parts that hold none (#settlement, #desk); #cursor is overwritten. Made anew with it: #guard,
   * #runsAhead, #isAsked, #isSized, #isBounded, #writes, #future, #policy, #rows, #kernelAfter, #untilKernel.
   */
  persist(fields: StateFields): void {
    fields.section('site');
    const state = this.#state;
    const { benefit, expertTrust } = state.options;
    const { ledger, budget, missBound, guard, share } = state;
    const accounts = [ledger, budget, missBound, benefit, expertTrust, guard, share];
    const queues = [state.staging, state.flights, state.queue, state.fetches, this.#proposals];
    const tables = [state.reactive, state.sizes, state.table, state.classes, state.holdout];
    for (const part of [...accounts, ...queues, ...tables]) part?.persist(fields);
    fields.list(this.#space.readmissions);
    [state.now, state.position, this.rowCount] = fields.plain([state.now, state.position, this.rowCount] as const);
    const landings = this.#landings;
    [landings.leadAccesses, landings.leadCount] = fields.plain([landings.leadAccesses, landings.leadCount] as const);
    this.#demands.pollutionCount = fields.number(this.#demands.pollutionCount);
    this.#space.unusedResidence = fields.number(this.#space.unusedResidence);
    if (fields.isRestoring) this.#dropKernel(this.rowCount + this.#kernelAfter);
  }
}

function hasAnySize(size: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (size[i]! >= 0) return true;
  return false;
}
