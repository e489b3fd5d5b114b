/** Aggregator, graph builder and forecaster as actors of one system: what makes forecasts of accesses, without a site. */

import { AggregatorActor, popularityExpert } from '../../actors/aggregator/aggregator-actor.ts';
import { engineConfigSchema } from '../../actors/engine/engine-config.ts';
import { LogDriver } from '../../actors/engine/log-driver.ts';
import { ForecasterActor } from '../../actors/forecaster/forecaster-actor.ts';
import { dependencyExpert, GraphBuilderActor } from '../../actors/graph-builder/graph-builder-actor.ts';
import type { ForecasterMessage, ForecastsMessage } from '../../actors/messages.ts';
import type { ActorRef } from '../../engine/actor.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ActorSystem } from '../../engine/system.ts';
import { manualTurns } from '../../engine/turns.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

/** Told batches in the order of the log; at each tick of event time it makes forecasts, which are counted. */
export class FarLoopLearners {
  readonly #driver: LogDriver;
  #forecasts = 0;
  #sum = 0;

  constructor() {
    const { farLoop } = engineConfigSchema.parse({});
    const config = { ...farLoop.aggregator, timeZone: farLoop.timeZone };
    const { horizonsMs, horizonsAccesses } = farLoop.forecaster;
    const system = new ActorSystem({ clock: new VirtualClock(), random: new Xoshiro128(1), turns: manualTurns });
    const mailbox = { mailbox: { capacity: 1024, policy: 'fail' } } as const;
    const scheduler: ActorRef<ForecastsMessage> = {
      address: 'counted',
      tell: ({ forecasts }) => {
        this.#forecasts += forecasts.probability.length;
        for (const probability of forecasts.probability) this.#sum += probability;
        return 'accepted';
      },
      ready: () => Promise.resolve(),
    };
    const experts = [popularityExpert, dependencyExpert];
    const forecaster = system.spawn<ForecasterMessage>(
      'forecaster',
      () => new ForecasterActor({ config: farLoop.forecaster, experts, scheduler }),
      mailbox,
    );
    const beside = { horizonsMs, horizonsAccesses, forecaster };
    const learners = [
      system.spawn('aggregator', () => new AggregatorActor({ config, ...beside }), mailbox),
      system.spawn('graph-builder', () => new GraphBuilderActor({ config: farLoop.graphBuilder, ...beside }), mailbox),
      forecaster,
    ] as unknown as readonly ActorRef<{ readonly kind: string }>[];
    const tell = (message: { readonly kind: string }): void => {
      for (const ref of learners) ref.tell(message);
      system.drain();
    };
    this.#driver = new LogDriver(
      {
        learn: (batch) => tell({ kind: 'accesses', batch } as never),
        serve: () => {},
        tick: (position, timeMs) => tell({ kind: 'tick', position, timeMs } as never),
      },
      farLoop,
      true,
    );
  }

  /** Log position of the next batch. */
  get position(): number {
    return this.#driver.position;
  }

  observe(batch: AccessBatch): void {
    this.#driver.push(batch.position === this.position ? batch : new AccessBatch(this.position, batch));
  }

  /** Forecasts made and the sum of their probabilities: equal for those who were told the same. */
  answer(): string {
    this.#driver.flush();
    return `${this.#forecasts} ${this.#sum.toFixed(6)}`;
  }
}
