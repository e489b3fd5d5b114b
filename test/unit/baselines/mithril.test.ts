import { describe, expect, test } from 'vitest';
import { Served } from '../../../actors/prefetcher.ts';
import { AssociationTable } from '../../../sim/baselines/association-table.ts';
import { createBaseline } from '../../../sim/baselines/index.ts';
import { MiningTable } from '../../../sim/baselines/mining-table.ts';
import { RecordingTable } from '../../../sim/baselines/recording-table.ts';
import { Feeder } from './propose.ts';

const mithril = (settings: string) => new Feeder(createBaseline(`mithril:${settings}`, { addresses: null }));

/** Mines rows given as segment -> times; returns the targets of each segment. */
function mine(rows: Readonly<Record<number, readonly number[]>>, lookaheadRange: number, confidence = 0, listSize = 4) {
  const table = new MiningTable(16, 8);
  for (const [segment, times] of Object.entries(rows)) {
    const row = table.open(Number(segment));
    for (const time of times) table.append(row, time);
  }
  const associations = new AssociationTable(listSize);
  table.mineInto(associations, { lookaheadRange, confidence });
  expect(table.rowCount).toBe(0);
  return (source: number) => targetsOf(associations, source);
}

function targetsOf(associations: AssociationTable, source: number): number[] {
  const targets: number[] = [];
  for (let i = 0; i < associations.listSize; i++) {
    const target = associations.targetOf(source, i);
    if (target >= 0) targets.push(target);
  }
  return targets;
}

describe('mithril', () => {
  test('stages the second of two segments that were asked for in step, once its mining table was full', () => {
    const feeder = mithril('mining-threshold=4,min-support=2,lookahead-range=5');
    expect(feeder.run(1, 2, 8, 9, 1, 2)).toEqual([]);
    expect(feeder.run(1)).toEqual([2]);
    expect(feeder.run(2)).toEqual([]);
  });

  test('hits are recorded with rec-trigger=each-req only', () => {
    for (const [trigger, expected] of [
      ['each-req', [2]],
      ['miss', []],
      ['evict', []],
    ] as const) {
      const feeder = mithril(`mining-threshold=4,min-support=2,lookahead-range=5,rec-trigger=${trigger}`);
      for (const segment of [1, 2, 8, 9, 1, 2]) feeder.access(segment, Served.hit);
      expect(feeder.access(1).map((p) => p.segment)).toEqual(expected);
    }
  });

  test('a demand that joins a prefetch in flight is recorded as the miss it is', () => {
    const feeder = mithril('mining-threshold=4,min-support=2,lookahead-range=5');
    for (const segment of [1, 2, 8, 9, 1, 2]) feeder.access(segment, Served.late);
    expect(feeder.run(1)).toEqual([2]);
  });

  test('evictions are recorded with rec-trigger=evict', () => {
    const feeder = mithril('mining-threshold=4,min-support=2,lookahead-range=5,rec-trigger=evict');
    for (const segment of [1, 2, 8, 9, 1, 2]) {
      feeder.access(50 + segment);
      feeder.prefetcher.onEvict?.(segment, false);
    }
    expect(feeder.run(1)).toEqual([2]);
  });

  test('a prefetch that is evicted unused stays once more, a demanded one does not', () => {
    const { prefetcher } = mithril('cycle-time=2');
    expect(prefetcher.onEvict?.(4, false)).toBe(false);
    expect(prefetcher.onEvict?.(4, true)).toBe(true);
    expect(prefetcher.onEvict?.(4, true)).toBe(false);
    expect(prefetcher.onEvict?.(4, true)).toBe(true);
  });

  test('cycle-time=1 gives no further stay, 3 gives two', () => {
    expect(mithril('cycle-time=1').prefetcher.onEvict?.(4, true)).toBe(false);
    const { prefetcher } = mithril('cycle-time=3');
    expect([1, 2, 3].map(() => prefetcher.onEvict?.(4, true))).toEqual([true, true, false]);
  });

  test('min-support=1 mines after one access each', () => {
    const feeder = mithril('mining-threshold=2,min-support=1,lookahead-range=5');
    expect(feeder.run(1, 2, 1)).toEqual([2]);
  });

  test('a segment asked for more than max-support times is dropped and its successors are not mined', () => {
    const often = mithril('mining-threshold=6,min-support=2,max-support=3,lookahead-range=20');
    // 1 reaches three times and a fourth; 2, 3 and 4 then fill the table.
    expect(often.run(1, 1, 1, 1, 2, 3, 4, 2, 3, 4, 1)).toEqual([]);
    const rare = mithril('mining-threshold=6,min-support=2,max-support=4,lookahead-range=20');
    expect(rare.run(1, 1, 2, 3, 2, 3, 1)).toEqual([2]);
  });

  test('recording-rows=1 forgets a segment as soon as another is recorded', () => {
    expect(mithril('mining-threshold=4,recording-rows=1,lookahead-range=5').run(1, 2, 1, 2, 1, 2, 1)).toEqual([]);
    expect(mithril('mining-threshold=4,recording-rows=2,lookahead-range=5').run(1, 2, 1, 2, 1)).toEqual([2]);
  });
});

describe('mining table', () => {
  test('the nearest row within the lookahead is associated, a later one only if it was once adjacent', () => {
    const targets = mine({ 1: [10, 100], 2: [12, 102], 3: [14, 104], 4: [15, 101] }, 10);
    expect(targets(1)).toEqual([2, 4]);
    expect(targets(2)).toEqual([3, 4]);
    expect(targets(4)).toEqual([]);
  });

  test('first times further apart than the lookahead are not compared', () => {
    expect(mine({ 1: [10, 100], 2: [21, 101] }, 10)(1)).toEqual([]);
    expect(mine({ 1: [10, 100], 2: [20, 101] }, 10)(1)).toEqual([2]);
  });

  test('every pair of times counts, the last and the fourth too', () => {
    expect(mine({ 1: [10, 20, 30, 40], 2: [11, 21, 31, 99] }, 10)(1)).toEqual([]);
    expect(mine({ 1: [10, 20, 30, 40, 50], 2: [11, 21, 31, 99, 51] }, 10)(1)).toEqual([]);
  });

  test('confidence forgives as many distant pairs, and supports that differ by as much', () => {
    expect(mine({ 1: [10, 20, 30], 2: [11, 21, 99] }, 10, 1)(1)).toEqual([2]);
    expect(mine({ 1: [10, 20, 30], 2: [11, 98, 99] }, 10, 1)(1)).toEqual([]);
    expect(mine({ 1: [10, 20, 30], 2: [11, 21] }, 10, 1)(1)).toEqual([2]);
    expect(mine({ 1: [10, 20, 30], 2: [11, 21] }, 10, 0)(1)).toEqual([]);
  });

  test('times of a log far beyond 2^32 neither wrap nor lose a step', () => {
    const late = 2 ** 40;
    expect(mine({ 1: [late, late + 50], 2: [late + 1, late + 51], 3: [late + 32769, late + 32770] }, 10)(1)).toEqual([
      2,
    ]);
  });

  test('dropping a row moves the last one into its place', () => {
    const table = new MiningTable(4, 2);
    for (const segment of [7, 8, 9]) table.append(table.open(segment), segment);
    expect(table.drop(0)).toBe(9);
    expect(table.segmentOf(0)).toBe(9);
    expect(table.drop(1)).toBe(-1);
    expect(table.rowCount).toBe(1);
  });
});

describe('association table', () => {
  test('a full list replaces its oldest target and holds none twice', () => {
    const table = new AssociationTable(2);
    for (const target of [4, 5, 4, 6]) table.add(3, target);
    expect(targetsOf(table, 3)).toEqual([5, 6]);
    expect(targetsOf(table, 99)).toEqual([]);
    expect(table.sourceCount).toBe(1);
  });
});

describe('recording table', () => {
  test('a full table forgets in order of arrival, and rows that were closed are used again', () => {
    const table = new RecordingTable(3, 1);
    const rows = [1, 2, 3].map((segment) => table.open(segment));
    table.close(rows[1] as number);
    expect(table.forgottenNext).toBe(-1);
    table.open(4);
    expect(table.rowCount).toBe(3);
    expect(table.forgottenNext).toBe(1);
    table.open(5);
    expect(table.forgottenNext).toBe(3);
    table.open(6);
    expect(table.forgottenNext).toBe(4);
    expect(table.rowCount).toBe(3);
  });
});
