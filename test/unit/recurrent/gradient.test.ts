import { describe, expect, test } from 'vitest';
import { hyperbolicTangent, sigmoid } from '../../../actors/recurrent-predictor/activations.ts';
import { cellNames, parameterCountOf, SequenceNetwork } from '../../../actors/recurrent-predictor/sequence-network.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

const EPSILON = 1e-5;

describe.each(cellNames)('gradient of %s', (cell) => {
  test.each([
    { skip: 0, seed: 1 },
    { skip: 3, seed: 2 },
  ])('is that of finite differences, by every parameter (first $skip steps unscored)', ({ skip, seed }) => {
    const shape = { cell, size: 5, itemCount: 9, lengthMax: 8 };
    const random = new Xoshiro128(seed);
    const network = new SequenceNetwork(shape);
    const values = new Float64Array(parameterCountOf(shape));
    network.initialize(values, random);
    // Large enough that gates are neither all open nor all shut.
    for (let i = 0; i < values.length; i++) values[i] = values[i]! + (random.next() - 0.5) * 0.8;
    const items = Int32Array.of(3, 1, 4, 1, 5, 2, 6);
    const sample = Int32Array.of(0, 7, 1, 8, 1);
    const logOdds = Float64Array.from({ length: 9 }, () => -random.next());
    // One unit left out, the others made up for.
    const mask = Float64Array.of(1.25, 1.25, 0, 1.25, 1.25);
    const lossOf = (gradients = new Float64Array(values.length)): number =>
      network.learn(values, items, 0, items.length, skip, sample, logOdds, mask, gradients);
    const gradients = new Float64Array(values.length);
    lossOf(gradients);
    let largest = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      values[i] = value + EPSILON;
      const above = lossOf();
      values[i] = value - EPSILON;
      const below = lossOf();
      values[i] = value;
      const difference = (above - below) / (2 * EPSILON);
      expect(Math.abs(gradients[i]! - difference), `parameter ${i}`).toBeLessThan(1e-7 + 1e-5 * Math.abs(difference));
      largest = Math.max(largest, Math.abs(difference));
    }
    expect(largest).toBeGreaterThan(0.01);
  });
});

test('sigmoid and hyperbolic tangent are those of the library', () => {
  for (let x = -45; x <= 45; x += 0.37) {
    expect(sigmoid(x)).toBeCloseTo(1 / (1 + Math.exp(-x)), 12);
    expect(hyperbolicTangent(x)).toBeCloseTo(Math.tanh(x), 12);
  }
});
