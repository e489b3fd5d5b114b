import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AccessMap } from '../../actors/aggregator/access-map.ts';
import { type AccessSummary, mergeSummaries, type SummarySet } from '../../actors/aggregator/access-summary.ts';
import { aggregatorConfigSchema } from '../../actors/aggregator/aggregator-config.ts';
import { MergedAccessMap } from '../../actors/aggregator/merged-access-map.ts';
import { batchOf } from './streams-batches.ts';

interface Row {
  readonly timeMs: number;
  readonly segment: number;
  readonly consumer: number;
  readonly size: number;
  readonly weight: number;
}

const halfLifeMs = 1000;
const config = aggregatorConfigSchema.parse({ halfLifeMs, windowsMs: [800, 8000] });

/** Rows with gaps from nothing to hundreds of half-lives, so that the landmark moves. */
const rows = (segments: number) =>
  fc
    .array(
      fc.record({
        gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 150_000 })),
        segment: fc.nat(segments - 1),
        consumer: fc.integer({ min: -1, max: 5 }),
        size: fc.integer({ min: -1, max: 1000 }),
        weight: fc.integer({ min: 1, max: 3 }),
      }),
      { maxLength: 120 },
    )
    .map((gaps) => {
      let timeMs = 1_700_000_000_000;
      return gaps.map(({ gap, ...rest }): Row => {
        timeMs += gap;
        return { ...rest, timeMs };
      });
    });

function mapOf(list: readonly Row[], settings = config): AccessMap {
  const map = new AccessMap(settings);
  map.observe(batchOf(list));
  return map;
}

const sum = (list: readonly Row[], value: (row: Row) => number): number =>
  list.reduce((total, row) => total + value(row), 0);

describe('access map', () => {
  test('equals exact sums over all accesses', () => {
    fc.assert(
      fc.property(rows(8), (list) => {
        const map = mapOf(list);
        const now = map.axis.latest;
        for (let segment = 0; segment < 8; segment++) {
          const own = list.filter((row) => row.segment === segment);
          const use = map.useOf(segment);
          if (own.length === 0) {
            expect(use).toBeNull();
            continue;
          }
          const decayed = sum(own, (row) => row.weight * 2 ** ((row.timeMs - now) / halfLifeMs));
          expect(use).toMatchObject({
            count: sum(own, (row) => row.weight),
            bytes: sum(own, (row) => Math.max(0, row.size) * row.weight),
            last: own.at(-1)!.timeMs,
            frequencyError: 0,
          });
          // What lies more than 256 half-lives back may have been rounded away when the landmark moved.
          expect(Math.abs(use!.frequency - decayed)).toBeLessThanOrEqual(1e-9 * decayed + 1e-60);
        }
        expect(map.accessCount).toBe(list.length);
        expect(map.weightTotal).toBe(sum(list, (row) => row.weight));
      }),
    );
  });

  test('does not depend on how batches are cut', () => {
    fc.assert(
      fc.property(
        rows(20),
        fc.array(fc.nat(120), { maxLength: 6 }),
        fc.integer({ min: 2, max: 20 }),
        (list, cuts, m) => {
          const settings = { ...config, segmentsMax: m };
          const whole = mapOf(list, settings);
          const cut = new AccessMap(settings);
          const bounds = [0, ...cuts.filter((at) => at <= list.length).sort((a, b) => a - b), list.length];
          for (let i = 1; i < bounds.length; i++)
            cut.observe(batchOf(list.slice(bounds[i - 1], bounds[i]), bounds[i - 1]));
          expect(cut.summarize('a', 1)).toEqual(whole.summarize('a', 1));
          for (const window of config.windowsMs) {
            expect(cut.findHotSegments(window, 5)).toEqual(whole.findHotSegments(window, 5));
          }
        },
      ),
    );
  });

  test('at its bound never understates a frequency, and overstates it by at most the stated error', () => {
    fc.assert(
      fc.property(rows(30), fc.integer({ min: 1, max: 10 }), (list, segmentsMax) => {
        const map = mapOf(list, { ...config, segmentsMax });
        const now = map.axis.latest;
        const decayed = (keep: (row: Row) => boolean): number =>
          sum(list.filter(keep), (row) => row.weight * 2 ** ((row.timeMs - now) / halfLifeMs));
        const total = decayed(() => true);
        const slack = 1e-9 * total;
        expect(map.segmentCount).toBeLessThanOrEqual(segmentsMax);
        const distinct = new Set(list.map((row) => row.segment)).size;
        if (distinct > segmentsMax) expect(map.replacedCount).toBeGreaterThanOrEqual(distinct - segmentsMax);
        for (let segment = 0; segment < 30; segment++) {
          const truth = decayed((row) => row.segment === segment);
          const use = map.useOf(segment);
          if (use === null) {
            expect(truth).toBeLessThanOrEqual(total / segmentsMax + slack);
          } else {
            expect(use.frequency).toBeGreaterThanOrEqual(truth - slack);
            expect(use.frequency - use.frequencyError).toBeLessThanOrEqual(truth + slack);
            expect(use.frequencyError).toBeLessThanOrEqual(total / segmentsMax + slack);
          }
        }
      }),
    );
  });

  test('goes on from a snapshot as if nothing had happened', () => {
    fc.assert(
      fc.property(rows(20), fc.nat(120), fc.integer({ min: 2, max: 25 }), (list, at, segmentsMax) => {
        const settings = { ...config, segmentsMax };
        const before = mapOf(list.slice(0, at), settings);
        const restored = AccessMap.restore(before.summarize('a', 1), settings);
        restored.observe(batchOf(list.slice(at), at));
        expect(restored.summarize('a', 2)).toEqual(mapOf(list, settings).summarize('a', 2));
      }),
    );
  });

  test('hot windows equal a recount of the panes that they cover', () => {
    fc.assert(
      fc.property(rows(8), (list) => {
        const map = mapOf(list);
        for (const window of config.windowsMs) {
          const pane = window / 8;
          const first = (Math.floor(map.axis.latest / pane) - 7) * pane;
          const inside = list.filter((row) => row.timeMs >= first);
          const recount = [...new Set(inside.map((row) => row.segment))]
            .map((segment) => ({
              segment,
              weight: sum(
                inside.filter((row) => row.segment === segment),
                (r) => r.weight,
              ),
            }))
            .sort((a, b) => b.weight - a.weight || a.segment - b.segment);
          expect(map.findHotSegments(window, 100)).toEqual(recount);
          expect(map.findHotSegments(window, 3)).toEqual(recount.slice(0, 3));
        }
      }),
    );
  });
});

describe('merge of access maps', () => {
  const summaries = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 4 })), { maxLength: 6 })
    .map((list): SummarySet => {
      const set = new Map<string, AccessSummary>();
      for (const [producer, version] of list) {
        // One version is one state: the accesses of a producer so far.
        const own = Array.from({ length: version }, (_, i) => ({
          timeMs: 1000 * i,
          segment: (i * 7 + producer.charCodeAt(0)) % 3,
          consumer: i % 2,
          size: 10,
          weight: 1,
        }));
        set.set(producer, mapOf(own).summarize(producer, version));
      }
      return set;
    });
  const comparable = (set: SummarySet): unknown => [...set.entries()].sort(([a], [b]) => (a < b ? -1 : 1));

  test('is commutative', () => {
    fc.assert(
      fc.property(summaries, summaries, (a, b) => {
        expect(comparable(mergeSummaries(a, b))).toEqual(comparable(mergeSummaries(b, a)));
      }),
    );
  });

  test('is associative', () => {
    fc.assert(
      fc.property(summaries, summaries, summaries, (a, b, c) => {
        const left = mergeSummaries(mergeSummaries(a, b), c);
        expect(comparable(left)).toEqual(comparable(mergeSummaries(a, mergeSummaries(b, c))));
      }),
    );
  });

  test('is idempotent', () => {
    fc.assert(
      fc.property(summaries, summaries, (a, b) => {
        expect(comparable(mergeSummaries(a, a))).toEqual(comparable(a));
        const ab = mergeSummaries(a, b);
        expect(comparable(mergeSummaries(ab, b))).toEqual(comparable(ab));
      }),
    );
  });

  test('of split accesses answers as one map over all of them', () => {
    fc.assert(
      fc.property(rows(8), fc.array(fc.nat(2), { minLength: 120, maxLength: 120 }), (list, owner) => {
        const merged = new MergedAccessMap();
        const parts = [0, 1, 2].map((who) => mapOf(list.filter((_, i) => owner[i] === who)).summarize(`p${who}`, 1));
        for (const part of [...parts, ...parts].reverse()) merged.merge(part);
        const whole = mapOf(list);
        const now = whole.axis.latest;
        const uses = merged.uses(now);
        expect(uses.length).toBe(whole.segmentCount);
        for (const use of uses) {
          const expected = whole.useOf(use.segment, now)!;
          const { frequency, ...exact } = use;
          const { frequency: expectedFrequency, ...expectedExact } = expected;
          expect(exact).toEqual(expectedExact);
          expect(Math.abs(frequency - expectedFrequency)).toBeLessThanOrEqual(1e-9 * expectedFrequency + 1e-60);
        }
      }),
    );
  });
});
