import { describe, expect, test } from 'vitest';
import { RowIndex } from '../../../actors/sequence-predictor/row-index.ts';

describe('row index', () => {
  test('finds every key in its own row while there is room, through all growth', () => {
    const index = new RowIndex(1000);
    const rows = Array.from({ length: 1000 }, (_, i) => index.claim(i, i % 7));
    expect(new Set(rows).size).toBe(1000);
    expect(rows.map((_, i) => index.find(i, i % 7))).toEqual(rows);
    expect(index.find(1000, 0)).toBe(-1);
    expect(index.evictedCount).toBe(0);
  });

  test('a full index gives up the row that was not used, and counts it', () => {
    const index = new RowIndex(3);
    for (const key of [1, 2, 3]) index.claim(key, 0);
    index.use(index.find(1, 0));
    index.use(index.find(3, 0));
    index.claim(4, 0);
    expect([1, 2, 3, 4].map((key) => index.find(key, 0) >= 0)).toEqual([true, false, true, true]);
    expect(index.evictedCount).toBe(1);
  });

  test('a scan of keys that never return leaves a row that is used now and then', () => {
    const index = new RowIndex(8);
    index.claim(0, 1);
    for (let key = 1; key < 1000; key++) {
      index.use(index.find(0, 1));
      index.claim(key, 0);
    }
    expect(index.find(0, 1)).toBeGreaterThanOrEqual(0);
    expect(index.evictedCount).toBe(992);
  });
});
