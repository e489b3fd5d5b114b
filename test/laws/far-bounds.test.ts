/** Bounds that are said to be far leave room for whatever one access may do, as measured. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { MissBound } from '../../actors/cache-manager/miss-bound.ts';
import { SegmentSizes } from '../../actors/cache-manager/segment-sizes.ts';
import type { MakeEviction } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import { TrafficGuard } from '../../actors/cache-manager/traffic-guard.ts';
import { parseLatencySpec } from '../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../actors/origin/simulated-origin.ts';

const CAPACITY = 12;
const SEGMENTS = 40;

function guardOf(evict: 'lru' | 'arc', ratioMax: number, allowance: number, warmup: number) {
  const make =
    (name: 'lru' | 'arc'): MakeEviction =>
    (capacity, onEvict) =>
      createEviction(name, { capacity, unit: 'segments', ...(onEvict === undefined ? {} : { onEvict }) });
  /** What a made-up site holds. */
  const held = new Set<number>();
  const budget = new TrafficBudget(ratioMax, allowance);
  const missBound = new MissBound(0.001, allowance);
  const guard = new TrafficGuard(
    {
      capacity: CAPACITY,
      unit: 'segments',
      makeEviction: make(evict),
      ...(evict === 'lru' ? {} : { makeReference: make('lru') }),
      makePrefetcher: null,
      origin: createOrigin(parseLatencySpec('0'), 1),
      modelTime: 'requests',
      warmup,
    },
    budget,
    missBound,
    new SegmentSizes(16),
    { unitsOf: () => 1, copyUnitsOf: () => 1 },
  );
  return { guard, held };
}

describe('far bounds', () => {
  test('allow what they allow when they are measured, whatever a site does with its space', () => {
    const step = fc.record({
      segment: fc.nat({ max: SEGMENTS - 1 }),
      /** Sent, and landed at once or still on its way. */
      prefetched: fc.nat({ max: SEGMENTS - 1 }),
      isPrefetching: fc.boolean(),
      lost: fc.nat({ max: SEGMENTS - 1 }),
      isLosing: fc.boolean(),
    });
    let farCount = 0;
    fc.assert(
      fc.property(
        fc.constantFrom('lru' as const, 'arc' as const),
        fc.constantFrom(1, 1.1, 1.6, Infinity),
        fc.constantFrom(0, 64, 200),
        fc.constantFrom(0, 50),
        fc.array(step, { minLength: 50, maxLength: 600, size: 'max' }),
        (evict, ratioMax, allowance, warmup, steps) => {
          const { guard, held } = guardOf(evict, ratioMax, allowance, warmup);
          let inFlight = 0;
          steps.forEach(({ segment, prefetched, isPrefetching, lost, isLosing }, position) => {
            guard.moveTo(position);
            guard.demand(segment, 1, 1);
            if (!held.has(segment)) {
              guard.fetched(segment, 1, false);
              guard.missed();
              held.add(segment);
              guard.compare(segment, 'reactive');
            }
            if (isPrefetching) {
              guard.fetched(prefetched, 1, true);
              inFlight = (inFlight + 1) % 9;
            }
            const leaving = isLosing || held.size > CAPACITY ? [lost, ...held].find((one) => held.has(one)) : undefined;
            if (leaving !== undefined) {
              held.delete(leaving);
              guard.compare(leaving, 'nowhere');
            }
            if (guard.isFar(held.size, inFlight)) {
              farCount++;
              const lent = guard.lentCount(held.size) + inFlight;
              expect(guard.canSend(1, lent)).toBe(true);
              expect(guard.canLose(inFlight)).toBe(true);
              expect(guard.covers(8, held.size)).toBe(true);
              expect(guard.slack).toBeGreaterThan(25);
              expect(guard.headroom(lent)).toBeGreaterThanOrEqual(0);
            }
            guard.check();
          });
        },
      ),
      { numRuns: 200 },
    );
    expect(farCount).toBeGreaterThan(0);
  });
});
