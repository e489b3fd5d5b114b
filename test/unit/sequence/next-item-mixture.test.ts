import { describe, expect, test } from 'vitest';
import { createNextItemModel } from '../../../actors/sequence-predictor/create-next-item-model.ts';
import type { NextItemConfigInput } from '../../../actors/sequence-predictor/next-item-config.ts';
import { NextItemMixture } from '../../../actors/sequence-predictor/next-item-mixture.ts';
import { type NextItemModel, NextItemRanking } from '../../../actors/sequence-predictor/next-item-model.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { paths } from './paths.ts';

const config: NextItemConfigInput = {
  recurrentExperts: ['gru'],
  recurrent: { size: 6, itemCountMax: 420, lengthMax: 5, trainEverySteps: 100, adoptAfterSteps: 10, sampleCount: 16 },
};

function ranked(model: NextItemModel, consumer: number): string {
  const ranking = new NextItemRanking(4);
  model.forecast(consumer, ranking);
  return `${ranking.segment.subarray(0, ranking.count)} ${ranking.probability.subarray(0, ranking.count)}`;
}

describe('an ensemble with experts', () => {
  const options = {
    bytesMax: 2 ** 20,
    consumerCountMax: 100,
    sightingsMax: 64,
    nearbySteps: 4,
    candidateCountMax: 32,
    weightRate: 0.1,
    biasRate: 0.05,
  };

  test('learns to follow one that is right where the memories cannot be', () => {
    const random = new Xoshiro128(41);
    const steps = Array.from({ length: 3000 }, (_, i) => ({ consumer: i % 3, segment: random.int(5000) }));
    let next = -1;
    const oracle: NextItemModel = {
      name: 'oracle',
      bytes: 0,
      evictedCount: 0,
      observe: () => {},
      forecast: (_consumer, into) => {
        into.count = 0;
        into.offer(next, 0.9);
      },
      snapshot: () => [],
      restore: () => {},
    };
    const model = new NextItemMixture(options, [oracle]);
    const ranking = new NextItemRanking(1);
    let right = 0;
    for (const [i, { consumer, segment }] of steps.entries()) {
      next = segment;
      model.forecast(consumer, ranking);
      if (i >= 1000 && ranking.segment[0] === segment) right++;
      model.observe(consumer, segment, Number.NaN);
    }
    expect(right / 2000).toBeGreaterThan(0.98);
  });

  test('counts their bytes, and restores them with itself', () => {
    const steps = paths(new Xoshiro128(42), 900, 6);
    const first = createNextItemModel(config);
    for (const { consumer, segment, timeMs } of steps) first.observe(consumer, segment, timeMs);
    const second = createNextItemModel(config);
    second.restore(first.snapshot());
    expect(second.bytes).toBe(first.bytes);
    expect(first.bytes).toBeGreaterThan(createNextItemModel().bytes);
    for (let consumer = 0; consumer < 6; consumer++) expect(ranked(second, consumer)).toBe(ranked(first, consumer));
  });
});
