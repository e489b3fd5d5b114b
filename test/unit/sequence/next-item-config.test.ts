import { describe, expect, test } from 'vitest';
import { recurrentConfigSchema } from '../../../actors/recurrent-predictor/recurrent-config.ts';
import { createNextItemModel } from '../../../actors/sequence-predictor/create-next-item-model.ts';
import {
  type NextItemConfig,
  type NextItemConfigInput,
  nextItemConfigSchema,
} from '../../../actors/sequence-predictor/next-item-config.ts';
import { NextItemRanking } from '../../../actors/sequence-predictor/next-item-model.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { paths } from './paths.ts';

const steps = paths(new Xoshiro128(21), 3000, 40);

/** Everything that a model with these settings says of the paths. */
function rankings(config: NextItemConfigInput): string {
  const model = createNextItemModel(config);
  const ranking = new NextItemRanking(4);
  const said: string[] = [];
  for (const { consumer, segment, timeMs } of steps) {
    model.forecast(consumer, ranking);
    said.push([...ranking.segment.subarray(0, ranking.count)].join());
    model.observe(consumer, segment, timeMs);
  }
  return said.join(';');
}

const others: { readonly [K in keyof NextItemConfig]: NextItemConfig[K] } = {
  predictionModelType: 'ppm',
  modelBytesMax: 65536,
  consumerCountMax: 3,
  candidateCountMax: 5,
  sightingsMax: 4,
  nearbySteps: 1,
  ppmOrderMax: 1,
  weightRate: 1,
  biasRate: 1,
  recurrentExperts: ['gru'],
  recurrent: recurrentConfigSchema.parse({ size: 4, itemCountMax: 400, trainEverySteps: 500, adoptAfterSteps: 0 }),
};

/** Settings of a single expert act where it is chosen. */
const bases: { readonly [K in keyof NextItemConfig]?: NextItemConfigInput } = {
  ppmOrderMax: { predictionModelType: 'ppm' },
  recurrent: { predictionModelType: 'lstm', recurrent: { size: 6, itemCountMax: 400, trainEverySteps: 500 } },
  recurrentExperts: { recurrent: { size: 6, itemCountMax: 400, trainEverySteps: 500 } },
};

describe('next-item config', () => {
  const standard = rankings({});

  test.each(Object.keys(others) as (keyof NextItemConfig)[])('%s changes forecasts', (field) => {
    const base = bases[field] ?? {};
    const before = field in bases ? rankings(base) : standard;
    expect(rankings({ ...base, [field]: others[field] })).not.toBe(before);
  });

  test('every field is tried above, has a default and a description', () => {
    expect(Object.keys(nextItemConfigSchema.parse(undefined)).sort()).toEqual(Object.keys(others).sort());
    for (const field of Object.values(nextItemConfigSchema.def.innerType.shape))
      expect(field.description).toMatch(/\w/);
  });

  test('refuses unknown keys and values out of range', () => {
    for (const wrong of [{ order: 3 }, { modelBytesMax: 1 }, { ppmOrderMax: 9 }, { predictionModelType: 'cnn' }]) {
      expect(nextItemConfigSchema.safeParse(wrong).success).toBe(false);
    }
  });
});
