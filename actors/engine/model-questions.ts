/** What can be asked of an actor of the far loop, and its answers: the same wherever it lives. */

import { z } from 'zod';
import { AnteroomError } from '../../engine/errors.ts';
import { AggregatorActor, comesWithin } from '../aggregator/aggregator-actor.ts';
import { ForecasterActor } from '../forecaster/forecaster-actor.ts';
import { dueWithin, GraphBuilderActor } from '../graph-builder/graph-builder-actor.ts';
import { demandExperts } from '../seasonal-predictor/demand-forecaster.ts';
import { SeasonalPredictorActor } from '../seasonal-predictor/seasonal-predictor-actor.ts';

/** Of lists, so that a question from another place cannot ask for any amount of work. */
const COUNT_MAX = 1_000_000;
const count = z.int().min(0).max(COUNT_MAX);
const segment = z.int().min(0);
const f64 = z.instanceof(Float64Array);
const u32 = z.instanceof(Uint32Array);

/** By kind; whom it is asked is {@link actorOfQuestion}. */
export const modelQuestionSchema = z.discriminatedUnion('kind', [
  /** The most used segments. */
  z.strictObject({ kind: z.literal('frequent'), count }),
  /** How much each is used; null = it is not in the map. */
  z.strictObject({ kind: z.literal('uses'), segments: u32 }),
  /** The popularity expert's scores now: of `segments`, and of the `count` most used ones. */
  z.strictObject({ kind: z.literal('popularity'), segments: u32, count, horizon: z.number() }),
  /** What follows each, the most confident `count` of them. */
  z.strictObject({ kind: z.literal('successors'), segments: u32, count }),
  z.strictObject({ kind: z.literal('predecessors'), segment, count }),
  /** The dependency expert's scores now, after an access of `segment` at `instant`. */
  z.strictObject({ kind: z.literal('due'), segment, instant: z.number(), horizon: z.number() }),
  /** The shortest configured horizon that covers the asked one, else the longest; null = the shortest. */
  z.strictObject({ kind: z.literal('horizon'), asked: z.number().nullable() }),
  /** What the mixture says: `scores` has a row for each segment and in it a column for each of `experts`, NaN = it abstains. */
  z.strictObject({
    kind: z.literal('estimates'),
    horizonIndex: z.int().min(0).max(255),
    experts: z.array(z.string()).min(1).max(16),
    segments: u32,
    scores: f64,
  }),
  z.strictObject({ kind: z.literal('demand'), hours: z.int().min(1).max(168) }),
]);
export type ModelQuestion = z.infer<typeof modelQuestionSchema>;

const use = z.object({
  segment,
  count: z.number(),
  bytes: z.number(),
  last: z.number(),
  frequency: z.number(),
  frequencyError: z.number(),
  consumers: z.number(),
});
const dependency = z.object({
  source: segment,
  target: segment,
  support: z.number(),
  confidence: z.number(),
  lift: z.number(),
  lagMean: z.number(),
  lagShare: f64,
});
const scored = z.object({ segment: u32, score: f64 });

/** What an answer to each kind must be when it comes from another place. */
export const modelAnswerSchemas = {
  frequent: z.array(use),
  uses: z.array(use.nullable()),
  popularity: scored,
  successors: z.array(z.array(dependency)),
  predecessors: z.array(dependency),
  due: scored,
  horizon: z.object({ index: z.int().min(0), horizon: z.number() }),
  /** NaN = all experts abstain. `expert` counts in the forecaster's own order. */
  estimates: z.object({ probability: f64, expert: z.instanceof(Uint8Array) }),
  demand: z
    .object({
      timeMs: z.number(),
      timeZone: z.string(),
      ahead: z.array(z.object({ fromMs: z.number(), toMs: z.number(), weight: z.number(), by: z.enum(demandExperts) })),
      past: z.array(z.object({ clockHour: z.number(), weight: z.number() })),
      weekProfile: z.array(z.number().nullable()),
      errors: z.object({ mixed: z.number(), persistence: z.number() }).nullable(),
      shares: z.record(z.enum(demandExperts), z.number()),
    })
    .nullable(),
} as const;
export type ModelAnswer<K extends ModelQuestion['kind']> = z.infer<(typeof modelAnswerSchemas)[K]>;

/** The actor that a question is for. */
export type AskedActor = 'aggregator' | 'graph-builder' | 'forecaster' | 'seasonal-predictor';

const ACTORS: Readonly<Record<ModelQuestion['kind'], AskedActor>> = {
  frequent: 'aggregator',
  uses: 'aggregator',
  popularity: 'aggregator',
  successors: 'graph-builder',
  predecessors: 'graph-builder',
  due: 'graph-builder',
  horizon: 'forecaster',
  estimates: 'forecaster',
  demand: 'seasonal-predictor',
};

export function actorOfQuestion({ kind }: ModelQuestion): AskedActor {
  return ACTORS[kind];
}

/** The answer of the actor that the question is for; nothing is learned from it. @throws AnteroomError 'bad-usage' for another actor. */
export function answerModel(actor: unknown, question: ModelQuestion): unknown {
  if (actor instanceof AggregatorActor) return ofMap(actor, question);
  if (actor instanceof GraphBuilderActor) return ofGraph(actor, question);
  if (actor instanceof ForecasterActor) return ofForecaster(actor, question);
  if (actor instanceof SeasonalPredictorActor) return ofSeason(actor, question);
  throw misplaced(question);
}

function ofMap({ map }: AggregatorActor, question: ModelQuestion): unknown {
  switch (question.kind) {
    case 'frequent':
      return map.findFrequent(question.count);
    case 'uses':
      return Array.from(question.segments, (id) => map.useOf(id));
    case 'popularity': {
      const asked = new Set([...question.segments, ...map.findFrequent(question.count).map((one) => one.segment)]);
      const score = Float64Array.from(asked, (id) => {
        const found = map.useOf(id);
        return found === null ? Number.NaN : comesWithin(found.frequency, map.halfLife, question.horizon);
      });
      return { segment: Uint32Array.from(asked), score };
    }
    default:
      throw misplaced(question);
  }
}

function ofGraph({ graph }: GraphBuilderActor, question: ModelQuestion): unknown {
  switch (question.kind) {
    case 'successors':
      return Array.from(question.segments, (id) => graph.successorsOf(id).slice(0, question.count));
    case 'predecessors':
      return graph.predecessorsOf(question.segment, question.count);
    case 'due': {
      const elapsed = Math.max(0, graph.axis.latest - question.instant);
      const reached = graph.expandDependencies([question.segment], graph.config);
      return {
        segment: Uint32Array.from(reached, (one) => one.segment),
        score: Float64Array.from(reached, (one) => dueWithin(graph, one, elapsed, question.horizon)),
      };
    }
    default:
      throw misplaced(question);
  }
}

function ofForecaster({ forecaster }: ForecasterActor, question: ModelQuestion): unknown {
  const { horizons } = forecaster;
  switch (question.kind) {
    case 'horizon': {
      const asked = question.asked ?? horizons[0]!;
      const covering = horizons.findIndex((horizon) => horizon >= asked);
      const index = covering < 0 ? horizons.length - 1 : covering;
      return { index, horizon: horizons[index]! };
    }
    case 'estimates': {
      const { experts, segments, scores } = question;
      const index = Math.min(question.horizonIndex, horizons.length - 1);
      const rows = Math.min(segments.length, Math.floor(scores.length / experts.length));
      const places = experts.map((expert) => forecaster.experts.indexOf(expert));
      const probability = new Float64Array(rows).fill(Number.NaN);
      const expert = new Uint8Array(rows);
      for (let row = 0; row < rows; row++) {
        const own = new Float64Array(forecaster.experts.length).fill(Number.NaN);
        for (let e = 0; e < places.length; e++)
          if (places[e]! >= 0) own[places[e]!] = scores[row * experts.length + e]!;
        const estimate = forecaster.estimate(index, own, segments[row]!);
        if (estimate === null) continue;
        probability[row] = estimate.probability;
        expert[row] = estimate.expert;
      }
      return { probability, expert };
    }
    default:
      throw misplaced(question);
  }
}

function ofSeason({ model }: SeasonalPredictorActor, question: ModelQuestion): unknown {
  if (question.kind !== 'demand') throw misplaced(question);
  if (model.axis.usesTime !== true) return null;
  const { history, errors, shares } = model.demand;
  return {
    timeMs: model.axis.latest,
    timeZone: model.config.timeZone,
    // NaN stands at the latest instant that the model has seen, so that its clock does not go on.
    ahead: model.forecastDemand(Number.NaN, question.hours),
    past: history.latest(question.hours),
    weekProfile: history.weekProfile(),
    errors,
    shares,
  };
}

function misplaced({ kind }: ModelQuestion): AnteroomError {
  return new AnteroomError('bad-usage', `the question ${kind} is for another actor`);
}
