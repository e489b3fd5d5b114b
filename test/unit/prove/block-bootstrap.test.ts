import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import { blockLengthOf, bootstrapIntervals } from '../../../sim/prove/block-bootstrap.ts';

/** Nearly normal: the sum of twelve uniform draws less six (variance 1). */
function normal(random: Xoshiro128): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.next();
  return sum;
}

/** x(t) = mean + phi (x(t-1) - mean) + e(t), from its stationary distribution. */
function autoregressive(seed: number, count: number, mean: number, phi: number): Float64Array {
  const random = new Xoshiro128(seed);
  const series = new Float64Array(count);
  let x = normal(random) / Math.sqrt(1 - phi * phi);
  for (let i = 0; i < count; i++) {
    series[i] = mean + x;
    x = phi * x + normal(random);
  }
  return series;
}

function intervalOf(series: Float64Array, seed: number, blockLength = blockLengthOf(series)) {
  const [interval] = bootstrapIntervals(series, 1, [(sums) => sums[0]! / series.length], {
    level: '0.9',
    resamples: 500,
    blockLength,
    random: new Xoshiro128(seed).fork('bootstrap'),
  });
  return interval!;
}

describe('block bootstrap', () => {
  // 400 seeds: the share of a true 90 % has a standard error of 1.5 %; series of 100 that remember are known to fall short a little.
  test.each([
    [0, 0.86, 0.95],
    [0.3, 0.83, 0.96],
    [0.6, 0.78, 0.97],
  ])(
    'intervals of level 0.9, of a series that remembers %d of itself, cover its mean about so often',
    (phi, low, high) => {
      let covered = 0;
      for (let seed = 1; seed <= 400; seed++) {
        const interval = intervalOf(autoregressive(seed, 100, 3, phi), seed);
        if (interval.low! <= 3 && 3 <= interval.high!) covered++;
      }
      expect(covered / 400).toBeGreaterThanOrEqual(low);
      expect(covered / 400).toBeLessThanOrEqual(high);
    },
  );

  test('rows drawn one by one would be far too sure of a series that remembers', () => {
    let covered = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const interval = intervalOf(autoregressive(seed, 100, 3, 0.6), seed, 1);
      if (interval.low! <= 3 && 3 <= interval.high!) covered++;
    }
    expect(covered / 200).toBeLessThan(0.75);
  });

  test('a longer memory gives longer blocks, and none gives short ones', () => {
    const mean = (phi: number): number => {
      let sum = 0;
      for (let seed = 1; seed <= 50; seed++) sum += blockLengthOf(autoregressive(seed, 200, 0, phi)) / 50;
      return sum;
    };
    const [none, some, much] = [mean(0), mean(0.5), mean(0.9)];
    expect(none).toBeLessThan(some!);
    expect(some).toBeLessThan(much!);
    expect(blockLengthOf(new Float64Array(50).fill(7))).toBe(1);
    expect(much).toBeLessThanOrEqual(50);
  });

  test('a higher level and fewer rows give a wider interval; more resamples change little', () => {
    const series = autoregressive(5, 200, 0, 0.2);
    const width = (level: '0.8' | '0.9' | '0.99', rows: Float64Array, resamples = 1000): number => {
      const [interval] = bootstrapIntervals(rows, 1, [(sums) => sums[0]! / rows.length], {
        level,
        resamples,
        blockLength: 3,
        random: new Xoshiro128(1),
      });
      return interval!.high! - interval!.low!;
    };
    expect(width('0.8', series)).toBeLessThan(width('0.9', series));
    expect(width('0.9', series)).toBeLessThan(width('0.99', series));
    expect(width('0.9', series)).toBeLessThan(width('0.9', series.slice(0, 50)));
    expect(width('0.9', series, 4000) / width('0.9', series)).toBeCloseTo(1, 0);
  });

  test('same seed, same interval; a statistic that is not defined has none', () => {
    const series = autoregressive(9, 60, 1, 0);
    expect(intervalOf(series, 4)).toEqual(intervalOf(series, 4));
    const [nothing] = bootstrapIntervals(series, 1, [() => null], {
      level: '0.9',
      resamples: 10,
      blockLength: 1,
      random: new Xoshiro128(1),
    });
    expect(nothing).toEqual({ estimate: null, low: null, high: null });
  });
});
