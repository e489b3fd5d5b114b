/** The actor that proposes what is due by the clock and the calendar. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { FarLoopMessage, ProposalColumns, ProposalsMessage } from '../messages.ts';
import { ProposalRows } from '../proposal-rows.ts';
import type { TimeZone } from '../time-zone.ts';
import { SeasonalModel } from './seasonal-model.ts';
import { type SeasonalPredictorConfig, seasonalPredictorConfigSchema } from './seasonal-predictor-config.ts';

export interface SeasonalPredictorOptions {
  readonly config?: SeasonalPredictorConfig;
  /** The clock that consumers live by; default: the configured zone. */
  readonly zone?: TimeZone;
  readonly horizonsMs: readonly number[];
  /** Segments that need no proposal, because the site has them; default: none. */
  readonly isResident?: (segment: number) => boolean;
  readonly forecaster?: ActorRef<ProposalsMessage>;
}

/** Name of the seasonal predictor's expert. */
export const seasonalExpert = 'seasonal';

/** Answers each tick with the segments that are due, or with none where a season is not better than no season. */
export class SeasonalPredictorActor implements Actor<FarLoopMessage> {
  readonly model: SeasonalModel;
  readonly #options: SeasonalPredictorOptions;

  constructor(options: SeasonalPredictorOptions) {
    this.#options = options;
    const config = options.config ?? seasonalPredictorConfigSchema.parse({});
    this.model = new SeasonalModel(config, options.zone);
  }

  receive(message: FarLoopMessage, _context: ActorContext<FarLoopMessage>): void {
    if (message.kind === 'accesses') {
      this.model.observe(message.batch);
      return;
    }
    const { position, timeMs } = message;
    const proposals = this.propose(timeMs);
    this.#options.forecaster?.tell({ kind: 'proposals', expert: seasonalExpert, position, timeMs, proposals });
  }

  /** The expert's proposals at a tick. */
  propose(timeMs: number): ProposalColumns {
    const { horizonsMs, isResident } = this.#options;
    const rows = new ProposalRows(this.model.speakingCount(timeMs) * horizonsMs.length);
    horizonsMs.forEach((horizonMs, h) => {
      this.model.forecast(timeMs, horizonMs, (segment, probability) => {
        if (isResident?.(segment) !== true) rows.add(segment, h, probability);
      });
    });
    return rows.columns();
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.model.persist(fields);
  }
}
