import { describe, expect, test } from 'vitest';
import { AnteroomPrefetcher } from '../../../actors/near-loop/anteroom-prefetcher.ts';
import {
  type NearLoopConfig,
  type NearLoopConfigInput,
  nearLoopConfigSchema,
} from '../../../actors/near-loop/near-loop-config.ts';
import { nextItemConfigSchema } from '../../../actors/sequence-predictor/next-item-config.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ModelSite } from './model-site.ts';
import { MapAddressSpace, plantedPairs, streams, walks, walksWithLiar } from './planted.ts';

/** Decisions in five worlds: walks without and with a bound, with slow fetches, beside a consumer who misleads; streams with slow fetches. */
function decisions(config: NearLoopConfigInput): string {
  const walked = walks(new Xoshiro128(11), 5000, 25);
  const paired = plantedPairs(new Xoshiro128(12), 3000, [0.9, 0.4, 0.15], 100);
  const digests: number[] = [];
  for (const options of [{}, { headroomPerAccess: 0.04 }, { leadAccesses: 12 }]) {
    const site = new ModelSite({ capacity: 60, stagedMax: 30, ...options });
    site.serve([...walked, ...paired], new AnteroomPrefetcher(site, config));
    digests.push(site.digest);
  }
  const lied = new ModelSite({ capacity: 60, stagedMax: 30 });
  lied.serve(walksWithLiar(new Xoshiro128(14), 4000), new AnteroomPrefetcher(lied, config));
  digests.push(lied.digest);
  const space = new MapAddressSpace();
  const streamed = streams(new Xoshiro128(13), 3000, space);
  const site = new ModelSite({ capacity: 200, stagedMax: 100, leadAccesses: 20 });
  site.serve(streamed, new AnteroomPrefetcher(site, config, space));
  digests.push(site.digest);
  return digests.join();
}

const others: { readonly [K in keyof NearLoopConfig]: NearLoopConfig[K] } = {
  experts: ['consumer-successor', 'stream'],
  nextItemFor: 'all',
  nextItem: nextItemConfigSchema.parse({ predictionModelType: 'ppm' }),
  degreeMax: 2,
  visitsMax: 4,
  lookahead: 1,
  missLookahead: 1,
  scoreMin: 0.3,
  scoreShare: 0.9,
  modelBytesMax: 65536,
  consumerCountMax: 3,
  contextCountMax: 4096,
  streamCountMax: 4,
  streamDegreeMax: 2,
  strideRegionBytes: 65536,
  streamContinueMin: 1,
  candidateCountMax: 2,
  calibrationMemory: 8,
  mixWeightFirst: 1,
  mixRateFirst: 0.2,
  mixRateLast: 0.02,
  trialCountMax: 16,
  trialsBeforeSampling: 500,
  trialSpacing: 2,
  isTrustByConsumer: false,
  horizonMin: 40,
  horizonMax: 12,
  wastedFetchPrice: 0.2,
  thresholdFloor: 0.6,
  gateInterval: 64,
  headroomReserve: 60,
  spendOver: 256,
};

/** Settings that act only beside another: sampling has a spacing where it has begun, a reserve where headroom is spent soon,
 * an expert a lookahead where it takes part. */
const bases: { readonly [K in keyof NearLoopConfig]?: NearLoopConfigInput } = {
  trialSpacing: { trialsBeforeSampling: 500 },
  headroomReserve: { spendOver: 512 },
  missLookahead: { experts: ['miss-successor'] },
  nextItem: { experts: ['next-item'] },
  nextItemFor: { experts: ['next-item'] },
};

describe('near-loop config', () => {
  const standard = decisions({});

  test.each(Object.keys(others) as (keyof NearLoopConfig)[])('%s changes decisions', (field) => {
    const base = bases[field] ?? {};
    const before = field in bases ? decisions(base) : standard;
    expect(decisions({ ...base, [field]: others[field] })).not.toBe(before);
  });

  test('every field is tried above, has a default and a description', () => {
    const defaults = nearLoopConfigSchema.parse(undefined);
    expect(Object.keys(defaults).sort()).toEqual(Object.keys(others).sort());
    for (const field of Object.values(nearLoopConfigSchema.def.innerType.shape)) {
      expect(field.description).toMatch(/\w/);
    }
  });

  test('a model of the next item was chosen and nothing came of it, without a word: its expert took no part', () => {
    const nextItem = { predictionModelType: 'gru' } as const;
    for (const ignored of [{ nextItem }, { nextItem: { recurrent: { size: 8 } } }, { nextItemFor: 'all' }] as const) {
      const { error } = nearLoopConfigSchema.safeParse(ignored);
      expect(error?.issues).toMatchObject([
        { path: Object.keys(ignored), message: expect.stringContaining('next-item') },
      ]);
      expect(nearLoopConfigSchema.safeParse({ ...ignored, experts: ['next-item'] }).success).toBe(true);
    }
    for (const standard of [{ nextItem: {} }, { nextItem: { predictionModelType: 'ensemble' } }] as const)
      expect(nearLoopConfigSchema.safeParse(standard).success).toBe(true);
    expect(nearLoopConfigSchema.safeParse(nearLoopConfigSchema.parse({})).success).toBe(true);
  });

  test('refuses unknown keys and values out of range', () => {
    for (const wrong of [{ degree: 8 }, { degreeMax: 0 }, { contextCountMax: 5 }, { horizonMin: 9, horizonMax: 8 }]) {
      expect(nearLoopConfigSchema.safeParse(wrong).success).toBe(false);
    }
  });
});
