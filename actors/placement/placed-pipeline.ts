/** The part of a pipeline that lives in one place, wired to the parts that live in others. */

import type { Actor, ActorRef } from '../../engine/actor.ts';
import { assert } from '../../engine/assert.ts';
import type { ActorSystem } from '../../engine/system.ts';
import type { ActorGateway } from '../../engine/transport/actor-gateway.ts';
import { AggregatorActor, popularityExpert } from '../aggregator/aggregator-actor.ts';
import type { Site } from '../cache-manager/site.ts';
import type { Persistent } from '../engine/component-state.ts';
import type { FarLoopConfig } from '../far-loop-config.ts';
import { ForecasterActor } from '../forecaster/forecaster-actor.ts';
import { dependencyExpert, GraphBuilderActor } from '../graph-builder/graph-builder-actor.ts';
import { IntervalPredictorActor, intervalExpert } from '../interval-predictor/interval-predictor-actor.ts';
import { farExpertsOf } from '../pipeline.ts';
import { PrefetchSchedulerActor } from '../prefetch-scheduler/prefetch-scheduler-actor.ts';
import type { Prices } from '../prices.ts';
import { SeasonalPredictorActor, seasonalExpert } from '../seasonal-predictor/seasonal-predictor-actor.ts';
import { pipelineCodec } from './pipeline-codec.ts';
import { PlacedCacheManager } from './placed-cache-manager.ts';
import type { PlacedActor, Placement } from './placement-config.ts';
import { ResidencyGate, ResidencyView } from './residency.ts';

export interface PlacedPipelineOptions {
  readonly place: string;
  readonly placement: Placement;
  readonly system: ActorSystem;
  /** Attached to a transport that knows every place of the placement. */
  readonly gateway: ActorGateway;
  readonly farLoop: FarLoopConfig;
  readonly prices: Prices;
  readonly bytesPerUnit: number | null;
  readonly missPenaltyMs: number | null;
  /** Of the names of actors between places: one set of them may follow another. Default none. */
  readonly suffix?: string;
  /** An actor here was asked for its state as it was at `position`. */
  readonly onSave?: (name: PlacedActor, position: number) => void;
  /** An actor here was asked something about its model. */
  readonly onAsk?: (name: PlacedActor, id: number, question: unknown) => void;
  /** Called only where the cache manager lives. */
  readonly makeSite: (onSettled: (segment: number, expert: number, outcome: number) => void) => Site;
}

/** Where an expert's proposals come from. */
export function actorOfExpert(expert: string): PlacedActor {
  const actor = ACTOR_OF_EXPERT.get(expert);
  assert(
    actor !== undefined,
    `the expert ${expert} has an actor that can be placed, or the forecaster would wait for ever`,
  );
  return actor;
}

type AnyMessage = { readonly kind: string };

/** The actor behind each expert that the forecaster waits for. */
const ACTOR_OF_EXPERT: ReadonlyMap<string, PlacedActor> = new Map([
  [popularityExpert, 'aggregator'],
  [dependencyExpert, 'graph-builder'],
  [seasonalExpert, 'seasonal-predictor'],
  [intervalExpert, 'interval-predictor'],
]);

/** Nobody may drop a message of the far loop; a block is told to whoever can wait. */
const MAILBOX = { mailbox: { capacity: 1024, policy: 'block' } } as const;

/**
 * The same actors as in `Pipeline`. What these ask the site in passing comes as a message here (`residency.ts`), and a tick is adopted
 * before the next is sent (`placed-log.ts`), so that every placement decides what one process decides.
 */
export class PlacedPipeline {
  readonly cacheManager: PlacedCacheManager | null = null;
  /** Those who learn from accesses and answer ticks, wherever they are. */
  readonly learners: readonly PlacedActor[];
  readonly #options: PlacedPipelineOptions;
  /** The actors of the far loop that live here, to save and restore them. */
  readonly farActors = new Map<PlacedActor, Persistent>();
  readonly #local = new Map<PlacedActor, ActorRef<never>>();

  constructor(options: PlacedPipelineOptions) {
    this.#options = options;
    const { farLoop, prices } = options;
    const { horizonsMs, horizonsAccesses } = farLoop.forecaster;
    const { heldAccessesMax } = farLoop.scheduler;
    const { timeZone } = farLoop;
    const horizons = { horizonsMs, horizonsAccesses };
    const experts = farExpertsOf(farLoop).map(actorOfExpert);
    this.learners = [...experts, 'forecaster', 'scheduler'];
    const forecaster = this.certainRefOf<never>('forecaster');
    const learner = (
      name: PlacedActor,
      make: (isResident: (segment: number) => boolean) => Actor<never> & Persistent,
    ): void =>
      this.#spawn(name, () => {
        assert(experts.includes(name), `${name} is an expert that takes part`);
        const view = new ResidencyView();
        const inner = make((segment) => view.isResident(segment)) as Actor<AnyMessage> & Persistent;
        this.farActors.set(name, inner);
        return new ResidencyGate({ view, inner, heldAccessesMax });
      });
    learner(
      'aggregator',
      (isResident) =>
        new AggregatorActor({ config: { ...farLoop.aggregator, timeZone }, ...horizons, isResident, forecaster }),
    );
    learner(
      'graph-builder',
      (isResident) => new GraphBuilderActor({ config: farLoop.graphBuilder, ...horizons, isResident, forecaster }),
    );
    learner(
      'seasonal-predictor',
      (isResident) =>
        new SeasonalPredictorActor({
          config: { ...farLoop.seasonalPredictor, timeZone },
          horizonsMs,
          isResident,
          forecaster,
        }),
    );
    if (experts.includes('interval-predictor')) {
      learner(
        'interval-predictor',
        (isResident) =>
          new IntervalPredictorActor({ config: farLoop.intervalPredictor, horizonsMs, isResident, forecaster }),
      );
    }
    this.#spawn('forecaster', () => {
      const scheduler = this.certainRefOf<never>('scheduler');
      const inner = new ForecasterActor({ config: farLoop.forecaster, experts: farExpertsOf(farLoop), scheduler });
      this.farActors.set('forecaster', inner);
      return inner;
    });
    this.#spawn('scheduler', () => {
      const view = new ResidencyView();
      const inner = new PrefetchSchedulerActor({
        config: { ...farLoop.scheduler, prices },
        ...horizons,
        site: {
          isResident: (segment) => view.holds(segment),
          isInFlight: (segment) => view.isResident(segment) && !view.holds(segment),
        },
        hasSiteStatus: true,
        cacheManager: this.certainRefOf<never>('cache-manager'),
      });
      this.farActors.set('scheduler', inner);
      return {
        // The site tells what it holds before its status, so a plan never sees an older one.
        receive: (message: AnyMessage, context: unknown) =>
          message.kind === 'residency'
            ? view.apply(message as never)
            : inner.receive(message as never, context as never),
      };
    });
    if (options.placement['cache-manager'] === options.place) {
      const askers: readonly PlacedActor[] = [...experts, 'scheduler'];
      const manager = new PlacedCacheManager({
        manager: {
          makeSite: options.makeSite,
          farLoop: { scheduler: this.certainRefOf<never>('scheduler'), forecaster },
          admission: { probabilityMin: farLoop.probabilityMin, trialEvery: farLoop.trialEvery },
          heldAccessesMax,
          prices,
          missPenaltyMs: options.missPenaltyMs,
        },
        bytesPerUnit: options.bytesPerUnit,
        sizeBytes: farLoop.scheduler.sizeBytes,
        askers: askers.map((name) => this.certainRefOf<never>(name)),
        source: this.certainRefOf<never>('source'),
      });
      this.cacheManager = manager;
      this.#spawn('cache-manager', () => manager as Actor<never>);
    }
  }

  /** The actor of that name, here or elsewhere. */
  refOf<M>(name: PlacedActor): ActorRef<M> {
    const { place, placement, gateway } = this.#options;
    if (placement[name] === place) {
      const local = this.#local.get(name);
      assert(local !== undefined, `${name} lives here and is not started yet`);
      return local as unknown as ActorRef<M>;
    }
    return gateway.ref(placement[name], this.#nameOf(name), pipelineCodec<AnyMessage>()) as unknown as ActorRef<M>;
  }

  /** As `refOf`, looked up when told, and for whoever cannot wait: a message that is not accepted is a fault. */
  certainRefOf<M>(name: PlacedActor): ActorRef<M> {
    const { place, placement } = this.#options;
    return {
      address: `${placement[name]}:${name}`,
      tell: (message) => {
        const delivery = this.refOf<M>(name).tell(message);
        assert(delivery === 'accepted', `${name}, told from ${place}, did not take a message: ${delivery}`);
        return delivery;
      },
      ready: () => this.refOf<M>(name).ready(),
    };
  }

  /** Starts the actor that stands for whoever reads the log, where that is. */
  spawnSource<M extends AnyMessage>(receive: (message: M) => void): void {
    this.#spawn('source', () => ({ receive }) as Actor<never>);
  }

  #nameOf(name: PlacedActor): string {
    return `${name}${this.#options.suffix ?? ''}`;
  }

  #spawn(name: PlacedActor, make: () => Actor<AnyMessage> | Actor<never>): void {
    const { place, placement, system, gateway, onSave, onAsk } = this.#options;
    if (placement[name] !== place) return;
    const actor = make() as Actor<AnyMessage>;
    const asked: Actor<AnyMessage> = {
      receive: (message, context) => {
        const { position, id, question } = message as unknown as { position: number; id: number; question: unknown };
        if (message.kind === 'save') return onSave?.(name, position);
        if (message.kind === 'ask') return onAsk?.(name, id, question);
        return actor.receive(message, context);
      },
    };
    const ref = system.spawn<AnyMessage>(name, () => (onSave === undefined ? actor : asked), MAILBOX);
    this.#local.set(name, ref as ActorRef<never>);
    gateway.export(this.#nameOf(name), ref, pipelineCodec<AnyMessage>());
  }
}
