import fc from 'fast-check';
import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { describe, expect, test } from 'vitest';
import { DecayedRidge } from '../../actors/seasonal-predictor/decayed-ridge.ts';
import { DemandForecaster, demandExperts } from '../../actors/seasonal-predictor/demand-forecaster.ts';
import { ExpertShares } from '../../actors/seasonal-predictor/expert-shares.ts';
import { Xoshiro128 } from '../../engine/random.ts';

const settings = { rate: 0.5, shareRate: 0.01 };
const weights = (max: number) => fc.array(fc.double({ min: 0, max, noNaN: true }), { minLength: 1, maxLength: 200 });

/** Mean absolute errors over the hours from `from` on: of the forecast, and of the last hour. */
function errorsOf(truth: readonly number[], from: number): { readonly ours: number; readonly last: number } {
  const forecaster = new DemandForecaster(settings);
  let ours = 0;
  let last = 0;
  truth.forEach((weight, hour) => {
    if (hour >= from) {
      ours += Math.abs(forecaster.forecast(hour).weight - weight);
      last += Math.abs(truth[hour - 1]! - weight);
    }
    forecaster.learn(hour, weight);
  });
  return { ours: ours / (truth.length - from), last: last / (truth.length - from) };
}

describe('shares of experts', () => {
  test('add up to one, and none falls below what is shared out', () => {
    fc.assert(
      fc.property(weights(1e6), (truths) => {
        const shares = new ExpertShares({ expertCount: 3, ...settings });
        for (const truth of truths) {
          shares.learn(Float64Array.of(truth, 0, 5e5), truth, 1000);
          expect(shares.share.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          for (const share of shares.share) expect(share).toBeGreaterThanOrEqual(0.01 / 3 - 1e-12);
        }
      }),
    );
  });

  test('the error of the mixture exceeds that of the best expert by no more than the bound of Hedge', () => {
    // Without sharing and with losses in 0..1: ln(experts) / rate + rate x hours / 8.
    const row = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.boolean()), { maxLength: 200 }), (rows) => {
        const shares = new ExpertShares({ expertCount: 2, rate: 0.5, shareRate: 0 });
        const losses = [0, 0, 0];
        for (const [said, isOne] of rows) {
          const truth = isOne ? 1 : 0;
          const forecasts = Float64Array.from(said);
          [...said, shares.mix(forecasts)].forEach((forecast, e) => {
            losses[e]! += Math.abs(forecast - truth);
          });
          shares.learn(forecasts, truth, 1);
        }
        const bound = Math.log(2) / 0.5 + (0.5 * rows.length) / 8;
        expect(losses[2]).toBeLessThanOrEqual(Math.min(losses[0]!, losses[1]!) + bound + 1e-9);
      }),
    );
  });
});

describe('decayed ridge', () => {
  test('solves the weighed normal equations that its documentation states', () => {
    fc.assert(
      fc.property(fc.integer({ min: 12, max: 96 }), fc.nat(1000), (rowCount, seed) => {
        const n = rowCount - (rowCount % 12);
        const random = new Xoshiro128(seed + 1);
        const prior = Float64Array.of(1, 0, -0.5);
        const keep = 0.97;
        const ridge = new DecayedRidge({ prior, keep, isRobust: false });
        const rows = Array.from({ length: n }, () => Float64Array.from({ length: 3 }, () => random.next()));
        const targets = rows.map((row) => row[0]! + 2 * row[2]! + random.next());
        rows.forEach((row, i) => {
          ridge.learn(row, targets[i]!);
        });
        const weight = rows.map((_, i) => keep ** (n - 1 - i));
        const total = weight.reduce((a, b) => a + b);
        const penalty = targets.reduce((sum, y, i) => sum + weight[i]! * y * y, 0) / total;
        const matrix = Matrix.zeros(3, 3);
        const right = Matrix.zeros(3, 1);
        for (let a = 0; a < 3; a++) {
          for (let b = 0; b < 3; b++) {
            matrix.set(
              a,
              b,
              rows.reduce((sum, row, i) => sum + weight[i]! * (row[a]! * row[b]!), a === b ? penalty : 0),
            );
          }
          right.set(
            a,
            0,
            rows.reduce((sum, row, i) => sum + weight[i]! * row[a]! * targets[i]!, penalty * prior[a]!),
          );
        }
        const solution = new CholeskyDecomposition(matrix).solve(right);
        for (let a = 0; a < 3; a++) {
          const unit = new Float64Array(3);
          unit[a] = 1;
          expect(ridge.predict(unit)).toBeCloseTo(solution.get(a, 0), 9);
        }
      }),
    );
  });
});

describe('total demand', () => {
  test('is a number from 0 up, whatever came before', () => {
    fc.assert(
      fc.property(weights(1e9), (truths) => {
        const forecaster = new DemandForecaster(settings);
        truths.forEach((truth, hour) => {
          expect(forecaster.forecast(hour).weight).toBeGreaterThanOrEqual(0);
          forecaster.learn(hour, truth);
        });
        for (const { weight } of forecaster.forecastAhead([truths.length, truths.length + 1])) {
          expect(Number.isFinite(weight) && weight >= 0).toBe(true);
        }
      }),
    );
  });

  test('scales with its unit', () => {
    const random = new Xoshiro128(3);
    const one = new DemandForecaster(settings);
    const thousand = new DemandForecaster(settings);
    for (let hour = 0; hour < 600; hour++) {
      const weight = 10 + 8 * Math.sin(hour / 4) + random.next();
      one.learn(hour, weight);
      thousand.learn(hour, weight * 1024);
    }
    expect(thousand.forecast(600).weight / 1024).toBeCloseTo(one.forecast(600).weight, 6);
  });

  test('of a day and a week that repeat is nearly right, hours ahead too', () => {
    const random = new Xoshiro128(1);
    const profile = Array.from({ length: 168 }, () => 100 * random.next());
    const truth = Array.from({ length: 6 * 168 }, (_, hour) => profile[hour % 168]!);
    const { ours, last } = errorsOf(truth, 4 * 168);
    expect(ours / last).toBeLessThan(0.02);
    const forecaster = new DemandForecaster(settings);
    truth.forEach((weight, hour) => {
      forecaster.learn(hour, weight);
    });
    const hours = Array.from({ length: 24 }, (_, i) => truth.length + i);
    forecaster.forecastAhead(hours).forEach(({ weight }, i) => {
      expect(Math.abs(weight - profile[i]!)).toBeLessThan(10);
    });
  });

  test('follows a trend: growth by a tenth a week under a daily season', () => {
    const truth = Array.from(
      { length: 8 * 168 },
      (_, hour) => (50 + 40 * Math.cos((hour * Math.PI) / 12)) * 1.1 ** (hour / 168),
    );
    const { ours, last } = errorsOf(truth, 4 * 168);
    expect(ours / last).toBeLessThan(0.1);
  });

  test('of a random walk is hardly worse than the last hour, which cannot be beaten, and says who argued', () => {
    for (const seed of [1, 2, 3, 4]) {
      const random = new Xoshiro128(seed);
      let level = 1000;
      const truth = Array.from({ length: 4 * 168 }, () => {
        level = Math.max(0, level + (random.next() - 0.5) * 50);
        return level;
      });
      const { ours, last } = errorsOf(truth, 24);
      expect(ours / last).toBeLessThan(1.05);
    }
    const forecaster = new DemandForecaster(settings);
    expect(forecaster.forecast(0)).toEqual({ weight: 0, by: 'persistence' });
    expect(demandExperts).toContain(forecaster.forecast(1).by);
  });

  test('on flat noise is far better than the last hour', () => {
    const random = new Xoshiro128(6);
    // The mean of uniform noise errs by 1/4, the last value by 1/3.
    const truth = Array.from({ length: 6 * 168 }, () => random.next());
    const { ours, last } = errorsOf(truth, 168);
    expect(ours / last).toBeLessThan(0.8);
  });

  test('looking ahead changes nothing, and a restored forecaster goes on as the first would', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.integer({ min: 1, max: 30 }), (length, ahead) => {
        const random = new Xoshiro128(length + 1);
        const truth = Array.from({ length: length + 20 }, () => Math.floor(random.next() * 9));
        const forecaster = new DemandForecaster(settings);
        for (let hour = 0; hour < length; hour++) forecaster.learn(hour, truth[hour]!);
        const before = forecaster.snapshot();
        forecaster.forecastAhead(Array.from({ length: ahead }, (_, i) => length + i));
        expect(forecaster.snapshot()).toEqual(before);
        const restored = new DemandForecaster(settings);
        restored.restore(before);
        for (let hour = length; hour < truth.length; hour++) {
          expect(restored.forecast(hour)).toEqual(forecaster.forecast(hour));
          restored.learn(hour, truth[hour]!);
          forecaster.learn(hour, truth[hour]!);
        }
        expect(restored.snapshot()).toEqual(forecaster.snapshot());
      }),
      { numRuns: 15 },
    );
  });
});
