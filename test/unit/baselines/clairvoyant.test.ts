import { describe, expect, test } from 'vitest';
import { Outcome, Served } from '../../../actors/prefetcher.ts';
import { createBaseline, type Upcoming } from '../../../sim/baselines/index.ts';
import { Feeder } from './propose.ts';

/** The whole future of a list of segments; `at.position` is the access being served. */
function future(segments: readonly number[], depth: number, sizes: readonly number[] = []) {
  const at = { position: -1 };
  const upcoming: Upcoming = {
    depth,
    segmentAfter: (k) => segments[at.position + k] ?? -1,
    sizeBytesAfter: (k) => sizes[at.position + k] ?? -1,
  };
  return { at, upcoming };
}

/** What is proposed at each access of `segments`, when nothing is ever evicted. */
function proposalsOf(
  segments: readonly number[],
  options: { capacity: number; depth?: number; spec?: string; sizes?: readonly number[] },
): number[][] {
  const { at, upcoming } = future(segments, options.depth ?? 100, options.sizes);
  const cache = { capacity: options.capacity, unit: options.sizes === undefined ? 'segments' : 'bytes' } as const;
  const context = { addresses: null, clairvoyance: { upcoming, cache } };
  const feeder = new Feeder(createBaseline(options.spec ?? early, context));
  const staged = new Set<number>();
  return segments.map((segment) => {
    at.position++;
    const proposed = feeder.access(segment, staged.has(segment) ? Served.stagedHit : Served.miss).map((p) => p.segment);
    for (const target of proposed) staged.add(target);
    return proposed;
  });
}

/** As early as is safe. */
const early = 'clairvoyant:lookahead-range=1000000';

describe('clairvoyant', () => {
  test('by default stages the next access only, until prefetches come late', () => {
    expect(proposalsOf([0, 1, 2, 3], { capacity: 10, spec: 'clairvoyant' })).toEqual([[1], [2], [3], []]);
  });

  test('a late prefetch makes it look further ahead', () => {
    const segments = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    const { at, upcoming } = future(segments, 100);
    const cache = { capacity: 10, unit: 'segments' } as const;
    const feeder = new Feeder(createBaseline('clairvoyant', { addresses: null, clairvoyance: { upcoming, cache } }));
    at.position = 0;
    expect(feeder.run(0)).toEqual([1]);
    at.position = 1;
    feeder.prefetcher.onOutcome?.(1, 0, Outcome.late, 1);
    expect(feeder.access(1, Served.late).map((p) => p.segment)).toEqual([2, 3, 4]);
  });

  test('so does one that was still waiting for a slot when it was demanded', () => {
    const { at, upcoming } = future([0, 1, 2, 3, 4, 5, 6], 100);
    const cache = { capacity: 10, unit: 'segments' } as const;
    const feeder = new Feeder(createBaseline('clairvoyant', { addresses: null, clairvoyance: { upcoming, cache } }));
    at.position = 0;
    expect(feeder.access(0, Served.miss).map((p) => p.segment)).toEqual([1]);
    at.position = 1;
    expect(feeder.access(1, Served.miss).map((p) => p.segment)).toEqual([2, 3, 4]);
  });

  test('stages what is missing in the order in which it is needed, as soon as it fits', () => {
    expect(proposalsOf([0, 1, 2, 3], { capacity: 10 })).toEqual([[1, 2, 3], [], [], []]);
  });

  test('holds no more distinct segments ready than fit the cache', () => {
    expect(proposalsOf([0, 1, 2, 1, 3, 2], { capacity: 2 })).toEqual([[1, 2], [], [3], [], [], []]);
  });

  test('counts bytes where the cache does', () => {
    expect(proposalsOf([0, 1, 2, 3], { capacity: 100, sizes: [1, 60, 40, 1] })).toEqual([[1, 2], [3], [], []]);
  });

  test('passes over what is larger than the cache', () => {
    expect(proposalsOf([0, 1, 2], { capacity: 100, sizes: [1, 101, 100] })).toEqual([[2], [], []]);
  });

  test('looks no further than the replay can see, nor than lookahead-range', () => {
    expect(proposalsOf([0, 1, 2, 3], { capacity: 10, depth: 1 })).toEqual([[1], [2], [3], []]);
    expect(proposalsOf([0, 1, 2, 3], { capacity: 10, spec: 'clairvoyant:lookahead-range=2' })).toEqual([
      [1, 2],
      [3],
      [],
      [],
    ]);
  });

  test('what an eviction took is staged once more, not over and over', () => {
    const segments = [0, 1, 2, 3, 0, 1, 2, 3];
    const { at, upcoming } = future(segments, 100);
    const cache = { capacity: 4, unit: 'segments' } as const;
    const feeder = new Feeder(createBaseline(early, { addresses: null, clairvoyance: { upcoming, cache } }));
    at.position = 0;
    expect(feeder.run(0)).toEqual([1, 2, 3]);
    feeder.prefetcher.onEvict?.(2, true);
    at.position = 1;
    expect(feeder.run(1)).toEqual([2]);
    feeder.prefetcher.onEvict?.(2, true);
    at.position = 2;
    expect(feeder.run(2)).toEqual([]);
  });

  test('what was refused is staged again just before it would be too late', () => {
    const segments = [0, 1, 2, 3, 4];
    const { at, upcoming } = future(segments, 100);
    const cache = { capacity: 10, unit: 'segments' } as const;
    const view = { isResident: () => false, trafficHeadroom: Infinity, leadAccesses: 1.5 };
    const feeder = new Feeder(createBaseline(early, { addresses: null, clairvoyance: { upcoming, cache, view } }));
    at.position = 0;
    expect(feeder.run(0)).toEqual([1, 2, 3, 4]);
    at.position = 1;
    expect(feeder.run(1)).toEqual([4]);
    at.position = 2;
    expect(feeder.run(2)).toEqual([]);
  });

  test('a window longer than its first ring keeps every position', () => {
    const segments = Array.from({ length: 5000 }, (_, i) => i % 3);
    const proposed = proposalsOf(segments, { capacity: 3, depth: 4000 });
    expect(proposed.flat()).toEqual([1, 2]);
  });
});
