import { describe, expect, test } from 'vitest';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { ghostSchema } from '../../../actors/cache-manager/ghost-config.ts';
import { MissBound } from '../../../actors/cache-manager/miss-bound.ts';
import { SampledGuard } from '../../../actors/cache-manager/sampled-guard.ts';
import { SampledSegments } from '../../../actors/cache-manager/sampled-segments.ts';
import { SegmentSizes } from '../../../actors/cache-manager/segment-sizes.ts';
import type { MakeEviction } from '../../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../../actors/cache-manager/traffic-budget.ts';
import { TrafficGuard } from '../../../actors/cache-manager/traffic-guard.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';
import type { StateArray, StateFields } from '../../../engine/state-fields.ts';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';

describe('the segments of a sample', () => {
  test('are the stated share, the same whatever the order, and have dense slots', () => {
    const forwards = new SampledSegments(0.1, 1_000_000, 7, () => {});
    const backwards = new SampledSegments(0.1, 1_000_000, 7, () => {});
    const chosen = (sample: SampledSegments, ids: readonly number[]): number[] =>
      ids.filter((id) => sample.slotOf(id) >= 0).sort((a, b) => a - b);
    const ids = Array.from({ length: 50_000 }, (_, i) => i * 3);
    const list = chosen(forwards, ids);
    expect(chosen(backwards, ids.toReversed())).toEqual(list);
    // Four standard deviations of 5,000.
    expect(Math.abs(list.length - 5000)).toBeLessThan(4 * Math.sqrt(4500));
    const slots = list.map((id) => forwards.slotOf(id));
    expect(new Set(slots).size).toBe(list.length);
    expect(Math.max(...slots)).toBe(list.length - 1);
    expect(slots.map((slot) => forwards.segmentOf(slot))).toEqual(list);
  });

  test('of another seed are others', () => {
    const [a, b] = [1, 2].map((seed) => new SampledSegments(0.5, 1000, seed, () => {}));
    const differing = Array.from({ length: 200 }, (_, i) => i).filter((id) => a!.slotOf(id) < 0 !== b!.slotOf(id) < 0);
    expect(differing.length).toBeGreaterThan(60);
  });

  test('beyond their limit are those that half the share would have chosen, and whoever leaves is told', () => {
    const left: number[] = [];
    const limited = new SampledSegments(0.8, 1000, 3, (slot) => left.push(limited.segmentOf(slot)));
    for (let id = 0; id < 10_000; id++) limited.slotOf(id);
    expect(limited.count).toBeLessThanOrEqual(1000);
    expect(limited.halvings).toBe(4);
    expect(limited.rate).toBeCloseTo(0.05, 6);
    expect(left.length).toBeGreaterThan(1000);
    const few = new SampledSegments(0.05, 1_000_000, 3, () => {});
    for (let id = 0; id < 10_000; id++) expect(limited.slotOf(id) >= 0).toBe(few.slotOf(id) >= 0);
  });
});

/** Bytes of all that a component lists: what it holds, whatever a collector has left lying about. */
class CountedFields implements StateFields {
  readonly isRestoring = false;
  bytes = 0;

  section(): void {}
  number(value: number): number {
    this.bytes += 8;
    return value;
  }
  flag(value: boolean): boolean {
    return value;
  }
  array<T extends StateArray>(value: T): T {
    this.bytes += value.byteLength;
    return value;
  }
  into(value: StateArray): void {
    this.bytes += value.byteLength;
  }
  arrays(values: readonly StateArray[]): readonly StateArray[] {
    for (const value of values) this.bytes += value.byteLength;
    return values;
  }
  list(value: number[]): void {
    this.bytes += 8 * value.length;
  }
  map(value: Map<number, number>): void {
    this.bytes += 32 * value.size;
  }
  plain<T>(value: T): T {
    return value;
  }
}

describe('memory of a ghost', () => {
  const SEGMENTS = 400_000;
  const make =
    (name: 'lru' | 'auto'): MakeEviction =>
    (capacity, onEvict, segmentCountHint = SEGMENTS) =>
      createEviction(name, { capacity, segmentCountHint, ...(onEvict === undefined ? {} : { onEvict }) });
  const options = {
    capacity: 40_000,
    unit: 'segments' as const,
    makeEviction: make('auto'),
    makeReference: make('lru'),
    makePrefetcher: null,
    origin: createOrigin(parseLatencySpec('0'), 1),
    modelTime: 'requests' as const,
    segmentCountHint: SEGMENTS,
  };
  const books = [new TrafficBudget(1.3, 64), new MissBound(0.001, 64), new SegmentSizes(16)] as const;
  const beside = {
    unitsOf: () => 1,
    copyUnitsOf: () => 1,
    reactiveUsed: () => 40_000,
  };

  test('shrinks with the share of the segments that are watched', () => {
    const bytesOf = (
      build: () => {
        demand(segment: number, units: number, bytes: number): void;
        check(): void;
        persist(fields: StateFields): void;
      },
    ) => {
      const guard = build();
      for (let segment = 0; segment < SEGMENTS; segment++) {
        guard.demand(segment, 1, 1);
        guard.check();
      }
      const fields = new CountedFields();
      guard.persist(fields);
      return fields.bytes;
    };
    const whole = bytesOf(() => new TrafficGuard(options, ...books, beside));
    const sampled = bytesOf(
      () =>
        new SampledGuard(options, { ...ghostSchema.parse({ kind: 'sampled', rate: 0.05 }), seed: 1 }, ...books, beside),
    );
    // Two directories of auto and lru with their links: tens of bytes a segment, or it was not the whole that was counted.
    expect(whole / SEGMENTS).toBeGreaterThan(50);
    expect(sampled).toBeLessThan(whole / 4);
  });
});

describe('settings of a ghost', () => {
  async function run(ghost: object) {
    const { result } = await replay({
      traces: ['workload:chains,accesses=30000,segments=3000'],
      latency: '0',
      cache: '0.1',
      evict: ['lru'],
      trafficMax: [null],
      config: replayConfigSchema.parse({ ghost, missBound: { excessMax: 0.01, allowance: 200 } }),
    });
    return result.runs.find((each) => each.prefetch === 'anteroom')!;
  }

  test('each gives other decisions, and the default is whole', async () => {
    const whole = await run({});
    expect((await run({ kind: 'whole', rate: 0.3 })).digest).toBe(whole.digest);
    const sampled = { kind: 'sampled', rate: 0.3, confidence: 0.9 };
    const digests = [whole.digest, (await run(sampled)).digest];
    digests.push((await run({ ...sampled, rate: 0.25 })).digest);
    digests.push((await run({ ...sampled, confidence: 0.999 })).digest);
    digests.push((await run({ ...sampled, segmentsMax: 100 })).digest);
    expect(new Set(digests).size).toBe(digests.length);
    expect((await run(sampled)).digest).toBe(digests[1]);
  });
});
