import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cosine, exponential, logarithm, power } from '../../engine/portable-math.ts';

/** The host's functions are right to about one unit in the last place, far below the errors stated for ours. */
const relativeError = (found: number, expected: number): number =>
  found === expected ? 0 : Math.abs(found - expected) / Math.abs(expected);

const real = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const runs = { numRuns: 5000 };

describe('portable functions against the host, within the errors that they state', () => {
  test('exponential: relative error below 1e-13 for |x| <= 700', () => {
    fc.assert(
      fc.property(real(-700, 700), (x) => {
        expect(relativeError(exponential(x), Math.exp(x))).toBeLessThan(1e-13);
      }),
      runs,
    );
  });

  test('logarithm: relative error below 1e-13 for every positive number', () => {
    fc.assert(
      fc.property(fc.oneof(real(Number.MIN_VALUE, Number.MAX_VALUE), real(0.5, 2), real(1e-9, 1e9)), (x) => {
        expect(relativeError(logarithm(x), Math.log(x))).toBeLessThan(1e-13);
      }),
      runs,
    );
  });

  test('cosine: absolute error below 1e-12 for |x| < 1e4', () => {
    fc.assert(
      fc.property(fc.oneof(real(-9999, 9999), real(-7, 7)), (x) => {
        expect(Math.abs(cosine(x) - Math.cos(x))).toBeLessThan(1e-12);
      }),
      runs,
    );
  });

  test('power: relative error below 1e-11 where the result is between 1e-100 and 1e100', () => {
    fc.assert(
      fc.property(real(1e-6, 1e9), real(-8, 8), (base, exponent) => {
        expect(relativeError(power(base, exponent), base ** exponent)).toBeLessThan(1e-11);
      }),
      runs,
    );
  });
});

test('the ends of the domains', () => {
  expect(exponential(0)).toBe(1);
  expect(exponential(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(exponential(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(logarithm(1)).toBe(0);
  expect(logarithm(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(logarithm(-1)).toBeNaN();
  expect(logarithm(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  expect(power(0, 0)).toBe(1);
  expect(power(0, 2)).toBe(0);
  expect(power(5, 0)).toBe(1);
});
