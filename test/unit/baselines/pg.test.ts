import { describe, expect, test } from 'vitest';
import { createBaseline } from '../../../sim/baselines/index.ts';
import { Feeder } from './propose.ts';

const pg = (settings: string) => new Feeder(createBaseline(`pg:${settings}`, { addresses: null }));

describe('pg', () => {
  test('stages the successors whose share of the weight is above the threshold, the most likely first', () => {
    const feeder = pg('lookahead-range=1,prefetch-threshold=0.2');
    // After 0 came: 1 three times, 2 twice, 3 once: shares 1/2, 1/3, 1/6.
    feeder.run(0, 1, 0, 2, 0, 1, 0, 3, 0, 2, 0, 1);
    expect(feeder.access(0).map((p) => p.segment)).toEqual([1, 2]);
  });

  test('an arc exactly at the threshold is not followed', () => {
    expect(pg('lookahead-range=1,prefetch-threshold=0.5').run(0, 1, 0, 2, 0)).toEqual([]);
    expect(pg('lookahead-range=1,prefetch-threshold=0.49').run(0, 1, 0, 2, 0).sort()).toEqual([1, 2]);
  });

  test('a segment is a successor of all that the lookahead window holds before it', () => {
    const feeder = pg('lookahead-range=3,prefetch-threshold=0.3');
    expect(feeder.run(0, 1, 2, 3, 9, 0).sort()).toEqual([1, 2, 3]);
  });

  test('a visit counts once its window is complete', () => {
    const feeder = pg('lookahead-range=3,prefetch-threshold=0.1');
    expect(feeder.run(0, 1, 0)).toEqual([]);
    expect(feeder.run(7, 0).sort()).toEqual([1, 7]);
  });

  test('a rank is not passed off as a probability', () => {
    const feeder = pg('lookahead-range=2,prefetch-threshold=0.1');
    feeder.run(0, 1, 2, 0, 1, 2);
    expect(feeder.access(0)).toEqual([
      { segment: 1, probability: Number.NaN },
      { segment: 2, probability: Number.NaN },
    ]);
  });

  test('a segment is never proposed with itself', () => {
    expect(pg('lookahead-range=1,prefetch-threshold=0.1').run(0, 0, 0, 0)).toEqual([]);
  });

  test('a full row gives the place of its lightest arc away and keeps the heaviest', () => {
    const feeder = pg('lookahead-range=1,prefetch-threshold=0.2,max-degree=2');
    // 5 follows 0 half of the time, the other half a segment that never comes again.
    for (let i = 0; i < 50; i++) feeder.run(0, 5, 0, 100 + i);
    expect(feeder.run(0)).toContain(5);
  });

  test('no arc above total / max-degree is lost among many light ones', () => {
    const feeder = pg('lookahead-range=1,prefetch-threshold=0.2,max-degree=16');
    for (let i = 0; i < 300; i++) feeder.run(0, i % 3 === 0 ? 7 : 1000 + i);
    const proposals = feeder.access(0);
    expect(proposals.map((p) => p.segment)).toEqual([7]);
  });

  test('ids beyond 2^20 and rows of thousands of successors are kept apart', () => {
    const feeder = pg('lookahead-range=1,prefetch-threshold=0.002,max-degree=4096');
    for (let i = 0; i < 400; i++) feeder.run(3_000_000, i, 2_000_000, 1_000_000 + i);
    expect(feeder.run(3_000_000).sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i).slice(0, 256));
    expect(new Set(feeder.run(2_000_000)).size).toBe(256);
  });
});
