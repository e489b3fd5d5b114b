import { describe, expect, test } from 'vitest';
import { quickExponential, quickLogarithm, softLogOdds } from '../../../actors/sequence-predictor/choice-math.ts';
import { ChoiceMixer } from '../../../actors/sequence-predictor/choice-mixer.ts';
import { FinalCalibration } from '../../../actors/sequence-predictor/final-calibration.ts';
import { RankedCandidates } from '../../../actors/sequence-predictor/ranked-candidates.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

describe('tabled exponential and logarithm', () => {
  test('are as near to the library as they say', () => {
    for (let i = 1; i <= 4000; i++) {
      const x = i / 167;
      expect(Math.abs(quickExponential(-x) / Math.exp(-x) - 1)).toBeLessThan(x < 24 ? 1e-4 : 1.1);
      const p = i / 4000;
      expect(Math.abs(quickLogarithm(p) - Math.log(p))).toBeLessThan(3e-4);
    }
    expect(quickExponential(0)).toBe(1);
    expect(quickExponential(-1000)).toBe(0);
  });

  test('log-odds stay finite at certainty and change sign with the outcome', () => {
    expect(softLogOdds(1)).toBeCloseTo(-softLogOdds(0), 2);
    expect(softLogOdds(0.5)).toBeCloseTo(0, 2);
    expect(Number.isFinite(softLogOdds(0))).toBe(true);
  });
});

describe('ranked candidates', () => {
  test('hold each segment once, without the barred one, up to their capacity', () => {
    const candidates = new RankedCandidates(4, 1);
    candidates.begin(2);
    for (const segment of [1, 2, 1, 3, 4, 5, 6]) candidates.add(segment);
    expect([...candidates.segment.subarray(0, candidates.count)]).toEqual([1, 3, 4, 5]);
    expect(candidates.find(4)).toBe(2);
    expect(candidates.find(2)).toBe(-1);
    candidates.begin(-1);
    expect(candidates.find(4)).toBe(-1);
  });
});

describe('choice mixer', () => {
  test('learns which feature to trust, and probabilities that come true', () => {
    const random = new Xoshiro128(5);
    const candidates = new RankedCandidates(4, 2);
    // Feature 0 marks the right one of four in 70 % of the steps; feature 1 marks one at random.
    const bins = { base: [0, 2], count: 4 };
    const mixer = new ChoiceMixer({ bins, setCounts: [1], weightRate: 0.1, biasRate: 0.05 }, 4);
    const sets = new Int32Array(1);
    let said = 0;
    let right = 0;
    for (let step = 0; step < 6000; step++) {
      candidates.begin(-1);
      for (let segment = 0; segment < 4; segment++) candidates.add(segment);
      const truth = random.int(4);
      const marked = random.next() < 0.6 ? truth : random.int(4);
      const noise = random.int(4);
      for (let slot = 0; slot < 4; slot++) {
        candidates.bins[2 * slot] = slot === marked ? 1 : 0;
        candidates.bins[2 * slot + 1] = 2 + (slot === noise ? 1 : 0);
      }
      mixer.rank(candidates, sets);
      const best = mixer.probability.indexOf(Math.max(...mixer.probability));
      if (step >= 3000) {
        said += mixer.probability[best]!;
        right += best === truth ? 1 : 0;
      }
      mixer.learn(candidates, sets, truth);
    }
    expect(right / 3000).toBeGreaterThan(0.67);
    expect(Math.abs(said - right) / 3000).toBeLessThan(0.03);
  });

  test('shares of the candidates add up to one', () => {
    const candidates = new RankedCandidates(8, 1);
    const mixer = new ChoiceMixer(
      { bins: { base: [0], count: 8 }, setCounts: [1], weightRate: 0.1, biasRate: 0.05 },
      8,
    );
    candidates.begin(-1);
    for (let slot = 0; slot < 8; slot++) {
      candidates.add(slot);
      candidates.bins[slot] = slot;
    }
    mixer.rank(candidates, new Int32Array(1));
    expect(mixer.probability.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
  });
});

describe('final calibration', () => {
  test('moves what is said half of the way to what comes of it, and further as it is said again', () => {
    const random = new Xoshiro128(8);
    const calibration = new FinalCalibration();
    for (let i = 0; i < 5000; i++) calibration.observe(0.8, random.next() < 0.5 ? 1 : 0);
    expect(calibration.calibrate(0.8)).toBeGreaterThan(0.62);
    expect(calibration.calibrate(0.8)).toBeLessThan(0.68);
    // Far from there nothing was learned.
    expect(calibration.calibrate(0.1)).toBeCloseTo(0.1, 1);
    expect(calibration.calibrate(0.001)).toBe(0.001);
  });
});
