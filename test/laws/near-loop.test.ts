import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AnteroomPrefetcher } from '../../actors/near-loop/anteroom-prefetcher.ts';
import { opinionNames } from '../../actors/near-loop/opinion-bins.ts';
import { HISTORY_LENGTH, RecentHistory } from '../../actors/sequence-predictor/recent-history.ts';
import { SuccessorTable } from '../../actors/sequence-predictor/successor-table.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { ModelSite } from '../unit/near-loop/model-site.ts';
import { MapAddressSpace, streams, uniformTrace, walks } from '../unit/near-loop/planted.ts';

const smallTrace = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 200 });

/** The bytes of an array: equality of thousands of numbers in one comparison. */
function bytesOf(a: ArrayBufferView): Buffer {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength);
}

describe('near loop, laws', () => {
  test('a successor table with room equals a naive recount of visits after which a segment came', () => {
    fc.assert(
      fc.property(smallTrace, (trace) => {
        const table = new SuccessorTable({ degreeMax: 16, visitsMax: 4000, mayGrow: () => true });
        const naive = new Map<string, number>();
        const visits = new Map<number, number>();
        for (let i = 0; i < trace.length; i++) {
          const segment = trace[i]!;
          table.visit(segment);
          visits.set(segment, (visits.get(segment) ?? 0) + 1);
          // Each visit counts what came in the three accesses after it, once, by how soon.
          const seen = new Set<number>();
          for (let lag = 1; lag <= 3 && i + lag < trace.length; lag++) {
            const next = trace[i + lag]!;
            table.observe(segment, next, 16 - lag);
            if (seen.has(next)) continue;
            seen.add(next);
            naive.set(`${segment},${next}`, (naive.get(`${segment},${next}`) ?? 0) + 16 - lag);
          }
        }
        for (let a = 0; a <= 12; a++) {
          expect(table.visitsOf(a)).toBe(visits.get(a) ?? 0);
          for (let b = 0; b <= 12; b++) expect(table.weightOf(a, b)).toBe(naive.get(`${a},${b}`) ?? 0);
        }
      }),
    );
  });

  test('a history keeps the latest segments of each consumer, and ripens each once, in order, when it is old enough or must make room', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: -1, max: 5 }), fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 9 })),
          {
            maxLength: 300,
          },
        ),
        fc.integer({ min: 0, max: 60 }),
        (pushes, age) => {
          const history = new RecentHistory({ consumerCountMax: 1000 });
          const naive = new Map<number, { segment: number; position: number; isRipe: boolean }[]>();
          let position = 0;
          for (const [consumer, segment, gap] of pushes) {
            position += gap;
            const record = history.recordOf(consumer);
            const entries = naive.get(consumer) ?? [];
            const ripened: number[] = [];
            for (let i = history.ripen(record, position, age); i >= 0; i = history.ripen(record, position, age)) {
              ripened.push(history.segmentAt(record, i));
            }
            const due = entries.filter(
              (e, i) => !e.isRipe && (position - e.position > age || entries.length - i >= HISTORY_LENGTH),
            );
            for (const e of due) e.isRipe = true;
            expect(ripened).toEqual(due.map((e) => e.segment));
            expect(history.ripeCount(record)).toBe(entries.filter((e) => e.isRipe).length);
            history.push(record, segment, position);
            entries.push({ segment, position, isRipe: false });
            naive.set(consumer, entries);
            const kept = entries.slice(-HISTORY_LENGTH).map((e) => e.segment);
            const pushed = history.pushedCount(record);
            expect(pushed).toBe(entries.length);
            expect(kept.map((_, i) => history.segmentAt(record, pushed - kept.length + i))).toEqual(kept);
          }
        },
      ),
    );
  });

  test('memories of order never take more bytes than they may, at any moment, however many segments and consumers there are', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 65_536, max: 500_000 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        (seed, modelBytesMax, segmentCount, consumerCount) => {
          const random = new Xoshiro128(seed);
          const site = new ModelSite({ capacity: 40, stagedMax: 20 });
          const prefetcher = new AnteroomPrefetcher(site, { experts: [...opinionNames], modelBytesMax });
          for (let i = 0; i < 30; i++) {
            const part = Array.from({ length: 200 }, () => ({
              segment: random.int(segmentCount),
              consumer: random.int(consumerCount),
            }));
            site.serve(part, prefetcher);
            expect(prefetcher.modelBytes).toBeLessThanOrEqual(modelBytesMax);
          }
        },
      ),
      { numRuns: 20 },
    );
  });

  test('what is restored decides as the original would have, from any moment on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.boolean(),
        // With room for all, with none to spare from the first access on, and so that room runs out on the way.
        fc.constantFrom(2 ** 28, 65_536, 300_000),
        (seed, cut, isAddressed, modelBytesMax) => {
          const config = { experts: [...opinionNames], modelBytesMax };
          const run = (isCut: boolean) => {
            const space = isAddressed ? new MapAddressSpace() : null;
            const random = new Xoshiro128(seed);
            const trace = space === null ? walks(random, 2000, 8) : streams(random, 2000, space);
            const site = new ModelSite({ capacity: 40, stagedMax: 20, headroomPerAccess: 0.2, leadAccesses: 2 });
            let prefetcher = new AnteroomPrefetcher(site, config, space);
            site.serve(trace.slice(0, cut), prefetcher);
            if (isCut) {
              const snapshot = prefetcher.snapshot();
              prefetcher = new AnteroomPrefetcher(site, config, space);
              prefetcher.restore(snapshot);
            }
            site.serve(trace.slice(cut), prefetcher);
            return { decided: [site.digest, site.misses, site.issued], learned: prefetcher.snapshot() };
          };
          const [restored, original] = [run(true), run(false)];
          expect(restored.decided).toEqual(original.decided);
          expect(restored.learned.map(bytesOf).every((b, i) => b.equals(bytesOf(original.learned[i]!)))).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  test('times decide nothing: the order of accesses does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
        const trace = walks(new Xoshiro128(seed), 2000, 8);
        const digests = [Number.NaN, 1, 3600_000].map((gapMs) => {
          const site = new ModelSite({ capacity: 40, stagedMax: 20 });
          const timed = trace.map((access, i) => ({ ...access, timeMs: i * gapMs }));
          site.serve(timed, new AnteroomPrefetcher(site));
          return site.digest;
        });
        expect(new Set(digests).size).toBe(1);
      }),
      { numRuns: 10 },
    );
  });

  test('on random accesses it costs at most 2 % traffic and 0.2 % misses, and a constant to learn', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 }),
        fc.integer({ min: 300, max: 3000 }),
        fc.integer({ min: 30, max: 200 }),
        (seed, segmentCount, capacity) => {
          const trace = uniformTrace(new Xoshiro128(seed), 8000, segmentCount);
          const alone = new ModelSite({ capacity, stagedMax: 0 });
          alone.serve(trace, { name: 'none', staging: 'separate', experts: [], onAccess: () => {} });
          const site = new ModelSite({ capacity, stagedMax: capacity >> 1 });
          site.serve(trace, new AnteroomPrefetcher(site));
          expect(site.misses).toBeLessThanOrEqual(1.002 * alone.misses + 16);
          expect(site.misses + site.issued).toBeLessThanOrEqual(1.02 * alone.misses + 16);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('never proposes what is resident, nor a segment twice after one access, nor beyond the headroom', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.integer({ min: 0, max: 4 }), (seed, headroom) => {
        const random = new Xoshiro128(seed);
        const site = new ModelSite({ capacity: 40, stagedMax: 20, headroomPerAccess: 0.3 });
        const inner = new AnteroomPrefetcher(site, { wastedFetchPrice: 0, thresholdFloor: 0 });
        site.serve(walks(random, 3000, 8), {
          name: 'checked',
          staging: 'separate',
          experts: inner.experts,
          onAccess: (access, served, proposals) => {
            if (headroom > 0) site.trafficHeadroom = Math.min(site.trafficHeadroom, headroom);
            inner.onAccess(access, served, proposals);
            const proposed = [...proposals.segment.slice(0, proposals.count)];
            expect(new Set(proposed).size).toBe(proposed.length);
            expect(proposed.length).toBeLessThanOrEqual(Math.max(0, Math.floor(site.trafficHeadroom)));
            for (const segment of proposed) expect(site.isResident(segment)).toBe(false);
          },
          onEvict: (...eviction) => inner.onEvict(...eviction),
          onOutcome: (...outcome) => inner.onOutcome(...outcome),
        });
      }),
      { numRuns: 10 },
    );
  });
});
