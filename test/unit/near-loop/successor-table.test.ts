import { describe, expect, test } from 'vitest';
import {
  ageOfSlot,
  SuccessorTable,
  WEIGHT_ONE,
  weightOfSlot,
} from '../../../actors/sequence-predictor/successor-table.ts';

const mayGrow = () => true;

describe('successor table', () => {
  test('counts a successor once in a visit, however often it is seen', () => {
    const table = new SuccessorTable({ degreeMax: 4, visitsMax: 64, mayGrow });
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
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, mayGrow });
    table.visit(0);
    table.observe(0, 5, 16);
    table.observe(0, 6, 4);
    table.observe(0, 7, 10);
    expect([5, 6, 7].map((s) => table.weightOf(0, s))).toEqual([16, 0, 10]);
  });

  test('halves a row when its visits reach the limit, and drops what falls to nothing', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 4, mayGrow });
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
    const table = new SuccessorTable({ degreeMax: 1, visitsMax: 64, mayGrow });
    table.visit(3);
    table.observe(3, 9, 16);
    table.visit(3);
    table.visit(3);
    const packed = table.words[table.rowOf(3) + 1]!;
    expect(ageOfSlot(packed, table.tickOf(3))).toBe(2);
  });

  test('keeps the strongest successor first, whatever the order of arrival', () => {
    const table = new SuccessorTable({ degreeMax: 4, visitsMax: 64, mayGrow });
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
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 8, mayGrow });
    expect(table.rowOf(100)).toBe(-1);
    expect(table.visitsOf(100)).toBe(0);
    expect(table.weightOf(100, 1)).toBe(0);
  });

  test('memory is a fixed number of bytes for each segment, within the doubling', () => {
    const table = new SuccessorTable({ degreeMax: 8, visitsMax: 64, mayGrow });
    for (let i = 0; i < 80_000; i++) {
      table.visit(i % 4000);
      table.observe(i % 4000, (i * 7) % 5000, 16);
    }
    // A row of 68 bytes, and four bytes for each segment there is; both tables double.
    expect(table.bytes).toBeLessThanOrEqual(2 * 4000 * (68 + 4));
  });

  test('a table that may not grow keeps what it has and takes nothing new', () => {
    let asked = 0;
    const table = new SuccessorTable({
      degreeMax: 2,
      visitsMax: 64,
      mayGrow: (bytes) => {
        asked = bytes;
        return false;
      },
    });
    const bytes = table.bytes;
    for (let segment = 0; segment < 1024; segment++) {
      table.visit(segment);
      table.observe(segment, 7, 16);
    }
    table.visit(1024);
    table.observe(1024, 7, 16);
    expect([table.bytes, asked]).toEqual([bytes, 8192]);
    expect([table.visitsOf(1023), table.weightOf(1023, 7), table.visitsOf(1024)]).toEqual([1, 16, 0]);
    expect(Array.from(table.segments())).toEqual(Array.from({ length: 1024 }, (_, i) => i));
  });

  test('the visit for which the table grows is counted like any other', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, mayGrow });
    for (let segment = 0; segment < 5000; segment++) table.visit(segment);
    for (let segment = 0; segment < 5000; segment++) expect(table.visitsOf(segment)).toBe(1);
  });

  test('a successor that recurs is not pushed out by others that come once', () => {
    const table = new SuccessorTable({ degreeMax: 2, visitsMax: 64, mayGrow });
    for (let i = 0; i < 60; i++) {
      table.visit(1);
      table.observe(1, i % 2 === 0 ? 5 : 6, 16);
      table.observe(1, 100 + i, 4);
    }
    expect(table.weightOf(1, 5)).toBeGreaterThan(100);
    expect(table.weightOf(1, 6)).toBeGreaterThan(100);
  });
});
