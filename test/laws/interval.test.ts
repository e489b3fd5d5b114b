import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EVIDENCE_BIN_COUNT,
  EVIDENCE_COUNT,
  evidencePrior,
  gatherEvidence,
} from '../../actors/interval-predictor/interval-evidence.ts';
import { IntervalModel } from '../../actors/interval-predictor/interval-model.ts';
import { IntervalPredictorActor } from '../../actors/interval-predictor/interval-predictor-actor.ts';
import { intervalPredictorConfigSchema } from '../../actors/interval-predictor/interval-predictor-config.ts';
import { activityUnits, IntervalTable, intervalMax } from '../../actors/interval-predictor/interval-table.ts';
import { SlotSet } from '../../actors/interval-predictor/slot-set.ts';
import type { ProposalsMessage } from '../../actors/messages.ts';
import type { ActorContext } from '../../engine/actor.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { accesses } from './streams-batches.ts';

const minuteMs = 60_000;
type Row = readonly [minute: number, segment: number];

function batchOf(rows: readonly Row[], position = 0): AccessBatch {
  return accesses(
    position,
    rows.map(([minute, segment]) => [minute * minuteMs, segment]),
  );
}

function modelOf(rows: readonly Row[], settings: object = {}): IntervalModel {
  const model = new IntervalModel(intervalPredictorConfigSchema.parse(settings));
  model.observe(batchOf(rows));
  return model;
}

/** Segment s every s + 2 minutes for s < 20; 20 to 39 at random, once in 10 minutes in the mean. */
function world(minutes: number, seed: number): Row[] {
  const random = new Xoshiro128(seed);
  const rows: Row[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    for (let s = 0; s < 20; s++) if (minute % (s + 2) === 0) rows.push([minute, s]);
    for (let s = 20; s < 40; s++) if (random.next() < 0.1) rows.push([minute, s]);
  }
  return rows;
}

function due(model: IntervalModel, minute: number, horizonMs = minuteMs): Map<number, number> {
  const found = new Map<number, number>();
  model.forecast(minute * minuteMs, [horizonMs], (segment, _h, probability) => found.set(segment, probability));
  return found;
}

describe('interval table', () => {
  const gaps = fc.array(fc.tuple(fc.nat(5), fc.integer({ min: 0, max: 300 })), { maxLength: 120 });

  test('keeps the latest intervals, counts them and remembers the last 256 units, as a recount says', () => {
    fc.assert(
      fc.property(gaps, (steps) => {
        const table = new IntervalTable(8, 6, 4);
        const used = new Map<number, number[]>();
        let unit = 0;
        for (const [segment, gap] of steps) {
          unit += gap;
          const slot = table.use(segment, unit, () => expect.unreachable());
          const units = used.get(segment) ?? [];
          if (units.at(-1) !== unit) units.push(unit);
          used.set(segment, units);
          const intervals = units.slice(1).map((u, i) => Math.min(intervalMax + 1, u - units[i]!));
          const kept = intervals.slice(-6);
          expect(table.intervalCount(slot)).toBe(kept.length);
          expect(table.intervalAt(slot, 0)).toBe(kept.at(-1) ?? 0);
          expect(table.intervalAt(slot, 1)).toBe(kept.at(-2) ?? 0);
          expect(table.outOfRangeCount(slot)).toBe(kept.filter((x) => x > intervalMax).length);
          expect(table.countWithin(slot, 3, 50)).toBe(kept.filter((x) => x >= 3 && x <= 50).length);
          expect(table.countAt(slot, 7)).toEqual({
            atRisk: kept.filter((x) => x >= 7).length,
            exact: kept.filter((x) => x === 7).length,
            near: kept.filter((x) => x >= 6 && x <= 8).length,
          });
          for (const back of [0, 1, 10, 60, 255, 256]) {
            const isKnown = back < activityUnits;
            expect(table.wasUsedIn(slot, unit - back)).toBe(isKnown && units.includes(unit - back));
          }
        }
      }),
    );
  });

  test('when full gives up one of too few intervals, idle longest, and tells whose slot it was', () => {
    const table = new IntervalTable(4, 6, 2);
    const released: number[] = [];
    const use = (segment: number, unit: number): number => table.use(segment, unit, (slot) => released.push(slot));
    for (const unit of [0, 1, 2, 3]) use(10, unit);
    use(11, 4);
    use(12, 5);
    use(13, 6);
    const slot = table.slotOf(11);
    use(14, 7);
    expect(released).toEqual([slot]);
    expect([10, 11, 12, 13, 14].map((s) => table.slotOf(s) >= 0)).toEqual([true, false, true, true, true]);
    expect(table.releasedCount).toBe(1);
    expect(table.segmentAt(table.slotOf(14))).toBe(14);
    expect(table.intervalCount(table.slotOf(14))).toBe(0);
    expect(table.wasUsedIn(table.slotOf(14), 4)).toBe(false);
  });
});

test('a set of slots holds what was put in and not taken out', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.boolean())), (calls) => {
      const set = new SlotSet(10);
      const model = new Set<number>();
      for (const [slot, isMember] of calls) {
        set.set(slot, isMember);
        if (isMember) model.add(slot);
        else model.delete(slot);
        expect(Array.from({ length: set.count }, (_, i) => set.at(i)).sort()).toEqual([...model].sort());
        expect(set.has(slot)).toBe(isMember);
      }
    }),
  );
});

test('evidence of one kind never falls into the bins of another, and has a prior in 0..0.5', () => {
  const kinds: Set<number>[] = Array.from({ length: EVIDENCE_COUNT }, () => new Set());
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 80 }),
      fc.integer({ min: 1, max: 400 }),
      (gaps, idle) => {
        const table = new IntervalTable(1, 64, 4);
        let unit = 0;
        table.use(0, unit, () => {});
        for (const gap of gaps) {
          unit += gap;
          table.use(0, unit, () => {});
        }
        const bins = new Uint16Array(EVIDENCE_COUNT);
        gatherEvidence(table, 0, unit + idle, bins, 0);
        bins.forEach((bin, kind) => {
          expect(bin).toBeLessThan(EVIDENCE_BIN_COUNT);
          if (bin > 0) kinds[kind]!.add(bin);
          expect(evidencePrior(bin) > 0 && evidencePrior(bin) <= 0.5).toBe(true);
        });
      },
    ),
  );
  const ranges = kinds.map((bins) => [Math.min(...bins), Math.max(...bins)] as const).sort((a, b) => a[0] - b[0]);
  ranges.slice(1).forEach(([from], i) => {
    expect(from).toBeGreaterThan(ranges[i]![1]);
  });
});

describe('interval model', () => {
  const minutes = 1500;
  const model = modelOf(world(minutes, 1));

  test('knows the minute in which a periodic segment is due, and the minutes in which it is not', () => {
    for (let s = 3; s < 20; s++) {
      const now = model.probabilityOf(s, (minutes - 1) * minuteMs)!;
      expect(minutes % (s + 2) === 0 ? now > 0.6 : now < 0.15, `segment ${s}: ${now}`).toBe(true);
    }
    const next = due(model, minutes - 1);
    for (let s = 3; s < 20; s++) expect(next.has(s) && next.get(s)! > 0.6).toBe(minutes % (s + 2) === 0);
  });

  test('says of a memoryless segment its rate, whatever it did last', () => {
    for (let s = 20; s < 40; s++) {
      const p = model.probabilityOf(s, (minutes - 1) * minuteMs)!;
      expect(p > 0.03 && p < 0.25, `segment ${s}: ${p}`).toBe(true);
    }
  });

  test('is calibrated: forecasts of a minute come true as often as they say', () => {
    const rows = world(3000, 2);
    const fresh = new IntervalModel(intervalPredictorConfigSchema.parse({}));
    const bins = Array.from({ length: 10 }, () => ({ n: 0, p: 0, hits: 0 }));
    let from = 0;
    for (let minute = 0; minute < 2999; minute++) {
      let to = from;
      while (to < rows.length && rows[to]![0] === minute) to++;
      fresh.observe(batchOf(rows.slice(from, to), from));
      from = to;
      if (minute < 500) continue;
      const next = new Set(
        rows
          .slice(to, to + 60)
          .filter(([at]) => at === minute + 1)
          .map(([, s]) => s),
      );
      for (let s = 0; s < 40; s++) {
        const p = fresh.probabilityOf(s, minute * minuteMs)!;
        const bin = bins[Math.min(9, Math.floor(p * 10))]!;
        bin.n++;
        bin.p += p;
        bin.hits += next.has(s) ? 1 : 0;
      }
    }
    const total = bins.reduce((sum, { n }) => sum + n, 0);
    expect(bins.reduce((sum, { p, hits }) => sum + Math.abs(p - hits), 0) / total).toBeLessThan(0.03);
  });

  test('a longer horizon is never less likely, and a part of a unit is that part', () => {
    const one = due(model, minutes - 1);
    const half = due(model, minutes - 1, minuteMs / 2);
    const hour = due(model, minutes - 1, 60 * minuteMs);
    for (const [segment, p] of one) expect(hour.get(segment)!).toBeGreaterThanOrEqual(p);
    for (const [segment, p] of half) expect(p).toBeCloseTo(one.get(segment)! / 2, 12);
    for (let s = 0; s < 20; s++) expect(hour.get(s)!).toBeGreaterThan(0.9);
  });

  test('follows a segment that changes its period', () => {
    const rows: Row[] = [];
    for (let minute = 0; minute < 4000; minute++) {
      if (minute % (minute < 2000 ? 7 : 11) === 0) rows.push([minute, 1]);
      for (let s = 2; s < 12; s++) if (minute % s === 0) rows.push([minute, s]);
    }
    const changed = modelOf(rows);
    const last = Math.floor(3999 / 11) * 11;
    expect(changed.probabilityOf(1, (last + 10) * minuteMs)).toBeGreaterThan(0.5);
    expect(changed.probabilityOf(1, (last + 6) * minuteMs)).toBeLessThan(0.3);
  });

  test('abstains on segments of few intervals, of intervals out of range, and without time', () => {
    const rows: Row[] = [
      [0, 1],
      [5, 1],
      [10, 1],
      [15, 1],
    ];
    expect(modelOf(rows).isRepresentative(1)).toBe(false);
    expect(modelOf([...rows, [20, 1]]).isRepresentative(1)).toBe(true);
    const sparse = modelOf(Array.from({ length: 9 }, (_, i) => [i * 300, 1] as const));
    expect(sparse.isRepresentative(1)).toBe(false);
    expect(due(sparse, 2400, 300 * minuteMs).size).toBe(0);
    const untimed = modelOf(rows.map(([, s]) => [Number.NaN, s] as const));
    expect(due(untimed, Number.NaN).size).toBe(0);
    expect(untimed.table.slotCount).toBe(0);
  });

  test('does not depend on how batches are cut, nor on being asked, and a restored model goes on as the first', () => {
    const rows = world(400, 5);
    fc.assert(
      fc.property(fc.array(fc.nat(rows.length), { maxLength: 6 }), (cuts) => {
        const whole = modelOf(rows, { segmentsMax: 64 });
        let cut = new IntervalModel(whole.config);
        const bounds = [0, ...cuts.sort((a, b) => a - b), rows.length];
        for (let i = 1; i < bounds.length; i++) {
          cut.observe(batchOf(rows.slice(bounds[i - 1], bounds[i]), bounds[i - 1]));
          if (bounds[i]! > 0) due(cut, rows[bounds[i]! - 1]![0]);
          const restored = new IntervalModel(whole.config);
          restored.restore(cut.snapshot());
          cut = restored;
        }
        expect(cut.snapshot()).toEqual(whole.snapshot());
        const order = (found: Map<number, number>) => [...found].sort((a, b) => a[0] - b[0]);
        expect(order(due(cut, 400))).toEqual(order(due(whole, 400)));
      }),
      { numRuns: 10 },
    );
  });

  test('keeps its bound on segments', () => {
    const small = modelOf(world(300, 6), { segmentsMax: 16 });
    expect(small.table.slotCount).toBe(16);
    expect(small.table.releasedCount).toBeGreaterThan(0);
    expect(due(small, 299, 60 * minuteMs).size).toBeLessThanOrEqual(16);
  });

  test('the actor answers each tick once, without what the site has', () => {
    const messages: ProposalsMessage[] = [];
    const actor = new IntervalPredictorActor({
      horizonsMs: [minuteMs, 60 * minuteMs],
      isResident: (segment) => segment === 4,
      forecaster: {
        address: '/f',
        tell: (message) => {
          messages.push(message);
          return 'accepted';
        },
        ready: () => Promise.resolve(),
      },
    });
    const context = {} as ActorContext<never>;
    actor.receive({ kind: 'accesses', batch: batchOf(world(1500, 1)) }, context);
    actor.receive({ kind: 'tick', position: 9, timeMs: 1499 * minuteMs }, context);
    expect(messages).toHaveLength(1);
    const { proposals, expert, position } = messages[0]!;
    expect([expert, position]).toEqual(['interval', 9]);
    expect([...proposals.segment]).not.toContain(4);
    expect(new Set(proposals.horizon)).toEqual(new Set([0, 1]));
    for (const score of proposals.score) expect(score >= 0.1 && score <= 1).toBe(true);
  });
});
