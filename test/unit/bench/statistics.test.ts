import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../engine/assert.ts';
import { ratioSpreadOf, spreadOf } from '../../../sim/bench/statistics.ts';

describe('the spread of repeated measurements', () => {
  test('the median of an odd number is the middle value, whatever the order', () => {
    expect(spreadOf([30, 10, 1000])).toEqual({ min: 10, median: 30, max: 1000 });
  });

  test('the median of an even number is the mean of the two in the middle', () => {
    expect(spreadOf([4, 1, 3, 100])).toEqual({ min: 1, median: 3.5, max: 100 });
  });

  test('numbers are ordered as numbers, and the values given stay as they were', () => {
    const values = [9, 10, 8];
    expect(spreadOf(values).median).toBe(9);
    expect(values).toEqual([9, 10, 8]);
  });

  test('nothing has no spread', () => {
    expect(() => spreadOf([])).toThrow(InvariantError);
  });
});

describe('the ratio of two contenders', () => {
  test('a slow round that meets both leaves the ratios of that round alone', () => {
    // Round 2 ran at a tenth of the speed for both.
    const { ofMedians, pairwise } = ratioSpreadOf([200, 20, 200], [100, 10, 50]);
    expect(pairwise).toEqual({ min: 2, median: 2, max: 4 });
    expect(ofMedians).toBe(4);
  });

  test('rounds have to be as many', () => {
    expect(() => ratioSpreadOf([1, 2], [1])).toThrow(InvariantError);
  });
});
