import { describe, expect, test } from 'vitest';
import { Holdout } from '../../../actors/cache-manager/holdout.ts';
import { MissBound } from '../../../actors/cache-manager/miss-bound.ts';
import { admissionOf } from '../../../actors/cache-manager/prefetch-admission.ts';
import { prefetchCapsSchema } from '../../../actors/cache-manager/prefetch-caps.ts';
import { prefetchPolicySchema } from '../../../actors/cache-manager/prefetch-policy.ts';
import { TrafficBudget } from '../../../actors/cache-manager/traffic-budget.ts';
import { defaultPrices } from '../../../actors/prices.ts';
import { play, type Scenario } from './scripted-site.ts';

/** Classes of misses that the baseline had too, zeros left out. */
function classesOf(scenario: Scenario): Record<string, number> {
  const counts = play(scenario).site.ledger.missClassCounts();
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

describe('a miss that was not avoided', () => {
  test('is unseen at the first demand of the log, and unpredicted where nobody named it', () => {
    expect(classesOf({ rows: [1, 2, 3, 4, 5, 1], script: {} })).toEqual({ unseen: 5, unpredicted: 1 });
  });

  test('is late where the prefetch was on its way', () => {
    expect(classesOf({ rows: [1, 2], script: { 0: [2] }, latency: '4req' })).toEqual({ unseen: 1, late: 1 });
  });

  test('is late where the prefetch was waiting for a slot', () => {
    const rows = [
      { segment: 1, timeMs: 1000 },
      { segment: 2, timeMs: 1001 },
    ];
    expect(classesOf({ rows, script: { 0: [2] }, latency: '50msx1' })).toEqual({ unseen: 1, late: 1 });
  });

  test('is evicted where what was staged left unused', () => {
    // The prefetch cache of four segments holds two: 7 leaves for 8 and 9.
    const rows = [1, 1, 1, 7];
    expect(classesOf({ rows, script: { 0: [7], 1: [8], 2: [9] } })).toEqual({ unseen: 1, evicted: 1 });
  });

  test('is over budget where the bound on traffic refused it, for as long as the forecast was meant', () => {
    const budget = new TrafficBudget(1, 0, 0);
    const longAfter = new Array<number>(100).fill(1);
    expect(classesOf({ rows: [1, 2], script: { 0: [2] }, budget })).toEqual({ unseen: 1, overBudget: 1 });
    const late = classesOf({ rows: [1, ...longAfter, 2], script: { 0: [2] }, budget: new TrafficBudget(1, 0, 0) });
    expect(late).toEqual({ unseen: 2 });
  });

  test('is throttled where the bound on misses refused it', () => {
    const missBound = new MissBound(0, 0);
    const { site } = play({ rows: [1, 2], script: { 0: [2] }, missBound });
    expect(site.ledger.refusalCounts().throttled).toBe(1);
    expect(site.ledger.missClassCounts()).toMatchObject({ unseen: 1, throttled: 1 });
  });

  test.each<[string, object, object]>([
    ['a cap', { requestsMax: 0 }, {}],
    ['a cap on money', { spendingMax: 0 }, {}],
    ['the policy', {}, { deny: ['2'] }],
  ])('is throttled where %s refused it, for as long as the forecast was meant', (_, caps, policy) => {
    const admission = admissionOf({
      caps: prefetchCapsSchema.parse(caps),
      policy: prefetchPolicySchema.parse(policy),
      prices: defaultPrices,
      isTimed: true,
      nameOf: String,
    })!;
    expect(classesOf({ rows: [1, 2], script: { 0: [2] }, admission })).toEqual({ unseen: 1, throttled: 1 });
    const longAfter = new Array<number>(100).fill(1);
    const late = classesOf({ rows: [1, ...longAfter, 2], script: { 0: [2] }, admission });
    expect(late).toEqual({ unseen: 2 });
  });

  test('is throttled where chance withheld it', () => {
    expect(classesOf({ rows: [1, 2], script: { 0: [2] }, holdout: new Holdout(1, 1) })).toEqual({
      unseen: 1,
      throttled: 1,
    });
  });

  test('is evicted where it would have pushed out what had only just landed', () => {
    const script = { 0: [[5, 0.9], [6, 0.8], [7, 0.7]] } as const; // biome-ignore format: one list
    expect(classesOf({ rows: [1, 7], script: script as never })).toEqual({ unseen: 1, evicted: 1 });
  });

  test('is not counted before the warm-up', () => {
    expect(classesOf({ rows: [1, 2, 3], script: {}, warmup: 2 })).toEqual({ unseen: 1 });
  });
});
