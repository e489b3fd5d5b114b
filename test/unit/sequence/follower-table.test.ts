import { describe, expect, test } from 'vitest';
import { FOLLOWER_ONE, FollowerTable } from '../../../actors/sequence-predictor/follower-table.ts';

const tableOf = (width: number, sightingsMax = 64, bytesMax = 2 ** 20): FollowerTable =>
  new FollowerTable({ width, sightingsMax, bytesMax });

/** The context (1, 0) is seen, and each of these follows it. */
function tell(table: FollowerTable, ...followers: readonly number[]): void {
  for (const follower of followers) table.follow(table.see(1, 0), follower);
}

function weights(table: FollowerTable): Record<number, number> {
  const row = table.find(1, 0);
  const found: Record<number, number> = {};
  for (let place = 0; place < table.width; place++) {
    const follower = table.followerAt(row, place);
    if (follower >= 0) found[follower] = table.weightAt(row, place) / FOLLOWER_ONE;
  }
  return found;
}

describe('follower table', () => {
  test('counts followers and keeps them in order of weight', () => {
    const table = tableOf(4);
    tell(table, 7, 8, 9, 8, 9, 9);
    const row = table.find(1, 0);
    expect([0, 1, 2, 3].map((place) => table.followerAt(row, place))).toEqual([9, 8, 7, -1]);
    expect(weights(table)).toEqual({ 7: 1, 8: 2, 9: 3 });
    expect(table.seenAt(row)).toBe(6);
  });

  test('knows how many sightings ago a follower came', () => {
    const table = tableOf(4);
    tell(table, 7, 8, 8);
    const row = table.find(1, 0);
    expect(table.ageAt(row, 0)).toBe(0);
    expect(table.ageAt(row, 1)).toBe(2);
  });

  test('halves a context that was seen often enough', () => {
    const table = tableOf(4, 4);
    tell(table, 7, 7, 7, 7);
    expect(table.totalAt(table.find(1, 0))).toBe(4 * FOLLOWER_ONE);
    tell(table, 8);
    expect(weights(table)).toEqual({ 7: 2, 8: 1 });
    expect(table.totalAt(table.find(1, 0))).toBe(3 * FOLLOWER_ONE);
  });

  test('a newcomer wears the weakest down and then takes its place', () => {
    const table = tableOf(2);
    tell(table, 7, 7, 7, 8, 8);
    tell(table, 9);
    expect(weights(table)).toEqual({ 7: 3, 8: 1 });
    tell(table, 9);
    expect(weights(table)).toEqual({ 7: 3, 9: 1 });
  });

  test('keeps two keys apart, and tells an unknown one from an empty one', () => {
    const table = tableOf(2);
    table.see(1, 2);
    expect(table.find(2, 1)).toBe(-1);
    expect(table.seenAt(table.find(2, 1))).toBe(0);
    expect(table.followerAt(table.find(1, 2), 0)).toBe(-1);
  });

  test('stays within its bytes, and a new context does not inherit the followers of the one it replaced', () => {
    const table = tableOf(4, 64, 4096);
    for (let key = 0; key < 1000; key++) table.follow(table.see(key, 5), 3);
    expect(table.bytes).toBeLessThanOrEqual(4096);
    expect(table.evictedCount).toBeGreaterThan(900);
    expect(table.followerAt(table.see(2000, 5), 0)).toBe(-1);
  });

  test('weights do not overflow at the largest memory', () => {
    const table = tableOf(2, 255);
    for (let i = 0; i < 2000; i++) tell(table, 7);
    const row = table.find(1, 0);
    expect(table.weightAt(row, 0)).toBeLessThanOrEqual(table.totalAt(row));
    expect(table.weightAt(row, 0)).toBeGreaterThan(0.9 * table.totalAt(row));
  });
});
