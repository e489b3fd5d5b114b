/** The actor that mixes the experts' proposals of a tick into forecasts. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { ForecasterMessage, ForecastsMessage, ProposalColumns, TickMessage } from '../messages.ts';
import { Forecaster } from './forecaster.ts';
import { type ForecasterConfig, forecasterConfigSchema } from './forecaster-config.ts';
import { OutcomeCounts } from './outcome-counts.ts';

export interface ForecasterOptions {
  readonly config?: ForecasterConfig;
  /** Names of the experts that answer each tick, in the order in which they are mixed. */
  readonly experts: readonly string[];
  readonly scheduler?: ActorRef<ForecastsMessage>;
}

/**
 * Experts answer a tick at their own pace, while further accesses arrive. Those wait here until all have answered, so the
 * forecaster lives through accesses and ticks exactly in log order.
 */
export class ForecasterActor implements Actor<ForecasterMessage> {
  readonly forecaster: Forecaster;
  /** How the prefetches of each expert ended. */
  readonly outcomes: OutcomeCounts;
  readonly #options: ForecasterOptions;
  readonly #held: (AccessBatch | TickMessage)[] = [];
  #heldAccesses = 0;
  /** Proposals by tick position, then by expert; an expert may be several ticks ahead of another. */
  readonly #answers = new Map<number, (ProposalColumns | undefined)[]>();

  constructor(options: ForecasterOptions) {
    this.#options = options;
    this.forecaster = new Forecaster(options.experts, options.config ?? forecasterConfigSchema.parse({}));
    this.outcomes = new OutcomeCounts(options.experts.length);
  }

  receive(message: ForecasterMessage, _context: ActorContext<ForecasterMessage>): void {
    switch (message.kind) {
      case 'accesses':
        this.#hold(message.batch);
        break;
      case 'tick':
        this.#held.push(message);
        break;
      case 'proposals': {
        const expert = this.#options.experts.indexOf(message.expert);
        assert(expert >= 0, `${message.expert} is not one of the configured experts`);
        let answers = this.#answers.get(message.position);
        if (answers === undefined) {
          answers = this.#options.experts.map(() => undefined);
          this.#answers.set(message.position, answers);
        }
        assert(answers[expert] === undefined, `${message.expert} answers the tick at ${message.position} once`);
        answers[expert] = message.proposals;
        break;
      }
      case 'outcomes':
        this.outcomes.observe(message);
        return;
    }
    this.#advance();
  }

  #hold(batch: AccessBatch): void {
    this.#heldAccesses += batch.length;
    const max = this.forecaster.config.heldAccessesMax;
    // With nothing else held the batch passes straight through, however long it is.
    if (this.#held.length > 0 && this.#heldAccesses > max) {
      throw new AnteroomError('limit', `more than ${max} accesses wait for the proposals of a tick`, {
        context: { position: batch.position },
        isRetryable: true,
      });
    }
    this.#held.push(batch);
  }

  /** Lives through what is held, up to the first tick that an expert has not answered. */
  #advance(): void {
    let done = 0;
    for (; done < this.#held.length; done++) {
      const next = this.#held[done]!;
      if ('kind' in next) {
        const answers = this.#answers.get(next.position);
        if (answers === undefined || answers.includes(undefined)) break;
        this.#answers.delete(next.position);
        const { position, timeMs } = next;
        const forecasts = this.forecaster.forecast(position, timeMs, answers as readonly ProposalColumns[]);
        this.#options.scheduler?.tell({ kind: 'forecasts', position, timeMs, forecasts });
      } else {
        this.forecaster.observe(next);
        this.#heldAccesses -= next.length;
      }
    }
    this.#held.splice(0, done);
  }
}
