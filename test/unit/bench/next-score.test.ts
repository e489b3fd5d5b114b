import { describe, expect, test } from 'vitest';
import { type NextItemModel, NextItemRanking } from '../../../actors/sequence-predictor/next-item-model.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { MarkovBaseline } from '../../../sim/bench/next-baselines.ts';
import { type NextTrace, scoreBaselines, scoreModel } from '../../../sim/bench/next-score.ts';

const traceOf = (segments: readonly number[], consumers: readonly number[]): NextTrace => ({
  segment: Int32Array.from(segments),
  consumer: Int32Array.from(consumers),
  timeMs: new Float64Array(segments.length).fill(Number.NaN),
});

describe('first-order Markov', () => {
  test('ranks as a sort of all counts does, the previous segment left out', () => {
    const random = new Xoshiro128(9);
    const baseline = new MarkovBaseline();
    const counts = new Map<number, Map<number, number>>();
    for (let i = 0; i < 4000; i++) {
      const previous = random.int(5);
      const segment = Math.min(random.int(12), random.int(12));
      if (segment === previous) continue;
      const row = counts.get(previous) ?? new Map<number, number>();
      counts.set(previous, row);
      const sorted = [...row.values()].sort((a, b) => b - a);
      const mine = row.get(segment) ?? 0;
      const place = baseline.placeOf(previous, segment);
      // Ties may stand either way.
      const above = sorted.filter((count) => count > mine).length;
      const level = sorted.filter((count) => count === mine).length;
      if (place >= 0) expect(place >= above && place < above + level).toBe(true);
      else expect(above + level).toBeGreaterThan(mine === 0 ? -1 : 4);
      baseline.learn(previous, segment);
      row.set(segment, mine + 1);
    }
  });
});

describe('scoring', () => {
  test('counts only steps that change the segment, and predicts before it learns', () => {
    const trace = traceOf([1, 1, 2, 1, 2, 2, 1, 2, 9, 9], [0, 0, 0, 0, 0, 0, 0, 0, 5, 5]);
    const [, markov] = scoreBaselines(trace);
    const { developed, heldOut } = markov!;
    // Steps: 1>2 unseen, 2>1 unseen, 1>2, 2>1, 1>2; consumer 5 never changes.
    expect(developed.steps + heldOut.steps).toBe(5);
    expect(developed.top1 + heldOut.top1).toBe(3);
  });

  test('asks a model for the right consumer, before the access is shown to it', async () => {
    const seen: string[] = [];
    const model: NextItemModel = {
      name: 'spy',
      bytes: 1,
      evictedCount: 0,
      observe: (consumer, segment) => void seen.push(`observe ${consumer} ${segment}`),
      forecast: (consumer, into) => {
        seen.push(`forecast ${consumer}`);
        into.count = 0;
        into.offer(7, 0.5);
      },
      snapshot: () => [],
      restore: () => {},
    };
    const score = await scoreModel(model, traceOf([3, 7, 7], [1, 1, 1]), () => 0);
    expect(seen).toEqual(['observe 1 3', 'forecast 1', 'observe 1 7', 'observe 1 7']);
    expect([score.developed.steps + score.heldOut.steps, score.calibrationError]).toEqual([1, 0.5]);
  });

  test('a ranking keeps the best, in order', () => {
    const ranking = new NextItemRanking(2);
    for (const [segment, p] of [
      [1, 0.1],
      [2, 0.5],
      [3, 0.3],
      [4, 0.3],
    ] as const)
      ranking.offer(segment, p);
    expect([...ranking.segment]).toEqual([2, 3]);
  });
});
