import { describe, expect, test } from 'vitest';
import {
  type Eviction,
  type EvictionName,
  type EvictionOptions,
  evictionNames,
  type Future,
  RowEnd,
} from '../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { InvariantError } from '../../engine/assert.ts';
import { Xoshiro128 } from '../../engine/random.ts';

/** Nobody comes again: enough where only the contract is at stake. */
const noFuture: Future = { nextOf: () => Number.POSITIVE_INFINITY };

function create(name: EvictionName, options: EvictionOptions): Eviction {
  return createEviction(name, { future: noFuture, ...options });
}

describe.each(evictionNames)('%s', (name) => {
  test('says its name and starts empty', () => {
    const eviction = create(name, { capacity: 10 });
    expect(eviction.name).toBe(name);
    expect([eviction.used, eviction.count, eviction.capacity]).toEqual([0, 0, 10]);
    expect(eviction.has(0)).toBe(false);
  });

  test('a miss admits at once and the next access hits', () => {
    const eviction = create(name, { capacity: 3 });
    for (const segment of [7, 8, 9, 10, 11]) {
      expect(eviction.access(segment, 1)).toBe(false);
      expect(eviction.has(segment)).toBe(true);
      expect(eviction.access(segment, 1)).toBe(true);
    }
    expect(eviction.count).toBe(3);
  });

  test('nobody leaves before the cache is full', () => {
    const evicted: number[] = [];
    const eviction = create(name, { capacity: 50, onEvict: (segment) => evicted.push(segment) });
    for (let segment = 0; segment < 50; segment++) eviction.access(segment, 1);
    expect(evicted).toEqual([]);
    expect(eviction.used).toBe(50);
    eviction.access(50, 1);
    expect(evicted).toHaveLength(1);
    expect(eviction.used).toBe(50);
  });

  test('who would leave next leaves alone when asked, whatever it takes, and the capacity stays', () => {
    for (const unit of ['segments', 'bytes'] as const) {
      const random = new Xoshiro128(5);
      const sizes = Array.from({ length: 60 }, () => (unit === 'bytes' ? 1 + random.int(30) : 1));
      const evicted: number[] = [];
      const capacity = unit === 'bytes' ? 200 : 20;
      const eviction = create(name, { capacity, unit, onEvict: (segment) => evicted.push(segment) });
      eviction.evictNext();
      expect(evicted).toEqual([]);
      for (let i = 0; i < 500; i++) {
        const segment = random.int(60);
        eviction.access(segment, sizes[segment]!);
        if (i % 7 !== 0) continue;
        evicted.length = 0;
        const before = [eviction.count, eviction.used] as const;
        eviction.evictNext();
        expect(evicted).toHaveLength(1);
        expect(eviction.has(evicted[0]!)).toBe(false);
        expect([eviction.count, eviction.used]).toEqual([before[0] - 1, before[1] - sizes[evicted[0]!]!]);
        expect(eviction.capacity).toBe(capacity);
      }
    }
  });

  test('a touch of a resident is its access, of anything else nothing', () => {
    const random = new Xoshiro128(9);
    const left: [number[], number[]] = [[], []];
    const [touched, accessed] = left.map((list) =>
      create(name, { capacity: 20, unit: 'bytes', onEvict: (segment) => list.push(segment) }),
    ) as [Eviction, Eviction];
    for (let i = 0; i < 2000; i++) {
      const segment = Math.min(random.int(40), random.int(2000));
      const size = 1 + random.int(3);
      const isHit = accessed.has(segment);
      expect(touched.touch(segment)).toBe(isHit);
      if (!isHit) touched.access(segment, size);
      accessed.access(segment, size);
      expect(left[0]).toEqual(left[1]);
      left[0].length = left[1].length = 0;
      expect([touched.used, touched.count]).toEqual([accessed.used, accessed.count]);
    }
  });

  test('rows taken together end as they do one by one', () => {
    for (const capacity of [1, 2, 20, 100]) {
      const random = new Xoshiro128(capacity);
      const options = { capacity, segmentCountHint: 16 };
      const left: number[] = [];
      const together = create(name, options);
      const single = create(name, { ...options, onEvict: (segment) => left.push(segment) });
      if (together.accessRows === undefined) {
        expect(name).not.toBe('lru');
        return;
      }
      const ended = new Int32Array(300);
      for (let round = 0; round < 20; round++) {
        const segments = Uint32Array.from({ length: 310 }, () => Math.min(random.int(60), random.int(3000)));
        together.accessRows(segments, 10, 310, ended);
        const expected = Array.from(segments.subarray(10), (segment) =>
          single.access(segment, 1) ? RowEnd.hit : (left.pop() ?? RowEnd.free),
        );
        expect([...ended]).toEqual(expected);
        expect(left).toEqual([]);
        const residents = [together, single].map((each) => [...segments].filter((segment) => each.has(segment)));
        expect(residents[0]).toEqual(residents[1]);
        expect([together.used, together.count]).toEqual([single.used, single.count]);
      }
    }
  });

  test('a resident takes what it was admitted with, whatever is asked for later', () => {
    const eviction = create(name, { capacity: 100, unit: 'bytes' });
    eviction.access(3, 40);
    eviction.access(3, 7);
    expect(eviction.sizeOf(3)).toBe(40);
    eviction.admit(4, 9);
    expect(eviction.sizeOf(4)).toBe(9);
  });

  test('a segment larger than the cache passes by and nobody leaves for it', () => {
    const evicted: number[] = [];
    const eviction = create(name, { capacity: 100, onEvict: (segment) => evicted.push(segment) });
    eviction.access(1, 60);
    expect(eviction.access(2, 101)).toBe(false);
    expect(eviction.has(2)).toBe(false);
    expect(eviction.admit(2, 101)).toBe(false);
    expect([eviction.used, evicted.length]).toEqual([60, 0]);
    expect(eviction.access(2, 100)).toBe(false);
    expect([eviction.used, evicted]).toEqual([100, [1]]);
  });

  test('a hit keeps the size that the segment was admitted with', () => {
    const eviction = create(name, { capacity: 100 });
    eviction.access(1, 60);
    expect(eviction.access(1, 90)).toBe(true);
    expect(eviction.access(1, 1000)).toBe(true);
    expect(eviction.used).toBe(60);
    expect(eviction.remove(1)).toBe(true);
    expect(eviction.used).toBe(0);
    eviction.access(1, 90);
    expect(eviction.used).toBe(90);
  });

  test('sizes other than 1 may begin after any number of ones', () => {
    const eviction = create(name, { capacity: 20, segmentCountHint: 1 });
    for (let segment = 0; segment < 10; segment++) eviction.access(segment, 1);
    eviction.access(500, 7);
    expect(eviction.used).toBe(17);
    eviction.remove(3);
    eviction.remove(500);
    expect(eviction.used).toBe(9);
  });

  test('a prefetch is admitted unless it is resident or too large, and its first demand hits', () => {
    const eviction = create(name, { capacity: 2 });
    expect(eviction.admit(5, 1)).toBe(true);
    expect(eviction.admit(5, 1)).toBe(false);
    expect(eviction.admit(6, 3)).toBe(false);
    expect(eviction.has(5)).toBe(true);
    expect(eviction.access(5, 1)).toBe(true);
    expect(eviction.access(5, 1)).toBe(true);
    expect([eviction.count, eviction.used]).toEqual([1, 1]);
  });

  test('a removed segment goes without notice, once', () => {
    const evicted: number[] = [];
    const eviction = create(name, { capacity: 3, onEvict: (segment) => evicted.push(segment) });
    for (const segment of [1, 2, 3, 1]) eviction.access(segment, 1);
    expect(eviction.remove(1)).toBe(true);
    expect(eviction.remove(1)).toBe(false);
    expect(eviction.remove(99_999)).toBe(false);
    expect([eviction.has(1), eviction.count, evicted.length]).toEqual([false, 2, 0]);
    expect(eviction.access(1, 1)).toBe(false);
    expect(evicted).toEqual([]);
  });

  test('shrinking evicts until the rest fits, growing evicts nobody, and nothing fits into nothing', () => {
    const evicted: number[] = [];
    const eviction = create(name, { capacity: 8, onEvict: (segment) => evicted.push(segment) });
    for (let segment = 0; segment < 8; segment++) eviction.access(segment, 1);
    eviction.resize(5);
    expect([eviction.capacity, eviction.used, evicted.length]).toEqual([5, 5, 3]);
    eviction.resize(6);
    expect([eviction.capacity, eviction.used, evicted.length]).toEqual([6, 5, 3]);
    eviction.resize(0);
    expect([eviction.used, evicted.length]).toEqual([0, 8]);
    expect(eviction.access(1, 1)).toBe(false);
    expect(eviction.has(1)).toBe(false);
    eviction.resize(2);
    eviction.access(1, 1);
    expect(eviction.access(1, 1)).toBe(true);
  });

  test('lending one unit and taking it back a hundred thousand times leaves its books right', () => {
    const random = new Xoshiro128(5);
    let evictedCount = 0;
    const eviction = create(name, { capacity: 200, onEvict: () => evictedCount++ });
    let admittedCount = 0;
    for (let i = 0; i < 100_000; i++) {
      eviction.resize(150 + (i % 50));
      if (!eviction.access(random.int(40) * random.int(40), 1)) admittedCount++;
      if (eviction.used > eviction.capacity) expect(eviction.used).toBeLessThanOrEqual(eviction.capacity);
    }
    expect(admittedCount).toBe(eviction.count + evictedCount);
    expect(eviction.used).toBe(eviction.count);
  });

  test('ids far beyond the hint are taken, and asked about, without notice', () => {
    const eviction = create(name, { capacity: 4, segmentCountHint: 1 });
    expect(eviction.has(1_000_000)).toBe(false);
    for (const segment of [0, 3, 1_000_000, 70_000]) eviction.access(segment, 1);
    for (const segment of [0, 3, 1_000_000, 70_000]) expect(eviction.has(segment)).toBe(true);
    expect(eviction.has(5_000_000)).toBe(false);
  });

  test('the hint of how many segments to expect changes no decision', () => {
    const decisions = [1, 100_000].map((segmentCountHint) => {
      const random = new Xoshiro128(11);
      const evicted: number[] = [];
      const eviction = create(name, { capacity: 60, segmentCountHint, onEvict: (segment) => evicted.push(segment) });
      for (let i = 0; i < 20_000; i++) eviction.access(random.int(30) * random.int(30), 1);
      return evicted;
    });
    expect(decisions[0].length).toBeGreaterThan(1000);
    expect(decisions[0]).toEqual(decisions[1]);
  });

  test('a capacity below one unit, a size below one unit and an id below zero are programmer faults', () => {
    expect(() => create(name, { capacity: 0 })).toThrow(InvariantError);
    expect(() => create(name, { capacity: 10 }).access(1, 0)).toThrow(InvariantError);
    expect(() => create(name, { capacity: 10 }).access(-1, 1)).toThrow(InvariantError);
    expect(() => create(name, { capacity: 10 }).resize(-1)).toThrow(InvariantError);
  });
});

test('belady without a future is a programmer fault', () => {
  expect(() => createEviction('belady', { capacity: 1 })).toThrow(InvariantError);
});
