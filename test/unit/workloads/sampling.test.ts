import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import { DiscreteDistribution, instants, poisson, shuffled, sizeOf, zipf } from '../../../sim/workloads/sampling.ts';
import { chiSquareScore } from './chi-square.ts';

test('the chi-square score of true counts is small, of wrong ones large', () => {
  const random = new Xoshiro128(1);
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 40_000; i++) counts[random.int(4)]!++;
  expect(Math.abs(chiSquareScore(counts, [1, 1, 1, 1]))).toBeLessThan(4);
  expect(chiSquareScore(counts, [1.06, 1, 1, 0.94])).toBeGreaterThan(4);
  // Counts that are too good to be chance are found as well.
  expect(chiSquareScore(new Array<number>(100).fill(100), new Array<number>(100).fill(1))).toBeLessThan(-4);
});

describe('DiscreteDistribution', () => {
  test('draws follow the weights, and zero weights are never drawn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2, maxLength: 40 }).filter((w) => w.some((x) => x > 0)),
        fc.nat(),
        (weights, seed) => {
          const distribution = new DiscreteDistribution(weights);
          const random = new Xoshiro128(seed);
          for (let i = 0; i < 300; i++) expect(weights[distribution.sample(random)]).toBeGreaterThan(0);
          const sum = weights.reduce((a, b) => a + b, 0);
          for (const [i, weight] of weights.entries())
            expect(distribution.probabilityOf(i)).toBeCloseTo(weight / sum, 12);
        },
      ),
    );
  });

  test('samples of Zipf have the probabilities that it names', () => {
    const distribution = zipf(1000, 0.95);
    const random = new Xoshiro128(4);
    const counts = new Array<number>(1000).fill(0);
    for (let i = 0; i < 200_000; i++) counts[distribution.sample(random)]!++;
    const weights = counts.map((_, rank) => (rank + 1) ** -0.95);
    const sum = weights.reduce((a, b) => a + b, 0);
    for (const rank of [0, 1, 10, 999]) expect(distribution.probabilityOf(rank)).toBeCloseTo(weights[rank]! / sum, 12);
    expect(Math.abs(chiSquareScore(counts, weights))).toBeLessThan(4);
  });
});

test.each([0.3, 4, 16, 17, 90])('poisson counts of mean %d have the Poisson distribution', (mean) => {
  const random = new Xoshiro128(9);
  const size = Math.ceil(mean + 10 * Math.sqrt(mean) + 5);
  const counts = new Array<number>(size).fill(0);
  for (let i = 0; i < 20_000; i++) counts[Math.min(size - 1, poisson(mean, random))]!++;
  const probabilities = [Math.exp(-mean)];
  for (let k = 1; k < size; k++) probabilities.push((probabilities[k - 1]! * mean) / k);
  expect(Math.abs(chiSquareScore(counts, probabilities))).toBeLessThan(4);
});

test('a Poisson count of mean 0 is 0', () => {
  expect(poisson(0, new Xoshiro128(1))).toBe(0);
});

test('instants are sorted, whole, inside their span and uniform', () => {
  const times = instants(20_000, 5000, 1000, new Xoshiro128(3));
  const cells = new Array<number>(10).fill(0);
  for (const [i, time] of times.entries()) {
    expect(Number.isInteger(time) && time >= 5000 && time < 6000).toBe(true);
    if (i > 0) expect(time).toBeGreaterThanOrEqual(times[i - 1]!);
    cells[Math.floor((time - 5000) / 100)]!++;
  }
  expect(
    Math.abs(
      chiSquareScore(
        cells,
        cells.map(() => 1),
      ),
    ),
  ).toBeLessThan(4);
});

test('shuffled gives every permutation of four equally often', () => {
  const random = new Xoshiro128(8);
  const counts = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const key = shuffled(4, random).join('');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  expect(Math.abs(chiSquareScore([...counts.values()], new Array<number>(24).fill(1)))).toBeLessThan(4);
});

test('sizes are whole kibibytes up to 2 MiB, with the stated mean', () => {
  let sum = 0;
  for (let segment = 0; segment < 100_000; segment++) {
    const size = sizeOf(segment);
    expect(size % 1024).toBe(0);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThanOrEqual(4 * 512 * 1024);
    sum += size;
  }
  expect(sum / 100_000 / 1024).toBeGreaterThan(8);
  expect(sum / 100_000 / 1024).toBeLessThan(32);
});
