/** The engine embedded in an application: accesses go in as they happen, prefetch requests and forecasts come out. */

import { Observable, Subject } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import type { Clock } from '../../engine/clock.ts';
import { parseConfig } from '../../engine/config.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { type StateFields, StateLoader, StateSaver } from '../../engine/state-fields.ts';
import { ActorSystem } from '../../engine/system.ts';
import { manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import type { Lift } from '../cache-manager/governor-state.ts';
import type { Origin } from '../cache-manager/origin.ts';
import { admissionOf, type PrefetchAdmission } from '../cache-manager/prefetch-admission.ts';
import type { Site } from '../cache-manager/site.ts';
import { HintBook } from '../hints/hint-book.ts';
import { HINTS_MAX, type Hint, type HintInput, hintsSchema } from '../hints/hints-config.ts';
import type { ForecastsMessage } from '../messages.ts';
import type { AnteroomPrefetcher } from '../near-loop/anteroom-prefetcher.ts';
import { parseLatencySpec } from '../origin/latency-spec.ts';
import { createOrigin } from '../origin/simulated-origin.ts';
import { type FarLoopLinks, farExperts, type Pipeline } from '../pipeline.ts';
import { type Access, AccessIntake } from './access-intake.ts';
import { buildPipeline } from './build-pipeline.ts';
import { isFitting, loadComponent, saveComponent, sketchOf } from './component-state.ts';
import { DecisionLog, type DecisionRecord } from './decision-log.ts';
import { type EngineConfig, type EngineConfigInput, engineConfigSchema } from './engine-config.ts';
import {
  type DemandOutlook,
  EngineModels,
  type ForecastRequest,
  type ForecastSet,
  type LearnedHintsOptions,
  type NamedDependency,
  type NamedUse,
  type SegmentForecast,
} from './engine-models.ts';
import { EngineNames, type SharedNames } from './engine-names.ts';
import { type EnginePlan, enginePlans, type PlanCounts } from './engine-plans.ts';
import { type EngineState, fromBytes, toBytes } from './engine-state.ts';
import { type EngineStats, siteStats } from './engine-stats.ts';
import { Journal, type JournalEvent } from './journal.ts';
import { LiveOrigin } from './live-origin.ts';
import { LogDriver } from './log-driver.ts';
import { PrefetchDesk, type PrefetchRequest } from './prefetch-desk.ts';
import { SegmentVersions } from './segment-versions.ts';

export type { ForecastSet, SegmentForecast } from './engine-models.ts';

/** What an engine is made with. Every field may be left out. */
export interface EngineOptions {
  /** See {@link engineConfigSchema}; unknown keys are refused. */
  readonly config?: EngineConfigInput;
  /** Instant of accesses without a time and of answers without one. Absent: they take the latest event time. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Where names become ids; own tables by default. Share those of a source whose batches are observed. */
  readonly names?: SharedNames;
  /** Where segments are addresses, so that neighbours mean something. */
  readonly addresses?: AddressSpace | null;
  /** How many distinct segments to expect; tables start there and grow. Decisions do not depend on it. */
  readonly segmentCountHint?: number;
  /** What `snapshot` gave: the engine goes on from there. */
  readonly snapshot?: Uint8Array;
  /** The states of the far loop's actors, where the snapshot was made without them (`farStates`). */
  readonly farStates?: ReadonlyMap<string, Uint8Array>;
  /** The far loop's actors live elsewhere. Then `observe` returns before all is decided: go on when `isSettled`. */
  readonly elsewhere?: FarLoopLinks;
  /** The snapshot is known to be what was saved, by a digest of the caller's, so its checksum need not be taken. Default false. */
  readonly isSnapshotVerified?: boolean;
}

/**
 * How far a restored engine is the one that was saved. `exact`: in every bit. `relearned`: saved under other settings or by a version with
 * other models, so the names are there and the journal of the latest accesses was told again; what lies before is missing.
 */
export type Restored = 'exact' | 'relearned';

/**
 * One site's actors on a system that is drained within each call: no timer, no thread, no event-loop turn of its own. Decisions
 * depend on what was observed and answered, in that order, and on the times that were said; never on how accesses were batched.
 *
 * Events are sent to subscribers after a call has done its work, so a subscriber may call the engine again.
 */
export class Engine {
  readonly config: EngineConfig;
  readonly names: EngineNames;
  /** What to fetch. In modelled mode nothing comes out. Who subscribes late gets what is still open. */
  readonly prefetches$: Observable<PrefetchRequest>;
  /** Ids of requests that are not wanted any more, those not answered in time too; whoever fetches may stop. */
  readonly cancellations$: Observable<number>;
  /** At each tick of the far loop. */
  readonly forecasts$: Observable<ForecastSet>;
  /** Segments that left the cache, each once it is not held any more; who keeps the values drops them. */
  readonly departures$: Observable<number>;
  readonly #clock: Pick<Clock, 'now'> | null;
  readonly #system: ActorSystem;
  readonly #pipeline: Pipeline;
  readonly #driver: LogDriver;
  readonly #intake: AccessIntake;
  readonly #decisions: DecisionLog;
  readonly #origin: LiveOrigin | null;
  readonly #desk: PrefetchDesk | null;
  readonly #forecasts = new Subject<ForecastSet>();
  readonly #departures = new Subject<number>();
  readonly #left: number[] = [];
  readonly #nearLoop: AnteroomPrefetcher;
  readonly #liftNow: () => Lift | null;
  readonly #models: EngineModels;
  readonly #told: ForecastsMessage[] = [];
  readonly #journal: Journal;
  /** Whoever fetches, modelled or outside. */
  readonly #fetches: Origin;
  /** Which fields a state of this engine has. */
  readonly #sketch: string;
  /** The same of each actor of the far loop that lives here. */
  readonly #farSketches: ReadonlyMap<string, string>;
  readonly #restored: Restored | null;
  readonly #hints: HintBook;
  readonly #versions = new SegmentVersions();
  readonly #admission: PrefetchAdmission | undefined;
  #latestMs = Number.NaN;
  #fault: string | null = null;
  #isStopped = false;

  constructor(options: EngineOptions = {}) {
    const config = parseConfig(engineConfigSchema, options.config ?? {}, 'engine');
    this.config = config;
    this.#clock = options.clock ?? null;
    this.names = new EngineNames(config, options.names);
    this.#intake = new AccessIntake({
      names: this.names,
      segmentsMax: config.segmentsMax,
      consumersMax: config.consumersMax,
      now: () => this.#clock?.now() ?? Number.NaN,
    });
    this.#decisions = new DecisionLog(config.decisionsKeptMax);
    this.#origin = config.mode === 'live' ? new LiveOrigin(config.live) : null;
    const latency = parseLatencySpec(config.latency);
    const isTimed = this.#origin !== null || latency.kind === 'time';
    this.#system = new ActorSystem({
      clock: new VirtualClock(),
      random: new Xoshiro128(config.seed).fork('actors'),
      turns: manualTurns,
      onEvent: (event) => {
        if (event.kind === 'fault' || event.kind === 'stop-fault') this.#fault ??= `${event.address}: ${event.detail}`;
      },
    });
    this.#hints = new HintBook(config.hints);
    this.#admission = admissionOf({ ...config, isTimed, nameOf: (segment) => this.nameOf(segment) });
    const origin = this.#origin ?? createOrigin(latency, config.seed);
    const built = buildPipeline({
      config,
      system: this.#system,
      origin,
      isTimed,
      addresses: options.addresses ?? null,
      segmentCountHint: options.segmentCountHint ?? 1024,
      hints: this.#hints,
      admission: this.#admission,
      ...(options.elsewhere === undefined ? {} : { elsewhere: options.elsewhere }),
      onArrival: () => {
        if (!this.#isStopped) this.#emit();
      },
      onForecasts: (message) => {
        if (this.#forecasts.observed) this.#told.push(message);
      },
      onLeave: (segment) => {
        if (this.#departures.observed) this.#left.push(segment);
      },
      onDecision: (code, segment, position, now, expert, probability, bytes) => {
        this.#decisions.note(code, segment, expert, probability, bytes, position, now);
        this.#desk?.note(code, segment, position, expert, probability);
      },
    });
    this.#pipeline = built.pipeline;
    this.#nearLoop = built.nearLoop;
    this.#liftNow = built.liftNow;
    this.#models = new EngineModels(this.#pipeline, this.names);
    const state = options.snapshot === undefined ? null : fromBytes(options.snapshot, options.isSnapshotVerified);
    this.#journal = new Journal(config.journalAccessesMax, state ?? undefined);
    this.#driver = new LogDriver(this.#pipeline, config.farLoop, isTimed, state?.start);
    this.#fetches = origin;
    this.#desk =
      this.#origin === null
        ? null
        : new PrefetchDesk({
            origin: this.#origin,
            waitingMax: config.live.concurrencyMax,
            nameOf: (segment) => this.nameOf(segment),
            consumerNameOf: (consumer) => this.names.consumers.nameOf(consumer),
            expertOf: (expert) => this.#experts[expert] ?? null,
          });
    this.prefetches$ = this.#desk?.requests$ ?? new Observable<PrefetchRequest>((subscriber) => subscriber.complete());
    this.cancellations$ = this.#desk?.cancellations$ ?? new Observable<number>((subscriber) => subscriber.complete());
    this.departures$ = this.#departures.asObservable();
    this.forecasts$ = this.#forecasts.asObservable();
    // Before any hint: ids are given to the names of its segments.
    if (state !== null) this.names.persist(new StateLoader(state.names));
    for (const list of config.hints.lists) this.#addHint(list);
    this.#sketch = this.#sketched();
    this.#farSketches = new Map([...this.#pipeline.farActors].map(([name, actor]) => [name, sketchOf(actor)]));
    this.#restored = state === null ? null : this.#restore(state, options);
  }

  /** Accesses taken so far: the log position of the next one. */
  get position(): number {
    return this.#driver.position;
  }

  /** Where names of segments became ids; so for consumers and sites. */
  get segments(): NameInterner {
    return this.names.segments;
  }

  get consumers(): NameInterner {
    return this.names.consumers;
  }

  get sites(): NameInterner {
    return this.names.sites;
  }

  get site(): Site {
    return this.#pipeline.site;
  }

  /** Why the engine does not work any more; null = it does. */
  get fault(): string | null {
    return this.#fault;
  }

  /** The name of a segment; of an id that no name was given to, `#id`. */
  nameOf(segment: number): string {
    return this.names.nameOf(segment);
  }

  /**
   * Takes one access, or many in order. What it decides is decided when it returns.
   * @throws AnteroomError 'bad-record' for a field that cannot be, 'actor-stopped' after `stop` or a fault.
   */
  observe(access: Access | AccessBatch): void {
    this.#mustRun();
    const batch =
      access instanceof AccessBatch
        ? this.#intake.batch(access, this.position)
        : this.#intake.one(access, this.position);
    if (batch === null || batch.length === 0) return;
    if (!(access instanceof AccessBatch) && access.version !== undefined) {
      if (this.#versions.isNews(batch.segment[0]!, access.version))
        this.#tell({ kind: 'invalidated', segment: batch.segment[0]! });
    }
    this.#serve(batch);
    this.#emit();
    this.#mustRun();
  }

  /**
   * The fetch of a request is done. Returns whether the segment is staged now: false where a demand came first, the request was
   * called back, its `version` is not the one last observed, or there is no room for it; then nothing needs to be kept.
   */
  landed(
    id: number,
    answer: { readonly sizeBytes?: number; readonly timeMs?: number; readonly version?: string | number } = {},
  ): boolean {
    this.#mustRun();
    const taken = this.#desk?.take(id) ?? null;
    if (taken === null) return false;
    const { open, isJoined } = taken;
    const { segment } = open;
    const timeMs = this.#now(answer.timeMs);
    const sizeBytes = answer.sizeBytes ?? -1;
    this.#tell({
      kind: 'measured',
      sizeBytes: sizeBytes >= 0 ? sizeBytes : open.sizeBytes,
      durationMs: Math.max(0, timeMs - open.sentAt),
    });
    if (isJoined) {
      this.#tell({ kind: 'closed', id });
      return false;
    }
    // A version that is not the one last said is older or newer than what readers have seen: either way one of the two is stale.
    const isStale = answer.version !== undefined && this.#versions.differs(segment, answer.version);
    if (isStale) this.#tell({ kind: 'invalidated', segment });
    const isStaged = !isStale && this.#tell({ kind: 'landed', segment, timeMs, sizeBytes });
    this.#emit();
    return isStaged;
  }

  /** Whether the answer to a request is still of use: it is not once a demand joined it, it was called back, or its deadline has passed. */
  isWanted(id: number): boolean {
    return this.#origin?.find(id) !== undefined;
  }

  /** The fetch of a request did not succeed. Returns whether that was still of interest. */
  failed(id: number, answer: { readonly timeMs?: number } = {}): boolean {
    this.#mustRun();
    const taken = this.#desk?.take(id) ?? null;
    if (taken === null) return false;
    this.#desk?.failed();
    if (taken.isJoined) {
      this.#tell({ kind: 'closed', id });
      return false;
    }
    this.#tell({ kind: 'failed', segment: taken.open.segment, timeMs: this.#now(answer.timeMs) });
    this.#emit();
    return true;
  }

  /**
   * A demand was fetched by the caller: how large the segment is (absent = unknown), and how long it took (absent = not measured), so that
   * the engine learns what fits and how early to ask. Live mode only.
   */
  fetched(segment: string | number, measured: { readonly sizeBytes?: number; readonly durationMs?: number }): void {
    this.#mustRun();
    const id = this.#idOf(segment);
    const { sizeBytes = -1, durationMs = -1 } = measured;
    if (this.#origin === null || id < 0) return;
    if (sizeBytes >= 0 && Number.isFinite(sizeBytes)) this.#tell({ kind: 'sized', segment: id, sizeBytes });
    if (durationMs >= 0 && Number.isFinite(durationMs)) this.#tell({ kind: 'measured', sizeBytes, durationMs });
  }

  /**
   * Ends every copy of a segment whose origin changed: what is staged or in flight is stale. With a `version` only if another one was
   * said last, so that a repeated announcement does no harm.
   */
  invalidate(segment: string | number, version?: string | number): void {
    this.#mustRun();
    const id = this.#idOf(segment);
    if (id >= 0 && (version === undefined || this.#versions.isNews(id, version))) {
      this.#tell({ kind: 'invalidated', segment: id });
    }
    this.#emit();
  }

  /** Whether a demand would be served from a copy. */
  holds(segment: string | number): boolean {
    const id = this.#idOf(segment);
    return id >= 0 && this.site.holds(id);
  }

  /**
   * What is likely to be accessed, the most likely first: of one segment, after the last access of a consumer (else: of the latest
   * access of anyone), within the shortest configured horizon that covers `horizonMs`. Empty with the far loop off or nothing known.
   * Asking changes nothing.
   */
  forecast(question: ForecastRequest = {}): readonly SegmentForecast[] {
    this.flush();
    return this.#models.forecast(question);
  }

  /**
   * The last access of a consumer (absent: the latest access of anyone), where forecasts start from; null = none is known. A restored
   * engine knows those of its journal.
   */
  lastAccess(
    consumer?: string | number,
  ): { readonly segment: number; readonly name: string; readonly consumer: number } | null {
    return this.#models.lastAccess(consumer);
  }

  /** Sees to it that every model has learned from every access so far; questions do so by themselves. Decisions do not change by it. */
  flush(): void {
    if (!this.#isStopped && this.#fault === null) this.#driver.flush();
  }

  /** The `n` most used segments, decayed, best first. */
  hotSegments(n: number): readonly NamedUse[] {
    this.flush();
    return this.#models.hotSegments(n);
  }

  /**
   * Adds what is known of the order and time of accesses, as `config.hints.lists` has it: it counts from the next access on.
   * @throws AnteroomError 'bad-config' for a list that cannot be, 'limit' beyond 10,000 lists; then none is added.
   */
  addHints(lists: readonly HintInput[]): void {
    this.#mustRun();
    const { lists: checked } = parseConfig(hintsSchema, { lists }, 'hints');
    if (this.#hints.count + checked.length > HINTS_MAX) {
      throw new AnteroomError('limit', `more than ${HINTS_MAX} lists of hints`, {
        context: { known: this.#hints.count },
      });
    }
    for (const hint of checked) this.#tell({ kind: 'hinted', hint });
  }

  /**
   * What the dependency graph has learned, as ordered lists for another engine: chains of the strongest successors, from the `count`
   * strongest edges of at least that support and confidence.
   */
  learnedHints(options: LearnedHintsOptions = {}): readonly HintInput[] {
    this.flush();
    return this.#models.learnedHints(options);
  }

  /**
   * Other hard caps from now on, for whoever operates it: what was sent counts on. It is not part of what `snapshot` saves, so an engine
   * restored with the new caps in its settings is `relearned`, as after any change of settings.
   * @throws AnteroomError 'bad-config' for caps that cannot be, 'unsupported' where neither caps nor a policy were set at the start.
   */
  setCaps(caps: EngineConfig['caps']): void {
    this.#mustRun();
    if (this.#admission === undefined)
      throw new AnteroomError(
        'unsupported',
        'caps can be set while it runs only where caps or a policy were set at the start',
      );
    this.#admission.setCaps(caps);
  }

  /** How much a segment is used; null where the map does not know it. */
  accessMap(segment: string | number): NamedUse | null {
    this.flush();
    return this.#models.accessMap(this.#idOf(segment));
  }

  /** What leads to a segment, the best supported first, at most `count`. Looks at every edge of the graph. */
  predecessors(segment: string | number, count = 10): readonly NamedDependency[] {
    this.flush();
    return this.#models.predecessors(this.#idOf(segment), count);
  }

  /**
   * Total demand of each of the next `hours` hours of the local clock (1 to 168), the first of which is the one of the latest access, with what
   * came before and the profile of the week. Null with the far loop off or without event times.
   */
  demand(hours = 24): DemandOutlook | null {
    this.flush();
    return this.#models.demand(hours);
  }

  /** Prefetches that have not ended: planned, queued, on their way, staged; at most `limit` of each. See {@link EnginePlan}. */
  plans(limit = 100): readonly EnginePlan[] {
    return enginePlans(this.#pipeline, limit, (segment) => this.nameOf(segment), this.#experts);
  }

  /** What became of the far loop's candidates since the start, by reason; null with the far loop off. */
  get planCounts(): PlanCounts | null {
    const counts = this.#pipeline.scheduler?.scheduler.counts;
    return counts === undefined ? null : { ...counts };
  }

  /** What follows a segment, the most confident first. */
  successors(segment: string | number): readonly NamedDependency[] {
    this.flush();
    return this.#models.successors(this.#idOf(segment));
  }

  /** The latest `n` decisions about prefetches, the latest first. */
  decisions(
    n = this.config.decisionsKeptMax,
  ): readonly (Omit<DecisionRecord, 'expert'> & { readonly name: string; readonly expert: string | null })[] {
    return this.#decisions.latest(n).map((record) => ({
      ...record,
      name: this.nameOf(record.segment),
      expert: this.#experts[record.expert] ?? null,
    }));
  }

  /** Metrics by the definitions of a replay's report, since the start or since what was restored. */
  stats(): EngineStats {
    const { site } = this;
    return {
      ...siteStats(site, this.#experts),
      intake: this.#intake.counts,
      governor: {
        trafficHeadroom: site.trafficHeadroom,
        trafficBreaches: site.trafficBreaches,
        trafficOvershoot: site.trafficOvershoot,
        missBreaches: site.missBreaches,
        missExcess: site.missExcess,
        state: site.governor,
        lift: this.#liftNow(),
        spent: this.#admission?.caps?.spent ?? null,
        threshold: this.#nearLoop.threshold,
      },
      live: this.#desk?.stats() ?? null,
      position: this.position,
    };
  }

  /**
   * The engine as bytes, for `createEngine({ snapshot })` with the same settings: every table as it is, and the latest
   * `journalAccessesMax` accesses for an engine with others, see {@link Restored}. Requests that are open are handed out again.
   * `isFarApart`: without the far loop's actors, whose states are kept beside it.
   */
  snapshot(options: { readonly isFarApart?: boolean } = {}): Uint8Array {
    this.#mustRun();
    this.#driver.flush();
    const names = new StateSaver();
    this.names.persist(names);
    const fields = new StateSaver();
    this.#persist(fields);
    const state = {
      versions: this.#versions.entries(),
      config: JSON.stringify(this.config),
      sketch: this.#sketch,
      names: names.finish(),
      fields: fields.finish(),
      far: options.isFarApart === true ? new Map<string, Uint8Array>() : this.farStates(),
    };
    return toBytes(state, this.#journal);
  }

  /** Where the far loop lives elsewhere: whether everything observed has been decided. */
  get isSettled(): boolean {
    return this.#pipeline.isSettled;
  }

  /** The states of the far loop's actors that live here, for `createEngine({ farStates })` beside a snapshot without them. */
  farStates(): ReadonlyMap<string, Uint8Array> {
    this.#mustRun();
    this.#driver.flush();
    return new Map(
      [...this.#pipeline.farActors].map(([name, actor]) => [name, saveComponent(actor, this.#farSketches.get(name)!)]),
    );
  }

  /** How it was restored; null = it was not. */
  get restored(): Restored | null {
    return this.#restored;
  }

  /** Ends the run: what is staged or in flight is pending. The last stats, with the digest of the whole run. A second call gives the same. */
  async stop(): Promise<EngineStats> {
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.site.finish();
      this.#driver.flush();
      await this.#system.stop();
      this.#desk?.complete();
      this.#forecasts.complete();
      this.#departures.complete();
    }
    return this.stats();
  }

  get #experts(): readonly string[] {
    return [...(this.site.prefetcher?.experts ?? []), ...farExperts];
  }

  #serve(batch: AccessBatch): void {
    const last = batch.length - 1;
    if (!Number.isNaN(batch.timeMs[last]!)) this.#latestMs = batch.timeMs[last]!;
    this.#desk?.serving(batch);
    this.#models.observe(batch);
    this.#journal.access(batch);
    try {
      this.#driver.push(batch);
    } catch (error) {
      // A broken invariant leaves the actors between two states.
      this.#fault ??= error instanceof Error ? error.message : String(error);
      throw new AnteroomError('actor-stopped', `an actor of the engine failed: ${this.#fault}`, { cause: error });
    }
    this.#origin?.expireJoined(this.#latestMs);
  }

  /** Everything but accesses that changes state goes through here, so that the journal has it. */
  #tell(event: JournalEvent): boolean {
    this.#journal.event(event);
    const { site } = this;
    switch (event.kind) {
      case 'landed':
        return site.land(event.segment, event.timeMs, event.sizeBytes);
      case 'failed':
        return site.fail(event.segment, event.timeMs);
      case 'closed':
        this.#origin?.closeJoined(event.id);
        return true;
      case 'measured':
        this.#origin?.measured(event.sizeBytes, event.durationMs);
        return true;
      case 'hinted':
        this.#addHint(event.hint);
        return true;
      case 'sized':
        site.learnSize(event.segment, event.sizeBytes);
        return true;
      case 'invalidated':
        site.invalidate(event.segment);
        return true;
    }
  }

  #restore(state: EngineState, options: EngineOptions): Restored {
    const isSame = state.config === JSON.stringify(this.config) && state.sketch === this.#sketch;
    const isExact = isSame && this.#resumeFar(options.farStates ?? state.far, options);
    if (isExact) this.#resume(state);
    else if (options.elsewhere === undefined) this.#relearn(state);
    else
      throw new AnteroomError(
        'unsupported',
        'the state is of other settings or models: have the far loop in this process once, which learns them',
      );
    this.#mustRun();
    this.#intake.resume(this.#latestMs);
    this.#desk?.reopen();
    this.#versions.restore(state.versions);
    return isExact ? 'exact' : 'relearned';
  }

  /** Restores the far loop's actors that live here: all of them, or false and none. */
  #resumeFar(states: ReadonlyMap<string, Uint8Array>, { isSnapshotVerified, farStates }: EngineOptions): boolean {
    const { farActors } = this.#pipeline;
    const isComplete = [...farActors].every(([name, actor]) => {
      const bytes = states.get(name);
      return bytes !== undefined && isFitting(actor, bytes);
    });
    // Those that came within the snapshot were covered by its checksum.
    const isVerified = farStates === undefined || isSnapshotVerified;
    if (isComplete)
      for (const [name, actor] of farActors)
        assert(loadComponent(actor, states.get(name)!, isVerified), 'a fitting state');
    return isComplete;
  }

  #resume(state: EngineState): void {
    this.#journal.restore(state);
    const fields = new StateLoader(state.fields);
    this.#persist(fields);
    fields.finish();
  }

  #relearn(state: EngineState): void {
    retell(
      state,
      (batch) => this.#serve(batch),
      (event) => this.#tell(event),
    );
  }

  #persist(fields: StateFields): void {
    fields.section('engine');
    this.#latestMs = fields.number(this.#latestMs);
    this.#intake.persist(fields);
    this.#driver.persist(fields);
    this.#pipeline.persist(fields);
    this.#nearLoop.persist(fields);
    this.#hints.persist(fields);
    this.#admission?.persist(fields);
    this.#fetches.persist?.(fields);
    this.#desk?.persist(fields);
    this.#models.persist(fields);
    this.#decisions.persist(fields);
  }

  #sketched(): string {
    return sketchOf({ persist: (fields) => this.#persist(fields) });
  }

  #addHint(hint: Hint): void {
    this.#hints.add(
      hint,
      Int32Array.from(hint.segments, (name) => this.#intake.idOf(name)),
    );
  }

  #idOf(segment: string | number): number {
    return this.names.idOf(segment);
  }

  #now(timeMs: number | undefined): number {
    const now = timeMs ?? this.#clock?.now() ?? this.#latestMs;
    return Number.isNaN(now) ? 0 : now;
  }

  #mustRun(): void {
    if (this.#isStopped) throw new AnteroomError('actor-stopped', 'the engine was stopped');
    if (this.#fault !== null) throw new AnteroomError('actor-stopped', `an actor of the engine failed: ${this.#fault}`);
  }

  #emit(): void {
    for (const segment of this.#left.splice(0)) if (!this.site.holds(segment)) this.#departures.next(segment);
    for (const message of this.#told.splice(0)) this.#forecasts.next(this.#models.forecastSet(message));
    this.#desk?.emit((id) => this.#tell({ kind: 'closed', id }));
  }
}

/** What was told, in its order: batches cut where something came between their rows. */
function retell(state: EngineState, access: (batch: AccessBatch) => void, tell: (event: JournalEvent) => void): void {
  const { batches, events } = state;
  let next = 0;
  for (const batch of batches) {
    for (let from = 0; from < batch.length; ) {
      const position = batch.position + from;
      for (; events[next] !== undefined && events[next]!.position <= position; next++) tell(events[next]!.event);
      const until = Math.min(batch.length, (events[next]?.position ?? Infinity) - batch.position);
      access(batch.slice(from, until));
      from = until;
    }
  }
  for (; next < events.length; next++) tell(events[next]!.event);
}
