import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CalibrationStats } from '../../actors/forecaster/calibration-stats.ts';
import { Calibrator } from '../../actors/forecaster/calibrator.ts';
import { bankSize, CalibratorBank, outcomeParts } from '../../actors/forecaster/calibrator-bank.ts';
import { ExpertMixture } from '../../actors/forecaster/expert-mixture.ts';
import { Forecaster } from '../../actors/forecaster/forecaster.ts';
import { forecasterConfigSchema } from '../../actors/forecaster/forecaster-config.ts';
import { Overdispersion } from '../../actors/forecaster/overdispersion.ts';
import { PeriodFactor } from '../../actors/forecaster/period-factor.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { accesses } from './streams-batches.ts';

const settings = { binCount: 20, priorOutcomes: 4, outcomesMax: 4096 };

describe('what one outcome counts for', () => {
  const LENGTH = 1000;
  /** `groups` a window, each of `size` forecasts of one half that come true together or not at all. */
  function rateOf(groups: number, size: number, seed: number): number {
    const random = new Xoshiro128(seed);
    const dispersion = new Overdispersion();
    for (let window = 0; window < 400; window++) {
      for (let group = 0; group < groups; group++) {
        const isHit = random.next() < 0.5;
        for (let i = 0; i < size; i++) dispersion.observe(window * LENGTH, LENGTH, 0.5, isHit);
      }
    }
    dispersion.advance(400 * LENGTH);
    return dispersion.rate;
  }
  const meanRateOf = (groups: number, size: number): number =>
    Array.from({ length: 40 }, (_, seed) => rateOf(groups, size, seed + 1)).reduce((sum, rate) => sum + 1 / rate, 0) /
    40;

  test('is one over the number that share their fate, in the mean of what it divides by', () => {
    // Some eight windows are remembered: the mean of 40 such has a relative deviation of sqrt(2 / 8 / 40) = .08; three of them.
    for (const size of [4, 25]) expect(Math.abs(meanRateOf(50, size) / size - 1)).toBeLessThan(0.24);
  });

  test('is one where outcomes are as independent as they claim, or more, and never above', () => {
    const even = new Overdispersion();
    for (let i = 0; i < 4000; i++) even.observe(Math.floor(i / 100) * LENGTH, LENGTH, 0.5, i % 2 === 0);
    expect(even.rate).toBe(1);
  });

  test('is nothing before a window is over', () => {
    const dispersion = new Overdispersion();
    for (let i = 0; i < 100; i++) dispersion.observe(0, LENGTH, 0.5, true);
    dispersion.advance(LENGTH - 1);
    expect(dispersion.rate).toBe(0);
    dispersion.advance(LENGTH);
    expect(dispersion.rate).toBeCloseTo(25 / 2500, 12);
  });
});

describe('a mixture that learns at a rate', () => {
  test('has weights that stay positive and add up to one, moves less than it would at one, and not at all at none', () => {
    const p = fc.double({ min: 0.01, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(p, p, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (first, second, isHit, rate) => {
        const said = Float64Array.of(first, second);
        const [whole, part] = [new ExpertMixture(2, 0), new ExpertMixture(2, 0)];
        whole.learn(said, 0, isHit);
        part.learn(said, 0, isHit, rate);
        expect(part.weight[0]! + part.weight[1]!).toBeCloseTo(1, 12);
        expect(part.weight[0]! - 0.5).toBeCloseTo(rate * (whole.weight[0]! - 0.5), 12);
      }),
    );
  });

  test('is not swayed by a hundred outcomes that share one fate more than by one', () => {
    const said = Float64Array.of(0.9, 0.5);
    const one = new ExpertMixture(2, 0);
    one.learn(said, 0, true);
    const hundred = new ExpertMixture(2, 0);
    for (let i = 0; i < 100; i++) hundred.learn(said, 0, true, 1 / 100);
    // The Bayesian odds of one outcome are 9 : 5; a hundred small steps compound to a little more.
    expect(hundred.weight[0]).toBeGreaterThan(one.weight[0]! - 0.01);
    expect(hundred.weight[0]).toBeLessThan(one.weight[0]! + 0.05);
  });
});

describe('hazards times a factor', () => {
  test('leave what is said as it was at one, and say the more the larger it is, within 0..1', () => {
    const outcome = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(2 * outcomeParts));
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 200 }), (list) => {
        const calibrator = new Calibrator({ ...settings, partCount: outcomeParts });
        for (const [score, hitPart] of list) {
          for (let part = 0; part < Math.min(outcomeParts, hitPart + 1); part++) {
            calibrator.learn(score, part === hitPart, part);
          }
        }
        for (const score of [0, 0.1, 0.5, 0.9, 1]) {
          const plain = calibrator.calibrate(score);
          expect(calibrator.calibrateScaled(score, 1)).toBe(plain);
          const [less, most] = [0.5, 2].map((factor) => calibrator.calibrateScaled(score, factor));
          expect(less).toBeLessThanOrEqual(plain + 1e-9);
          expect(most).toBeGreaterThanOrEqual(plain - 1e-9);
          expect(less).toBeGreaterThanOrEqual(-1e-9);
          expect(most).toBeLessThanOrEqual(1 + 1e-9);
          expect(calibrator.calibrate(score)).toBe(plain);
        }
      }),
    );
  });

  test('are 1 - the product of what each part leaves, and each part is what came of those that had not before', () => {
    const calibrator = new Calibrator({ binCount: 1, priorOutcomes: 1e-9, outcomesMax: 4096, partCount: 2 });
    // Of ten, four come in the first half; of the six others, three in the second.
    for (let i = 0; i < 10; i++) calibrator.learn(0.5, i < 4, 0);
    for (let i = 0; i < 6; i++) calibrator.learn(0.5, i < 3, 1);
    expect(calibrator.hazardOf(0.5, 0)).toBeCloseTo(0.4, 8);
    expect(calibrator.hazardOf(0.5, 1)).toBeCloseTo(0.5, 8);
    expect(calibrator.calibrateScaled(0.5, 1.5)).toBeCloseTo(1 - (1 - 0.6) * (1 - 0.75), 8);
    expect(calibrator.calibrateScaled(0.5, 0.5)).toBeCloseTo(1 - (1 - 0.2) * (1 - 0.25), 8);
  });
});

describe('factor of the hour', () => {
  test('is what came over what was expected of late, and one where nothing is known or nothing counts', () => {
    const period = new PeriodFactor(4);
    expect(period.factor).toBe(1);
    period.advance(0, 1000);
    for (let i = 0; i < 1000; i++) period.observe(0.1, i % 5 === 0);
    period.settle(1);
    expect(period.factor).toBeCloseTo((200 + 4) / (100 + 4), 12);
    period.settle(0);
    expect(period.factor).toBe(1);
  });

  test('forgets: an hour later it is that of the hour', () => {
    const period = new PeriodFactor(4);
    for (let tick = 0; tick < 40; tick++) {
      period.advance(tick * 125, 1000);
      for (let i = 0; i < 1000; i++) period.observe(0.1, i % (tick < 20 ? 20 : 5) === 0);
      period.settle(1);
    }
    // After two and a half horizons of twice the hits e^-5 is left of the half of before.
    expect(period.factor).toBeGreaterThan(1.97);
    expect(period.factor).toBeLessThan(2);
  });

  test('tells all bins of a change that each of them has hardly seen', () => {
    const random = new Xoshiro128(8);
    const bank = new CalibratorBank(settings);
    const said = new Float64Array(bankSize);
    const hazardOf = (score: number): number => 1 - Math.sqrt(Math.sqrt(Math.sqrt(1 - score)));
    let position = 0;
    for (let tick = 0; tick < 80; tick++) {
      const scores = Array.from({ length: 4000 }, () => 0.05 + 0.85 * random.next());
      bank.advance(tick * 125, 1000);
      // In the last two parts of a horizon everything comes half as often again.
      const noted = scores.map((score) => ({
        score,
        part: position++ % outcomeParts,
        isHit: random.next() < hazardOf(score) * (tick < 78 ? 1 : 1.5),
      }));
      for (const { score, part, isHit } of noted) bank.expect(score, part, isHit);
      bank.settle(1);
      for (const { score, part, isHit } of noted) bank.observe(score, part, isHit);
    }
    for (const score of [0.2, 0.5, 0.8]) {
      bank.state(score, said, 0);
      const truth = 1 - (1 - 1.5 * hazardOf(score)) ** outcomeParts;
      const scaled = said[bankSize - 1]!;
      expect(scaled).toBeGreaterThan(said[0]!);
      // Two of the some four ticks that it remembers are of the change.
      expect(scaled - score).toBeGreaterThan(0.25 * (truth - score));
      expect(scaled - score).toBeLessThan(1.1 * (truth - score));
    }
  });
});

describe('a planted change of what an expert means', () => {
  test('is unlearnt by the whole forecaster within 2,000 forecasts, however many are due at once', () => {
    for (const count of [20, 50, 200]) {
      for (const seed of [1, 2, 3]) {
        const random = new Xoshiro128(seed);
        const forecaster = new Forecaster(
          ['a'],
          forecasterConfigSchema.parse({ horizonsMs: [1000], horizonsAccesses: [10] }),
        );
        const segment = Uint32Array.from({ length: count }, (_, s) => s);
        const changesAt = 20_000 / count;
        const after = new CalibrationStats();
        let position = 1;
        forecaster.observe(accesses(0, [[0, 9999]]));
        for (let tick = 1; tick <= 24_000 / count; tick++) {
          const now = 2000 * tick;
          const score = Float64Array.from(segment, () => random.next());
          const said = forecaster.forecast(position, now, [{ segment, horizon: new Uint8Array(count), score }]);
          // A score is true at first; from the change on only a third of it is.
          const used = [...segment].filter((s) => random.next() < score[s]! / (tick < changesAt ? 1 : 3));
          said.probability.forEach((p, i) => {
            if (p >= 0.05 && tick >= changesAt + 2000 / count) after.observe(p, used.includes(said.segment[i]!));
          });
          forecaster.observe(accesses(position, [...used.map((s) => [now + 500, s] as const), [now + 600, 9999]]));
          position += used.length + 1;
        }
        expect(after.count).toBeGreaterThan(1000);
        expect(after.ece).toBeLessThan(0.05);
        expect(after.brierSkill).toBeGreaterThan(0);
      }
    }
  });
});

describe('forecasts of an hour, on a day on which traffic rises ninefold and falls again', () => {
  const HOUR = 3_600_000;
  /** Segments of known rates, of which an expert knows the rate of the mean hour; what was used a quarter of an hour ago is not asked for. */
  function dayOf(seed: number, swing: number): CalibrationStats {
    const random = new Xoshiro128(seed);
    const forecaster = new Forecaster(
      ['a'],
      forecasterConfigSchema.parse({ horizonsMs: [HOUR], horizonsAccesses: [10] }),
    );
    const rates = Array.from({ length: 600 }, (_, s) => 3 / (1 + s / 20));
    const usedAt = rates.map(() => Number.NEGATIVE_INFINITY);
    const ticks = 8;
    const step = HOUR / ticks;
    const hours = 15;
    let position = 1;
    forecaster.observe(accesses(0, [[0, 9999]]));
    for (let tick = 1; tick <= hours * ticks; tick++) {
      const now = tick * step;
      const load = 1 - swing * Math.cos((2 * Math.PI * tick) / (hours * ticks));
      const asked = rates.flatMap((_, s) => (now - usedAt[s]! > HOUR / 4 ? [s] : []));
      forecaster.forecast(position, now, [
        {
          segment: Uint32Array.from(asked),
          horizon: new Uint8Array(asked.length),
          score: Float64Array.from(asked, (s) => 1 - Math.exp(-rates[s]!)),
        },
      ]);
      const rows: (readonly [timeMs: number, segment: number])[] = [];
      for (let s = 0; s < rates.length; s++) {
        if (random.next() >= 1 - Math.exp((-rates[s]! * load) / ticks)) continue;
        usedAt[s] = now + 1 + random.int(step - 2);
        rows.push([usedAt[s]!, s]);
      }
      rows.sort(([a], [b]) => a - b);
      forecaster.observe(accesses(position, [...rows, [now + step - 1, 9999]]));
      position += rows.length + 1;
    }
    return forecaster.candidateStatsOf(0);
  }

  test('come true as often as they say: an hour that is busy for all is not what each bin of score means', () => {
    for (const swing of [0, 0.8]) {
      for (const seed of [1, 2, 3]) {
        const stats = dayOf(seed, swing);
        expect(stats.count).toBeGreaterThan(10_000);
        expect(stats.ece).toBeLessThan(0.03);
        expect(stats.brierSkill).toBeGreaterThan(0.1);
      }
    }
  });
});
