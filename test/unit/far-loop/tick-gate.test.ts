import { describe, expect, test } from 'vitest';
import { PlanAdmission } from '../../../actors/cache-manager/plan-admission.ts';
import { TickGate } from '../../../actors/tick-gate.ts';

describe('tick gate', () => {
  test('passes a point once enough accesses came since the last tick', () => {
    const gate = new TickGate({ accessesPerTickMin: 100, intervalMaxMs: 1e9 });
    const passed = [50, 99, 100, 150, 199, 200, 450].map((position) => gate.passes(position, 0));
    expect(passed).toEqual([false, false, true, false, false, true, true]);
    expect(gate.skippedCount).toBe(4);
  });

  test('passes a point once enough event time has gone by, however few accesses came', () => {
    const gate = new TickGate({ accessesPerTickMin: 1000, intervalMaxMs: 60_000 });
    const passed = [0, 30_000, 59_999, 60_000, 90_000, 120_000].map((timeMs, i) => gate.passes(i, timeMs));
    expect(passed).toEqual([false, false, false, true, false, true]);
  });

  test('without time counts accesses alone', () => {
    const gate = new TickGate({ accessesPerTickMin: 10, intervalMaxMs: 0 });
    expect([9, 10, 19, 20].map((position) => gate.passes(position, Number.NaN))).toEqual([false, true, false, true]);
  });
});

describe('plan admission', () => {
  test('adopts what is expected to be used at least as often as the least probability', () => {
    const admission = new PlanAdmission({ probabilityMin: 0.5, trialEvery: 1000 });
    const expert = 0;
    for (let i = 0; i < 400; i++) admission.learn(expert, 0.8, true);
    expect(admission.expect(expert, 0.8)).toBeGreaterThan(0.9);
    for (let i = 0; i < 2000; i++) admission.learn(expert, 0.8, false);
    expect(admission.expect(expert, 0.8)).toBeLessThan(0.5);
  });

  test('believes an expert without a record less than it says', () => {
    const admission = new PlanAdmission({ probabilityMin: 0.5, trialEvery: 1000 });
    expect(admission.expect(3, 0.9)).toBeLessThan(0.9);
  });
});
