import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ForecastColumns, PrefetchPlan, SiteStatus } from '../../actors/messages.ts';
import { netBenefit, timeSavedMs } from '../../actors/prefetch-scheduler/net-benefit.ts';
import { PrefetchScheduler } from '../../actors/prefetch-scheduler/prefetch-scheduler.ts';
import { prefetchSchedulerConfigSchema } from '../../actors/prefetch-scheduler/prefetch-scheduler-config.ts';
import { defaultPrices } from '../../actors/prices.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

const horizonsMs = [1000, 60_000];
const horizonsAccesses = [10, 100];

interface Forecast {
  readonly segment: number;
  readonly horizon: number;
  readonly probability: number;
}

function columns(list: readonly Forecast[]): ForecastColumns {
  return {
    segment: Uint32Array.from(list, ({ segment }) => segment),
    horizon: Uint8Array.from(list, ({ horizon }) => horizon),
    probability: Float64Array.from(list, ({ probability }) => probability),
    expert: new Uint8Array(list.length),
  };
}

function status(over: Partial<SiteStatus> = {}): SiteStatus {
  return {
    freeBytes: Infinity,
    capacityBytes: Infinity,
    inFlightCount: 0,
    residence: Number.NaN,
    displacedValuePerByte: 0,
    fetchBytes: new Float64Array(0),
    fetchMs: new Float64Array(0),
    ...over,
  };
}

/** One access to each segment, which tells its size. */
function sizesOf(sizes: readonly number[], timeMs = 0): AccessBatch {
  const n = sizes.length;
  return new AccessBatch(0, {
    timeMs: new Float64Array(n).fill(timeMs),
    segment: Uint32Array.from(sizes, (_, segment) => segment),
    consumer: new Int32Array(n).fill(-1),
    site: new Int32Array(n).fill(-1),
    op: new Uint8Array(n),
    size: Float64Array.from(sizes),
    weight: new Float64Array(n).fill(1),
  });
}

function schedulerOf(
  settings: object,
  sizes: readonly number[] = Array.from({ length: 30 }, (_, i) => 1000 * (i + 1)),
) {
  const config = prefetchSchedulerConfigSchema.parse({ requestsPerAccessMax: 1000, ...settings });
  const scheduler = new PrefetchScheduler({ config, horizonsMs, horizonsAccesses });
  scheduler.observe(sizesOf(sizes));
  return scheduler;
}

const bytesOf = (plan: PrefetchPlan): number => plan.entries.sizeBytes.reduce((a, b) => a + b, 0);

const forecastLists = fc.uniqueArray(
  fc.record({
    segment: fc.nat(29),
    horizon: fc.nat(1),
    probability: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { maxLength: 40, selector: ({ segment, horizon }) => segment * 2 + horizon },
);

describe('prefetch scheduler', () => {
  test('holds liveMax entries and no more where nothing else is short, and takes as many again as ended', () => {
    const scheduler = schedulerOf({ liveMax: 7, entriesMax: 5, concurrencyMax: 100, bytesPerSecondMax: 1e9 });
    const all = columns(Array.from({ length: 30 }, (_, segment) => ({ segment, horizon: 1, probability: 0.9 })));
    // Budgets fill as time passes, so the first plan has none.
    const planned = [10_000, 20_000, 30_000, 40_000].map((at) => scheduler.plan(30, at, all, status()).entries.id);
    expect(planned.map((ids) => ids.length)).toEqual([0, 5, 2, 0]);
    const id = planned[1]!.slice(0, 3);
    scheduler.finish({ kind: 'outcomes', position: 30, id, expert: new Uint8Array(3), outcome: new Uint8Array(3) });
    expect(scheduler.plan(30, 50_000, all, status()).entries.id).toHaveLength(3);
  });

  test('a rate of less than one request in a burst let none through at all, ever', () => {
    const scheduler = schedulerOf({ requestsPerSecondMax: 0.01 });
    const all = columns(Array.from({ length: 30 }, (_, segment) => ({ segment, horizon: 1, probability: 0.9 })));
    const planned = [0, 1, 2, 3].map((i) => scheduler.plan(30, 10_000 + i * 101_000, all, status()).entries.id.length);
    expect(planned).toEqual([0, 1, 1, 1]);
  });

  test('never exceeds a budget, in any plan or over any run of plans, and accounts for every candidate', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            forecasts: forecastLists,
            gapMs: fc.integer({ min: 0, max: 5000 }),
            freeBytes: fc.integer({ min: 0, max: 200_000 }),
            inFlightCount: fc.nat(4),
            ended: fc.nat(10),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        fc.record({
          bytesPerSecondMax: fc.integer({ min: 1, max: 50_000 }),
          requestsPerSecondMax: fc.integer({ min: 1, max: 20 }),
          requestsPerAccessMax: fc.constantFrom(0.05, 1, 100),
          concurrencyMax: fc.integer({ min: 1, max: 4 }),
          spaceBytesMax: fc.integer({ min: 1, max: 300_000 }),
          entriesMax: fc.integer({ min: 1, max: 20 }),
          liveMax: fc.integer({ min: 1, max: 30 }),
          burstMs: fc.integer({ min: 100, max: 20_000 }),
        }),
        (ticks, limits) => {
          const scheduler = schedulerOf(limits);
          let now = 0;
          let position = 30;
          const plans: { at: number; position: number; bytes: number; requests: number }[] = [];
          const ids = new Set<number>();
          for (const tick of ticks) {
            now += tick.gapMs;
            position += 20;
            const site = status({
              freeBytes: tick.freeBytes,
              capacityBytes: 250_000,
              inFlightCount: tick.inFlightCount,
              displacedValuePerByte: Infinity,
            });
            const plan = scheduler.plan(position, now, columns(tick.forecasts), site);
            const { entries } = plan;
            const requests = entries.id.length;
            plans.push({ at: now, position, bytes: bytesOf(plan), requests });
            expect(bytesOf(plan)).toBeLessThanOrEqual(tick.freeBytes);
            expect(requests).toBeLessThanOrEqual(limits.entriesMax);
            expect(scheduler.liveCount).toBeLessThanOrEqual(limits.liveMax);
            const slots = Math.max(0, limits.concurrencyMax - tick.inFlightCount);
            const fetchMs = entries.sizeBytes.reduce((sum, bytes) => sum + scheduler.fetchTime.expected(bytes), 0);
            expect(fetchMs).toBeLessThanOrEqual(slots * tick.gapMs + 1e-6);
            expect(new Set(entries.segment).size).toBe(requests);
            for (const id of entries.id) {
              expect(ids.has(id)).toBe(false);
              ids.add(id);
            }
            for (const benefit of entries.netBenefit) expect(benefit).toBeGreaterThan(0);
            for (let i = 1; i < requests; i++)
              expect(entries.startBy[i]!).toBeGreaterThanOrEqual(entries.startBy[i - 1]!);
            const id = Float64Array.from([...ids].slice(0, tick.ended));
            scheduler.finish({
              kind: 'outcomes',
              position,
              id,
              expert: new Uint8Array(id.length),
              outcome: new Uint8Array(id.length),
            });
          }
          for (let i = 0; i < plans.length; i++) {
            let bytes = 0;
            let requests = 0;
            for (let j = i; j < plans.length; j++) {
              bytes += plans[j]!.bytes;
              requests += plans[j]!.requests;
              // What was saved up to plan i, at most a burst, plus what accrued since.
              const seconds = (plans[j]!.at - plans[i]!.at + limits.burstMs) / 1000;
              expect(bytes).toBeLessThanOrEqual(limits.bytesPerSecondMax * seconds + 1e-6);
              expect(requests).toBeLessThanOrEqual(limits.requestsPerSecondMax * seconds + 1e-6);
            }
          }
          const all = plans.reduce((sum, plan) => sum + plan.requests, 0);
          expect(all).toBeLessThanOrEqual(limits.requestsPerAccessMax * position + 1e-6);
          const { candidates, cancelled: _c, expired: _e, ...ends } = scheduler.counts;
          expect(Object.values(ends).reduce((a, b) => a + b, 0)).toBe(candidates);
          expect(ends.planned).toBe(all);
        },
      ),
    );
  });

  test('what is chosen takes from the space and the free room of those after it', () => {
    const sizes = [4000, 4000, 4000];
    const three = columns(sizes.map((_, segment) => ({ segment, horizon: 1, probability: 0.9 })));
    const plannedWith = (settings: object, site: Partial<SiteStatus>): number => {
      const scheduler = schedulerOf({ bytesPerSecondMax: 1e9, concurrencyMax: 100, ...settings }, sizes);
      scheduler.plan(30, 10_000, columns([]), status());
      return scheduler.plan(30, 20_000, three, status(site)).entries.id.length;
    };
    expect(plannedWith({}, {})).toBe(3);
    expect(plannedWith({ spaceBytesMax: 10_000 }, {})).toBe(2);
    expect(plannedWith({}, { capacityBytes: 10_000 })).toBe(2);
    // The second would push out what is worth more than any time that it saves.
    expect(plannedWith({}, { freeBytes: 5000, displacedValuePerByte: 1 })).toBe(1);
  });

  test('gives the same plan whatever the order of the forecasts', () => {
    fc.assert(
      fc.property(forecastLists, fc.nat(), (list, seed) => {
        const shuffled = [...list].sort(
          (a, b) => ((a.segment * 7 + a.horizon + seed) % 13) - ((b.segment * 7 + b.horizon + seed) % 13),
        );
        const plans = [list, shuffled].map((forecasts) => {
          const scheduler = schedulerOf({ entriesMax: 5, bytesPerSecondMax: 30_000 });
          scheduler.plan(30, 0, columns([]));
          return scheduler.plan(60, 2000, columns(forecasts));
        });
        expect(plans[1]!.entries.segment).toEqual(plans[0]!.entries.segment);
        expect(plans[1]!.entries.netBenefit).toEqual(plans[0]!.entries.netBenefit);
      }),
    );
  });

  test('plans a segment once, and cancels it when it is no longer worth its price', () => {
    const scheduler = schedulerOf({});
    scheduler.plan(30, 0, columns([]));
    const wanted = columns([{ segment: 4, horizon: 1, probability: 0.9 }]);
    const first = scheduler.plan(40, 1000, wanted);
    expect([...first.entries.segment]).toEqual([4]);
    expect(scheduler.plan(50, 2000, wanted).entries.id.length).toBe(0);
    expect(scheduler.counts.duplicate).toBe(1);
    const third = scheduler.plan(60, 3000, columns([{ segment: 4, horizon: 1, probability: 0 }]));
    expect([...third.cancelled]).toEqual([...first.entries.id]);
    expect([...scheduler.plan(70, 4000, wanted).entries.segment]).toEqual([4]);
  });

  test('leaves out what is resident, joins what is in flight, and does not call back what is paid for', () => {
    const inFlight = new Set([3]);
    const scheduler = new PrefetchScheduler({
      config: prefetchSchedulerConfigSchema.parse({}),
      horizonsMs,
      horizonsAccesses,
      site: { isResident: (segment) => segment === 2, isInFlight: (segment) => inFlight.has(segment) },
    });
    scheduler.observe(sizesOf(Array.from({ length: 30 }, () => 1000)));
    scheduler.plan(30, 0, columns([]));
    const list = [2, 3, 4].map((segment) => ({ segment, horizon: 1, probability: 0.9 }));
    expect([...scheduler.plan(60, 1000, columns(list)).entries.segment]).toEqual([4]);
    expect(scheduler.counts).toMatchObject({ resident: 1, joined: 1, planned: 1 });
    inFlight.add(4);
    expect(scheduler.plan(60, 2000, columns([])).cancelled.length).toBe(0);
  });

  test('orders by the instant at which a fetch must start, which follows measured fetch times', () => {
    const scheduler = schedulerOf({ deadlineDeviations: 0 }, [1000, 30e6, 1000]);
    scheduler.plan(3, 0, columns([]));
    const list = [0, 1, 2].map((segment) => ({ segment, horizon: 1, probability: 1 }));
    const { entries } = scheduler.plan(6, 20_000, columns(list));
    // 10 % of a minute may pass; the large one takes 350 ms, the small ones 50.
    expect([...entries.segment]).toEqual([1, 0, 2]);
    expect(entries.startBy[0]).toBeCloseTo(26_000 - 350, 6);
    expect(entries.startBy[1]).toBeCloseTo(26_000 - 50.01, 6);
  });

  test('forgets an entry whose reason has passed', () => {
    const scheduler = schedulerOf({});
    scheduler.plan(30, 0, columns([]));
    const wanted = columns([{ segment: 4, horizon: 0, probability: 0.9 }]);
    expect(scheduler.plan(40, 1000, wanted).entries.expiresAt[0]).toBe(2000);
    expect(scheduler.plan(50, 2001, columns([])).cancelled.length).toBe(0);
    expect(scheduler.counts.expired).toBe(1);
    expect(scheduler.liveCount).toBe(0);
  });

  test('displaces what is staged only where that is worth it', () => {
    const plan = (displacedValuePerByte: number): number => {
      const scheduler = schedulerOf({});
      scheduler.plan(30, 0, columns([]));
      const site = status({ freeBytes: 0, capacityBytes: 1e6, displacedValuePerByte });
      return scheduler.plan(40, 1000, columns([{ segment: 4, horizon: 1, probability: 0.9 }]), site).entries.id.length;
    };
    expect([plan(0), plan(1e-3), plan(Infinity)]).toEqual([1, 0, 0]);
  });
});

describe('net benefit', () => {
  const base = {
    probability: 0.5,
    horizonMs: 60_000,
    sizeBytes: 1e6,
    fetchMs: 100,
    residenceMs: Number.NaN,
    displacedBytes: 0,
    displacedValuePerByte: 0,
  };

  test('each price acts, in its direction', () => {
    const at = (over: object): number => netBenefit({ ...defaultPrices, ...over }, base);
    const now = netBenefit(defaultPrices, base);
    expect(at({ secondOfWaiting: defaultPrices.secondOfWaiting * 2 })).toBeGreaterThan(now);
    expect(at({ gigabyteTransferred: defaultPrices.gigabyteTransferred * 2 })).toBeLessThan(now);
    expect(at({ request: defaultPrices.request * 2 })).toBeLessThan(now);
    expect(at({ gigabyteHour: defaultPrices.gigabyteHour * 2 })).toBeLessThan(now);
  });

  test('equals the sum of its terms, worked by hand', () => {
    const prices = { secondOfWaiting: 2, gigabyteTransferred: 3, request: 0.5, gigabyteHour: 7 };
    // A tenth of a second saved half the time, less 100^2 / 120,000 ms for demands that come during the fetch; a wasted
    // transfer half the time; a minute of space for a megabyte, which is given back halfway when used.
    const saved = 0.5 * 2 * ((100 - 10_000 / 120_000) / 1000);
    const wasted = 0.5 * (0.001 * 3 + 0.5);
    const space = 0.001 * 7 * (45_000 / 3_600_000);
    expect(netBenefit(prices, base)).toBeCloseTo(saved - wasted - space, 12);
  });

  test('grows with the probability, falls with size, with a short stay and with what is displaced', () => {
    const number = fc.double({ min: 0.001, max: 1, noNaN: true });
    fc.assert(
      fc.property(number, number, number, (a, b, scale) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const of = (over: object): number => netBenefit(defaultPrices, { ...base, ...over });
        expect(of({ probability: high })).toBeGreaterThanOrEqual(of({ probability: low }));
        expect(of({ sizeBytes: high * 1e9 })).toBeLessThanOrEqual(of({ sizeBytes: low * 1e9 }));
        expect(of({ displacedBytes: high, displacedValuePerByte: scale })).toBeLessThanOrEqual(
          of({ displacedBytes: low, displacedValuePerByte: scale }),
        );
      }),
    );
    const certain = { ...base, probability: 1 };
    expect(netBenefit(defaultPrices, { ...certain, residenceMs: 6000 })).toBeLessThan(
      netBenefit(defaultPrices, certain),
    );
  });

  test('a fetch longer than the horizon saves only what has passed of it when the demand comes', () => {
    expect(timeSavedMs(1000, 100)).toBe(50);
    expect(timeSavedMs(100, 1e9)).toBeCloseTo(100, 4);
    expect(timeSavedMs(100, 100)).toBe(50);
  });
});
