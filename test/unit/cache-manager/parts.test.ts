import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BenefitAccount } from '../../../actors/cache-manager/benefit-account.ts';
import { DecisionDigest } from '../../../actors/cache-manager/decision-digest.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { FetchLog } from '../../../actors/cache-manager/fetch-log.ts';
import { FlightTable } from '../../../actors/cache-manager/flight-table.ts';
import { Ghost } from '../../../actors/cache-manager/ghost.ts';
import { LatencyHistogram } from '../../../actors/cache-manager/latency-histogram.ts';
import { Ledger } from '../../../actors/cache-manager/ledger.ts';
import { MissBound } from '../../../actors/cache-manager/miss-bound.ts';
import { PlanAdmission } from '../../../actors/cache-manager/plan-admission.ts';
import { PrefetchQueue } from '../../../actors/cache-manager/prefetch-queue.ts';
import { SegmentFifo } from '../../../actors/cache-manager/segment-fifo.ts';
import { SegmentSizes } from '../../../actors/cache-manager/segment-sizes.ts';
import { TrafficBudget } from '../../../actors/cache-manager/traffic-budget.ts';
import { Outcome } from '../../../actors/prefetcher.ts';
import { InvariantError } from '../../../engine/assert.ts';
import { StateLoader, StateSaver } from '../../../engine/state-fields.ts';

const segment = fc.nat({ max: 12 });

describe('ghost', () => {
  test('says and lists the same whether it runs ahead of the demands or not, on every kind of eviction', () => {
    const site = { unitsOf: () => 1, copyUnitsOf: () => 1 };
    const row = fc.record({ segment, at: fc.constantFrom('nowhere' as const, 'reactive' as const, 'staged' as const) });
    const kinds = ['lru', 'clock', 's3-fifo', 'arc', 'lirs', 'w-tinylfu', 'hazard', 'auto'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.array(fc.array(row, { maxLength: 60 }), { maxLength: 6 }),
        (kind, runs) => {
          const make = () =>
            new Ghost({
              makeEviction: (onEvict) =>
                createEviction(kind, { capacity: 4, unit: 'segments', ...(onEvict === undefined ? {} : { onEvict }) }),
              site,
              segmentCountHint: 1,
              isBytes: false,
            });
          const [ahead, beside] = [make(), make()];
          for (const run of runs) {
            ahead.runAhead(
              Uint32Array.from(run, (each) => each.segment),
              0,
              run.length,
            );
            for (const { segment: demanded, at } of run) {
              const isHit = ahead.passHit() || ahead.access(demanded, 1, 1);
              expect(isHit).toBe(beside.access(demanded, 1, 1));
              for (const ghost of [ahead, beside]) ghost.compare(demanded, at);
              for (const name of ['lost', 'extras', 'stagedExtras'] as const) {
                expect([ahead[name].count, ahead[name].oldest]).toEqual([beside[name].count, beside[name].oldest]);
              }
              expect([ahead.misses, ahead.count]).toEqual([beside.misses, beside.eviction.count]);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('flight table', () => {
  test('that is saved on its way lands the rest in the same order, here and where it is restored', () => {
    const [table, restored] = [new FlightTable(2), new FlightTable(2)];
    // In order, overtaking, at once, and forgotten.
    for (const [segment, at] of [
      [0, 5],
      [1, 8],
      [2, 6],
      [3, 8],
      [4, 3],
      [5, 9],
      [6, 8],
    ] as const) {
      table.add(segment, at);
    }
    table.forget(3);
    expect(table.pop()).toBe(4);
    const saver = new StateSaver();
    table.persist(saver);
    restored.persist(new StateLoader(saver.finish()));
    for (const one of [table, restored]) {
      one.add(7, 8);
      expect(one.count).toBe(6);
      expect(Array.from({ length: 6 }, () => one.pop())).toEqual([0, 2, 1, 6, 7, 5]);
      expect(one.nextLanding()).toBe(Infinity);
    }
  });

  test('lands what a sorted list lands, whatever is added, forgotten and popped', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), segment, at: fc.nat({ max: 5 }) }),
      fc.record({ kind: fc.constant('forget' as const), segment, at: fc.constant(0) }),
      fc.record({ kind: fc.constant('pop' as const), segment, at: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new FlightTable(1);
        let naive: { segment: number; at: number; order: number }[] = [];
        let order = 0;
        for (const { kind, segment, at } of steps) {
          const isFlying = naive.some((flight) => flight.segment === segment);
          if (kind === 'add' && !isFlying) {
            table.add(segment, at);
            naive.push({ segment, at, order: order++ });
          } else if (kind === 'forget') {
            table.forget(segment);
            naive = naive.filter((flight) => flight.segment !== segment);
          } else if (kind === 'pop' && naive.length > 0) {
            naive.sort((a, b) => a.at - b.at || a.order - b.order);
            expect(table.pop()).toBe(naive.shift()!.segment);
          }
          expect(table.count).toBe(naive.length);
          expect(table.nextLanding()).toBe(Math.min(Infinity, ...naive.map((flight) => flight.at)));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('refuses a second flight of a segment, and a pop when nothing flies', () => {
    const table = new FlightTable();
    table.add(3, 10);
    expect(() => table.add(3, 11)).toThrow(InvariantError);
    table.forget(3);
    expect(() => table.pop()).toThrow(InvariantError);
  });
});

describe('prefetch queue', () => {
  test('holds the most valuable, equal values by arrival, as a sorted list does', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), segment, value: fc.nat({ max: 4 }) }),
      fc.record({ kind: fc.constant('shift' as const), segment, value: fc.constant(0) }),
      fc.record({ kind: fc.constant('remove' as const), segment, value: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(step, { maxLength: 100 }), (lengthMax, steps) => {
        const queue = new PrefetchQueue(lengthMax);
        const naive: { segment: number; value: number; order: number }[] = [];
        steps.forEach(({ kind, segment, value }, order) => {
          const at = naive.findIndex((entry) => entry.segment === segment);
          if (kind === 'add' && at < 0) {
            naive.push({ segment, value, order });
            naive.sort((a, b) => b.value - a.value || a.order - b.order);
            const out = naive.length > lengthMax ? naive.pop()!.segment : -1;
            expect(queue.add(segment, value)).toBe(out);
          } else if (kind === 'shift') {
            expect(queue.shift()).toBe(naive.shift()?.segment ?? -1);
          } else if (kind === 'remove') {
            if (at >= 0) naive.splice(at, 1);
            expect(queue.remove(segment)).toBe(at >= 0);
          }
          expect(queue.count).toBe(naive.length);
          expect(queue.peek()).toBe(naive[0]?.segment ?? -1);
        });
      }),
      { numRuns: 300 },
    );
  });
});

describe('segment list', () => {
  test('gives back the oldest first and adds up its sizes, as a list does', () => {
    const step = fc.record({
      isAdd: fc.boolean(),
      segment: fc.nat({ max: 3000 }),
      size: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const area = new SegmentFifo(2);
        const naive = new Map<number, number>();
        for (const { isAdd, segment, size } of steps) {
          if (isAdd && !naive.has(segment)) {
            area.add(segment, size);
            naive.set(segment, size);
          } else if (naive.has(segment)) {
            expect(area.remove(segment)).toBe(naive.get(segment));
            naive.delete(segment);
          }
          expect(area.has(segment)).toBe(naive.has(segment));
          expect(area.count).toBe(naive.size);
          expect(area.used).toBe([...naive.values()].reduce((sum, units) => sum + units, 0));
          expect(area.oldest).toBe([...naive.keys()][0] ?? -1);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('refuses to list twice and to remove what is not listed', () => {
    const area = new SegmentFifo();
    area.add(1, 1);
    expect(() => area.add(1, 1)).toThrow(InvariantError);
    expect(() => area.remove(2)).toThrow(InvariantError);
    expect(area.has(1_000_000)).toBe(false);
  });
});

describe('latency histogram', () => {
  test('a quantile is within 1/128 of the exact one', () => {
    const wait = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(wait, { minLength: 1, maxLength: 300 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (waits, q) => {
          const histogram = new LatencyHistogram();
          for (const w of waits) histogram.add(w);
          const sorted = [...waits].sort((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
          expect(Math.abs(histogram.quantile(q)! / exact - 1)).toBeLessThanOrEqual(1 / 128 + 1e-6);
          const sum = waits.reduce((total, w) => total + w, 0);
          expect(histogram.mean()).toBeCloseTo(sum / waits.length, 6);
          expect(histogram.buckets().reduce((total, bucket) => total + bucket.count, 0)).toBe(waits.length);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a constant latency comes back exactly, and zero is a wait', () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < 10; i++) histogram.add(50);
    for (let i = 0; i < 30; i++) histogram.add(0);
    expect(histogram.quantile(0.75)).toBe(0);
    expect(histogram.quantile(0.76)).toBe(50);
    expect(histogram.quantile(0.99)).toBe(50);
    expect(histogram.mean()).toBe(12.5);
    expect(histogram.buckets()).toEqual([
      { wait: 0, count: 30 },
      { wait: 50, count: 10 },
    ]);
  });

  test('without a wait there is no mean and no quantile', () => {
    const histogram = new LatencyHistogram();
    expect([histogram.mean(), histogram.quantile(0.5), histogram.buckets()]).toEqual([null, null, []]);
  });
});

describe('traffic budget', () => {
  test('the limit is bound x reference, plus what the eviction costs above it, plus the allowance', () => {
    const budget = new TrafficBudget(1.5, 64);
    expect(budget.limit(100, 80)).toBe(1.5 * 100 + 64);
    expect(budget.limit(100, 130)).toBe(1.5 * 100 + 30 + 64);
    expect(budget.isBounded).toBe(true);
    expect(new TrafficBudget(Infinity, 0).isBounded).toBe(false);
  });

  test('moments above it are counted, and by how many requests at most', () => {
    const budget = new TrafficBudget(1.5, 64);
    for (const [requests, isBreach] of [
      [-5, false],
      [7, true],
      [3, true],
      [2, false],
    ] as const)
      budget.check(requests, isBreach);
    expect([budget.breachCount, budget.overshoot]).toEqual([2, 7]);
  });
});

describe('miss bound', () => {
  test('moments above it are counted, by more than share and allowance grant', () => {
    const bound = new MissBound(0.1, 2);
    const ghost = { misses: 10, lost: { count: 0 } };
    const breachesAt = (misses: number): number => {
      bound.misses = misses;
      bound.check(ghost);
      return bound.breachCount;
    };
    expect([breachesAt(12), breachesAt(13), breachesAt(14)]).toEqual([0, 0, 1]);
    expect(bound.excess).toBe(4);
  });
});

describe('plan admission', () => {
  test('an expert that is never right is shut out, but for the trials', () => {
    const admission = new PlanAdmission({ probabilityMin: 0.3, trialEvery: 10 });
    for (let i = 0; i < 100; i++) admission.learn(0, 0.9, false, false);
    const expected = admission.expect(0, 0.9);
    expect(expected).toBeLessThan(0.3);
    let admitted = 0;
    for (let i = 0; i < 100; i++) if (admission.judge(0, expected) !== 'refuse') admitted++;
    expect(admitted).toBe(10);
    expect(admission.counts).toEqual({ adopted: 10, refused: 90, trials: 10 });
  });

  test('a new expert is tried at once; each waste doubles the distance to its next trial, each use halves it', () => {
    const admission = new PlanAdmission({ probabilityMin: 1, trialEvery: 8 });
    const entriesUntilTrial = (expert: number): number => {
      for (let count = 1; ; count++) if (admission.judge(expert, 0) === 'try') return count;
    };
    const distances = [entriesUntilTrial(0)];
    for (const isUsed of [false, false, false, false, true, true]) {
      admission.learn(0, 0.5, isUsed, true);
      distances.push(entriesUntilTrial(0));
    }
    expect(distances).toEqual([1, 2, 4, 8, 8, 4, 2]);
    expect(entriesUntilTrial(1)).toBe(1);
  });

  test('a trial that is never sent, or that nothing is learnt from, does not keep the next one waiting', () => {
    const admission = new PlanAdmission({ probabilityMin: 1, trialEvery: 1000 });
    expect(admission.judge(0, 0)).toBe('try');
    admission.withdraw(0, true);
    expect(admission.counts).toEqual({ adopted: 0, refused: 1, trials: 0 });
    expect(admission.judge(0, 0)).toBe('try');
    admission.endTrial(0);
    expect(admission.judge(0, 0)).toBe('try');
    expect(admission.judge(0, 0)).toBe('refuse');
  });

  test('an expert that is always right comes in, and another one is judged apart', () => {
    const admission = new PlanAdmission({ probabilityMin: 0.5, trialEvery: 1000 });
    const before = admission.expect(1, 0.9);
    for (let i = 0; i < 100; i++) admission.learn(0, 0.9, true, false);
    expect(admission.expect(0, 0.9)).toBeGreaterThan(0.8);
    expect(admission.expect(1, 0.9)).toBe(before);
  });

  test('at first an expert is believed half', () => {
    const admission = new PlanAdmission({ probabilityMin: 0.5, trialEvery: 1000 });
    for (const p of [0.2, 0.5, 0.8]) expect(admission.expect(0, p)).toBeLessThan(0.75 * p);
  });
});

describe('segment sizes', () => {
  test('an access without a size does not erase the one that is known', () => {
    const sizes = new SegmentSizes(1);
    expect(sizes.observe(7, 300)).toBe(300);
    expect(sizes.observe(7, -1)).toBe(300);
    expect(sizes.of(7)).toBe(300);
    expect(sizes.observe(7, 0)).toBe(0);
    expect(sizes.of(7)).toBe(0);
  });

  test('a segment that was never sized takes the mean of the sized ones, each at its first size', () => {
    const sizes = new SegmentSizes(4);
    expect(sizes.observe(1, -1)).toBe(0);
    sizes.observe(2, 100);
    sizes.observe(2, 900);
    sizes.observe(3, 201);
    expect(sizes.observe(1, -1)).toBe(151);
    expect([sizes.isKnown(1), sizes.isKnown(2), sizes.isKnown(1000)]).toEqual([false, true, false]);
  });

  test('who asks for a segment of unknown size is believed until an access tells it', () => {
    const sizes = new SegmentSizes(4);
    sizes.observe(2, 100);
    sizes.guess(1, 40);
    sizes.guess(2, 40);
    expect([sizes.of(1), sizes.of(2), sizes.mean]).toEqual([40, 100, 100]);
    sizes.observe(1, 60);
    expect([sizes.of(1), sizes.mean]).toEqual([60, 80]);
  });
});

describe('fetch log', () => {
  test('what a fetch waits follows its bytes, where waits do', () => {
    const fetches = new FetchLog();
    expect(fetches.waitOf(1000)).toBe(0);
    for (const bytes of [100, 3000, 900, 20_000, 400]) fetches.add(bytes, 50 + bytes / 10);
    expect(fetches.waitOf(1000)).toBeCloseTo(150, 9);
    expect(fetches.waitOf(0)).toBeCloseTo(50, 9);
    const alike = new FetchLog();
    for (const bytes of [100, 3000, 900]) alike.add(bytes, 50);
    expect([alike.waitOf(0), alike.waitOf(1e9)]).toEqual([50, 50]);
    // Larger ones that came sooner say nothing of bytes.
    const chance = new FetchLog();
    chance.add(10, 80);
    chance.add(1000, 20);
    expect([chance.waitOf(0), chance.waitOf(1e9)]).toEqual([50, 50]);
  });
});

describe('benefit account', () => {
  const prices = { secondOfWaiting: 1, gigabyteTransferred: 1e9, request: 1, gigabyteHour: 0 };

  test('a prefetch is worth it when its chance of sparing the wait outweighs that of a wasted transfer', () => {
    const account = new BenefitAccount({ prices, missPenaltyMs: null });
    // The wait is worth 9, the transfer of 2 bytes costs 3: p x 9 against (1 - p) x 3.
    expect(account.isWorth(0.24, 9000, 2)).toBe(false);
    expect(account.isWorth(0.26, 9000, 2)).toBe(true);
    expect(account.isWorth(Number.NaN, 9000, 2)).toBe(true);
  });

  test('a prefetch is worth more than what as many bytes displaced of late, or it is a trial', () => {
    const account = new BenefitAccount({ prices, missPenaltyMs: null });
    for (let i = 0; i < 20; i++) account.ended(10);
    const before = account.isWorth(0.999, 9000, 1000);
    // A wait worth 18 lost for about 200 bytes sent: .09 a byte.
    account.lost(18_000, -1);
    expect([before, account.isWorth(0.999, 9000, 50)]).toEqual([true, true]);
    const sent = Array.from({ length: 4000 }, () => account.isWorth(0.999, 9000, 1000));
    expect(sent.flatMap((isSent, i) => (isSent ? [i] : []))).toEqual([15, 47, 111, 239, 495, 1007, 2031, 3055]);
  });

  test('where fetches are not timed a wait is worth the penalty of a miss', () => {
    const account = new BenefitAccount({ prices, missPenaltyMs: 9000 });
    expect([account.isWorth(0.24, 0, 2), account.isWorth(0.26, 0, 2)]).toEqual([false, true]);
  });
});

describe('decision digest', () => {
  const decisions = fc.array(fc.tuple(fc.nat({ max: 10 }), fc.nat({ max: 2 ** 28 - 1 })), {
    minLength: 1,
    maxLength: 60,
  });
  const digestOf = (list: readonly (readonly [number, number])[]): string => {
    const digest = new DecisionDigest();
    for (const [code, id] of list) digest.add(code, id);
    return digest.hex();
  };

  test('equal decisions give equal digests of sixteen digits', () => {
    fc.assert(
      fc.property(decisions, (list) => {
        expect(digestOf(list)).toMatch(/^[0-9a-f]{16}$/);
        expect(digestOf(list)).toBe(digestOf([...list]));
      }),
    );
  });

  test('one decision changed, missing, doubled or swapped changes it', () => {
    fc.assert(
      fc.property(decisions, fc.nat(), fc.nat({ max: 10 }), fc.nat({ max: 2 ** 28 - 1 }), (list, at, code, id) => {
        const i = at % list.length;
        const original = digestOf(list);
        const [oldCode, oldId] = list[i]!;
        if (code !== oldCode) expect(digestOf(list.with(i, [code, oldId]))).not.toBe(original);
        if (id !== oldId) expect(digestOf(list.with(i, [oldCode, id]))).not.toBe(original);
        expect(digestOf(list.toSpliced(i, 1))).not.toBe(original);
        expect(digestOf(list.toSpliced(i, 0, list[i]!))).not.toBe(original);
        const next = list[i + 1];
        if (next !== undefined && (next[0] !== oldCode || next[1] !== oldId)) {
          expect(digestOf(list.with(i, next).with(i + 1, list[i]!))).not.toBe(original);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('ledger', () => {
  test('that is restored tells the slices in which nothing was used yet', () => {
    const [ledger, restored] = [new Ledger({ sliceLength: 2 }), new Ledger({ sliceLength: 2 })];
    for (let position = 0; position < 8; position++) ledger.moveTo(position, undefined);
    ledger.settle(Outcome.useful, 0, 0.5, 2);
    const saver = new StateSaver();
    ledger.persist(saver);
    restored.persist(new StateLoader(saver.finish()));
    expect(restored.slices).toEqual(ledger.slices);
    expect(restored.slices.map(({ used }) => used)).toEqual([0, 0, 1]);
  });
});
