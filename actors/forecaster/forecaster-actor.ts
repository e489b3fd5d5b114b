/** The actor that mixes the experts' proposals of a tick into forecasts. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { LogOrder } from '../log-order.ts';
import type {
  ForecasterMessage,
  ForecastsMessage,
  ProposalColumns,
  ProposalsMessage,
  TickMessage,
} from '../messages.ts';
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
 * Experts answer a tick at their own pace, while further accesses arrive. Those wait until all have answered, so the
 * forecaster lives through accesses and ticks exactly in log order.
 */
export class ForecasterActor implements Actor<ForecasterMessage> {
  readonly forecaster: Forecaster;
  /** How the prefetches of each expert ended. */
  readonly outcomes: OutcomeCounts;
  readonly #options: ForecasterOptions;
  readonly #order: LogOrder;
  /** Proposals by tick position, then by expert; an expert may be several ticks ahead of another. */
  readonly #answers = new Map<number, (ProposalColumns | undefined)[]>();

  constructor(options: ForecasterOptions) {
    this.#options = options;
    this.forecaster = new Forecaster(options.experts, options.config ?? forecasterConfigSchema.parse({}));
    this.outcomes = new OutcomeCounts(options.experts.length);
    this.#order = new LogOrder({
      accessesMax: this.forecaster.config.heldAccessesMax,
      onBatch: (batch) => this.forecaster.observe(batch),
      onTick: (tick) => this.#tick(tick),
    });
  }

  receive(message: ForecasterMessage, _context: ActorContext<ForecasterMessage>): void {
    switch (message.kind) {
      case 'accesses':
      case 'tick':
        this.#order.push(message);
        return;
      case 'proposals':
        this.#answer(message);
        this.#order.advance();
        return;
      case 'outcomes':
        this.outcomes.observe(message);
    }
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.forecaster.persist(fields);
    this.outcomes.persist(fields);
    this.#order.assertIdle();
    assert(this.#answers.size === 0, 'a state is saved when every tick has been answered');
  }

  #answer({ expert, position, proposals }: ProposalsMessage): void {
    const index = this.#options.experts.indexOf(expert);
    assert(index >= 0, `${expert} is not one of the configured experts`);
    let answers = this.#answers.get(position);
    if (answers === undefined) {
      answers = this.#options.experts.map(() => undefined);
      this.#answers.set(position, answers);
    }
    assert(answers[index] === undefined, `${expert} answers the tick at ${position} once`);
    answers[index] = proposals;
  }

  #tick({ position, timeMs }: TickMessage): boolean {
    const answers = this.#answers.get(position);
    if (answers === undefined || answers.includes(undefined)) return false;
    this.#answers.delete(position);
    const forecasts = this.forecaster.forecast(position, timeMs, answers as readonly ProposalColumns[]);
    this.#options.scheduler?.tell({ kind: 'forecasts', position, timeMs, forecasts });
    return true;
  }
}
