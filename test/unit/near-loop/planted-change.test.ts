import { describe, expect, test } from 'vitest';
import { CalibrationStats } from '../../../actors/forecaster/calibration-stats.ts';
import { AnteroomPrefetcher } from '../../../actors/near-loop/anteroom-prefetcher.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ModelSite } from './model-site.ts';
import { plantedPairs } from './planted.ts';

describe('near loop', () => {
  test('after a planted change of what follows what, forecasts come true as often as they say within 2,000 of them', () => {
    const horizon = 64;
    const before = new CalibrationStats();
    const after = new CalibrationStats();
    for (const seed of [1, 2]) {
      const random = new Xoshiro128(seed);
      // Pairs that hold often hold seldom from then on, and the other way round.
      const first = plantedPairs(random, 80_000, [0.9, 0.5, 0.2], 200);
      const second = plantedPairs(random, 40_000, [0.2, 0.5, 0.9], 200);
      const site = new ModelSite({ capacity: 100, stagedMax: 50 });
      const prefetcher = new AnteroomPrefetcher(site, { horizonMin: horizon, horizonMax: horizon });
      let phase = 0;
      let sinceChange = 0;
      prefetcher.watchForecasts((stated, isTrue) => {
        if (stated < 0.05) return;
        if (phase === 1) before.observe(stated, isTrue);
        // Of those that follow the 2,000, no more than tell: later ones would hide what these say.
        if (phase === 2 && ++sinceChange > 2000 && sinceChange <= 6000) after.observe(stated, isTrue);
      });
      site.serve(first.slice(0, 40_000), prefetcher);
      phase = 1;
      site.serve(first.slice(40_000), prefetcher);
      phase = 2;
      site.serve(second, prefetcher);
    }
    expect(before.count).toBeGreaterThan(10_000);
    expect(before.ece).toBeLessThan(0.03);
    expect(before.brierSkill).toBeGreaterThan(0);
    expect(after.count).toBe(8000);
    expect(after.ece).toBeLessThan(0.05);
    expect(after.brierSkill).toBeGreaterThan(0);
  });
});
