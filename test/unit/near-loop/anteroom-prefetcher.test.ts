import { describe, expect, test } from 'vitest';
import { AnteroomPrefetcher } from '../../../actors/near-loop/anteroom-prefetcher.ts';
import type { Prefetcher } from '../../../actors/prefetcher.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { type ModelAccess, ModelSite } from './model-site.ts';
import { MapAddressSpace, plantedPairs, streams, uniformTrace, walks } from './planted.ts';

/** `inner`, with an ear for what it proposes. */
function watched(inner: AnteroomPrefetcher, onProposal: (segment: number) => void): Prefetcher {
  return {
    name: 'watched',
    staging: 'separate',
    experts: inner.experts,
    onAccess: (access, served, proposals) => {
      inner.onAccess(access, served, proposals);
      for (const segment of proposals.segment.subarray(0, proposals.count)) onProposal(segment);
    },
    onEvict: (segment) => inner.onEvict(segment, false),
  };
}

describe('anteroom prefetcher', () => {
  test('forecasts on planted pairs come true as often as they say', () => {
    const probabilities = [0.95, 0.7, 0.4, 0.2];
    const trace = plantedPairs(new Xoshiro128(1), 120_000, probabilities, 300);
    const site = new ModelSite({ capacity: 200, stagedMax: 60 });
    // Price low enough that the unsure ones are issued too.
    site.serve(trace, new AnteroomPrefetcher(site, { wastedFetchPrice: 0.1 }));
    const forecasts = site.forecasts.slice(Math.floor(site.forecasts.length / 2));
    expect(forecasts.length).toBeGreaterThan(5000);
    let calibrationError = 0;
    for (let bin = 0; bin < 10; bin++) {
      const inBin = forecasts.filter((f) => Math.min(9, Math.floor(f.probability * 10)) === bin);
      const said = inBin.reduce((sum, f) => sum + f.probability, 0);
      const came = inBin.filter((f) => f.isUseful).length;
      calibrationError += Math.abs(said - came) / forecasts.length;
    }
    expect(calibrationError).toBeLessThan(0.03);
  });

  test('a segment of many bytes was fetched as readily as one of few', () => {
    const random = new Xoshiro128(6);
    // After 0 comes 1 or 2, as often, and neither again within the horizon; 1 spares four times as much for its bytes as the mean, 2 a quarter.
    const trace = Array.from({ length: 600 }, () => [0, random.next() < 0.5 ? 1 : 2])
      .flatMap((pair) => [...pair, ...Array.from({ length: 100 }, () => 3 + Math.floor(random.next() * 5000))])
      .map((segment) => ({ segment }));
    const proposedOf = (gains: readonly number[]): number[] => {
      const site = new ModelSite({ capacity: 5, stagedMax: 5 });
      const view = {
        isResident: (segment: number) => site.isResident(segment),
        trafficHeadroom: Infinity,
        leadAccesses: 0,
        fetchWorth: { costOf: (segment: number) => 1 / (gains[segment] ?? 1), gainOf: (s: number) => gains[s] ?? 1 },
      };
      const inner = new AnteroomPrefetcher(view);
      const counts = [0, 0, 0];
      site.serve(
        trace,
        watched(inner, (segment) => {
          if (segment < 3) counts[segment]!++;
        }),
      );
      return counts;
    };
    const [, small, large] = proposedOf([1, 4, 0.25]) as [number, number, number];
    // It stays staged until it is used, about every second time.
    expect(small).toBeGreaterThan(200);
    expect(large).toBeLessThan(0.1 * small);
  });

  test('a loose bound staged in a cache of bytes what one of segments has room for', () => {
    const trace = plantedPairs(new Xoshiro128(7), 120_000, [0.7, 0.07], 300);
    const unlikelyOf = (worth: object): number => {
      const site = new ModelSite({ capacity: 200, stagedMax: 60, headroomPerAccess: 4 });
      let unlikely = 0;
      const inner = new AnteroomPrefetcher(Object.assign(site, worth));
      site.serve(
        trace,
        watched(inner, (segment) => {
          // Of the pairs those with odd numbers are the unlikely ones.
          if (segment >= 600 && segment < 1200 && segment % 2 === 1) unlikely++;
        }),
      );
      return unlikely;
    };
    const inSegments = unlikelyOf({});
    expect(inSegments).toBeGreaterThan(2000);
    expect(unlikelyOf({ fetchWorth: { costOf: () => 1, gainOf: () => 1 } })).toBeLessThan(0.2 * inSegments);
  });

  test('stays out of the way of random accesses', () => {
    const trace = uniformTrace(new Xoshiro128(2), 60_000, 2000);
    const site = new ModelSite({ capacity: 200, stagedMax: 100 });
    site.serve(trace, new AnteroomPrefetcher(site));
    expect(site.issued / site.misses).toBeLessThan(0.001);
  });

  test('avoids most misses of interleaved walks, and few of its fetches are wasted', () => {
    const trace = walks(new Xoshiro128(3), 60_000, 30);
    const alone = new ModelSite({ capacity: 100, stagedMax: 0 });
    alone.serve(trace, { name: 'none', staging: 'separate', experts: [], onAccess: () => {} });
    const site = new ModelSite({ capacity: 100, stagedMax: 50 });
    site.serve(trace, new AnteroomPrefetcher(site));
    // 13 % of the accesses are noise or new starts, which nobody can foresee.
    expect(site.misses).toBeLessThan(0.45 * alone.misses);
    expect(site.useful / site.issued).toBeGreaterThan(0.75);
  });

  test('forgets a pattern that flips and learns the new one', () => {
    const random = new Xoshiro128(4);
    const cycle = (offset: number): ModelAccess[] =>
      Array.from({ length: 30_000 }, (_, i) => ({ segment: ((i % 1000) * (offset + 1)) % 1009 }));
    const site = new ModelSite({ capacity: 50, stagedMax: 20 });
    const prefetcher = new AnteroomPrefetcher(site);
    site.serve([...uniformTrace(random, 100, 1000), ...cycle(0)], prefetcher);
    const before = { misses: site.misses, wasted: site.wasted };
    site.serve(cycle(6), prefetcher);
    expect(site.misses - before.misses).toBeLessThan(6000);
    expect(site.wasted - before.wasted).toBeLessThan(6000);
  });

  test('follows streams through addresses never seen before', () => {
    const space = new MapAddressSpace();
    const trace = streams(new Xoshiro128(5), 20_000, space);
    const site = new ModelSite({ capacity: 200, stagedMax: 100 });
    site.serve(trace, new AnteroomPrefetcher(site, {}, space));
    expect(site.misses / trace.length).toBeLessThan(0.3);
    expect(site.useful / site.issued).toBeGreaterThan(0.9);
  });

  test('names what comes late enough to be fetched in time, not what comes at once', () => {
    // A cycle of 997 segments: whatever the lead, the segment that many accesses ahead is certain.
    const trace = Array.from({ length: 20_000 }, (_, i) => ({ segment: i % 997 }));
    for (const leadAccesses of [0, 6, 20]) {
      const site = new ModelSite({ capacity: 100, stagedMax: 60, leadAccesses });
      site.serve(trace, new AnteroomPrefetcher(site));
      expect(site.late / site.useful).toBeLessThan(0.05);
      expect(site.misses / trace.length).toBeLessThan(0.15);
    }
  });

  test('without an address space neighbouring ids mean nothing', () => {
    const trace = Array.from({ length: 20_000 }, (_, segment) => ({ segment }));
    const site = new ModelSite({ capacity: 200, stagedMax: 100 });
    site.serve(trace, new AnteroomPrefetcher(site));
    expect(site.issued).toBe(0);
  });

  test('keeps within the headroom of a traffic bound', () => {
    const trace = walks(new Xoshiro128(6), 60_000, 30);
    for (const headroomPerAccess of [0.01, 0.05]) {
      const site = new ModelSite({ capacity: 100, stagedMax: 50, headroomPerAccess });
      site.serve(trace, new AnteroomPrefetcher(site));
      expect(site.wasted).toBeLessThanOrEqual(headroomPerAccess * trace.length);
      expect(site.useful).toBeGreaterThan(site.wasted);
    }
  });

  test('memory follows distinct segments, not accesses', () => {
    const site = new ModelSite({ capacity: 100, stagedMax: 50 });
    const prefetcher = new AnteroomPrefetcher(site);
    const trace = walks(new Xoshiro128(7), 20_000, 30);
    site.serve(trace, prefetcher);
    const before = prefetcher.bytes;
    site.serve(trace, prefetcher);
    site.serve(trace, prefetcher);
    expect(prefetcher.bytes).toBeLessThanOrEqual(before * 1.5);
  });

  test('says who asked', () => {
    const site = new ModelSite({ capacity: 100, stagedMax: 50 });
    const prefetcher = new AnteroomPrefetcher(site);
    expect(prefetcher.experts).toEqual(['consumer-successor', 'context', 'miss-successor', 'stream', 'next-item']);
    expect(prefetcher.staging).toBe('separate');
  });
});
