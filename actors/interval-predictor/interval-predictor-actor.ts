/** The actor that proposes what is due by the intervals between its accesses. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { FarLoopMessage, ProposalColumns, ProposalsMessage } from '../messages.ts';
import { ProposalRows } from '../proposal-rows.ts';
import { IntervalModel } from './interval-model.ts';
import { type IntervalPredictorConfig, intervalPredictorConfigSchema } from './interval-predictor-config.ts';

export interface IntervalPredictorOptions {
  readonly config?: IntervalPredictorConfig;
  readonly horizonsMs: readonly number[];
  /** Segments that need no proposal, because the site has them; default: none. */
  readonly isResident?: (segment: number) => boolean;
  readonly forecaster?: ActorRef<ProposalsMessage>;
}

/** Name of the interval predictor's expert. */
export const intervalExpert = 'interval';

/** Answers each tick with the segments that are due by their intervals, or with none where intervals are not known. */
export class IntervalPredictorActor implements Actor<FarLoopMessage> {
  readonly model: IntervalModel;
  readonly #options: IntervalPredictorOptions;

  constructor(options: IntervalPredictorOptions) {
    this.#options = options;
    this.model = new IntervalModel(options.config ?? intervalPredictorConfigSchema.parse({}));
  }

  receive(message: FarLoopMessage, _context: ActorContext<FarLoopMessage>): void {
    if (message.kind === 'accesses') {
      this.model.observe(message.batch);
      return;
    }
    const { position, timeMs } = message;
    const proposals = this.propose(timeMs);
    this.#options.forecaster?.tell({ kind: 'proposals', expert: intervalExpert, position, timeMs, proposals });
  }

  /** The expert's proposals at a tick. */
  propose(timeMs: number): ProposalColumns {
    const { horizonsMs, isResident } = this.#options;
    const rows = new ProposalRows(this.model.speakingCount * horizonsMs.length);
    this.model.forecast(
      timeMs,
      horizonsMs,
      (segment, horizon, probability) => rows.add(segment, horizon, probability),
      (segment) => isResident?.(segment) !== true,
    );
    return rows.columns();
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    const state = fields.arrays(fields.isRestoring ? [] : this.model.snapshot());
    if (fields.isRestoring) this.model.restore(state);
  }
}
