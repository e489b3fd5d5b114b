/** Rows that a site's kernel serves and the near loop's weighs without plain code between them: the same decisions and state as row by row. */

import fc from 'fast-check';
import { afterEach, expect, test, vi } from 'vitest';
import { createSite } from '../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { ExpertTrust } from '../../actors/cache-manager/expert-trust.ts';
import { Holdout } from '../../actors/cache-manager/holdout.ts';
import { MissBound } from '../../actors/cache-manager/miss-bound.ts';
import type { Site } from '../../actors/cache-manager/site.ts';
import { TrafficBudget } from '../../actors/cache-manager/traffic-budget.ts';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import type { NearLoopConfigInput } from '../../actors/near-loop/near-loop-config.ts';
import { RequestCountOrigin } from '../../actors/origin/simulated-origin.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

/** Accesses before rows can be weighed so: until then the lead is that of each access. */
const BEFORE = 16_384;
const ROWS = BEFORE + 4500;

interface Setting {
  readonly capacity: number;
  readonly latency: number;
  readonly ratioMax: number;
  readonly allowance: number;
  readonly excessMax: number;
  readonly holdout: number;
  readonly warmup: number;
  readonly gateInterval: number;
  readonly candidateCountMax: number;
}

interface Played {
  readonly site: Site;
  readonly prefetcher: AnteroomPrefetcher;
  /** What others than the prefetcher were told. */
  readonly settled: string[];
}

function siteOf(s: Setting, kernelAfter: number): Played {
  const settled: string[] = [];
  let prefetcher: AnteroomPrefetcher | undefined;
  const config: NearLoopConfigInput = { gateInterval: s.gateInterval, candidateCountMax: s.candidateCountMax };
  const site = createSite({
    capacity: s.capacity,
    unit: 'segments',
    makeEviction: (capacity, onEvict, segmentCountHint = 64) =>
      createEviction('lru', { capacity, segmentCountHint, ...(onEvict === undefined ? {} : { onEvict }) }),
    makePrefetcher: (view) => {
      prefetcher = new AnteroomPrefetcher(view, config, null, kernelAfter);
      return prefetcher;
    },
    origin: new RequestCountOrigin(s.latency),
    modelTime: 'requests',
    budget: new TrafficBudget(s.ratioMax, s.allowance),
    missBound: new MissBound(s.excessMax, 64),
    ...(s.holdout === 0 ? {} : { holdout: new Holdout(s.holdout, 1) }),
    expertTrust: new ExpertTrust({ isEnabled: true, trustMin: 0.35, memory: 64, trialEvery: 8 }),
    stagingShareMax: 0.5,
    segmentCountHint: 64,
    warmup: s.warmup,
    sliceLength: 700,
    kernelAfter,
    onSettled: (...told) => settled.push(told.join()),
  });
  return { site, prefetcher: prefetcher!, settled };
}

function logOf(seed: number, consumers: number, segments: number): readonly AccessBatch[] {
  const random = new Xoshiro128(seed);
  const next = Int32Array.from({ length: segments }, () => random.int(segments));
  const at = new Int32Array(consumers);
  const batches: AccessBatch[] = [];
  for (let position = 0; position < ROWS; ) {
    const rows = Math.min(ROWS - position, 1 + random.int(3000));
    const segment = new Uint32Array(rows);
    const consumer = new Int32Array(rows);
    for (let i = 0; i < rows; i++) {
      const who = random.int(consumers);
      const chance = random.int(100);
      // A walk that is repeated, now and then elsewhere, and some that nobody has asked for yet.
      if (chance < 85) at[who] = next[at[who]!]!;
      else if (chance < 96) at[who] = random.int(segments);
      segment[i] = chance === 99 ? segments + position + i : at[who]!;
      consumer[i] = who - 1;
    }
    batches.push(
      new AccessBatch(position, {
        timeMs: new Float64Array(rows).fill(Number.NaN),
        segment,
        consumer,
        site: new Int32Array(rows).fill(-1),
        op: new Uint8Array(rows),
        size: new Float64Array(rows).fill(-1),
        weight: new Float64Array(rows).fill(1),
      }),
    );
    position += rows;
  }
  return batches;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('decides, counts and learns what plain code does, however rows come in batches', () => {
  const quiet = vi.spyOn(AnteroomPrefetcher.prototype, 'onQuiet');
  const weighed = vi.spyOn(AnteroomPrefetcher.prototype, 'proposeChosen');
  fc.assert(
    fc.property(
      fc.record({
        capacity: fc.constantFrom(20, 60, 200),
        latency: fc.constantFrom(1, 4, 8),
        // Near the bounds, and far from them.
        ratioMax: fc.constantFrom(1, 1.1, 1.5, Infinity),
        allowance: fc.constantFrom(4, 200),
        excessMax: fc.constantFrom(0, 0.01),
        holdout: fc.constantFrom(0, 0.05),
        warmup: fc.constantFrom(0, 18_000),
        gateInterval: fc.constantFrom(16, 256),
        candidateCountMax: fc.constantFrom(1, 64),
      }),
      fc.record({ seed: fc.nat(), consumers: fc.constantFrom(1, 4), segments: fc.constantFrom(80, 600) }),
      (s, { seed, consumers, segments }) => {
        const [kernel, plain] = [siteOf(s, 0), siteOf(s, Infinity)];
        for (const batch of logOf(seed, consumers, segments)) {
          for (const { site } of [kernel, plain]) site.serve(batch);
          expect(kernel.site.ledger.digest.hex()).toBe(plain.site.ledger.digest.hex());
          expect(kernel.prefetcher.threshold).toBe(plain.prefetcher.threshold);
          expect(kernel.prefetcher.horizonAccesses).toBe(plain.prefetcher.horizonAccesses);
        }
        for (const { site } of [kernel, plain]) site.finish();
        expect(kernel.site.governor).toEqual(plain.site.governor);
        expect(kernel.settled).toEqual(plain.settled);
        expect(kernel.site.ledger.missClasses).toEqual(plain.site.ledger.missClasses);
        expect(kernel.site.ledger.calibration.sums).toEqual(plain.site.ledger.calibration.sums);
        // Not `toEqual`, which takes seconds for so many numbers.
        const [saved, expected] = [kernel, plain].map(({ prefetcher }) => prefetcher.snapshot().map(bytesOf));
        expect(saved!.map((bytes, i) => bytes.equals(expected![i]!))).toEqual(expected!.map(() => true));
        expect(kernel.site.ledger.slices).toEqual(plain.site.ledger.slices);
        expect(kernel.site.ledger.waits.buckets()).toEqual(plain.site.ledger.waits.buckets());
      },
    ),
    { numRuns: 16 },
  );
  // All that it is to hold for came to pass.
  expect(quiet.mock.calls.reduce((sum, [count]) => sum + count, 0)).toBeGreaterThan(1000);
  expect(weighed.mock.calls.length).toBeGreaterThan(0);
});
