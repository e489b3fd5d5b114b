import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeasonalDesign } from '../../actors/seasonal-predictor/seasonal-design.ts';
import { SeasonalModel } from '../../actors/seasonal-predictor/seasonal-model.ts';
import { seasonalPredictorConfigSchema } from '../../actors/seasonal-predictor/seasonal-predictor-config.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { hasTraces, tracePath } from '../require-or-skip.ts';
import { accesses, batchOf } from './streams-batches.ts';

const hourMs = 3_600_000;
const weekMs = 168 * hourMs;
/** Monday 2024-01-01 00:00 UTC. */
const monday = 1_704_067_200_000;

type Row = readonly [timeMs: number, segment: number];

/** Hours from `monday` on; `isDue(segment, hour)` says with which probability a segment is accessed in an hour. */
function world(hours: number, segments: number, isDue: (segment: number, hour: number) => number, seed: number): Row[] {
  const random = new Xoshiro128(seed);
  const rows: Row[] = [];
  for (let hour = 0; hour < hours; hour++) {
    for (let segment = 0; segment < segments; segment++) {
      if (random.next() < isDue(segment, hour)) rows.push([monday + hour * hourMs + random.int(hourMs), segment]);
    }
  }
  return rows.sort((a, b) => a[0] - b[0]);
}

function modelOf(rows: readonly Row[], settings: object = {}): SeasonalModel {
  const model = new SeasonalModel(seasonalPredictorConfigSchema.parse({ segmentsMax: 128, ...settings }));
  model.observe(accesses(0, rows));
  return model;
}

function due(model: SeasonalModel, timeMs: number, horizonMs = hourMs): Map<number, number> {
  const found = new Map<number, number>();
  model.forecast(timeMs, horizonMs, (segment, probability) => found.set(segment, probability));
  return found;
}

/** Segment 7 on Wednesdays from 14:00 to 15:00 only; segment 3 every day at 6 and at 22; 0 at random. */
const wednesday14 = 2 * 24 + 14;
const planted = (segment: number, hour: number): number => {
  if (segment === 7) return hour % 168 === wednesday14 ? 0.98 : 0;
  if (segment === 3) return hour % 24 === 6 || hour % 24 === 22 ? 0.95 : 0;
  return segment === 0 ? 0.2 : 0;
};

describe('seasonal model', () => {
  test('proposes a weekly segment in its hour, though it is cold for a week, and not at other hours', () => {
    const model = modelOf(world(5 * 168 + wednesday14, 8, planted, 1));
    const now = monday + 5 * weekMs + wednesday14 * hourMs;
    expect(due(model, now).get(7)).toBeGreaterThan(0.6);
    expect(model.profileAt(7, now)).toBeGreaterThan(0.6);
    for (const hours of [-24, -3, 3, 24]) expect(model.profileAt(7, now + hours * hourMs)).toBeLessThan(0.2);
  });

  test('recovers a planted weekly pattern, hour by hour', () => {
    const model = modelOf(world(6 * 168, 8, planted, 2));
    const at = monday + 6 * weekMs;
    for (let hour = 0; hour < 168; hour++) {
      for (const segment of [3, 7]) {
        const profile = model.profileAt(segment, at + hour * hourMs)!;
        const isDue = planted(segment, hour) > 0.5;
        expect(isDue ? profile > 0.5 : profile < 0.25, `segment ${segment} at hour ${hour}: ${profile}`).toBe(true);
      }
    }
  });

  test('sees a daily segment coming within a horizon that reaches its hour', () => {
    const model = modelOf(world(10 * 24 + 4, 8, planted, 3));
    const now = monday + (10 * 24 + 4) * hourMs;
    expect(due(model, now, hourMs).has(3)).toBe(false);
    expect(due(model, now, 3 * hourMs).get(3)).toBeGreaterThan(0.6);
  });

  test('abstains on noise', () => {
    const model = modelOf(world(6 * 168, 60, (segment) => 0.01 + segment / 150, 4));
    expect(model.fittedCount).toBeGreaterThan(50);
    const now = monday + 6 * weekMs;
    let spoken = 0;
    for (let segment = 0; segment < 60; segment++) if (model.speaksOf(segment)) spoken++;
    expect(spoken).toBe(0);
    expect(due(model, now, weekMs).size).toBe(0);
  });

  test('abstains where persistence is better: long bursts at random', () => {
    const random = new Xoshiro128(9);
    const isOn = Array.from({ length: 20 }, () => false);
    const model = modelOf(
      world(
        6 * 168,
        20,
        (segment) => {
          if (random.next() < 0.03) isOn[segment] = !isOn[segment];
          return isOn[segment] ? 0.95 : 0.02;
        },
        5,
      ),
    );
    for (let segment = 0; segment < 20; segment++) {
      const { seasonal, persistence } = model.recordOf(segment)!;
      expect(persistence).toBeLessThan(seasonal);
      expect(model.speaksOf(segment)).toBe(false);
    }
  });

  test('abstains in the first day, and on a trace without time', () => {
    const rows = world(23, 8, (_, hour) => (hour % 2 === 0 ? 1 : 0), 6);
    const model = modelOf(rows);
    expect(model.fitCount).toBe(0);
    expect(due(model, monday + 23 * hourMs, hourMs).size).toBe(0);
    const untimed = modelOf(world(10 * 24, 8, planted, 6).map(([, segment]) => [Number.NaN, segment] as const));
    expect(untimed.fitCount).toBe(0);
    expect(due(untimed, Number.NaN).size).toBe(0);
  });

  test('does not depend on how batches are cut', () => {
    const rows = world(3 * 168, 8, planted, 7);
    const whole = modelOf(rows);
    fc.assert(
      fc.property(fc.array(fc.nat(rows.length), { maxLength: 5 }), (cuts) => {
        const model = new SeasonalModel(whole.config);
        const bounds = [0, ...cuts.sort((a, b) => a - b), rows.length];
        for (let i = 1; i < bounds.length; i++)
          model.observe(accesses(bounds[i - 1]!, rows.slice(bounds[i - 1], bounds[i])));
        const now = monday + 3 * weekMs;
        expect(due(model, now, 24 * hourMs)).toEqual(due(whole, now, 24 * hourMs));
        for (let s = 0; s < 8; s++) expect(model.recordOf(s)).toEqual(whole.recordOf(s));
      }),
      { numRuns: 5 },
    );
  });

  test('keeps its bound on segments, and lets new ones in at the cost of the least used', () => {
    const rows = world(4 * 168, 40, (segment, hour) => (segment < 20 === hour < 168 ? 0.2 : 0), 8);
    const model = modelOf(rows, { segmentsMax: 16 });
    expect(model.presence.slotCount).toBe(16);
    expect(model.presence.refusedCount).toBeGreaterThan(0);
    expect(model.presence.releasedCount).toBeGreaterThan(0);
    const held = Array.from({ length: 40 }, (_, s) => s).filter((s) => model.presence.slotOf(s) >= 0);
    expect(held.some((segment) => segment >= 20)).toBe(true);
  });

  test('forgets everything after a gap longer than its history', () => {
    const rows = world(10 * 24, 8, planted, 3);
    const model = modelOf([...rows, [monday + 20 * weekMs, 3]]);
    expect(model.fittedCount).toBe(0);
    expect(model.recordOf(3)).toBeNull();
  });
});

describe('seasonal design', () => {
  test('with hardly any shrinkage reproduces a series of daily and weekly profile exactly, ahead too', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 168, maxLength: 168 }),
        fc.nat(1000),
        (profile, start) => {
          const design = new SeasonalDesign({
            start,
            end: start + 5 * 168,
            hasWeek: true,
            shrinkage: 1e-6,
            trendShrinkage: 1e6,
          });
          const coefficients = new Float64Array(design.width);
          const valueAt = (hour: number): number => profile[hour % 168]!;
          const values = Float64Array.from({ length: 5 * 168 }, (_, i) => valueAt(start + i));
          design.fit(values, coefficients, 0);
          for (let hour = start; hour < start + 6 * 168; hour += 5) {
            expect(Math.abs(design.predict(coefficients, 0, hour) - valueAt(hour))).toBeLessThan(1e-3);
          }
        },
      ),
      { numRuns: 3 },
    );
  });

  test('solves the ridge regression that its documentation states: the gradient is zero', () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.integer({ min: 30, max: 700 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 30 }),
        (start, length, hasWeek, strength) => {
          const random = new Xoshiro128(start * 1000 + length);
          const shrinkage = strength / 10;
          const design = new SeasonalDesign({
            start,
            end: start + length,
            hasWeek,
            shrinkage,
            trendShrinkage: strength,
          });
          const values = Float64Array.from({ length }, () => random.next());
          const x = new Float64Array(design.width);
          design.fit(values, x, 0);
          // The column of each coefficient times the residuals equals its penalty times the coefficient.
          const gradient = new Float64Array(design.width);
          for (let i = 0; i < length; i++) {
            const residual = values[i]! - design.predict(x, 0, start + i);
            const week = (start + i + 72) % 168;
            gradient[0]! += residual;
            gradient[1]! += (residual * (length - i)) / 168;
            gradient[2 + (week % 24)]! += residual;
            if (hasWeek) gradient[26 + week]! += residual;
          }
          const penalties = [1e-6, strength];
          x.forEach((coefficient, i) => {
            expect(Math.abs(gradient[i]! - (penalties[i] ?? shrinkage) * coefficient)).toBeLessThan(1e-6);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a fit of presence equals the fit of the same series written out', () => {
    const design = new SeasonalDesign({ start: 90, end: 700, hasWeek: true, shrinkage: 1, trendShrinkage: 5 });
    const hours = Float64Array.of(90, 100, 268, 269, 436, 699);
    const values = new Float64Array(610);
    for (const hour of hours) values[hour - 90] = 1;
    const written = new Float64Array(design.width);
    const listed = new Float64Array(design.width + 3);
    design.fit(values, written, 0);
    design.fitPresence(hours, 0, hours.length, listed, 3);
    for (let i = 0; i < design.width; i++) expect(listed[i + 3]).toBeCloseTo(written[i]!, 12);
  });

  test('follows a trend into the next day', () => {
    const design = new SeasonalDesign({ start: 0, end: 840, hasWeek: false, shrinkage: 1, trendShrinkage: 1 });
    const coefficients = new Float64Array(design.width);
    design.fit(
      Float64Array.from({ length: 840 }, (_, hour) => hour),
      coefficients,
      0,
    );
    expect(Math.abs(design.predict(coefficients, 0, 852) - 852)).toBeLessThan(30);
  });
});

/** Rows of a trace, as [timeMs, segment index], with weights where the trace counts. */
function readTrace(name: string): { rows: Row[]; weights: number[] } {
  const lines = gunzipSync(readFileSync(tracePath(`${name}.csv.gz`)))
    .toString()
    .trimEnd()
    .split('\n');
  const header = lines[0]!.split(',');
  const [time, segment, weight] = ['t_ms', 'object', 'weight'].map((field) => header.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const ids = new Map<string, number>();
  const rows: Row[] = [];
  const weights: number[] = [];
  for (const line of lines.slice(1)) {
    const fields = line.split(',');
    const name = fields[segment]!;
    if (!ids.has(name)) ids.set(name, ids.size);
    rows.push([Number(fields[time]), ids.get(name)!]);
    weights.push(Number(fields[weight]));
  }
  return { rows, weights };
}

describe('total demand', () => {
  // "As in the last hour" is what to beat on session_bikeshare, where seasons rule, and hard to beat on the two others.
  for (const [name, ratioMax] of [
    ['session_bikeshare', 0.56],
    ['serverless_nasa_ipsc', 1.03],
    ['serverless_azure14d_total', 1.03],
  ] as const) {
    test.skipIf(!hasTraces)(
      `of ${name} errs at most ${ratioMax} of the last hour (skipped without the shared traces)`,
      () => {
        const { rows, weights } = readTrace(name);
        const model = new SeasonalModel(seasonalPredictorConfigSchema.parse({ segmentsMax: 16 }));
        const truth = new Map<number, number>();
        const said = new Map<number, number>();
        rows.forEach(([timeMs], i) => {
          const hour = Math.floor(timeMs / hourMs);
          truth.set(hour, (truth.get(hour) ?? 0) + weights[i]!);
          model.observe(batchOf([{ timeMs: rows[i]![0], segment: rows[i]![1], weight: weights[i]! }], i));
          if (!said.has(hour)) said.set(hour, model.forecastDemand(timeMs, 1)[0]!.weight);
        });
        // Hours with an access, as the model was asked in these.
        const hours = [...said.keys()].slice(1);
        const error = (forecast: (hour: number) => number): number =>
          hours.reduce((sum, hour) => sum + Math.abs(forecast(hour) - truth.get(hour)!), 0) / hours.length;
        expect(error((hour) => said.get(hour)!) / error((hour) => truth.get(hour - 1) ?? 0)).toBeLessThan(ratioMax);
      },
    );
  }
});
