import { describe, expect, test } from 'vitest';
import type { EvictionName, Future } from '../../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { InvariantError } from '../../../engine/assert.ts';

/** Replays segments of size 1; the answer says who missed, as 'm' and 'h', and who left. */
function replay(name: EvictionName, capacity: number, segments: readonly number[]) {
  let position = 0;
  const future: Future = {
    nextOf: (segment) => {
      const next = segments.indexOf(segment, position + 1);
      return next < 0 ? Number.POSITIVE_INFINITY : next;
    },
  };
  const evicted: number[] = [];
  const eviction = createEviction(name, { capacity, future, onEvict: (segment) => evicted.push(segment) });
  let outcomes = '';
  for (position = 0; position < segments.length; position++) {
    outcomes += eviction.access(segments[position], 1) ? 'h' : 'm';
  }
  return { eviction, evicted, outcomes, missCount: outcomes.replaceAll('h', '').length };
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const repeat = (times: number, segments: readonly number[]): number[] =>
  Array.from({ length: times }, () => segments).flat();

describe("the textbooks' reference string 1 2 3 4 1 2 5 1 2 3 4 5", () => {
  const segments = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5];

  test('fifo shows the anomaly of Belady, Nelson and Shedler: 9 misses in 3 frames, 10 in 4', () => {
    expect([3, 4].map((frames) => replay('fifo', frames, segments).missCount)).toEqual([9, 10]);
  });

  test('lru misses 10 times in 3 frames and 8 in 4', () => {
    expect([3, 4].map((frames) => replay('lru', frames, segments).missCount)).toEqual([10, 8]);
  });

  test('the optimum is 7 misses in 3 frames and 6 in 4', () => {
    expect([3, 4].map((frames) => replay('belady', frames, segments).missCount)).toEqual([7, 6]);
  });
});

describe('lru', () => {
  test('rows that came to a cache of no capacity took its own list apart, without a word', () => {
    const eviction = createEviction('lru', { capacity: 2 });
    eviction.resize(0);
    expect(() => eviction.accessRows!(Uint32Array.of(1, 2), 0, 2, new Int32Array(2))).toThrow(InvariantError);
    expect(eviction.access(1, 1)).toBe(false);
    eviction.resize(2);
    for (const segment of [1, 2, 3]) eviction.access(segment, 1);
    expect([1, 2, 3].map((segment) => eviction.has(segment))).toEqual([false, true, true]);
  });
});

describe('clock', () => {
  test('gives a used segment one more turn, and only one', () => {
    expect(replay('clock', 3, [1, 2, 3, 1, 4]).evicted).toEqual([2]);
    expect(replay('clock', 3, [1, 2, 3, 1, 4, 5, 6]).evicted).toEqual([2, 3, 1]);
  });
});

describe('sieve', () => {
  test('the hand stays where it evicted and survivors keep their place', () => {
    // 1 is visited: the hand clears it and takes 2, then goes on to 3 although 1 is older and clear by now.
    expect(replay('sieve', 3, [1, 2, 3, 1, 4, 5]).evicted).toEqual([2, 3]);
  });

  test('the hand begins again at the oldest after the newest', () => {
    expect(replay('sieve', 2, [1, 2, 1, 2, 3]).evicted).toEqual([1]);
  });
});

describe('s3-fifo', () => {
  test('a segment that returns soon after the small queue let it go enters the main queue', () => {
    const { eviction, evicted } = replay('s3-fifo', 20, [...range(0, 22), 0, ...range(100, 140)]);
    expect(evicted.slice(0, 2)).toEqual([0, 1]);
    expect(eviction.has(0)).toBe(true);
  });

  test('two uses in the small queue are enough to stay, one is not', () => {
    const { eviction } = replay('s3-fifo', 20, [...range(0, 20), 0, 0, 1, ...range(100, 130)]);
    expect(eviction.has(0)).toBe(true);
    expect(eviction.has(1)).toBe(false);
  });

  test('a prefetch of a remembered segment is no evidence of reuse', () => {
    const { eviction } = replay('s3-fifo', 20, range(0, 22));
    eviction.admit(0, 1);
    for (const segment of range(100, 140)) eviction.access(segment, 1);
    expect(eviction.has(0)).toBe(false);
  });
});

describe('arc', () => {
  test('a scan leaves what was used twice alone', () => {
    const { eviction } = replay('arc', 10, [...repeat(2, range(0, 5)), ...range(100, 200)]);
    expect(range(0, 5).every((segment) => eviction.has(segment))).toBe(true);
  });

  test('a prefetched segment that is demanded once goes with the scan, and one that is demanded twice stays', () => {
    const { eviction } = replay('arc', 4, [1, 1]);
    eviction.admit(2, 1);
    eviction.admit(3, 1);
    for (const segment of [2, 3, 3, ...range(100, 110)]) eviction.access(segment, 1);
    expect([1, 2, 3].map((segment) => eviction.has(segment))).toEqual([true, false, true]);
  });
});

describe('lirs', () => {
  test('a loop one segment longer than the cache hits nearly always, where lru never does', () => {
    const loop = repeat(20, range(0, 101));
    expect(replay('lru', 100, loop).missCount).toBe(2020);
    // All but two of the loop are LIR; the rest share the queue of one.
    expect(replay('lirs', 100, loop).missCount).toBeLessThanOrEqual(101 + 19 * 2);
  });

  test('a prefetched segment becomes LIR by its second demand, not by its first', () => {
    const { eviction, evicted } = replay('lirs', 10, range(0, 9));
    eviction.admit(50, 1);
    eviction.access(50, 1);
    eviction.access(60, 1);
    expect(evicted).toEqual([50]);
    // Remembered in the stack: its next demand makes it LIR in place of the oldest, 0, which then leaves first.
    eviction.access(50, 1);
    eviction.access(70, 1);
    expect(evicted).toEqual([50, 60, 0]);
    expect(eviction.has(50)).toBe(true);
  });
});

describe('w-tinylfu', () => {
  test('a scan does not get in past what is in constant use', () => {
    const hot = range(0, 100);
    const { eviction } = replay('w-tinylfu', 100, [...repeat(4, hot), ...range(1000, 1500)]);
    expect(hot.filter((segment) => eviction.has(segment)).length).toBeGreaterThanOrEqual(99);
  });

  test('a prefetch is not counted as a use', () => {
    const { eviction } = replay('w-tinylfu', 10, repeat(3, range(0, 10)));
    for (const segment of range(100, 200)) eviction.admit(segment, 1);
    expect(range(0, 10).filter((segment) => eviction.has(segment)).length).toBe(9);
  });
});

describe('gdsf', () => {
  test('of two segments used once the larger leaves', () => {
    const evicted: number[] = [];
    const eviction = createEviction('gdsf', { capacity: 100, onEvict: (segment) => evicted.push(segment) });
    eviction.access(1, 10);
    eviction.access(2, 80);
    eviction.access(3, 40);
    expect(evicted).toEqual([2]);
  });

  test('old uses fade: the bar rises with each eviction until a segment of many uses leaves', () => {
    const { eviction } = replay('gdsf', 2, [...repeat(5, [0]), ...range(1, 20)]);
    expect(eviction.has(0)).toBe(false);
  });
});
