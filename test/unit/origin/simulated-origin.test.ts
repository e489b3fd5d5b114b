import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { logNormalFactor } from '../../../actors/origin/log-normal.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';

const origin = (spec: string, seed = 1) => createOrigin(parseLatencySpec(spec), seed);

describe('without limits', () => {
  test('an instant origin lands at once', () => {
    const instant = origin('0');
    expect(instant.isInstant).toBe(true);
    expect([instant.demand(1, 10, 5, 0), instant.prefetch(2, 10, 6, 0), instant.preempted]).toEqual([5, 6, -1]);
  });

  test('an origin by requests lands that many accesses later', () => {
    const byRequests = origin('4req');
    expect(byRequests.isInstant).toBe(false);
    expect([byRequests.demand(1, 1e9, 5, 0), byRequests.prefetch(2, 1e9, 6, 0)]).toEqual([9, 10]);
  });

  test('a timed origin takes the time to first byte and size over bandwidth', () => {
    const timed = origin('50ms@20MB/s');
    expect(timed.demand(1, 1_000_000, 100, 0)).toBeCloseTo(100 + 50 + 50, 9);
    expect(timed.prefetch(2, 2_000_000, 100, 0)).toBeCloseTo(100 + 50 + 100, 9);
    expect(origin('50ms').demand(1, 1e12, 0, 0)).toBe(50);
  });
});

describe('with slots', () => {
  test('a prefetch is refused where no slot is free, and taken when one is', () => {
    const two = origin('10msx2');
    expect([two.prefetch(1, 0, 0, 0), two.prefetch(2, 0, 1, 0), two.prefetch(3, 0, 2, 0)]).toEqual([10, 11, -1]);
    expect(two.prefetch(3, 0, 10, 0)).toBe(20);
  });

  test('a demand calls back the prefetch that would land last', () => {
    const three = origin('10ms@1MB/sx3');
    three.prefetch(1, 5000, 0, 0); // lands at 15
    three.prefetch(2, 9000, 0, 0); // lands at 19
    three.prefetch(3, 7000, 0, 0); // lands at 17
    expect(three.demand(4, 0, 1, 0)).toBe(11);
    expect(three.preempted).toBe(2);
    expect(three.demand(5, 0, 2, 0)).toBe(12);
    expect(three.preempted).toBe(3);
  });

  test('a demand waits for the first slot where all serve demands', () => {
    const two = origin('10msx2');
    expect([two.demand(1, 0, 0, 0), two.demand(2, 0, 4, 0), two.demand(3, 0, 5, 0)]).toEqual([10, 14, 20]);
    expect(two.preempted).toBe(-1);
  });

  test('a joined prefetch is a demand: it is not called back', () => {
    const two = origin('10msx2');
    two.prefetch(1, 0, 0, 0);
    two.prefetch(2, 0, 1, 0);
    two.join(2, 0, 0.5);
    expect(two.demand(3, 0, 2, 0)).toBe(12);
    expect(two.preempted).toBe(1);
    expect(two.demand(4, 0, 3, 0)).toBe(21);
    expect(two.preempted).toBe(-1);
  });

  test('a prefetch called back frees its slot', () => {
    const one = origin('10msx1');
    one.prefetch(1, 0, 0, 0);
    one.callBack(1);
    expect(one.prefetch(2, 0, 1, 0)).toBe(11);
  });

  test('law: slots are never exceeded, and demand is never kept waiting by a prefetch', () => {
    const step = fc.record({
      kind: fc.constantFrom('demand', 'prefetch', 'join', 'callBack'),
      gapMs: fc.integer({ min: 0, max: 12 }),
      sizeBytes: fc.integer({ min: 0, max: 30_000 }),
      pick: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 200 }),
        fc.nat(),
        (slots, steps, seed) => {
          const timed = origin(`lognormal:5ms:0.8@1MB/sx${slots}`, seed);
          /** Fetches as the caller knows them. */
          let fetches: { segment: number; isPrefetch: boolean; from: number; until: number }[] = [];
          let now = 0;
          for (const [segment, { kind, gapMs, sizeBytes, pick }] of steps.entries()) {
            now += gapMs;
            fetches = fetches.filter((fetch) => fetch.until > now);
            const prefetches = fetches.filter((fetch) => fetch.isPrefetch);
            const chosen = prefetches[pick % Math.max(1, prefetches.length)];
            if (kind === 'join' && chosen !== undefined) {
              timed.join(chosen.segment, 0, 0.5);
              chosen.isPrefetch = false;
            } else if (kind === 'callBack' && chosen !== undefined) {
              timed.callBack(chosen.segment);
              fetches = fetches.filter((fetch) => fetch !== chosen);
            } else if (kind === 'prefetch') {
              const landsAt = timed.prefetch(segment, sizeBytes, now, segment);
              // Slots that a waiting demand will take are taken already.
              expect(landsAt < 0).toBe(fetches.length >= slots);
              if (landsAt >= 0) fetches.push({ segment, isPrefetch: true, from: now, until: landsAt });
            } else if (kind === 'demand') {
              const isFull = fetches.length >= slots;
              const landsAt = timed.demand(segment, sizeBytes, now, segment);
              if (isFull && prefetches.length > 0) {
                const last = prefetches.reduce((a, b) => (b.until > a.until ? b : a));
                expect(timed.preempted).toBe(last.segment);
                fetches = fetches.filter((fetch) => fetch !== last);
              } else {
                expect(timed.preempted).toBe(-1);
              }
              const waits = isFull && prefetches.length === 0;
              // A demand that waits begins when the earliest slot is free, so it takes that slot's place in the count.
              const ends = fetches.map((fetch) => fetch.until).sort((a, b) => a - b);
              const from = waits ? ends[0]! : now;
              expect(landsAt).toBeGreaterThanOrEqual(from + sizeBytes / 1000);
              if (waits)
                fetches.splice(
                  fetches.findIndex((fetch) => fetch.until === from),
                  1,
                );
              fetches.push({ segment, isPrefetch: false, from, until: landsAt });
            }
            expect(fetches.length).toBeLessThanOrEqual(slots);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('random times', () => {
  test('the same demand takes the same time, whatever else was fetched', () => {
    const [quiet, busy] = [origin('lognormal:50ms:0.5', 3), origin('lognormal:50ms:0.5', 3)];
    for (let i = 0; i < 100; i++) busy.prefetch(i, 1000, 0, i);
    expect(busy.demand(7, 1000, 10, 99)).toBe(quiet.demand(7, 1000, 10, 99));
    expect(origin('lognormal:50ms:0.5', 4).demand(7, 1000, 10, 99)).not.toBe(quiet.demand(7, 1000, 10, 99));
  });

  test.each([0.2, 0.5, 1])(
    'sigma %d: median 1, and the logarithm has that deviation and the normal quantiles',
    (sigma) => {
      const count = 40_000;
      const logs = Float64Array.from({ length: count }, (_, i) =>
        Math.log(logNormalFactor(sigma, 5, i % 977, Math.floor(i / 977))),
      ).sort();
      const mean = logs.reduce((sum, x) => sum + x, 0) / count;
      const deviation = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count);
      // Five standard errors of each estimate.
      expect(Math.abs(mean)).toBeLessThan((5 * sigma) / Math.sqrt(count));
      expect(Math.abs(deviation - sigma)).toBeLessThan((5 * sigma) / Math.sqrt(2 * count));
      expect(Math.exp(logs[count / 2]!)).toBeCloseTo(1, 1);
      // Twelve uniforms approximate the normal within a few hundredths of a deviation up to the 99th percentile.
      for (const [share, z] of [
        [0.1, -1.2816],
        [0.25, -0.6745],
        [0.75, 0.6745],
        [0.9, 1.2816],
        [0.99, 2.3263],
      ] as const) {
        expect(Math.abs(logs[Math.floor(share * count)]! / sigma - z)).toBeLessThan(0.06);
      }
    },
  );

  test('draws of neighbouring segments and positions are uncorrelated', () => {
    const z = (segment: number, key: number): number => Math.log(logNormalFactor(1, 2, segment, key));
    let bySegment = 0;
    let byKey = 0;
    const count = 20_000;
    for (let i = 0; i < count; i++) {
      bySegment += z(i, 1) * z(i + 1, 1);
      byKey += z(1, i) * z(1, i + 1);
    }
    expect(Math.abs(bySegment / count)).toBeLessThan(5 / Math.sqrt(count));
    expect(Math.abs(byKey / count)).toBeLessThan(5 / Math.sqrt(count));
  });
});
