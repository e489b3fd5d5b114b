/** Questions about what the models of an engine have learned, by name, as steps that whoever has the models answers. */

import { farExperts } from '../pipeline.ts';
import type { DemandOutlook, ForecastRequest, NamedDependency, NamedUse, SegmentForecast } from './engine-models.ts';
import type { EngineNames } from './engine-names.ts';
import { ask, forecastSteps, type QuestionSteps } from './forecast-query.ts';

/** Where a question about a consumer starts from. */
export type SeedOf = (consumer: string | number | undefined) => {
  /** False = no consumer of that name is known. */
  readonly isKnown: boolean;
  readonly seed: { readonly segment: number; readonly instant: number } | null;
};

/** An id that nobody has. */
const UNKNOWN = 2 ** 32 - 1;

/** A segment below 0 is unknown: nothing is asked about it. */
export class ModelSteps {
  readonly #names: EngineNames;
  readonly #seedOf: SeedOf;

  constructor(names: EngineNames, seedOf: SeedOf) {
    this.#names = names;
    this.#seedOf = seedOf;
  }

  *forecast(request: ForecastRequest): QuestionSteps<readonly SegmentForecast[]> {
    const { consumer, segment, horizonMs, count = 10 } = request;
    const segmentId = segment === undefined ? undefined : this.#names.idOf(segment);
    const { isKnown, seed } = this.#seedOf(consumer);
    if (segmentId === -1 || !isKnown) return [];
    const answers = yield* forecastSteps({
      count,
      ...(segmentId === undefined ? {} : { segment: segmentId }),
      ...(seed === null ? {} : { seed }),
      ...(horizonMs === undefined ? {} : { horizon: horizonMs }),
    });
    return answers.map((answer) => ({
      segment: answer.segment,
      name: this.#names.nameOf(answer.segment),
      probability: answer.probability,
      horizonMs: answer.horizon,
      expert: farExperts[answer.expert] ?? `#${answer.expert}`,
    }));
  }

  *hotSegments(count: number): QuestionSteps<readonly NamedUse[]> {
    const found = yield* ask({ kind: 'frequent', count });
    return found.map((use) => ({ ...use, name: this.#names.nameOf(use.segment) }));
  }

  /** Of each of the segments; null = the map does not know it. */
  *uses(segments: readonly number[]): QuestionSteps<readonly (NamedUse | null)[]> {
    if (segments.length === 0) return [];
    const found = yield* ask({ kind: 'uses', segments: idsOf(segments) });
    return found.map((use) => (use === null ? null : { ...use, name: this.#names.nameOf(use.segment) }));
  }

  /** Of each of the segments `count` at most, the most confident first. */
  *successors(segments: readonly number[], count: number): QuestionSteps<readonly (readonly NamedDependency[])[]> {
    if (segments.length === 0) return [];
    const found = yield* ask({ kind: 'successors', segments: idsOf(segments), count });
    return found.map((edges) => edges.map((edge) => ({ ...edge, name: this.#names.nameOf(edge.target) })));
  }

  *predecessors(segment: number, count: number): QuestionSteps<readonly NamedDependency[]> {
    const found = segment < 0 ? [] : yield* ask({ kind: 'predecessors', segment, count });
    return found.map((edge) => ({ ...edge, name: this.#names.nameOf(edge.source) }));
  }

  *demand(hours: number): QuestionSteps<DemandOutlook | null> {
    return yield* ask({ kind: 'demand', hours });
  }
}

function idsOf(segments: readonly number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(segments, (segment) => (segment < 0 ? UNKNOWN : segment));
}
