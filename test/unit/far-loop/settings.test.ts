import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { AccessMap } from '../../../actors/aggregator/access-map.ts';
import { AggregatorActor } from '../../../actors/aggregator/aggregator-actor.ts';
import { aggregatorConfigSchema } from '../../../actors/aggregator/aggregator-config.ts';
import { farLoopConfigSchema } from '../../../actors/far-loop-config.ts';
import { Forecaster } from '../../../actors/forecaster/forecaster.ts';
import { ForecasterActor } from '../../../actors/forecaster/forecaster-actor.ts';
import { forecasterConfigSchema } from '../../../actors/forecaster/forecaster-config.ts';
import { DependencyGraph } from '../../../actors/graph-builder/dependency-graph.ts';
import { GraphBuilderActor } from '../../../actors/graph-builder/graph-builder-actor.ts';
import { graphBuilderConfigSchema } from '../../../actors/graph-builder/graph-builder-config.ts';
import { IntervalModel } from '../../../actors/interval-predictor/interval-model.ts';
import { intervalPredictorConfigSchema } from '../../../actors/interval-predictor/interval-predictor-config.ts';
import type { ProposalColumns } from '../../../actors/messages.ts';
import { farExpertsOf } from '../../../actors/pipeline.ts';
import { PrefetchScheduler } from '../../../actors/prefetch-scheduler/prefetch-scheduler.ts';
import { PrefetchSchedulerActor } from '../../../actors/prefetch-scheduler/prefetch-scheduler-actor.ts';
import { prefetchSchedulerConfigSchema } from '../../../actors/prefetch-scheduler/prefetch-scheduler-config.ts';
import { pricesSchema } from '../../../actors/prices.ts';
import { SeasonalModel } from '../../../actors/seasonal-predictor/seasonal-model.ts';
import { seasonalPredictorConfigSchema } from '../../../actors/seasonal-predictor/seasonal-predictor-config.ts';
import type { ActorContext } from '../../../engine/actor.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

const rowCount = 6000;
const startMs = 1_704_067_200_000;

/** Four weeks of three consumers: chains, favourites, and segment 500 every day at noon. */
function world(hasTime: boolean): AccessBatch {
  const random = new Xoshiro128(11);
  const rows: { timeMs: number; segment: number; consumer: number }[] = [];
  for (let day = 0; day < 28; day++) {
    const midnight = startMs + day * 86_400_000;
    for (let i = 0; i < rowCount / 28 - 5; i++) {
      const chain = random.int(60);
      const timeMs = midnight + random.int(86_400_000 / 1000) * 1000;
      rows.push({ timeMs, segment: chain, consumer: chain % 3 });
      rows.push({ timeMs: timeMs + random.int(3) * 2500, segment: 100 + chain, consumer: chain % 3 });
    }
    for (let i = 0; i < 3; i++)
      rows.push({ timeMs: midnight + 12 * 3_600_000 + i * 600_000, segment: 500, consumer: 5 });
  }
  rows.sort((a, b) => a.timeMs - b.timeMs);
  const n = rows.length;
  return new AccessBatch(0, {
    timeMs: Float64Array.from(rows, ({ timeMs }) => (hasTime ? timeMs : Number.NaN)),
    segment: Uint32Array.from(rows, ({ segment }) => segment),
    consumer: Int32Array.from(rows, ({ consumer }) => consumer),
    site: new Int32Array(n).fill(-1),
    op: new Uint8Array(n),
    size: Float64Array.from(rows, ({ segment }) => (segment === 7 ? -1 : 1e5 + segment)),
    weight: new Float64Array(n).fill(1),
  });
}

const timed = world(true);
const untimed = world(false);
const endMs = timed.timeMs[timed.length - 1]!;
const horizons = { horizonsMs: [60_000, 3_600_000], horizonsAccesses: [20, 500] };
const context = {
  self: { address: '/x', tell: () => 'accepted', ready: async () => {} },
  now: () => 0,
  after: () => () => {},
} as const;

/** The same again and again, until sampling sets in. */
function repeated(batch: AccessBatch, times: number): AccessBatch {
  const n = batch.length;
  const at = (i: number): number => i % n;
  const all = Array.from({ length: times * n }, (_, i) => i);
  return new AccessBatch(0, {
    timeMs: Float64Array.from(all, (i) => batch.timeMs[at(i)]! + Math.floor(i / n) * 28 * 86_400_000),
    segment: Uint32Array.from(all, (i) => batch.segment[at(i)]!),
    consumer: Int32Array.from(all, (i) => batch.consumer[at(i)]!),
    site: new Int32Array(all.length).fill(-1),
    op: new Uint8Array(all.length),
    size: new Float64Array(all.length).fill(-1),
    weight: new Float64Array(all.length).fill(1),
  });
}

const longTimed = repeated(timed, 12);
const longUntimed = repeated(untimed, 12);

/** What a model shows of itself under `settings`, as plain data. */
type Show<C> = (config: C) => unknown;

function acts<S extends z.ZodType>(
  schema: S,
  show: Show<z.output<S>>,
  values: Readonly<Record<string, unknown>>,
): void {
  const fields = (schema as unknown as z.ZodObject).shape;
  test('every setting has a default and a description, and unknown ones are refused', () => {
    for (const [name, field] of Object.entries(fields)) {
      const described =
        (field as z.ZodType).description ?? (field as unknown as { unwrap?: () => z.ZodType }).unwrap?.().description;
      expect(described, name).toBeTruthy();
      expect((field as z.ZodType).safeParse(undefined).success, name).toBe(true);
    }
    expect(schema.safeParse({ noSuchSetting: 1 }).success).toBe(false);
    expect(Object.keys(values).sort()).toEqual(Object.keys(fields).sort());
  });
  const standard = JSON.stringify(show(schema.parse({})));
  for (const [name, value] of Object.entries(values)) {
    test(`${name} acts`, () => {
      expect(JSON.stringify(show(schema.parse({ [name]: value })))).not.toBe(standard);
    });
  }
}

const overLimit = (run: () => void): string => {
  try {
    run();
    return 'accepted';
  } catch (error) {
    return (error as { code?: string }).code ?? 'other';
  }
};

describe('aggregator settings', () => {
  acts(
    aggregatorConfigSchema,
    (config) => {
      const maps = [timed, untimed].map((batch) => {
        const map = new AccessMap(config);
        map.observe(batch);
        return map;
      });
      const actor = new AggregatorActor({ ...horizons, config });
      actor.receive({ kind: 'accesses', batch: timed }, context as ActorContext<never>);
      const summary = maps[0]!.summarize('x', 1);
      for (let i = 0; i < 5; i++)
        actor.receive(
          { kind: 'summary', position: 0, timeMs: 0, summary: { ...summary, producer: `p${i}` } },
          context as ActorContext<never>,
        );
      return [
        maps.map((map) => [map.findFrequent(3), map.segmentCount, map.windowPrunedCount]),
        maps[0]!.findHotSegments(config.windowsMs[0]!, 500),
        maps[1]!.findHotSegments(config.windowsAccesses[0]!, 500),
        [...maps[0]!.hourOfWeekCounts()],
        actor.propose(timed.length, endMs).segment.length,
        actor.refusedSummaryCount,
      ];
    },
    {
      halfLifeMs: 1e6,
      halfLifeAccesses: 50,
      segmentsMax: 20,
      windowsMs: [3_600_000],
      windowsAccesses: [100],
      windowSegmentsMax: 2,
      hotSegmentsMax: 5,
      probabilityMin: 0.9,
      producersMax: 2,
      timeZone: 'Europe/Berlin',
    },
  );
});

describe('graph builder settings', () => {
  acts(
    graphBuilderConfigSchema,
    (config) => [
      [longTimed, longUntimed].map((batch) => {
        const graph = new DependencyGraph(config);
        graph.observe(batch);
        return graph.sampledCount;
      }),
      [timed, untimed].map((batch) => {
        const actor = new GraphBuilderActor({ ...horizons, config });
        actor.receive({ kind: 'accesses', batch }, context as ActorContext<never>);
        const { segment, score } = actor.propose(batch.length, batch === timed ? endMs + 1000 : Number.NaN);
        const { graph } = actor;
        const edges = graph.strongestEdges(20).map((edge) => [edge, [...edge.lagShare]]);
        const companions = Array.from({ length: 20 }, (_, s) => graph.companionsOf(s).map((edge) => edge.support));
        return [edges, companions, graph.limits, graph.sourceCount, [...segment], [...score]];
      }),
    ],
    {
      sampleAfter: 10_000,
      samplePeriod: 5000,
      sampleBurst: 100,
      sampleRateMin: 0,
      lookahead: 1,
      lagMaxMs: 1000,
      coAccessWindowMs: 2500,
      degreeMax: 2,
      sourcesMax: 50,
      contextsMax: 1,
      halfLifeMs: 1e7,
      halfLifeAccesses: 100,
      lagUnitMs: 5000,
      lagUnitAccesses: 1,
      seedsMax: 1,
      depthMax: 1,
      fanOutMax: 1,
      probabilityMin: 0.5,
    },
  );
});

describe('seasonal predictor settings', () => {
  acts(
    seasonalPredictorConfigSchema,
    (config) => {
      const model = new SeasonalModel(config);
      const due: unknown[] = [];
      for (let i = 0; i < timed.length; i += 500) {
        model.observe(timed.slice(i, Math.min(timed.length, i + 500)));
        model.forecast(timed.timeMs[Math.min(timed.length, i + 500) - 1]!, 12 * 3_600_000, (...row) => due.push(row));
      }
      const at = model.profileAt(500, endMs + 3_600_000 * 13);
      return [
        model.fitCount,
        model.fittedCount,
        model.recordOf(500),
        model.speaksOf(500),
        at,
        due,
        model.presence.slotCount,
        model.forecastDemand(endMs, 3),
      ];
    },
    {
      segmentsMax: 100,
      historyHours: 200,
      evidenceHoursMin: 300,
      presentHoursMin: 45,
      weeklyHoursMin: 600,
      refitHours: 100,
      refitAccessesMin: 5000,
      shrinkage: 10,
      trendShrinkage: 0.1,
      marginMin: 0.999,
      evaluatedHitsMin: 100,
      errorHalfLifeHours: 24,
      probabilityMin: 0.95,
      demandRate: 2,
      demandShareRate: 0.2,
      timeZone: 'Asia/Kolkata',
    },
  );
});

describe('interval predictor settings', () => {
  acts(
    intervalPredictorConfigSchema,
    (config) => {
      const model = new IntervalModel(config);
      const due: unknown[] = [];
      for (let i = 0; i < timed.length; i += 500) {
        const end = Math.min(timed.length, i + 500);
        model.observe(timed.slice(i, end));
        model.forecast(timed.timeMs[end - 1]!, [600_000, 3_600_000], (...row) => due.push(row));
      }
      const farLoop = farLoopConfigSchema.parse({ intervalPredictor: config });
      return [due, model.table.slotCount, model.probabilityOf(500, endMs), farExpertsOf(farLoop)];
    },
    {
      isEnabled: true,
      segmentsMax: 50,
      unitMs: 10_000,
      intervalsMax: 8,
      intervalsMin: 30,
      outOfRangeShareMax: 0.1,
      trialsPerAccess: 0.5,
      calibrationMemory: 10,
      mixRateFirst: 0.5,
      mixRateLast: 0.1,
      probabilityMin: 0.9,
    },
  );
});

describe('forecaster settings', () => {
  const rows = (segments: readonly number[], horizon: number, score: number): ProposalColumns => ({
    segment: Uint32Array.from(segments),
    horizon: new Uint8Array(segments.length).fill(horizon),
    score: Float64Array.from(segments, (s) => Math.min(1, score + s / 1000)),
  });
  acts(
    forecasterConfigSchema,
    (config) => {
      const shown = [timed, untimed].map((batch) => {
        const forecaster = new Forecaster(['a', 'b'], config);
        const seen: unknown[] = [];
        for (let i = 0; i < batch.length; i += 100) {
          forecaster.observe(batch.slice(i, Math.min(batch.length, i + 100)));
          const now = batch.timeMs[Math.min(batch.length, i + 100) - 1]!;
          const made = forecaster.forecast(i + 100, now, [
            rows([1, 2, 3, 160, 500], 1, 0.3),
            rows([2, 3, 9], 1, 0.0001),
          ]);
          seen.push([...made.segment], [...made.probability]);
        }
        return [
          seen,
          [...forecaster.weightsOf(0)],
          [...forecaster.weightsOf(1)],
          forecaster.untrackedCount,
          forecaster.cutCount,
        ];
      });
      const actor = new ForecasterActor({ config, experts: ['a'] });
      actor.receive({ kind: 'tick', position: 0, timeMs: startMs }, context as ActorContext<never>);
      const held = overLimit(() => actor.receive({ kind: 'accesses', batch: timed }, context as ActorContext<never>));
      return [shown, held];
    },
    {
      horizonsMs: [10_000, 20_000],
      horizonsAccesses: [10, 20],
      shareRate: 0.2,
      binCount: 3,
      priorOutcomes: 100,
      outcomesMax: 20,
      outcomesMin: 1,
      calibrationErrorMax: 1,
      windowErrorMax: 1,
      pendingMax: 3,
      heldAccessesMax: 100,
      probabilityMin: 0.2,
      forecastsMax: 2,
    },
  );
});

describe('scheduler settings', () => {
  acts(
    prefetchSchedulerConfigSchema,
    (config) => {
      const shown = [timed, untimed].map((batch) => {
        const scheduler = new PrefetchScheduler({ ...horizons, config });
        scheduler.observe(batch.slice(0, 3000));
        const plans = Array.from({ length: 60 }, (_, tick) => {
          // Every tenth tick comes late, so that saved budgets matter; twice there is much to plan at once.
          const late = Math.floor(tick / 10);
          const now = batch === timed ? startMs + 15 * 86_400_000 + tick * 1000 + late * 300_000 : Number.NaN;
          const wanted = Array.from({ length: tick % 20 === 10 ? 2000 : 12 }, (_, i) => 600 + tick * 2000 + i);
          const segment = Uint32Array.from([7, 1, 2, ...wanted]);
          const plan = scheduler.plan(
            3000 + tick * 4 + late * 20_000,
            now,
            {
              segment,
              horizon: new Uint8Array(segment.length).fill(1),
              probability: Float64Array.from(segment, (_, i) => (i % 10) / 10),
              expert: new Uint8Array(segment.length),
            },
            {
              freeBytes: Infinity,
              capacityBytes: Infinity,
              inFlightCount: 0,
              residence: Number.NaN,
              displacedValuePerByte: 0,
              fetchBytes: Float64Array.of(1e5, 2e5),
              fetchMs: Float64Array.of(100 + 10 * (tick % 3), 180),
            },
          );
          return [[...plan.entries.segment], [...plan.entries.startBy], [...plan.entries.netBenefit]];
        });
        return [plans, scheduler.counts];
      });
      const fresh = new PrefetchScheduler({ ...horizons, config });
      const actor = new PrefetchSchedulerActor({ ...horizons, config });
      actor.receive({ kind: 'tick', position: 0, timeMs: startMs }, context as ActorContext<never>);
      const held = overLimit(() => actor.receive({ kind: 'accesses', batch: timed }, context as ActorContext<never>));
      return [shown, fresh.sizeOf(1), fresh.fetchTime.expected(1e6), held];
    },
    {
      prices: { request: 1 },
      netBenefitMin: 1e-4,
      bytesPerSecondMax: 1000,
      requestsPerSecondMax: 1,
      requestsPerAccessMax: 0.01,
      burstMs: 100,
      burstAccesses: 3,
      concurrencyMax: 1,
      spaceBytesMax: 2e5,
      entriesMax: 5,
      liveMax: 3,
      firstByteMs: 400,
      bytesPerSecond: 1e5,
      measuredFetches: 2,
      deadlineDeviations: 50,
      dueShare: 0.5,
      sizeBytes: 1e7,
      msPerAccess: 10,
      heldAccessesMax: 100,
    },
  );
});

describe('prices', () => {
  test('every price has a default and a description; unknown ones and negative ones are refused', () => {
    for (const [name, field] of Object.entries(pricesSchema.shape)) {
      expect(field.description, name).toBeTruthy();
      expect(pricesSchema.safeParse({ [name]: -1 }).success, name).toBe(false);
    }
    expect(pricesSchema.safeParse({ perHug: 1 }).success).toBe(false);
  });
});
