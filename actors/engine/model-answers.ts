/** Questions about what the models have learned, answered in time: by the engine's own actors, or by those of other processes. */

import type { DemandOutlook, ForecastRequest, NamedDependency, NamedUse, SegmentForecast } from './engine-models.ts';
import type { EngineNames } from './engine-names.ts';
import type { QuestionSteps } from './forecast-query.ts';
import type { ModelQuestion } from './model-questions.ts';
import type { ModelSteps } from './model-steps.ts';

/** As the engine's methods of these names; segments are ids or names. */
export interface ModelAnswers {
  forecast(request: ForecastRequest): Promise<readonly SegmentForecast[]>;
  hotSegments(count: number): Promise<readonly NamedUse[]>;
  /** Of each; null = the map does not know it. */
  uses(segments: readonly (string | number)[]): Promise<readonly (NamedUse | null)[]>;
  /** Of each `count` at most. */
  successors(segments: readonly (string | number)[], count: number): Promise<readonly (readonly NamedDependency[])[]>;
  predecessors(segment: string | number, count: number): Promise<readonly NamedDependency[]>;
  demand(hours: number): Promise<DemandOutlook | null>;
}

/** Takes a question to the actor that it is for. Rejects where no answer can be had. */
export type AskModel = (question: ModelQuestion) => Promise<unknown>;

export interface AskedModelsOptions {
  readonly names: EngineNames;
  readonly steps: ModelSteps;
  /** Has every model told of every access so far. */
  readonly flush: () => void;
  readonly ask: AskModel;
}

/** A question may take several steps; accesses that come between two of them are in the answers to those after. */
export class AskedModels implements ModelAnswers {
  readonly #options: AskedModelsOptions;

  constructor(options: AskedModelsOptions) {
    this.#options = options;
  }

  forecast(request: ForecastRequest): Promise<readonly SegmentForecast[]> {
    return this.#answered((steps) => steps.forecast(request));
  }

  hotSegments(count: number): Promise<readonly NamedUse[]> {
    return this.#answered((steps) => steps.hotSegments(count));
  }

  uses(segments: readonly (string | number)[]): Promise<readonly (NamedUse | null)[]> {
    return this.#answered((steps) => steps.uses(this.#idsOf(segments)));
  }

  successors(segments: readonly (string | number)[], count: number): Promise<readonly (readonly NamedDependency[])[]> {
    return this.#answered((steps) => steps.successors(this.#idsOf(segments), count));
  }

  predecessors(segment: string | number, count: number): Promise<readonly NamedDependency[]> {
    return this.#answered((steps) => steps.predecessors(this.#options.names.idOf(segment), count));
  }

  demand(hours: number): Promise<DemandOutlook | null> {
    return this.#answered((steps) => steps.demand(hours));
  }

  #idsOf(segments: readonly (string | number)[]): readonly number[] {
    return segments.map((segment) => this.#options.names.idOf(segment));
  }

  async #answered<T>(begin: (steps: ModelSteps) => QuestionSteps<T>): Promise<T> {
    const { flush, steps, ask } = this.#options;
    flush();
    const asking = begin(steps);
    let step = asking.next();
    while (step.done !== true) step = asking.next((await ask(step.value)) as never);
    return step.value;
  }
}
