import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tableLengthFor } from '../../../actors/cache-manager/evictions/dense-table.ts';
import { FrequencyCounts } from '../../../actors/cache-manager/evictions/frequency-counts.ts';
import { SegmentHeap } from '../../../actors/cache-manager/evictions/segment-heap.ts';
import { SegmentLists } from '../../../actors/cache-manager/evictions/segment-lists.ts';
import { InvariantError } from '../../../engine/assert.ts';

describe('dense table', () => {
  test('lengths double until the segment fits', () => {
    expect(tableLengthFor(0, 1)).toBe(1);
    expect(tableLengthFor(1024, 1024)).toBe(2048);
    expect(tableLengthFor(100_000, 1024)).toBe(131_072);
  });

  test('an id that is no integer in 0..2^31-1 is a programmer fault', () => {
    for (const id of [-1, 1.5, 2 ** 31, Number.NaN]) expect(() => tableLengthFor(id, 1)).toThrow(InvariantError);
  });
});

describe('segment lists', () => {
  const inOrder = (lists: SegmentLists, list: number): number[] => {
    const found: number[] = [];
    for (let at = lists.oldest(list); at >= 0; at = lists.newerThan(at)) found.push(at);
    return found;
  };

  test('equal arrays, whatever is pushed, renewed and taken out', () => {
    const step = fc.tuple(fc.constantFrom('push', 'renew', 'unlink'), fc.nat(2), fc.nat(40));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const lists = new SegmentLists(3, 1);
        const arrays: number[][] = [[], [], []];
        for (const [kind, list, segment] of steps) {
          if (segment >= lists.segmentLimit) lists.fit(tableLengthFor(segment, lists.segmentLimit));
          const home = arrays.find((array) => array.includes(segment));
          expect(lists.isLinked(segment)).toBe(home !== undefined);
          if (home === undefined ? kind !== 'push' : kind === 'push') continue;
          if (home !== undefined) home.splice(home.indexOf(segment), 1);
          if (kind !== 'unlink') arrays[list].push(segment);
          if (kind === 'push') lists.push(list, segment);
          else if (kind === 'renew') lists.renew(list, segment);
          else lists.unlink(segment);
        }
        for (const list of [0, 1, 2]) expect(inOrder(lists, list)).toEqual(arrays[list]);
      }),
    );
  });
});

describe('segment heap', () => {
  test('gives segments in order of priority, then of when they were put', () => {
    const put = fc.record({ segment: fc.nat(200), priority: fc.integer({ min: -5, max: 5 }) });
    fc.assert(
      fc.property(fc.array(put, { maxLength: 300 }), fc.array(fc.nat(200)), (puts, removals) => {
        const heap = new SegmentHeap(201);
        const sorted = new Map<number, number>();
        for (const { segment, priority } of puts) {
          heap.put(segment, priority);
          // A Map keeps the order of insertion, and a stable sort keeps it among equals.
          sorted.delete(segment);
          sorted.set(segment, priority);
        }
        for (const segment of removals) {
          expect(heap.has(segment)).toBe(sorted.has(segment));
          if (sorted.delete(segment)) heap.remove(segment);
        }
        const expected = [...sorted].sort((a, b) => a[1] - b[1]).map(([segment]) => segment);
        const drained = expected.map(() => {
          const first = heap.first();
          heap.remove(first);
          return first;
        });
        expect(drained).toEqual(expected);
        expect(heap.first()).toBe(-1);
      }),
    );
  });

  test('takes minus infinity as a priority', () => {
    const heap = new SegmentHeap(4);
    heap.put(1, 0);
    heap.put(2, Number.NEGATIVE_INFINITY);
    expect(heap.first()).toBe(2);
  });
});

describe('frequency counts', () => {
  test('equal counters that are all halved at once', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(9), { freq: 12 }), { maxLength: 400, size: 'max' }), (steps) => {
        const counts = new FrequencyCounts(10);
        let naive = new Array<number>(10).fill(0);
        for (const segment of steps) {
          if (segment === null) {
            counts.age();
            naive = naive.map((count) => Math.floor(count / 2));
          } else {
            counts.increment(segment);
            naive[segment] = Math.min(15, naive[segment] + 1);
          }
        }
        expect(naive.map((_, segment) => counts.of(segment))).toEqual(naive);
      }),
    );
  });
});
