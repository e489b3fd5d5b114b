/** What the digest and the slices of a run hold. */

import { describe, expect, test } from 'vitest';
import { play, type Scenario } from '../cache-manager/scripted-site.ts';

const digestOf = (scenario: Scenario): string => play(scenario).site.ledger.digest.hex();

describe('digest', () => {
  test('differs where only the warm-up differs', () => {
    const rows = [1, 2, 3, 1, 9, 9];
    expect(digestOf({ rows, script: {}, warmup: 4 })).not.toBe(
      digestOf({ rows: [1, 2, 3, 2, 9, 9], script: {}, warmup: 4 }),
    );
    // A prefetch that is sent and wasted before counting begins is a decision all the same.
    expect(digestOf({ rows, script: { 0: [7] }, warmup: 4 })).not.toBe(digestOf({ rows, script: {}, warmup: 4 }));
  });

  test('is the same whether decisions are counted or not', () => {
    const scenario: Scenario = { rows: [1, 2, 3, 1, 9, 9, 4, 1], script: { 0: [7], 2: [4], 4: [8] } };
    expect(digestOf({ ...scenario, warmup: 5 })).toBe(digestOf(scenario));
  });

  test('differs where a prefetch was refused, though nothing else did', () => {
    const rows = [1, 2, 3];
    // Segment 1 is resident: proposing it is refused and changes nothing.
    expect(digestOf({ rows, script: { 1: [1] } })).not.toBe(digestOf({ rows, script: {} }));
  });

  test('differs where a prefetch was withdrawn unsent', () => {
    const rows = [1, 2, 3, 4];
    const origin = { latency: '60000msx1', queueLengthMax: 1 };
    const withdrawn = (script: Scenario['script']) => play({ rows, script, ...origin }).site.ledger;
    const one = withdrawn({ 0: [[7, 0.9]] });
    const two = withdrawn({ 0: [[7, 0.9], [8, 0.8]] }); // biome-ignore format: one line
    expect(two.withdrawn).toBeGreaterThan(one.withdrawn);
    expect(two.digest.hex()).not.toBe(one.digest.hex());
  });
});

describe('slices', () => {
  test('precision over time never passes 1: a use belongs to the slice that sent the prefetch', () => {
    // Sent in the first slice, used in the second, which sent nothing.
    const { site } = play({ rows: [1, 2, 3, 1, 7, 7], script: { 1: [7] }, sliceLength: 3 });
    expect(site.ledger.slices.map(({ issued, used }) => ({ issued, used }))).toEqual([
      { issued: 1, used: 1 },
      { issued: 0, used: 0 },
    ]);
  });

  test('refusals of the warm-up are not counted, as nothing of it is', () => {
    const refusals = (warmup: number) =>
      play({ rows: [1, 2, 3], script: { 0: [1] }, warmup }).site.ledger.refusalCounts();
    expect(refusals(0).resident).toBe(1);
    expect(refusals(2).resident).toBe(0);
  });
});
