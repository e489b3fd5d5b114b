/** What the models of an engine have learned, by name. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { SegmentUse } from '../aggregator/access-map.ts';
import type { Dependency } from '../graph-builder/dependency-graph.ts';
import type { HintInput } from '../hints/hints-config.ts';
import { type LearnedHintsOptions, learnedHintsOf } from '../hints/hints-of-edges.ts';
import type { ForecastsMessage } from '../messages.ts';
import { farExperts, type Pipeline } from '../pipeline.ts';
import type { DemandErrors, DemandExpert } from '../seasonal-predictor/demand-forecaster.ts';
import type { HourlyDemand } from '../seasonal-predictor/seasonal-model.ts';
import type { EngineNames } from './engine-names.ts';
import type { QuestionSteps } from './forecast-query.ts';
import { LatestAccesses } from './latest-accesses.ts';
import { actorOfQuestion, answerModel } from './model-questions.ts';
import { ModelSteps } from './model-steps.ts';

/** More than any segment has. */
const EDGES_MAX = 1000;

/** P(segment accessed within a horizon), as the far loop sees it. */
export interface SegmentForecast {
  readonly segment: number;
  readonly name: string;
  /** Calibrated, 0..1. */
  readonly probability: number;
  /** In ms of event time, or in accesses where the log has no time. */
  readonly horizonMs: number;
  /** The expert that weighs most in it. */
  readonly expert: string;
}

/** The forecasts of one tick of the far loop. */
export interface ForecastSet {
  readonly position: number;
  readonly timeMs: number;
  readonly forecasts: readonly SegmentForecast[];
}

/** What `forecast` is asked. Every field may be left out. */
export interface ForecastRequest {
  /** Whose last access dependencies are followed from. Default: whoever accessed last. */
  readonly consumer?: string | number;
  /** Default: those that the models think of. */
  readonly segment?: string | number;
  /** Default: the shortest that is configured. */
  readonly horizonMs?: number;
  /** Default 10. */
  readonly count?: number;
}

/** Total demand by the hour: what was, what is expected, and the season behind it. Weights are accesses. */
export interface DemandOutlook {
  /** Event time of the latest access. */
  readonly timeMs: number;
  readonly timeZone: string;
  readonly ahead: readonly HourlyDemand[];
  /** Closed hours, the oldest first; hours since 1970 on the local clock. */
  readonly past: readonly { readonly clockHour: number; readonly weight: number }[];
  /** Mean of each hour of the week on the local clock, Monday 00:00 first; null = never seen. */
  readonly weekProfile: readonly (number | null)[];
  /** Mean absolute errors one hour ahead, beside those of "as in the last hour"; null before an hour was judged. */
  readonly errors: DemandErrors | null;
  /** Of each way of forecasting, by how well it did; they add up to one. */
  readonly shares: Readonly<Record<DemandExpert, number>>;
}

/** How much a segment is used, with its name. */
export interface NamedUse extends SegmentUse {
  readonly name: string;
}

/** An edge of the dependency graph, with the name of its other end. */
export interface NamedDependency extends Dependency {
  /** Of the target; of the source where sources were asked for. */
  readonly name: string;
}

/** Where a consumer stands. `consumer` is a dense id; -1 = nobody in particular. */
export interface LastAccess {
  readonly segment: number;
  readonly name: string;
  readonly consumer: number;
}

/** Questions only: nothing here changes a decision. The caller sees to it that the models have learned from every access. */
export class EngineModels {
  readonly #pipeline: Pipeline;
  readonly #names: EngineNames;
  readonly #latest = new LatestAccesses();
  #lastConsumer = -1;
  /** The questions themselves, for whoever asks actors that live elsewhere. */
  readonly steps: ModelSteps;

  constructor(pipeline: Pipeline, names: EngineNames) {
    this.#pipeline = pipeline;
    this.#names = names;
    this.steps = new ModelSteps(names, (consumer) => {
      const id = this.#consumerOf(consumer);
      return { isKnown: id !== null, seed: id === null ? null : this.#latest.of(id) };
    });
  }

  /** The next accesses, at least one. */
  observe(batch: AccessBatch): void {
    this.#lastConsumer = batch.consumer[batch.length - 1]!;
    this.#latest.observe(batch);
  }

  forecast(request: ForecastRequest): readonly SegmentForecast[] {
    const { aggregator, graphBuilder, forecaster } = this.#pipeline;
    if (aggregator === null || graphBuilder === null || forecaster === null) return [];
    return this.#answered(this.steps.forecast(request));
  }

  /** The forecasts of a tick, by name. */
  forecastSet({ position, timeMs, forecasts }: ForecastsMessage): ForecastSet {
    const { horizons } = this.#pipeline.forecaster!.forecaster;
    return {
      position,
      timeMs,
      forecasts: Array.from(forecasts.segment, (segment, i) => ({
        segment,
        name: this.#names.nameOf(segment),
        probability: forecasts.probability[i]!,
        horizonMs: horizons[forecasts.horizon[i]!]!,
        expert: farExperts[forecasts.expert[i]!]!,
      })),
    };
  }

  lastAccess(consumer?: string | number): LastAccess | null {
    const id = this.#consumerOf(consumer);
    const last = id === null ? null : this.#latest.of(id);
    if (id === null || last === null) return null;
    return { segment: last.segment, name: this.#names.nameOf(last.segment), consumer: id };
  }

  hotSegments(n: number): readonly NamedUse[] {
    return this.#pipeline.aggregator === null ? [] : this.#answered(this.steps.hotSegments(n));
  }

  accessMap(segment: number): NamedUse | null {
    return this.#pipeline.aggregator === null ? null : (this.#answered(this.steps.uses([segment]))[0] ?? null);
  }

  successors(segment: number): readonly NamedDependency[] {
    return this.#pipeline.graphBuilder === null
      ? []
      : (this.#answered(this.steps.successors([segment], EDGES_MAX))[0] ?? []);
  }

  predecessors(segment: number, count: number): readonly NamedDependency[] {
    return this.#pipeline.graphBuilder === null ? [] : this.#answered(this.steps.predecessors(segment, count));
  }

  demand(hours: number): DemandOutlook | null {
    return this.#pipeline.seasonalPredictor === null ? null : this.#answered(this.steps.demand(hours));
  }

  learnedHints(options: LearnedHintsOptions): readonly HintInput[] {
    const { graphBuilder } = this.#pipeline;
    return graphBuilder === null
      ? []
      : learnedHintsOf(graphBuilder.graph, (segment) => this.#names.nameOf(segment), options);
  }

  /** Answered by the actors that live here. */
  #answered<T>(steps: QuestionSteps<T>): T {
    const { aggregator, graphBuilder, forecaster, seasonalPredictor } = this.#pipeline;
    const actors = {
      aggregator,
      'graph-builder': graphBuilder,
      forecaster,
      'seasonal-predictor': seasonalPredictor,
    } as const;
    let step = steps.next();
    while (step.done !== true) step = steps.next(answerModel(actors[actorOfQuestion(step.value)], step.value) as never);
    return step.value;
  }

  /** What is kept beside the models themselves (#pipeline) and the names (#names, and those of `steps`). */
  persist(fields: StateFields): void {
    this.#latest.persist(fields);
    this.#lastConsumer = fields.number(this.#lastConsumer);
  }

  /** The consumer asked about, -1 = nobody in particular; null = unknown. Without one: whoever accessed last. */
  #consumerOf(consumer: string | number | undefined): number | null {
    if (consumer === undefined) return this.#lastConsumer;
    if (typeof consumer === 'number') return consumer;
    const id = this.#names.consumers.idOf(consumer);
    return id < 0 ? null : id;
  }
}
