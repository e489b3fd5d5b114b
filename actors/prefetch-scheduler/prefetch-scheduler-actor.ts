/** The actor that turns forecasts into plans for a site. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { LogOrder } from '../log-order.ts';
import type {
  ForecastColumns,
  OutcomesMessage,
  PlanMessage,
  SchedulerMessage,
  SiteStatusMessage,
  TickMessage,
} from '../messages.ts';
import { PrefetchScheduler, type SiteView } from './prefetch-scheduler.ts';
import type { PrefetchSchedulerConfig } from './prefetch-scheduler-config.ts';

export interface PrefetchSchedulerOptions {
  readonly config?: PrefetchSchedulerConfig;
  readonly horizonsMs: readonly number[];
  readonly horizonsAccesses: readonly number[];
  readonly site?: SiteView;
  /** Whether the site sends its status for each tick; then a plan waits for it. */
  readonly hasSiteStatus?: boolean;
  readonly cacheManager?: ActorRef<PlanMessage>;
}

/**
 * Plans once for each tick, when the forecasts (and the site's status, where one is sent) for it have come. Outcomes count from
 * the first tick at or after their position. So a plan depends on the log alone, not on delays between actors.
 */
export class PrefetchSchedulerActor implements Actor<SchedulerMessage> {
  readonly scheduler: PrefetchScheduler;
  readonly #options: PrefetchSchedulerOptions;
  readonly #order: LogOrder;
  readonly #forecasts = new Map<number, ForecastColumns>();
  readonly #status = new Map<number, SiteStatusMessage>();
  #outcomes: OutcomesMessage[] = [];

  constructor(options: PrefetchSchedulerOptions) {
    this.#options = options;
    this.scheduler = new PrefetchScheduler(options);
    this.#order = new LogOrder({
      accessesMax: this.scheduler.config.heldAccessesMax,
      onBatch: (batch) => this.scheduler.observe(batch),
      onTick: (tick) => this.#tick(tick),
    });
  }

  receive(message: SchedulerMessage, _context: ActorContext<SchedulerMessage>): void {
    switch (message.kind) {
      case 'accesses':
      case 'tick':
        this.#order.push(message);
        return;
      case 'forecasts':
        this.#forecasts.set(message.position, message.forecasts);
        break;
      case 'site-status':
        this.#status.set(message.position, message);
        break;
      case 'outcomes':
        this.#outcomes.push(message);
        return;
    }
    this.#order.advance();
  }

  /** Everything but what the settings give: #options, #status. */
  persist(fields: StateFields): void {
    this.scheduler.persist(fields);
    this.#order.assertIdle();
    assert(this.#forecasts.size === 0 && this.#status.size === 0, 'a state is saved when every tick has been answered');
    this.#outcomes = fields.plain(this.#outcomes);
  }

  #tick({ position, timeMs }: TickMessage): boolean {
    const forecasts = this.#forecasts.get(position);
    const status = this.#status.get(position);
    if (forecasts === undefined) return false;
    if (status === undefined && this.#options.hasSiteStatus === true) return false;
    this.#forecasts.delete(position);
    this.#status.delete(position);
    for (const outcomes of this.#outcomes) if (outcomes.position <= position) this.scheduler.finish(outcomes);
    this.#outcomes = this.#outcomes.filter((outcomes) => outcomes.position > position);
    const plan = this.scheduler.plan(position, timeMs, forecasts, status);
    this.#options.cacheManager?.tell({ kind: 'plan', plan });
    return true;
  }
}
