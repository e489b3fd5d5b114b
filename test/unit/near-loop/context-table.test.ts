import { describe, expect, test } from 'vitest';
import { ContextTable } from '../../../actors/sequence-predictor/context-table.ts';

describe('context table', () => {
  test('keeps contexts apart that share one of their segments', () => {
    const table = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    table.observe(1, 2, 10);
    table.observe(3, 2, 20);
    expect(table.successorAt(table.find(1, 2), 0)).toBe(10);
    expect(table.successorAt(table.find(3, 2), 0)).toBe(20);
    expect(table.find(2, 1)).toBe(-1);
  });

  test('a challenger that is confirmed more often becomes the first', () => {
    const table = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    table.observe(1, 2, 10);
    for (let i = 0; i < 3; i++) table.observe(1, 2, 11);
    const entry = table.find(1, 2);
    expect([table.successorAt(entry, 0), table.successorAt(entry, 1)]).toEqual([11, 10]);
    expect(table.confirmedAt(entry, 0)).toBeGreaterThan(table.confirmedAt(entry, 1));
    expect(table.seenAt(entry)).toBe(4);
  });

  test('a hint that points at another context by now is not believed', () => {
    const table = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    table.observe(1, 2, 10);
    table.observe(3, 4, 20);
    table.observe(3, 4, 21, table.find(1, 2));
    expect(table.seenAt(table.find(1, 2))).toBe(1);
    expect(table.seenAt(table.find(3, 4))).toBe(2);
    table.observe(5, 6, 30, table.find(1, 2));
    expect(table.successorAt(table.find(5, 6), 0)).toBe(30);
  });

  test('answers only for pairs that were observed, whatever the table forgot', () => {
    const table = new ContextTable({ entryCountMax: 4096, mayGrow: () => true });
    const truth = new Map<string, Set<number>>();
    for (let i = 0; i < 50_000; i++) {
      const [a, b, c] = [(i * 7919) % 331, (i * 104729) % 337, (i * 31) % 997];
      table.observe(a, b, c);
      const key = `${a},${b}`;
      truth.set(key, (truth.get(key) ?? new Set()).add(c));
    }
    let found = 0;
    for (let a = 0; a < 340; a++) {
      for (let b = 0; b < 340; b++) {
        const entry = table.find(a, b);
        if (entry < 0) continue;
        found++;
        for (const place of [0, 1]) {
          const successor = table.successorAt(entry, place);
          if (successor >= 0) expect(truth.get(`${a},${b}`)).toContain(successor);
        }
      }
    }
    expect(found).toBeGreaterThan(1000);
    // Buckets of three in 64 bytes, a power of two of them.
    expect(table.bytes).toBe(1024 * 64);
  });

  test('loses nothing when it grows', () => {
    const table = new ContextTable({ entryCountMax: 1 << 18, mayGrow: () => true });
    for (let i = 0; i < 20_000; i++) table.observe(i, i + 1, i + 2);
    let kept = 0;
    for (let i = 0; i < 20_000; i++) {
      const entry = table.find(i, i + 1);
      if (entry >= 0 && table.successorAt(entry, 0) === i + 2) kept++;
    }
    // A bucket overflows now and then; growing itself loses nothing.
    expect(kept).toBeGreaterThan(18_500);
  });
});
