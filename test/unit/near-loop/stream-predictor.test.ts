import { describe, expect, test } from 'vitest';
import { CandidateSet } from '../../../actors/near-loop/candidate-set.ts';
import { ResidentFlags } from '../../../actors/near-loop/resident-flags.ts';
import { SegmentFacts } from '../../../actors/near-loop/segment-facts.ts';
import { StreamPredictor } from '../../../actors/stream-predictor/stream-predictor.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { MapAddressSpace } from './planted.ts';

function setUp(options: { streamCountMax?: number; degreeMax?: number } = {}) {
  const space = new MapAddressSpace();
  const predictor = new StreamPredictor(
    {
      streamCountMax: options.streamCountMax ?? 1024,
      degreeMax: options.degreeMax ?? 32,
      strideRegionBytes: 16777216,
      continueMin: 0.1,
    },
    space,
  );
  const candidates = new CandidateSet(64, new SegmentFacts(), new ResidentFlags(), () => false);
  let position = 0;
  const access = (address: number, sizeBytes: number, lead = 0): number[] => {
    predictor.observe(space.segmentAt(address), sizeBytes, position++);
    candidates.begin();
    predictor.gather(lead, candidates);
    return [...candidates.segment.slice(0, candidates.count)].map((s) => space.addressOf(s));
  };
  return { space, predictor, access };
}

describe('stream predictor', () => {
  test('steps by the length of each request', () => {
    const { access } = setUp();
    expect(access(1000, 4096)).toEqual([1008]);
    expect(access(1008, 65536)).toEqual([1136]);
    expect(access(1136, 512)).toEqual([1137]);
  });

  test('follows forty interleaved streams among as much noise', () => {
    const { access } = setUp();
    const random = new Xoshiro128(4);
    const next = Array.from({ length: 40 }, (_, i) => i * 10_000_000);
    let expected: Set<number> = new Set();
    let isFound = 0;
    let steps = 0;
    for (let i = 0; i < 8000; i++) {
      if (i % 2 === 0) {
        for (const a of access(500_000_000 + random.int(1_000_000_000), 512)) expected.add(a);
        continue;
      }
      const stream = random.int(40);
      const length = 1 + random.int(16);
      if (i > 1000) {
        steps++;
        if (expected.has(next[stream]!)) isFound++;
      }
      for (const a of access(next[stream]!, length * 512)) expected.add(a);
      next[stream] = next[stream]! + length;
      if (expected.size > 20_000) expected = new Set([...expected].slice(-10_000));
    }
    expect(isFound / steps).toBeGreaterThan(0.97);
  });

  test('finds forward and backward strides', () => {
    const { access } = setUp();
    for (const [start, step] of [
      [0, 24],
      [9_000_000, -40],
    ] as const) {
      let proposed: number[] = [];
      for (let i = 0; i < 6; i++) proposed = access(start + i * step, 512);
      expect(proposed).toContain(start + 6 * step);
    }
  });

  test('goes as many steps ahead as pass before a fetch lands', () => {
    const { access } = setUp({ degreeMax: 8 });
    for (let i = 0; i < 50; i++) access(i, 512);
    expect(access(50, 512, 0)).toHaveLength(1);
    expect(access(51, 512, 3)).toHaveLength(4);
    expect(access(52, 512, 100)).toHaveLength(8);
  });

  test('goes less far in a stream that is slower', () => {
    const { access } = setUp();
    const random = new Xoshiro128(5);
    for (let i = 0; i < 50; i++) {
      access(i, 512);
      for (let noise = 0; noise < 3; noise++) access(1_000_000 + random.int(1_000_000_000), 512);
    }
    // A step every four accesses: eight accesses of lead are two steps, and one to be ahead.
    expect(access(50, 512, 8)).toEqual([51, 52, 53]);
  });

  test('noise interns no further segments once it is known to be noise', () => {
    const { space, access } = setUp();
    const random = new Xoshiro128(6);
    for (let i = 0; i < 500; i++) access(random.int(2 ** 31), 512);
    const before = space.count;
    for (let i = 0; i < 2000; i++) access(random.int(2 ** 31), 512);
    // One for each access itself, none for what might have followed.
    expect(space.count - before).toBeLessThanOrEqual(2000);
  });

  test('memory is fixed', () => {
    const { predictor, access } = setUp({ streamCountMax: 64 });
    const before = predictor.bytes;
    for (let i = 0; i < 5000; i++) access(i * 1000, 512);
    expect(predictor.bytes).toBe(before);
  });
});
