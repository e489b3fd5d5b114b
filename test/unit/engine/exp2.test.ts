import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exp2 } from '../../../engine/exp2.ts';

describe('exp2', () => {
  test('exp2 agrees with Math.pow to 1e-14 and is exact on whole numbers', () => {
    fc.assert(
      fc.property(fc.double({ min: -1000, max: 1000, noNaN: true }), (x) => {
        const expected = 2 ** x;
        expect(Math.abs(exp2(x) - expected)).toBeLessThanOrEqual(1e-14 * expected);
      }),
    );
    for (let n = -1074; n <= 1023; n++) expect(exp2(n)).toBe(2 ** n);
  });

  test('exp2 ends in 0 below its range, in Infinity above, and in 0 for NaN', () => {
    expect([exp2(-2000), exp2(-Infinity), exp2(1024), exp2(Infinity), exp2(Number.NaN)]).toEqual([
      0,
      0,
      Infinity,
      Infinity,
      0,
    ]);
  });

  test('half is left after one half-life', () => {
    expect([0, 60, 180].map((elapsed) => exp2(-elapsed / 60))).toEqual([1, 0.5, 0.125]);
  });
});
