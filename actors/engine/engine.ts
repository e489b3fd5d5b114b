/** The engine embedded in an application: accesses go in as they happen, prefetch requests and forecasts come out. */

import type { Observable } from 'rxjs';
import { AnteroomError } from '../../engine/errors.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import type { Site } from '../cache-manager/site.ts';
import type { HintInput } from '../hints/hints-config.ts';
import type { LearnedHintsOptions } from '../hints/hints-of-edges.ts';
import type { Access } from './access-intake.ts';
import type { NamedDecision } from './decision-log.ts';
import { EngineAnswers, type FetchAnswer, type MeasuredFetch } from './engine-answers.ts';
import type { EngineConfig } from './engine-config.ts';
import { EngineFeed, type HintsTaken } from './engine-feed.ts';
import type {
  DemandOutlook,
  ForecastRequest,
  ForecastSet,
  LastAccess,
  NamedDependency,
  NamedUse,
  SegmentForecast,
} from './engine-models.ts';
import type { EngineNames } from './engine-names.ts';
import type { EngineOptions, Restored } from './engine-options.ts';
import { EngineOutput } from './engine-output.ts';
import { buildEngineParts, type EngineParts } from './engine-parts.ts';
import { type EnginePlan, enginePlans, type PlanCounts } from './engine-plans.ts';
import { EngineSnapshots } from './engine-snapshots.ts';
import { type EngineStats, engineStats } from './engine-stats.ts';
import { AskedModels, type AskModel, type ModelAnswers } from './model-answers.ts';
import type { PrefetchRequest } from './prefetch-desk.ts';

/**
 * One site's actors on a system that is drained within each call: no timer, no thread, no event-loop turn of its own. Decisions
 * depend on what was observed and answered, in that order, and on the times that were said; never on how accesses were batched.
 *
 * Events are sent to subscribers after a call has done its work, so a subscriber may call the engine again. After `stop`, or once an
 * actor failed, whatever would change it throws AnteroomError 'actor-stopped'; questions are answered as of then.
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
  /** How it was restored; null = it was not. */
  readonly restored: Restored | null;
  readonly #parts: EngineParts;
  readonly #output = new EngineOutput();
  readonly #feed: EngineFeed;
  readonly #answers: EngineAnswers;
  readonly #snapshots: EngineSnapshots;

  constructor(options: EngineOptions = {}) {
    const parts = buildEngineParts(options, {
      ...this.#output.listeners,
      onArrival: () => {
        if (!parts.health.isStopped) this.#emit();
      },
    });
    this.config = parts.config;
    this.names = parts.names;
    this.prefetches$ = this.#output.prefetches$(parts);
    this.cancellations$ = this.#output.cancellations$(parts);
    this.forecasts$ = this.#output.forecasts$;
    this.departures$ = this.#output.departures$;
    this.#parts = parts;
    this.#feed = new EngineFeed(parts);
    this.#answers = new EngineAnswers(parts, this.#feed, () => this.#emit());
    this.#snapshots = new EngineSnapshots(parts, this.#feed);
    this.restored = parts.saved === null ? null : this.#snapshots.restore(parts.saved, options);
  }

  /** Accesses taken so far: the log position of the next one. */
  get position(): number {
    return this.#parts.driver.position;
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
    return this.#parts.pipeline.site;
  }

  /** Why the engine does not work any more; null = it does. */
  get fault(): string | null {
    return this.#parts.health.fault;
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
    const { health, intake, versions } = this.#parts;
    health.mustRun();
    const batch =
      access instanceof AccessBatch ? intake.batch(access, this.position) : intake.one(access, this.position);
    if (batch === null || batch.length === 0) return;
    if (!(access instanceof AccessBatch) && access.version !== undefined) {
      const segment = batch.segment[0]!;
      if (versions.isNews(segment, access.version)) this.#feed.tell({ kind: 'invalidated', segment });
    }
    this.#feed.serve(batch);
    this.#emit();
    health.mustRun();
  }

  /**
   * The fetch of a request is done. Returns whether the segment is staged now: false where a demand came first, the request was
   * called back, its `version` is not the one last observed, or there is no room for it; then nothing needs to be kept.
   */
  landed(id: number, answer: FetchAnswer = {}): boolean {
    this.#parts.health.mustRun();
    return this.#answers.landed(id, answer);
  }

  /** Whether the answer to a request is still of use: it is not once a demand joined it, it was called back, or its deadline has passed. */
  isWanted(id: number): boolean {
    return this.#parts.origin?.find(id) !== undefined;
  }

  /** The fetch of a request did not succeed. Returns whether that was still of interest. */
  failed(id: number, answer: Pick<FetchAnswer, 'timeMs'> = {}): boolean {
    this.#parts.health.mustRun();
    return this.#answers.failed(id, answer.timeMs);
  }

  /**
   * A demand was fetched by the caller: how large the segment is (absent = unknown), and how long it took (absent = not measured), so that
   * the engine learns what fits and how early to ask. Live mode only.
   */
  fetched(segment: string | number, measured: MeasuredFetch): void {
    this.#parts.health.mustRun();
    this.#answers.fetched(segment, measured);
  }

  /**
   * Ends every copy of a segment whose origin changed: what is staged or in flight is stale. With a `version` only if another one was
   * said last, so that a repeated announcement does no harm.
   */
  invalidate(segment: string | number, version?: string | number): void {
    this.#parts.health.mustRun();
    this.#answers.invalidate(segment, version);
  }

  /** Whether a demand would be served from a copy. */
  holds(segment: string | number): boolean {
    const id = this.names.idOf(segment);
    return id >= 0 && this.site.holds(id);
  }

  /**
   * What is likely to be accessed, the most likely first: of one segment, after the last access of a consumer (else: of the latest
   * access of anyone), within the shortest configured horizon that covers `horizonMs`. Empty with the far loop off or nothing known.
   * Asking changes nothing.
   */
  forecast(question: ForecastRequest = {}): readonly SegmentForecast[] {
    this.flush();
    return this.#parts.models.forecast(question);
  }

  /**
   * The last access of a consumer (absent: the latest access of anyone), where forecasts start from; null = none is known. A restored
   * engine knows those of its journal.
   */
  lastAccess(consumer?: string | number): LastAccess | null {
    return this.#parts.models.lastAccess(consumer);
  }

  /** Sees to it that every model has learned from every access so far; questions do so by themselves. Decisions do not change by it. */
  flush(): void {
    const { health, driver } = this.#parts;
    if (!health.isStopped && health.fault === null) driver.flush();
  }

  /** The `n` most used segments, decayed, best first. */
  hotSegments(n: number): readonly NamedUse[] {
    this.flush();
    return this.#parts.models.hotSegments(n);
  }

  /** How much a segment is used; null where the map does not know it. */
  accessMap(segment: string | number): NamedUse | null {
    this.flush();
    return this.#parts.models.accessMap(this.names.idOf(segment));
  }

  /** What follows a segment, the most confident first. */
  successors(segment: string | number): readonly NamedDependency[] {
    this.flush();
    return this.#parts.models.successors(this.names.idOf(segment));
  }

  /** What leads to a segment, the best supported first, at most `count`. Looks at every edge of the graph. */
  predecessors(segment: string | number, count = 10): readonly NamedDependency[] {
    this.flush();
    return this.#parts.models.predecessors(this.names.idOf(segment), count);
  }

  /** The questions above where `elsewhere` has the far loop's actors: `ask` takes each to the actor that it is for. */
  asking(ask: AskModel): ModelAnswers {
    const { names, models } = this.#parts;
    return new AskedModels({ names, steps: models.steps, flush: () => this.flush(), ask });
  }

  /** The same answered here, for whoever asks in one way wherever the actors are. */
  get modelAnswers(): ModelAnswers {
    return {
      forecast: async (request) => this.forecast(request),
      hotSegments: async (count) => this.hotSegments(count),
      uses: async (segments) => segments.map((segment) => this.accessMap(segment)),
      successors: async (segments, count) => segments.map((segment) => this.successors(segment).slice(0, count)),
      predecessors: async (segment, count) => this.predecessors(segment, count),
      demand: async (hours) => this.demand(hours),
    };
  }

  /**
   * Total demand of each of the next `hours` hours of the local clock (1 to 168), the first of which is the one of the latest access, with what
   * came before and the profile of the week. Null with the far loop off or without event times.
   */
  demand(hours = 24): DemandOutlook | null {
    this.flush();
    return this.#parts.models.demand(hours);
  }

  /**
   * Adds what is known of the order and time of accesses, as `config.hints.lists` has it: it counts from the next access on. Says how many of the names are known.
   * @throws AnteroomError 'bad-config' for a list that cannot be, 'limit' beyond 10,000 lists; then none is added.
   */
  addHints(lists: readonly HintInput[]): HintsTaken {
    this.#parts.health.mustRun();
    return this.#feed.addHints(lists);
  }

  /**
   * What the dependency graph has learned, as ordered lists for another engine: chains of the strongest successors, from the `count`
   * strongest edges of at least that support and confidence.
   */
  learnedHints(options: LearnedHintsOptions = {}): readonly HintInput[] {
    this.flush();
    return this.#parts.models.learnedHints(options);
  }

  /**
   * Other hard caps from now on, for whoever operates it: what was sent counts on. Caps are nothing learned: an engine is restored exactly
   * whichever caps its settings have, and these are in force then as if they had been set at that moment.
   * @throws AnteroomError 'bad-config' for caps that cannot be, 'unsupported' where neither caps nor a policy were set at the start.
   */
  setCaps(caps: EngineConfig['caps']): void {
    const { health, admission } = this.#parts;
    health.mustRun();
    if (admission === undefined)
      throw new AnteroomError(
        'unsupported',
        'caps can be set while it runs only where caps or a policy were set at the start',
      );
    admission.setCaps(caps);
  }

  /** Prefetches that have not ended: planned, queued, on their way, staged; at most `limit` of each. See {@link EnginePlan}. */
  plans(limit = 100): readonly EnginePlan[] {
    const { pipeline, experts } = this.#parts;
    return enginePlans(pipeline, limit, (segment) => this.nameOf(segment), experts);
  }

  /** What became of the far loop's candidates since the start, by reason; null with the far loop off. */
  get planCounts(): PlanCounts | null {
    const counts = this.#parts.pipeline.scheduler?.scheduler.counts;
    return counts === undefined ? null : { ...counts };
  }

  /** The latest `n` decisions about prefetches, the latest first. */
  decisions(n = this.config.decisionsKeptMax): readonly NamedDecision[] {
    const { decisions, experts } = this.#parts;
    return decisions.latestNamed(n, (segment) => this.nameOf(segment), experts);
  }

  /** Metrics by the definitions of a replay's report, since the start or since what was restored. */
  stats(): EngineStats {
    return engineStats(this.#parts);
  }

  /**
   * The engine as bytes, for `createEngine({ snapshot })` with the same settings: every table as it is, and the latest
   * `journalAccessesMax` accesses for an engine with others, see {@link Restored}. Requests that are open are handed out again.
   * `isFarApart`: without the far loop's actors, whose states are kept beside it.
   */
  snapshot(options: { readonly isFarApart?: boolean } = {}): Uint8Array {
    this.#parts.health.mustRun();
    return this.#snapshots.save(options.isFarApart === true);
  }

  /** The states of the far loop's actors that live here, for `createEngine({ farStates })` beside a snapshot without them. */
  farStates(): ReadonlyMap<string, Uint8Array> {
    this.#parts.health.mustRun();
    return this.#snapshots.farStates();
  }

  /** Where the far loop lives elsewhere: whether everything observed has been decided. */
  get isSettled(): boolean {
    return this.#parts.pipeline.isSettled;
  }

  /** Ends the run: what is staged or in flight is pending. The last stats, with the digest of the whole run. A second call gives the same. */
  async stop(): Promise<EngineStats> {
    const { health, driver, system } = this.#parts;
    if (!health.isStopped) {
      health.stopped();
      this.site.finish();
      driver.flush();
      await system.stop();
      this.#output.complete(this.#parts);
    }
    return this.stats();
  }

  #emit(): void {
    // What never went out delivered nothing.
    this.#output.emit(this.#parts, (id) => this.#feed.tell({ kind: 'closed', id, isFailed: true }));
  }
}
