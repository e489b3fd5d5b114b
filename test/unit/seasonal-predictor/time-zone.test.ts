import { describe, expect, test } from 'vitest';
import { AccessMap } from '../../../actors/aggregator/access-map.ts';
import { aggregatorConfigSchema } from '../../../actors/aggregator/aggregator-config.ts';
import { SeasonalModel } from '../../../actors/seasonal-predictor/seasonal-model.ts';
import { seasonalPredictorConfigSchema } from '../../../actors/seasonal-predictor/seasonal-predictor-config.ts';
import { clockHourAt, isTimeZone, zoneNamed } from '../../../actors/time-zone.ts';
import { accesses } from '../../laws/streams-batches.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const at = (text: string): number => Date.parse(text);

/** Changes of the clock in 2024, as the zones' governments publish them: the instant in UTC, and minutes ahead of UTC before and after. */
const changes = [
  ['Europe/Berlin', '2024-03-31T01:00:00Z', 60, 120],
  ['Europe/Berlin', '2024-10-27T01:00:00Z', 120, 60],
  ['America/New_York', '2024-03-10T07:00:00Z', -300, -240],
  ['America/New_York', '2024-11-03T06:00:00Z', -240, -300],
  ['Australia/Lord_Howe', '2024-04-06T15:00:00Z', 660, 630],
  ['Australia/Lord_Howe', '2024-10-05T15:30:00Z', 630, 660],
] as const;

describe('zones by name', () => {
  for (const [name, instant, before, after] of changes) {
    test(`${name} goes from ${before} to ${after} minutes at ${instant}, to the millisecond`, () => {
      const zone = zoneNamed(name);
      const change = at(instant);
      expect([change - 1, change].map((t) => zone.offsetMsAt(t) / minuteMs)).toEqual([before, after]);
      // Asked far away and in another order the answers are the same.
      expect(zone.offsetMsAt(change + 90 * 24 * hourMs) / minuteMs).toBe(after);
      expect(zone.offsetMsAt(change - 90 * 24 * hourMs) / minuteMs).toBe(before);
      expect(zone.offsetMsAt(change + hourMs) / minuteMs).toBe(after);
    });
  }

  test('a year of stretches is without gap, and only those at a change are not an hour long', () => {
    for (const name of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
      const zone = zoneNamed(name);
      const odd: [string, number, number][] = [];
      let stretch = clockHourAt(zone, at('2024-01-01T00:00:00Z'));
      let previous = stretch.number - 1;
      while (stretch.toMs < at('2025-01-01T00:00:00Z')) {
        expect(clockHourAt(zone, stretch.toMs - 1)).toEqual(stretch);
        const minutes = (stretch.toMs - stretch.fromMs) / minuteMs;
        const step = stretch.number - previous;
        if (minutes !== 60 || step !== 1) odd.push([new Date(stretch.fromMs).toISOString(), minutes, step]);
        previous = stretch.number;
        const next = clockHourAt(zone, stretch.toMs);
        expect(next.fromMs).toBe(stretch.toMs);
        stretch = next;
      }
      if (name === 'Europe/Berlin') {
        expect(odd).toEqual([
          ['2024-03-31T01:00:00.000Z', 60, 2],
          ['2024-10-27T01:00:00.000Z', 60, 0],
        ]);
      } else if (name === 'America/New_York') {
        expect(odd).toEqual([
          ['2024-03-10T07:00:00.000Z', 60, 2],
          ['2024-11-03T06:00:00.000Z', 60, 0],
        ]);
      } else {
        // Clocks go from 2:00 back to 1:30, and from 2:00 ahead to 2:30.
        expect(odd).toEqual([
          ['2024-04-06T15:00:00.000Z', 30, 0],
          ['2024-10-05T15:30:00.000Z', 30, 1],
        ]);
      }
    }
  });

  test('offsets are taken as they are written, and nonsense is refused by the settings with its path', () => {
    expect(zoneNamed('+05:30').offsetMsAt(0)).toBe(330 * minuteMs);
    expect(zoneNamed('-03:00').offsetMsAt(0)).toBe(-180 * minuteMs);
    expect(['UTC', 'Asia/Kolkata', 'Mars/Olympus', '+25:00', ''].map(isTimeZone)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
    const refused = seasonalPredictorConfigSchema.safeParse({ timeZone: 'Mars/Olympus' });
    expect(refused.error?.issues[0]?.path).toEqual(['timeZone']);
  });
});

/** Accesses to segment 1 at 8:20 on the local clock of every day and to segment 2 at every hour, for `days` days up to `until`. */
function dailyLife(timeZone: string, until: number, days: number): SeasonalModel {
  const zone = zoneNamed(timeZone);
  const model = new SeasonalModel(seasonalPredictorConfigSchema.parse({ timeZone, segmentsMax: 8 }));
  const rows: [number, number][] = [];
  for (let t = until - days * 24 * hourMs; t < until; t += 10 * minuteMs) {
    const local = (t + zone.offsetMsAt(t)) % (24 * hourMs);
    if (local === 8 * hourMs + 20 * minuteMs) for (let i = 0; i < 50; i++) rows.push([t, 1]);
    else if (t % hourMs === 0) rows.push([t, 2]);
  }
  model.observe(accesses(0, rows));
  return model;
}

describe('daily habits across a change of the clock', () => {
  for (const [name, instant] of changes) {
    test(`in ${name} after ${instant} are forecast by the clock, not by elapsed hours`, () => {
      const zone = zoneNamed(name);
      const change = at(instant);
      // Midnight of the day after the change, so that no habit was seen on the new clock.
      const model = dailyLife(name, change - hourMs, 30);
      const eight = [0, 1].map((day) => {
        const guess = change + day * 24 * hourMs + 12 * hourMs;
        const local = (((guess + zone.offsetMsAt(guess)) % (24 * hourMs)) + 24 * hourMs) % (24 * hourMs);
        return guess - local + 8 * hourMs;
      });
      for (const t of eight) {
        expect(model.profileAt(1, t + 20 * minuteMs)).toBeGreaterThan(0.7);
        expect(model.profileAt(1, t + 80 * minuteMs)).toBeLessThan(0.2);
        expect(model.profileAt(1, t - 40 * minuteMs)).toBeLessThan(0.2);
      }
      // Demand too: the busiest of the next 24 hours is the one that holds 8:20 on the new clock.
      const ahead = model.forecastDemand(change - hourMs, 24);
      const busiest = ahead.reduce((best, hour) => (hour.weight > best.weight ? hour : best));
      expect(eight.some((t) => busiest.fromMs <= t + 20 * minuteMs && t + 20 * minuteMs < busiest.toMs)).toBe(true);
      ahead.slice(1).forEach(({ fromMs }, i) => {
        expect(fromMs).toBe(ahead[i]!.toMs);
      });
    });
  }

  test('the hour that the clock skips is not judged, and the one that comes twice is judged once', () => {
    for (const [midnight, hours, judged] of [
      [at('2024-03-30T23:00:00Z'), 23, 23],
      [at('2024-10-26T22:00:00Z'), 25, 24],
    ] as const) {
      const model = dailyLife('Europe/Berlin', midnight, 30);
      model.speakingCount(midnight);
      const before = model.recordOf(2)!.evaluatedHours;
      const keep = 2 ** (-1 / model.config.errorHalfLifeHours);
      model.speakingCount(midnight + hours * hourMs);
      let expected = before;
      for (let i = 0; i < judged; i++) expected = expected * keep + 1;
      expect(model.recordOf(2)!.evaluatedHours).toBeCloseTo(expected, 6);
    }
  });

  test('a stretch of half an hour counts as a whole one in demand', () => {
    // Lord Howe: 1:30 to 2:00 comes again. One access every ten minutes: six an hour, always.
    const change = at('2024-04-06T15:00:00Z');
    const model = new SeasonalModel(seasonalPredictorConfigSchema.parse({ timeZone: 'Australia/Lord_Howe' }));
    const rows: [number, number][] = [];
    for (let t = change - 20 * 24 * hourMs; t < change + 4 * hourMs; t += 10 * minuteMs) rows.push([t, 1]);
    model.observe(accesses(0, rows));
    const { mixed, persistence } = model.demand.errors!;
    expect(persistence).toBeLessThan(1e-9);
    expect(mixed).toBeLessThan(0.05);
    expect(model.forecastDemand(change + 4 * hourMs, 1)[0]!.weight).toBeCloseTo(6, 1);
  });
});

test('the hours of the week of the access map follow the clock of Berlin into summer', () => {
  const map = new AccessMap(aggregatorConfigSchema.parse({ timeZone: 'Europe/Berlin' }));
  // Two Mondays, at noon in Berlin both.
  map.observe(
    accesses(0, [
      [Date.UTC(2024, 0, 1, 11), 1],
      [Date.UTC(2024, 6, 1, 10), 1],
    ]),
  );
  expect(map.hourOfWeekCounts()[12]).toBe(2);
});
