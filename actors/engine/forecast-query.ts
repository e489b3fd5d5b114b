/** Answers what is likely to be accessed next, between the ticks of the far loop. */

import type { AccessMap } from '../aggregator/access-map.ts';
import { comesWithin, popularityExpert } from '../aggregator/aggregator-actor.ts';
import type { Forecaster } from '../forecaster/forecaster.ts';
import type { DependencyGraph } from '../graph-builder/dependency-graph.ts';
import { dependencyExpert, dueWithin } from '../graph-builder/graph-builder-actor.ts';

/** What is asked. */
export interface ForecastQuestion {
  /** Segments that are asked about; absent: those that the models think of. */
  readonly segment?: number;
  /** The last access that dependencies are followed from. */
  readonly seed?: { readonly segment: number; readonly instant: number };
  /** In ms of event time, or in accesses where the log has no time. Default: the first that is configured. */
  readonly horizon?: number;
  readonly count: number;
}

/** One answer, ids only. */
export interface ForecastAnswer {
  readonly segment: number;
  readonly probability: number;
  readonly horizon: number;
  /** Index into the forecaster's experts. */
  readonly expert: number;
}

export interface ForecastModels {
  readonly map: AccessMap;
  readonly graph: DependencyGraph;
  readonly forecaster: Forecaster;
  /** Now, on the axis of the models. */
  readonly now: number;
}

/** Popular segments that a question without a segment looks at beside the dependencies. */
const POPULAR = 64;

/**
 * The experts' scores as they would be at a tick now, mixed and calibrated as the forecaster mixes them, without learning from the
 * question. The seasonal expert speaks at ticks only. The horizon is the shortest configured one that covers the asked one, else
 * the longest: probabilities are calibrated for these. O(expansion + popular segments).
 */
export function forecastNow(models: ForecastModels, question: ForecastQuestion): readonly ForecastAnswer[] {
  const { map, graph, forecaster, now } = models;
  const { horizons } = forecaster;
  const asked = question.horizon ?? horizons[0]!;
  const covering = horizons.findIndex((horizon) => horizon >= asked);
  const h = covering < 0 ? horizons.length - 1 : covering;
  const horizon = horizons[h]!;
  const popularity = forecaster.experts.indexOf(popularityExpert);
  const dependency = forecaster.experts.indexOf(dependencyExpert);
  const { seed } = question;
  const due = new Map<number, number>();
  if (seed !== undefined) {
    const elapsed = Math.max(0, now - seed.instant);
    for (const reached of graph.expandDependencies([seed.segment], graph.config)) {
      due.set(reached.segment, dueWithin(graph, reached, elapsed, horizon));
    }
  }
  const segments =
    question.segment === undefined
      ? new Set([...due.keys(), ...map.findFrequent(POPULAR).map((use) => use.segment)])
      : [question.segment];
  const answers: ForecastAnswer[] = [];
  for (const segment of segments) {
    const scores = new Float64Array(forecaster.experts.length).fill(Number.NaN);
    const use = map.useOf(segment, now);
    if (use !== null) scores[popularity] = comesWithin(use.frequency, map.halfLife, horizon);
    const score = due.get(segment);
    if (score !== undefined) scores[dependency] = score;
    const estimate = forecaster.estimate(h, scores);
    if (estimate !== null) answers.push({ segment, horizon, ...estimate });
  }
  answers.sort((a, b) => b.probability - a.probability || a.segment - b.segment);
  return answers.slice(0, question.count);
}
