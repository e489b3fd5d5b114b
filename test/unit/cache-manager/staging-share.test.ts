import { describe, expect, test } from 'vitest';
import { StagingShare } from '../../../actors/cache-manager/staging-share.ts';
import { StateLoader, StateSaver } from '../../../engine/state-fields.ts';

/** Of 320 segments: a window of ten departures, steps of half a segment. */
function share(units = 1): StagingShare {
  return new StagingShare({
    capacity: 320 * units,
    least: 2 * units,
    most: 40 * units,
    first: 8 * units,
    meanUnits: () => units,
    segmentCountHint: 4,
  });
}

function missedAfter(leave: 'wasted' | 'evicted', othersSince: number, units = 1): number {
  const s = share(units);
  s[leave](1000);
  for (let other = 0; other < othersSince; other++) s[leave](other);
  s.missed(1000);
  return s.units;
}

describe('share of staged segments', () => {
  test('a miss on a segment that was wasted lately grows it by half a segment', () => {
    expect(missedAfter('wasted', 0)).toBe(8.5);
    expect(missedAfter('wasted', 9)).toBe(8.5);
    expect(missedAfter('wasted', 10)).toBe(8);
  });

  test('a miss on a segment that the reactive cache evicted lately shrinks it by as much', () => {
    expect(missedAfter('evicted', 9)).toBe(7.5);
    expect(missedAfter('evicted', 10)).toBe(8);
  });

  test('a miss on what never left, or was missed since, says nothing', () => {
    const s = share();
    s.missed(3);
    s.wasted(3);
    s.missed(3);
    s.missed(3);
    expect(s.units).toBe(8.5);
  });

  test('regrets of both kinds in equal numbers leave it where it is, whichever is commoner in the log', () => {
    const s = share();
    for (let round = 0; round < 200; round++) {
      s.wasted(1);
      s.missed(1);
      s.evicted(2);
      s.missed(2);
    }
    expect(s.units).toBe(8);
  });

  test('it stays between its least and its most', () => {
    const s = share();
    for (let i = 0; i < 200; i++) {
      s.wasted(i);
      s.missed(i);
    }
    expect(s.units).toBe(40);
    for (let i = 0; i < 200; i++) {
      s.evicted(i);
      s.missed(i);
    }
    expect(s.units).toBe(2);
  });

  test('in bytes a step is half a mean segment, and the window as many segments', () => {
    expect(missedAfter('wasted', 9, 4096)).toBe(8.5 * 4096);
    expect(missedAfter('wasted', 10, 4096)).toBe(8 * 4096);
  });

  test('a small cache looks back at least eight departures, a large one steps by a thousandth', () => {
    const of = (capacity: number) =>
      new StagingShare({ capacity, least: 2, most: capacity, first: 8, meanUnits: () => 1, segmentCountHint: 4 });
    const small = of(16);
    small.wasted(0);
    for (let other = 1; other <= 7; other++) small.wasted(other);
    small.missed(0);
    expect(small.units).toBe(8.5);
    const large = of(4096);
    large.wasted(0);
    large.missed(0);
    expect(large.units).toBe(12);
  });

  test('it goes on from where it was saved', () => {
    const before = share();
    before.wasted(1);
    before.evicted(2);
    before.missed(1);
    before.wasted(1);
    const saver = new StateSaver();
    before.persist(saver);
    const after = share();
    after.persist(new StateLoader(saver.finish()));
    for (const s of [before, after]) {
      s.missed(1);
      s.missed(2);
    }
    expect(after.units).toBe(before.units);
    expect(after.units).toBe(8.5);
  });
});
