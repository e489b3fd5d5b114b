import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AggregatorActor,
  type AggregatorMessage,
  popularityExpert,
} from '../../../actors/aggregator/aggregator-actor.ts';
import { aggregatorConfigSchema } from '../../../actors/aggregator/aggregator-config.ts';
import { farLoopConfigSchema } from '../../../actors/far-loop-config.ts';
import { Forecaster } from '../../../actors/forecaster/forecaster.ts';
import { ForecasterActor } from '../../../actors/forecaster/forecaster-actor.ts';
import { dependencyExpert, GraphBuilderActor } from '../../../actors/graph-builder/graph-builder-actor.ts';
import type {
  FarLoopMessage,
  ForecasterMessage,
  PlanMessage,
  PrefetchPlan,
  SchedulerMessage,
  SummaryMessage,
} from '../../../actors/messages.ts';
import { PrefetchScheduler } from '../../../actors/prefetch-scheduler/prefetch-scheduler.ts';
import { PrefetchSchedulerActor } from '../../../actors/prefetch-scheduler/prefetch-scheduler-actor.ts';
import { prefetchSchedulerConfigSchema } from '../../../actors/prefetch-scheduler/prefetch-scheduler-config.ts';
import { SeasonalPredictorActor, seasonalExpert } from '../../../actors/seasonal-predictor/seasonal-predictor-actor.ts';
import type { Actor, ActorContext, ActorRef } from '../../../engine/actor.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

/** Actors with one mailbox each, whose messages are delivered in an order that `random` picks, first in first out in each. */
class ShuffledSystem {
  readonly #deliveries: { readonly queue: (() => void)[] }[] = [];

  spawn<M>(address: string, make: () => Actor<M>): ActorRef<M> {
    const mailbox = { queue: [] as (() => void)[] };
    this.#deliveries.push(mailbox);
    let actor: Actor<M> | undefined;
    const self: ActorRef<M> = {
      address,
      tell: (message) => {
        mailbox.queue.push(() => {
          const context: ActorContext<M> = { self, now: () => 0, after: () => () => {} };
          void actor?.receive(message, context);
        });
        return 'accepted';
      },
      ready: () => Promise.resolve(),
    };
    actor = make();
    return self;
  }

  run(random: Xoshiro128): void {
    for (;;) {
      const busy = this.#deliveries.filter(({ queue }) => queue.length > 0);
      if (busy.length === 0) return;
      busy[random.int(busy.length)]!.queue.shift()!();
    }
  }
}

const rowCount = 3000;
const tickMs = 20_000;

/** A few consumers walk chains of segments; one segment is asked for again and again. */
function trace(hasTime: boolean): AccessBatch {
  const random = new Xoshiro128(7);
  const at = [0, 0, 0];
  const segment = new Uint32Array(rowCount);
  const consumer = new Int32Array(rowCount);
  const timeMs = new Float64Array(rowCount);
  let now = 1_700_000_000_000;
  for (let i = 0; i < rowCount; i++) {
    now += random.int(400);
    const who = random.int(3);
    at[who] = random.int(10) === 0 ? random.int(40) : (at[who]! + 1) % 40;
    timeMs[i] = hasTime ? now : Number.NaN;
    segment[i] = random.int(5) === 0 ? 99 : at[who]!;
    consumer[i] = who;
  }
  return new AccessBatch(0, {
    timeMs,
    segment,
    consumer,
    site: new Int32Array(rowCount).fill(-1),
    op: new Uint8Array(rowCount),
    size: Float64Array.from(segment, (s) => 1000 + s),
    weight: new Float64Array(rowCount).fill(1),
  });
}

/** Positions and times of the ticks: every 20 s of event time, or every 100 accesses. */
function ticksOf(batch: AccessBatch): { position: number; timeMs: number }[] {
  const ticks: { position: number; timeMs: number }[] = [];
  for (let i = 1; i < batch.length; i++) {
    const [before, now] = [Math.floor(batch.timeMs[i - 1]! / tickMs), Math.floor(batch.timeMs[i]! / tickMs)];
    if (Number.isNaN(now) ? i % 100 === 0 : now > before) ticks.push({ position: i, timeMs: now * tickMs });
  }
  return ticks;
}

const config = farLoopConfigSchema.parse({
  // A short log: what is forecast is passed on from the first outcome on.
  forecaster: { horizonsMs: [5000, 30_000], horizonsAccesses: [50, 300], outcomesMin: 0, calibrationErrorMax: 1 },
});
const { timeZone } = config;
const schedulerConfig = prefetchSchedulerConfigSchema.parse({});
const experts = [popularityExpert, dependencyExpert, seasonalExpert];

/** The models behind the actors, called in log order without messages: what the actors must agree with. */
class InOnePiece {
  readonly aggregator: AggregatorActor;
  readonly graphBuilder: GraphBuilderActor;
  readonly seasonalPredictor: SeasonalPredictorActor;
  readonly forecaster = new Forecaster(experts, config.forecaster);
  readonly scheduler: PrefetchScheduler;

  constructor() {
    const { horizonsMs, horizonsAccesses } = config.forecaster;
    const horizons = { horizonsMs, horizonsAccesses };
    this.aggregator = new AggregatorActor({ ...horizons, config: { ...config.aggregator, timeZone } });
    this.graphBuilder = new GraphBuilderActor({ ...horizons, config: config.graphBuilder });
    this.seasonalPredictor = new SeasonalPredictorActor({
      horizonsMs,
      config: { ...config.seasonalPredictor, timeZone },
    });
    this.scheduler = new PrefetchScheduler({ ...horizons, config: schedulerConfig });
  }

  observe(batch: AccessBatch): void {
    this.aggregator.map.observe(batch);
    this.graphBuilder.graph.observe(batch);
    this.seasonalPredictor.model.observe(batch);
    this.forecaster.observe(batch);
    this.scheduler.observe(batch);
  }

  tick(position: number, timeMs: number): PrefetchPlan {
    const proposals = [
      this.aggregator.propose(position, timeMs),
      this.graphBuilder.propose(position, timeMs),
      this.seasonalPredictor.propose(timeMs),
    ];
    return this.scheduler.plan(position, timeMs, this.forecaster.forecast(position, timeMs, proposals));
  }
}

function inOnePiece(batch: AccessBatch): PrefetchPlan[] {
  const loop = new InOnePiece();
  let from = 0;
  return ticksOf(batch).map(({ position, timeMs }) => {
    loop.observe(batch.slice(from, position));
    from = position;
    return loop.tick(position, timeMs);
  });
}

function byMessages(batch: AccessBatch, seed: number): PrefetchPlan[] {
  const random = new Xoshiro128(seed);
  const system = new ShuffledSystem();
  const plans: PrefetchPlan[] = [];
  const { horizonsMs, horizonsAccesses } = config.forecaster;
  const horizons = { horizonsMs, horizonsAccesses };
  const cacheManager = system.spawn<PlanMessage>('/cache', () => ({
    receive: ({ plan }) => {
      plans.push(plan);
    },
  }));
  const scheduler = system.spawn<SchedulerMessage>(
    '/scheduler',
    () => new PrefetchSchedulerActor({ ...horizons, config: schedulerConfig, cacheManager }),
  );
  const forecaster = system.spawn<ForecasterMessage>(
    '/forecaster',
    () => new ForecasterActor({ config: config.forecaster, experts, scheduler }),
  );
  const inputs: readonly ActorRef<FarLoopMessage>[] = [
    system.spawn<AggregatorMessage>('/aggregator', () => new AggregatorActor({ ...horizons, forecaster })),
    system.spawn<FarLoopMessage>('/graph', () => new GraphBuilderActor({ ...horizons, forecaster })),
    system.spawn<FarLoopMessage>('/season', () => new SeasonalPredictorActor({ ...horizons, forecaster })),
    forecaster,
    scheduler,
  ];
  const ticks = ticksOf(batch);
  let from = 0;
  while (from < batch.length) {
    const next = ticks[0]?.position ?? batch.length;
    const to = Math.min(next, from + 1 + random.int(200));
    for (const input of inputs) input.tell({ kind: 'accesses', batch: batch.slice(from, to) });
    from = to;
    if (ticks[0]?.position === from) {
      const { position, timeMs } = ticks.shift()!;
      for (const input of inputs) input.tell({ kind: 'tick', position, timeMs });
    }
  }
  system.run(random);
  return plans;
}

describe('far loop', () => {
  for (const hasTime of [true, false]) {
    test(`plans the same ${hasTime ? 'by event time' : 'by log position'}, whatever the batches and the delays between actors`, () => {
      const batch = trace(hasTime);
      const expected = inOnePiece(batch);
      expect(expected.reduce((sum, { entries }) => sum + entries.id.length, 0)).toBeGreaterThan(20);
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          expect(byMessages(batch, seed)).toEqual(expected);
        }),
        { numRuns: 5 },
      );
    });
  }

  test('foretells chains and favourites with calibrated probabilities', () => {
    const batch = trace(true);
    const loop = new InOnePiece();
    let from = 0;
    for (const { position, timeMs } of ticksOf(batch)) {
      loop.observe(batch.slice(from, position));
      from = position;
      loop.tick(position, timeMs);
    }
    expect(loop.forecaster.statsOf(0).count).toBeGreaterThan(300);
    expect(loop.forecaster.statsOf(0).ece).toBeLessThan(0.1);
    expect(loop.aggregator.map.accessCount).toBe(from);
    expect(loop.graphBuilder.graph.accessCount).toBe(from);
  });
});

describe('aggregator', () => {
  const context: ActorContext<AggregatorMessage> = {
    self: { address: '/a', tell: () => 'accepted', ready: () => Promise.resolve() },
    now: () => 0,
    after: () => () => {},
  };

  function collect(): { readonly messages: SummaryMessage[]; readonly ref: ActorRef<SummaryMessage> } {
    const messages: SummaryMessage[] = [];
    return {
      messages,
      ref: {
        address: '/m',
        tell: (message) => {
          messages.push(message);
          return 'accepted';
        },
        ready: () => Promise.resolve(),
      },
    };
  }

  test('counts a repeated summary once, and an older one not at all', () => {
    const batch = trace(true);
    const { messages, ref } = collect();
    const horizons = { horizonsMs: [1000], horizonsAccesses: [10] };
    const site = new AggregatorActor({ ...horizons, producer: 'site-1', mergers: [ref] });
    site.receive({ kind: 'accesses', batch: batch.slice(0, 1000) }, context);
    site.receive({ kind: 'tick', position: 1000, timeMs: batch.timeMs[999]! }, context);
    site.receive({ kind: 'accesses', batch: batch.slice(1000, 3000) }, context);
    site.receive({ kind: 'tick', position: 3000, timeMs: batch.timeMs[2999]! }, context);
    const centre = new AggregatorActor(horizons);
    for (const i of [1, 0, 1, 1, 0]) centre.receive(messages[i]!, context);
    expect(centre.merged.ignoredCount).toBe(4);
    const total = centre.merged.uses(batch.timeMs[2999]!).reduce((sum, { count }) => sum + count, 0);
    expect(total).toBe(3000);
  });

  test('refuses one producer too many, counted, and keeps what it has', () => {
    const aggregatorConfig = aggregatorConfigSchema.parse({ producersMax: 2 });
    const centre = new AggregatorActor({ config: aggregatorConfig, horizonsMs: [1000], horizonsAccesses: [10] });
    for (const producer of ['a', 'b', 'c', 'a']) {
      const { messages, ref } = collect();
      const site = new AggregatorActor({ producer, mergers: [ref], horizonsMs: [1000], horizonsAccesses: [10] });
      site.receive({ kind: 'tick', position: 5, timeMs: 0 }, context);
      centre.receive(messages[0]!, context);
    }
    expect(centre.refusedSummaryCount).toBe(1);
    expect([...centre.merged.summaries.keys()]).toEqual(['a', 'b']);
  });
});
