/** The actors of one site's engine, wired: accesses and ticks go in, decisions come out. */

import type { ActorRef } from '../engine/actor.ts';
import { assert } from '../engine/assert.ts';
import type { StateFields } from '../engine/state-fields.ts';
import type { ActorSystem } from '../engine/system.ts';
import type { AccessBatch } from '../streams/access-batch.ts';
import { AggregatorActor, popularityExpert } from './aggregator/aggregator-actor.ts';
import { CacheManagerActor, type CacheManagerMessage } from './cache-manager/cache-manager-actor.ts';
import type { Site } from './cache-manager/site.ts';
import type { Persistent } from './engine/component-state.ts';
import type { FarLoopConfig } from './far-loop-config.ts';
import { ForecasterActor } from './forecaster/forecaster-actor.ts';
import { dependencyExpert, GraphBuilderActor } from './graph-builder/graph-builder-actor.ts';
import { IntervalPredictorActor, intervalExpert } from './interval-predictor/interval-predictor-actor.ts';
import type {
  ForecasterMessage,
  ForecastsMessage,
  OutcomesMessage,
  SchedulerMessage,
  SiteStatusMessage,
} from './messages.ts';
import { type ResidencyMessage, ResidencyReporter } from './placement/residency.ts';
import { PrefetchSchedulerActor } from './prefetch-scheduler/prefetch-scheduler-actor.ts';
import type { Prices } from './prices.ts';
import type { HourlyDemand } from './seasonal-predictor/seasonal-model.ts';
import { SeasonalPredictorActor, seasonalExpert } from './seasonal-predictor/seasonal-predictor-actor.ts';

/** Experts of the far loop, in the order in which the forecaster mixes them; the last is one that can be left out. */
export const farExperts: readonly string[] = [popularityExpert, dependencyExpert, seasonalExpert, intervalExpert];

/** Those that take part: their numbers are the same with and without the last. */
export function farExpertsOf(config: FarLoopConfig): readonly string[] {
  return config.intervalPredictor.isEnabled ? farExperts : farExperts.slice(0, -1);
}

export interface PipelineOptions {
  readonly system: ActorSystem;
  /** Name under which the actors are spawned. */
  readonly name: string;
  readonly makeSite: (onSettled: (segment: number, expert: number, outcome: number) => void) => Site;
  /** Null = the near loop alone (and baselines): no far-loop actor is spawned. */
  readonly farLoop: FarLoopConfig | null;
  readonly prices: Prices;
  /** Bytes that one cache unit stands for; null = units are segments, and the mean size seen so far counts. */
  readonly bytesPerUnit: number | null;
  /** Waiting of one miss in ms, where fetches are not timed; null = as measured. */
  readonly missPenaltyMs: number | null;
  /** Told of the forecasts of each tick, as the scheduler is, while the actors work: it may only take note of them. */
  readonly onForecasts?: (message: ForecastsMessage) => void;
  /** The far loop lives elsewhere: then no actor but the cache manager is spawned here. */
  readonly elsewhere?: FarLoopLinks;
  /** Told after a message from elsewhere was dealt with. */
  readonly onArrival?: () => void;
}

/** Where the far loop's actors are when they live in other processes. Whoever is told keeps a message until it can be sent. */
export interface FarLoopLinks {
  /** Those that get each batch and each tick. */
  readonly learners: readonly ActorRef<never>[];
  readonly forecaster: ActorRef<OutcomesMessage>;
  readonly scheduler: ActorRef<OutcomesMessage | SiteStatusMessage>;
  /** Those that ask what the site holds: told at each tick. */
  readonly askers: readonly ActorRef<ResidencyMessage>[];
  /** Makes the cache manager known to the scheduler. */
  export(cacheManager: ActorRef<CacheManagerMessage>): void;
}

/**
 * Every actor that learns from accesses gets each batch and each tick, in log order; the cache manager gets them last, so that
 * when it comes to a tick everyone else can have answered it. In process and on a drained system one tick is answered before
 * the next batch is sent; elsewhere the actors hold back what follows a tick, with the same result.
 */
export class Pipeline {
  readonly aggregator: AggregatorActor | null = null;
  readonly graphBuilder: GraphBuilderActor | null = null;
  readonly seasonalPredictor: SeasonalPredictorActor | null = null;
  readonly intervalPredictor: IntervalPredictorActor | null = null;
  readonly forecaster: ForecasterActor | null = null;
  readonly scheduler: PrefetchSchedulerActor | null = null;
  readonly cacheManager: CacheManagerActor;
  readonly #system: ActorSystem;
  readonly #learners: ActorRef<ForecasterMessage & SchedulerMessage>[] = [];
  readonly #cacheManagerRef: ActorRef<CacheManagerMessage>;
  readonly #residency: ResidencyReporter | null;

  constructor(options: PipelineOptions) {
    const { system, name, farLoop, elsewhere } = options;
    this.#system = system;
    // One message is told and handled at a time, so a small mailbox never fills; were it to, nothing may be dropped.
    const mailbox = { mailbox: { capacity: 1024, policy: 'fail' } } as const;
    if (farLoop !== null && elsewhere === undefined) {
      const { timeZone } = farLoop;
      const { horizonsMs, horizonsAccesses } = farLoop.forecaster;
      // The cache manager is spawned last but is known to the scheduler: plans reach it through this forward reference.
      const plans = forward(() => this.#cacheManagerRef);
      // What the site has needs no proposal; asking first keeps the cost of a tick down.
      const isResident = (segment: number): boolean => this.cacheManager.site.isResident(segment);
      const scheduler = new PrefetchSchedulerActor({
        config: { ...farLoop.scheduler, prices: options.prices },
        horizonsMs,
        horizonsAccesses,
        site: {
          isResident: (segment) => this.cacheManager.site.holds(segment),
          isInFlight: (segment) => this.cacheManager.site.isResident(segment) && !this.cacheManager.site.holds(segment),
        },
        hasSiteStatus: true,
        cacheManager: plans,
      });
      const schedulerRef = system.spawn<SchedulerMessage>(`${name}-scheduler`, () => scheduler, mailbox);
      const forecaster = new ForecasterActor({
        config: farLoop.forecaster,
        experts: farExpertsOf(farLoop),
        scheduler: options.onForecasts === undefined ? schedulerRef : heard(schedulerRef, options.onForecasts),
      });
      const forecasterRef = system.spawn<ForecasterMessage>(`${name}-forecaster`, () => forecaster, mailbox);
      const aggregator = new AggregatorActor({
        config: { ...farLoop.aggregator, timeZone },
        horizonsMs,
        horizonsAccesses,
        isResident,
        forecaster: forecasterRef,
      });
      const graphBuilder = new GraphBuilderActor({
        config: farLoop.graphBuilder,
        horizonsMs,
        horizonsAccesses,
        isResident,
        forecaster: forecasterRef,
      });
      const seasonalPredictor = new SeasonalPredictorActor({
        config: { ...farLoop.seasonalPredictor, timeZone },
        horizonsMs,
        isResident,
        forecaster: forecasterRef,
      });
      if (farLoop.intervalPredictor.isEnabled) {
        this.intervalPredictor = new IntervalPredictorActor({
          config: farLoop.intervalPredictor,
          horizonsMs,
          isResident,
          forecaster: forecasterRef,
        });
      }
      this.scheduler = scheduler;
      this.forecaster = forecaster;
      this.aggregator = aggregator;
      this.graphBuilder = graphBuilder;
      this.seasonalPredictor = seasonalPredictor;
      this.#learners.push(
        system.spawn(`${name}-aggregator`, () => aggregator, mailbox) as ActorRef<never>,
        system.spawn(`${name}-graph-builder`, () => graphBuilder, mailbox) as ActorRef<never>,
        system.spawn(`${name}-seasonal-predictor`, () => seasonalPredictor, mailbox) as ActorRef<never>,
        forecasterRef as ActorRef<never>,
        schedulerRef as ActorRef<never>,
      );
      const { intervalPredictor } = this;
      if (intervalPredictor !== null) {
        const ref = system.spawn(`${name}-interval-predictor`, () => intervalPredictor, mailbox);
        this.#learners.push(ref as ActorRef<never>);
      }
    }
    if (farLoop !== null && elsewhere !== undefined) this.#learners.push(...(elsewhere.learners as never[]));
    const links =
      farLoop === null
        ? {}
        : {
            farLoop: {
              scheduler: elsewhere?.scheduler ?? (this.#learners[4]! as ActorRef<never>),
              forecaster: elsewhere?.forecaster ?? (this.#learners[3]! as ActorRef<never>),
            },
          };
    this.#residency =
      elsewhere === undefined || farLoop === null
        ? null
        : new ResidencyReporter(elsewhere.askers, farLoop.scheduler.sizeBytes);
    this.cacheManager = new CacheManagerActor({
      makeSite: options.makeSite,
      ...links,
      admission: { probabilityMin: farLoop?.probabilityMin ?? 0, trialEvery: farLoop?.trialEvery ?? 1 },
      heldAccessesMax: farLoop?.scheduler.heldAccessesMax ?? 1,
      bytesPerUnit: () =>
        options.bytesPerUnit ?? this.#residency?.meanSize ?? this.scheduler?.scheduler.sizeOf(UNKNOWN_SEGMENT) ?? 1,
      prices: options.prices,
      missPenaltyMs: options.missPenaltyMs,
      onServe: (batch) => this.#residency?.observe(batch),
      onReport: (position) => this.#residency?.report(this.site, position),
    });
    this.#cacheManagerRef = system.spawn(`${name}-cache-manager`, () => this.cacheManager, mailbox);
    const ref = this.#cacheManagerRef;
    elsewhere?.export({
      address: ref.address,
      tell: (message) => {
        const delivery = ref.tell(message);
        system.drain();
        options.onArrival?.();
        return delivery;
      },
      ready: () => ref.ready(),
    });
  }

  /** Whether every access that was sent has been served; false while the plan of a tick is awaited from elsewhere. */
  get isSettled(): boolean {
    return this.cacheManager.isIdle;
  }

  /** The actors of the far loop that live here, by name. */
  get farActors(): ReadonlyMap<string, Persistent> {
    const { aggregator, graphBuilder, seasonalPredictor, intervalPredictor, forecaster, scheduler } = this;
    const all = [
      ['aggregator', aggregator],
      ['graph-builder', graphBuilder],
      ['seasonal-predictor', seasonalPredictor],
      ['interval-predictor', intervalPredictor],
      ['forecaster', forecaster],
      ['scheduler', scheduler],
    ] as const;
    return new Map(all.flatMap(([name, actor]) => (actor === null ? [] : [[name, actor] as const])));
  }

  get site(): Site {
    return this.cacheManager.site;
  }

  /**
   * Total weight of accesses that is forecast for each of the next `hours` hours of the local clock from `timeMs` (ms since the epoch) on, the
   * first of which is the hour that holds it. No rows without the far loop, or on a trace without time.
   */
  forecastDemand(timeMs: number, hours: number): readonly HourlyDemand[] {
    return this.seasonalPredictor?.model.forecastDemand(timeMs, hours) ?? [];
  }

  /**
   * The site's side, once everything is settled. The actors of the far loop are saved one by one (`farActors`), wherever they live;
   * #system, #learners and #cacheManagerRef are made anew.
   */
  persist(fields: StateFields): void {
    this.cacheManager.persist(fields);
    const sizes = fields.plain(this.#residency?.sizes ?? null);
    if (fields.isRestoring && sizes !== null) this.#residency?.restore(sizes);
  }

  /** Sends the next accesses to every actor and lets them work. `learned` is what the far loop sees of them; default: the same. */
  observe(batch: AccessBatch, learned: AccessBatch = batch): void {
    this.learn(learned);
    this.serve(batch);
  }

  /** Sends accesses to those that learn from them; all of them must have been sent before the next tick, and may come later than `serve`. */
  learn(batch: AccessBatch): void {
    if (this.#learners.length === 0) return;
    const message = { kind: 'accesses', batch } as const;
    for (const ref of this.#learners) accepted(ref.tell(message as never), ref.address);
    this.#system.drain();
  }

  /** Sends the next accesses to the cache manager, which serves them. */
  serve(batch: AccessBatch): void {
    accepted(this.#cacheManagerRef.tell({ kind: 'accesses', batch }), this.#cacheManagerRef.address);
    this.#system.drain();
  }

  /** Announces that every access before `position` has been sent. */
  tick(position: number, timeMs: number): void {
    const message = { kind: 'tick', position, timeMs } as const;
    for (const ref of this.#learners) accepted(ref.tell(message as never), ref.address);
    accepted(this.#cacheManagerRef.tell(message), this.#cacheManagerRef.address);
    this.#system.drain();
  }
}

/** An id that no trace has: the scheduler answers with the mean size. */
const UNKNOWN_SEGMENT = 2 ** 31 - 1;

function accepted(delivery: string, address: string): void {
  assert(delivery === 'accepted', `${address} did not take a message: ${delivery}`);
}

/** A reference to an actor that is spawned later. */
function forward<M>(target: () => ActorRef<M>): ActorRef<M> {
  return {
    get address() {
      return target().address;
    },
    tell: (message) => target().tell(message),
    ready: () => target().ready(),
  };
}

/** A reference whose forecasts are also told to `listener`. */
function heard(
  ref: ActorRef<SchedulerMessage>,
  listener: (message: ForecastsMessage) => void,
): ActorRef<ForecastsMessage> {
  return {
    address: ref.address,
    tell: (message) => {
      listener(message);
      return ref.tell(message);
    },
    ready: () => ref.ready(),
  };
}
