/** Answers what is likely to be accessed next, between the ticks of the far loop. */

import { popularityExpert } from '../aggregator/aggregator-actor.ts';
import { dependencyExpert } from '../graph-builder/graph-builder-actor.ts';
import type { ModelAnswer, ModelQuestion } from './model-questions.ts';

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

/** Questions to the models one after the other, each answered before the next is asked: by actors at hand, or by those of other processes. */
export type QuestionSteps<T> = Generator<ModelQuestion, T, never>;

/** Popular segments that a question without a segment looks at beside the dependencies. */
const POPULAR = 64;
const EXPERTS = [popularityExpert, dependencyExpert];

/**
 * The experts' scores as they would be at a tick now, mixed and calibrated as the forecaster mixes them, without learning from the
 * question. The seasonal expert speaks at ticks only. The horizon is the shortest configured one that covers the asked one, else
 * the longest: probabilities are calibrated for these. O(expansion + popular segments).
 */
export function* forecastSteps(question: ForecastQuestion): QuestionSteps<readonly ForecastAnswer[]> {
  const { seed } = question;
  const { index, horizon } = yield* ask({ kind: 'horizon', asked: question.horizon ?? null });
  const due = seed === undefined ? null : yield* ask({ kind: 'due', ...seed, horizon });
  const scoreOf = new Map(due === null ? [] : [...due.segment].map((segment, i) => [segment, due.score[i]!] as const));
  const isOpen = question.segment === undefined;
  const popular = yield* ask({
    kind: 'popularity',
    segments: isOpen ? Uint32Array.from(scoreOf.keys()) : Uint32Array.of(question.segment!),
    count: isOpen ? POPULAR : 0,
    horizon,
  });
  const segments = [...popular.segment];
  const scores = new Float64Array(segments.length * EXPERTS.length);
  for (const [i, segment] of segments.entries()) {
    scores[i * EXPERTS.length] = popular.score[i]!;
    scores[i * EXPERTS.length + 1] = scoreOf.get(segment) ?? Number.NaN;
  }
  const { probability, expert } = yield* ask({
    kind: 'estimates',
    horizonIndex: index,
    experts: EXPERTS,
    segments: popular.segment,
    scores,
  });
  return segments
    .map((segment, i) => ({ segment, horizon, probability: probability[i]!, expert: expert[i]! }))
    .filter((answer) => !Number.isNaN(answer.probability))
    .sort((a, b) => b.probability - a.probability || a.segment - b.segment)
    .slice(0, question.count);
}

/** One question as a step. */
export function* ask<Q extends ModelQuestion>(question: Q): QuestionSteps<ModelAnswer<Q['kind']>> {
  return (yield question) as ModelAnswer<Q['kind']>;
}
