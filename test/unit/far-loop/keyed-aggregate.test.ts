import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KeyedAggregate } from '../../../actors/aggregator/keyed-aggregate.ts';
import { TumblingWindows, type WindowAggregates } from '../../../actors/aggregator/tumbling-windows.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

const halfLife = 100;

function observe(table: KeyedAggregate, keys: readonly number[], weights?: readonly number[]): void {
  const n = keys.length;
  table.observe(
    Uint32Array.from(keys),
    Float64Array.from(keys, (_, i) => i),
    Float64Array.from(keys, (_, i) => i - 1),
    weights === undefined ? new Float64Array(n).fill(1) : Float64Array.from(weights),
    0,
    n,
    n,
    halfLife,
  );
}

describe('keyed aggregate', () => {
  /** Keys that all hash to nearby slots, keys at the ends of the range, and ordinary ones. */
  const key = fc.oneof(
    fc.nat(20),
    fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff),
    fc.nat(5000).map((i) => Math.imul(i, 0x144cbc89) >>> 0),
    fc.integer({ min: 0, max: 0xffffffff }),
  );

  for (const layout of ['hashed', 'dense'] as const) {
    test(`${layout}: equals a Map, in order of ${layout === 'dense' ? 'keys' : 'first appearance'}, also after clear`, () => {
      const keys = fc.array(layout === 'dense' ? fc.nat(4000) : key, { maxLength: 3000, size: 'max' });
      fc.assert(
        fc.property(fc.array(keys, { minLength: 1, maxLength: 3 }), (rounds) => {
          const table = new KeyedAggregate({ layout });
          for (const list of rounds) {
            table.clear();
            observe(table, list);
            const expected = new Map<number, { count: number; bytes: number; last: number; decayed: number }>();
            list.forEach((k, i) => {
              const sum = expected.get(k) ?? { count: 0, bytes: 0, last: 0, decayed: 0 };
              sum.count++;
              sum.bytes += Math.max(0, i - 1);
              sum.last = i;
              sum.decayed += 2 ** ((i - list.length) / halfLife);
              expected.set(k, sum);
            });
            if (layout === 'dense') {
              const entries = [...expected.entries()].sort(([a], [b]) => a - b);
              expected.clear();
              for (const [k, sum] of entries) expected.set(k, sum);
            }
            const found = table.columns();
            expect([...found.key]).toEqual([...expected.keys()]);
            expect([...found.count]).toEqual([...expected.values()].map(({ count }) => count));
            expect([...found.bytes]).toEqual([...expected.values()].map(({ bytes }) => bytes));
            expect([...found.last]).toEqual([...expected.values()].map(({ last }) => last));
            [...expected.values()].forEach(({ decayed }, i) => {
              expect(Math.abs(found.decayed[i]! / decayed - 1)).toBeLessThan(1e-12);
            });
          }
        }),
        { numRuns: 25 },
      );
    });
  }

  test('counts a row as many times as its weight says', () => {
    const table = new KeyedAggregate();
    observe(table, [5, 5, 9], [2, 3, 7]);
    expect([...table.columns().count]).toEqual([5, 7]);
    expect([...table.columns().bytes]).toEqual([0, 7]);
  });

  test('refuses a weight that is not whole, more accesses than it can count, and more keys than it may hold', () => {
    expect(() => observe(new KeyedAggregate(), [1], [0.5])).toThrow('whole number');
    const full = new KeyedAggregate();
    observe(full, [1], [0xfffffffe]);
    expect(() => observe(full, [1], [1])).toThrow('at most 4294967294 accesses');
    const small = new KeyedAggregate({ keysMax: 10 });
    expect(() =>
      observe(
        small,
        Array.from({ length: 50_000 }, (_, i) => i),
      ),
    ).toThrow('at most 10 keys');
  });
});

describe('tumbling windows', () => {
  function play(times: readonly number[], cuts: readonly number[]): WindowAggregates[] {
    const windows: WindowAggregates[] = [];
    const tumbling = new TumblingWindows({ width: 10, halfLife, onWindow: (window) => windows.push(window) });
    const n = times.length;
    const all = new AccessBatch(0, {
      timeMs: Float64Array.from(times),
      segment: Uint32Array.from(times, (_, i) => i % 3),
      consumer: new Int32Array(n),
      site: new Int32Array(n),
      op: new Uint8Array(n),
      size: new Float64Array(n).fill(-1),
      weight: new Float64Array(n).fill(1),
    });
    const bounds = [0, ...cuts.filter((at) => at <= n).sort((a, b) => a - b), n];
    for (let i = 1; i < bounds.length; i++) tumbling.observe(all.slice(bounds[i - 1]!, bounds[i]!));
    tumbling.flush();
    return windows;
  }

  test('hand over every access once, in the window of its time, however batches are cut', () => {
    const gap = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 40, noNaN: true }), fc.constant(10));
    fc.assert(
      fc.property(fc.array(gap, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 5 }), (gaps, cuts) => {
        let now = -15;
        const times = gaps.map((step) => {
          now += step;
          return now;
        });
        const windows = play(times, cuts);
        expect(windows).toEqual(play(times, []));
        for (const { start, end, aggregates } of windows) {
          const inside = times.filter((t) => t >= start && t < end).length;
          expect(aggregates.count.reduce((a, b) => a + b)).toBe(inside);
        }
        const total = windows.reduce((sum, { aggregates }) => sum + aggregates.count.reduce((a, b) => a + b), 0);
        expect(total).toBe(times.length);
      }),
    );
  });

  test('a trace without time is cut by log position', () => {
    const windows = play(new Array(25).fill(Number.NaN), [7]);
    expect(windows.map(({ start, end }) => [start, end])).toEqual([
      [0, 10],
      [10, 20],
      [20, 30],
    ]);
    // Positions 20 to 24 hold segments 2, 0, 1, 2, 0.
    expect([...windows[2]!.aggregates.key]).toEqual([0, 1, 2]);
    expect([...windows[2]!.aggregates.last]).toEqual([24, 22, 23]);
  });
});
