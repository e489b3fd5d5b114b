import { describe, expect, test } from 'vitest';
import {
  ageOfSlot,
  SuccessorTable,
  successorRowBytes,
  WEIGHT_ONE,
  weightOfSlot,
} from '../../../actors/sequence-predictor/successor-table.ts';

describe('successor table', () => {
  test('counts a successor once in a visit, however often it is seen', () => {
    const table = new SuccessorTable({ degreeMax: 4, visitsMax: 64, rowBytesMax: 2 ** 20 });
    table.visit(1);
    table.observe(1, 2, WEIGHT_ONE);
    table.observe(1, 2, 8);
    expect(table.weightOf(1, 2)).toBe(WEIGHT_ONE);
    table.visit(1);
    table.observe(1, 2, 8);
    expect(table.weightOf(1, 2)).toBe(WEIGHT_ONE + 8);
    expect(table.visitsOf(1)).toBe(2);
  });

  test('a newcomer takes the place of the weakest successor', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, rowBytesMax: 2 ** 20 });
    table.visit(0);
    table.observe(0, 5, 16);
    table.observe(0, 6, 4);
    table.observe(0, 7, 10);
    expect([5, 6, 7].map((s) => table.weightOf(0, s))).toEqual([16, 0, 10]);
  });

  test('halves a row when its visits reach the limit, and drops what falls to nothing', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 4, rowBytesMax: 2 ** 20 });
    for (let visit = 0; visit < 4; visit++) {
      table.visit(0);
      table.observe(0, 1, 16);
    }
    table.observe(0, 2, 1);
    expect(table.weightOf(0, 1)).toBe(64);
    table.visit(0);
    expect(table.visitsOf(0)).toBe(3);
    expect(table.weightOf(0, 1)).toBe(32);
    expect(table.weightOf(0, 2)).toBe(0);
  });

  test('knows how many visits ago a successor was confirmed', () => {
    const table = new SuccessorTable({ degreeMax: 1, visitsMax: 64, rowBytesMax: 2 ** 20 });
    table.visit(3);
    table.observe(3, 9, 16);
    table.visit(3);
    table.visit(3);
    const packed = table.words[table.rowOf(3) + 1]!;
    expect(ageOfSlot(packed, table.tickOf(3))).toBe(2);
  });

  test('keeps the strongest successor first, whatever the order of arrival', () => {
    const table = new SuccessorTable({ degreeMax: 4, visitsMax: 64, rowBytesMax: 2 ** 20 });
    for (const targets of [[5], [6], [7, 6], [6, 5], [8, 6]]) {
      table.visit(1);
      for (const target of targets) table.observe(1, target, 16);
    }
    const row = table.rowOf(1);
    const slots = [0, 1, 2, 3].map((slot) => [
      table.words[row + 2 * slot]! - 1,
      weightOfSlot(table.words[row + 2 * slot + 1]!),
    ]);
    expect(slots[0]).toEqual([6, 64]);
    expect(slots[1]).toEqual([5, 32]);
    expect(slots.map(([, weight]) => weight)).toEqual([64, 32, 16, 16]);
  });

  test('knows nothing of segments it never saw', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 8, rowBytesMax: 1 });
    expect(table.rowOf(100)).toBe(-1);
    expect(table.visitsOf(100)).toBe(0);
    expect(table.weightOf(100, 1)).toBe(0);
  });

  test('memory is a fixed number of bytes for each segment, within the doubling, and within the bound', () => {
    for (const rowBytesMax of [2 ** 30, 72_000, 24_000, 7200]) {
      const table = new SuccessorTable({ degreeMax: 8, visitsMax: 64, rowBytesMax });
      for (let i = 0; i < 20_000; i++) {
        table.visit(i % 1000);
        table.observe(i % 1000, (i * 7) % 5000, 16);
      }
      // Beside the rows, four bytes for each segment there is; both tables double.
      expect(table.bytes).toBeLessThanOrEqual(Math.min(rowBytesMax, 2 * 1000 * 72) + 2 * 1000 * 4);
    }
  });

  test('a scan of segments that come once takes no row from those that recur', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, rowBytesMax: 50 * successorRowBytes(2) });
    for (let i = 0; i < 20_000; i++) {
      const recurring = i % 25;
      table.visit(recurring);
      table.observe(recurring, 7, 16);
      table.visit(1000 + i);
    }
    for (let segment = 0; segment < 25; segment++) expect(table.weightOf(segment, 7)).toBeGreaterThan(0);
    expect(table.replacedCount).toBe(20_000 - 25);
    expect(table.visitsOf(1000)).toBe(0);
  });

  test('where bytes are short, rows keep their stronger successors before a segment loses its row', () => {
    const table = new SuccessorTable({ degreeMax: 4, visitsMax: 64, rowBytesMax: 10 * successorRowBytes(4) });
    // Ten rows fit with four successors each: the eleventh segment comes when they are known.
    for (const segments of [
      [0, 9],
      [0, 14],
    ] as const) {
      for (let round = 0; round < 4; round++) {
        for (let segment = segments[0]; segment <= segments[1]; segment++) {
          table.visit(segment);
          for (let rank = 0; rank < 4 - round; rank++) table.observe(segment, 100 + rank, 16);
        }
      }
      expect(table.degree).toBe(segments[1] === 9 ? 4 : 2);
    }
    expect(table.replacedCount).toBe(0);
    for (let segment = 0; segment < 15; segment++) {
      const [first, second] = [100, 101].map((target) => table.weightOf(segment, target));
      expect(first).toBeGreaterThanOrEqual(64);
      expect(second).toBeGreaterThan(0);
      expect(table.weightOf(segment, 103)).toBe(0);
      expect(table.visitsOf(segment)).toBe(segment < 10 ? 8 : 4);
    }
  });

  test('a successor that recurs is not pushed out by others that come once', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, rowBytesMax: 1000 });
    for (let i = 0; i < 60; i++) {
      table.visit(1);
      table.observe(1, i % 2 === 0 ? 5 : 6, 16);
      table.observe(1, 100 + i, 4);
    }
    expect(table.weightOf(1, 5)).toBeGreaterThan(100);
    expect(table.weightOf(1, 6)).toBeGreaterThan(100);
  });

  test('a segment that lost its row starts anew', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, rowBytesMax: 1 });
    table.visit(1);
    table.observe(1, 5, 16);
    table.visit(2);
    table.observe(1, 6, 16);
    expect([table.visitsOf(1), table.weightOf(1, 5), table.weightOf(1, 6), table.rowOf(1)]).toEqual([0, 0, 0, -1]);
    table.visit(1);
    expect([table.visitsOf(1), table.weightOf(1, 5), table.visitsOf(2)]).toEqual([1, 0, 0]);
  });
});
