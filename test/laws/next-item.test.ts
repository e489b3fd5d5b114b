import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNextItemModel } from '../../actors/sequence-predictor/create-next-item-model.ts';
import { FOLLOWER_ONE, FollowerTable } from '../../actors/sequence-predictor/follower-table.ts';
import { NextItemRanking } from '../../actors/sequence-predictor/next-item-model.ts';
import { RowIndex } from '../../actors/sequence-predictor/row-index.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { paths } from '../unit/sequence/paths.ts';

describe('a row index', () => {
  test('never gives one row to two keys, and forgets only what it counts', () => {
    const key = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 80 }), fc.array(key, { maxLength: 400 }), (rowCountMax, keys) => {
        const index = new RowIndex(rowCountMax);
        const seen = new Set<string>();
        let claimed = 0;
        for (const [a, b] of keys) {
          const found = index.find(a, b);
          if (found >= 0) index.use(found);
          else {
            index.claim(a, b);
            claimed++;
          }
          seen.add(`${a} ${b}`);
          expect(index.find(a, b)).toBeGreaterThanOrEqual(0);
        }
        const rows = [...seen].map((text) => index.find(...(text.split(' ').map(Number) as [number, number])));
        const kept = rows.filter((row) => row >= 0);
        expect(new Set(kept).size).toBe(kept.length);
        expect(kept.length).toBe(claimed - index.evictedCount);
        expect(index.rowCount).toBeLessThanOrEqual(rowCountMax);
      }),
    );
  });
});

describe('a follower table', () => {
  test('that has room for everything counts as a map does, heaviest first', () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 7 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new FollowerTable({ width: 8, sightingsMax: 255, bytesMax: 2 ** 20 });
        const counts = new Map<number, Map<number, number>>();
        for (const [context, follower] of steps) {
          table.follow(table.see(context, 9), follower);
          const row = counts.get(context) ?? new Map<number, number>();
          counts.set(context, row.set(follower, (row.get(follower) ?? 0) + 1));
        }
        for (const [context, expected] of counts) {
          const row = table.find(context, 9);
          const found = new Map<number, number>();
          for (let place = 0; table.followerAt(row, place) >= 0 && place < 8; place++) {
            if (place > 0) expect(table.weightAt(row, place)).toBeLessThanOrEqual(table.weightAt(row, place - 1));
            found.set(table.followerAt(row, place), table.weightAt(row, place) / FOLLOWER_ONE);
          }
          expect(found).toEqual(expected);
        }
      }),
    );
  });

  test('never gives a follower more weight than the context has', () => {
    const settings = fc.record({
      width: fc.integer({ min: 1, max: 4 }),
      sightingsMax: fc.integer({ min: 2, max: 255 }),
    });
    fc.assert(
      fc.property(settings, fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 600 }), (options, followers) => {
        const table = new FollowerTable({ ...options, bytesMax: 2 ** 16 });
        for (const follower of followers) {
          const row = table.see(1, 1);
          table.follow(row, follower);
          for (let place = 0; place < options.width; place++) {
            expect(table.weightAt(row, place)).toBeLessThanOrEqual(table.totalAt(row));
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the ensemble', () => {
  test('restored at any moment, under any bound on bytes, goes on to the same forecasts', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 800 }),
        fc.constantFrom(65_536, 200_000, 2 ** 26),
        (seed, cut, modelBytesMax) => {
          const steps = paths(new Xoshiro128(seed), 800, 9);
          const run = (isCut: boolean): string => {
            const ranking = new NextItemRanking(4);
            const said: string[] = [];
            let model = createNextItemModel({ modelBytesMax });
            for (const [i, { consumer, segment, timeMs }] of steps.entries()) {
              if (isCut && i === cut) {
                const snapshot = model.snapshot();
                model = createNextItemModel({ modelBytesMax });
                model.restore(snapshot);
              }
              model.forecast(consumer, ranking);
              said.push(
                `${ranking.segment.subarray(0, ranking.count)} ${ranking.probability.subarray(0, ranking.count)}`,
              );
              model.observe(consumer, segment, timeMs);
            }
            return said.join(';');
          };
          expect(run(true)).toBe(run(false));
        },
      ),
      { numRuns: 12 },
    );
  });
});
