import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../../engine/random.ts';
import { chainSuccessors } from '../../../sim/workloads/chains.ts';
import { chooseWorkload } from '../../../sim/workloads/index.ts';
import { shuffled } from '../../../sim/workloads/sampling.ts';
import { expectedAccesses, routineStart, type SeasonalParameters } from '../../../sim/workloads/seasonal.ts';
import { EPOCH_MS } from '../../../sim/workloads/workload.ts';
import { chiSquareScore, poissonScore } from './chi-square.ts';
import { countsBy, type GeneratedRow, generatedRows } from './generated-rows.ts';

/** Scores of a fixed seed beyond this would happen to three seeds in 100,000. */
const SCORE_MAX = 4;
const HOUR_MS = 3_600_000;

/** 1 / (r + 1)^exponent, by the host's own power: the oracle of the generator's portable one. */
const zipfWeights = (n: number, exponent: number): number[] =>
  Array.from({ length: n }, (_, rank) => (rank + 1) ** -exponent);

describe('zipf-drift', () => {
  test.each([0, 0.6, 0.9, 1.3])('without drift, frequencies by rank follow r^-%d', (exponent) => {
    const segments = 500;
    const rows = generatedRows('zipf-drift', { accesses: 60_000, segments, exponent, driftPer1000: 0 }, 2);
    // Which segment has which rank is drawn from a stream of its own.
    const ranking = shuffled(segments, new Xoshiro128(2).fork('workload zipf-drift').fork('ranking'));
    const counts = countsBy(rows, (row) => row.segment);
    const byRank = Array.from(ranking, (segment) => counts.get(`item-${segment}`) ?? 0);
    expect(Math.abs(chiSquareScore(byRank, zipfWeights(segments, exponent)))).toBeLessThan(SCORE_MAX);
    expect(chiSquareScore(byRank, zipfWeights(segments, exponent + 0.1))).toBeGreaterThan(SCORE_MAX);
  });

  test('drift swaps as many pairs of ranks as it says', () => {
    const rankingOf = (rows: readonly GeneratedRow[]): string =>
      [...countsBy(rows, (row) => row.segment)].sort((a, b) => b[1] - a[1])[0]![0];
    const leaders = (driftPer1000: number): Set<string> => {
      const rows = generatedRows('zipf-drift', { accesses: 100_000, segments: 20, exponent: 1.5, driftPer1000 });
      return new Set(Array.from({ length: 100 }, (_, k) => rankingOf(rows.slice(k * 1000, (k + 1) * 1000))));
    };
    expect(leaders(0).size).toBe(1);
    // A swap moves the first rank with probability 2/20 - 1/400; among 100 blocks with one swap each, about ten changes.
    const changes = leaders(1).size;
    expect(changes).toBeGreaterThanOrEqual(4);
    expect(changes).toBeLessThanOrEqual(20);
  });

  test('consumers are uniform and independent of what they read', () => {
    const rows = generatedRows('zipf-drift', { accesses: 50_000, consumers: 30 });
    const counts = countsBy(rows, (row) => row.consumer);
    const list = Array.from({ length: 30 }, (_, i) => counts.get(`consumer-${i}`) ?? 0);
    expect(
      Math.abs(
        chiSquareScore(
          list,
          list.map(() => 1),
        ),
      ),
    ).toBeLessThan(SCORE_MAX);
  });
});

describe.each(['diurnal', 'weekly'] as const)('%s', (name) => {
  const isWeekly = name === 'weekly';
  const chosen = { consumers: 60, days: 14, segments: 3000, rate: 4, routineLength: 6 };
  const p = chooseWorkload(name, chosen).parameters as unknown as SeasonalParameters;
  const rows = generatedRows(name, chosen);
  const hourOf = (row: GeneratedRow): number => Math.floor((row.timeMs - EPOCH_MS) / HOUR_MS);
  const byHour = countsBy(rows, (row) => String(hourOf(row)));
  const slotOf = (hour: number): number => hour % (isWeekly ? 168 : 24);

  test('hourly counts follow the expected load', () => {
    // A routine brings all its accesses at once, which widens the spread of a count: Var = share x length + (1 - share), times the mean.
    const spread = Math.sqrt(p.routineShare * p.routineLength + 1 - p.routineShare);
    let squares = 0;
    for (let hour = 0; hour < 24 * 14; hour++) {
      const expected =
        p.consumers * p.rate * (1 + p.amplitude * Math.cos((2 * Math.PI * ((hour % 24) - p.peakHour)) / 24));
      const load = isWeekly && Math.floor(hour / 24) % 7 >= 5 ? expected * p.weekend : expected;
      expect(expectedAccesses(p, hour, isWeekly)).toBeCloseTo(load, 6);
      const score = poissonScore(byHour.get(String(hour)) ?? 0, load) / spread;
      expect(Math.abs(score)).toBeLessThan(5);
      squares += score * score;
    }
    // The mean of 336 squared scores has a standard deviation of about 0.08.
    expect(squares / (24 * 14)).toBeGreaterThan(0.7);
    expect(squares / (24 * 14)).toBeLessThan(1.35);
  });

  test('at each hour its routine is read in order, a second apart, by one consumer', () => {
    let visits = 0;
    let complete = 0;
    const byConsumer = new Map<string, GeneratedRow[]>();
    for (const row of rows) byConsumer.set(row.consumer, [...(byConsumer.get(row.consumer) ?? []), row]);
    for (const list of byConsumer.values()) {
      const seen = new Set(list.map((row) => `${row.timeMs} ${row.segment}`));
      for (const row of list) {
        const start = routineStart(p, slotOf(hourOf(row)));
        if (row.segment !== `report-${start}`) continue;
        if (!seen.has(`${row.timeMs + 1000} report-${start + 1}`)) continue;
        visits++;
        const whole = Array.from({ length: p.routineLength }, (_, k) => `${row.timeMs + k * 1000} report-${start + k}`);
        if (whole.every((step) => seen.has(step))) complete++;
      }
    }
    expect(complete).toBe(visits);
    let expected = 0;
    for (let hour = 0; hour < 24 * 14; hour++) {
      expected += (expectedAccesses(p, hour, isWeekly) * p.routineShare) / p.routineLength;
    }
    expect(Math.abs(poissonScore(visits, expected))).toBeLessThan(SCORE_MAX);
  });

  test('a routine is cold outside its hour', () => {
    const slots = isWeekly ? 168 : 24;
    // The last slots: their segments are unpopular, so single accesses hardly reach them.
    const slot = slots - 2;
    const start = routineStart(p, slot);
    const names = new Set(Array.from({ length: p.routineLength }, (_, k) => `report-${start + k}`));
    const touched = rows.filter((row) => names.has(row.segment));
    const due = touched.filter((row) => slotOf(hourOf(row)) === slot);
    expect(due.length / touched.length).toBeGreaterThan(isWeekly ? 0.5 : 0.8);
  });

  test('the rest follows Zipf (0.8) over all segments', () => {
    // Without routines only the rest is left.
    const singles = generatedRows(name, { ...chosen, routineShare: 0, segments: 100 });
    const counts = countsBy(singles, (row) => row.segment);
    const list = Array.from({ length: 100 }, (_, i) => counts.get(`report-${i}`) ?? 0);
    expect(Math.abs(chiSquareScore(list, zipfWeights(100, 0.8)))).toBeLessThan(SCORE_MAX);
  });
});

test('weekly routines of different hours are disjoint while segments suffice', () => {
  const p = chooseWorkload('weekly', { segments: 2000, routineLength: 8 }).parameters as unknown as SeasonalParameters;
  const used = Array.from({ length: 168 }, (_, slot) => routineStart(p, slot));
  expect(new Set(used).size).toBe(168);
  for (const start of used) expect(used.every((other) => other === start || Math.abs(other - start) >= 8)).toBe(true);
});

describe('chains', () => {
  const chosen = { accesses: 80_000, segments: 50, consumers: 5, first: 0.6, second: 0.25 };
  const p = chooseWorkload('chains', chosen).parameters as never;
  const seed = 3;
  const successor = chainSuccessors(p, new Xoshiro128(seed).fork('workload chains'));
  const rows = generatedRows('chains', chosen, seed);

  test('two successors a segment, different from it and from each other', () => {
    for (let segment = 0; segment < 50; segment++) {
      const [first, second] = [successor[2 * segment], successor[2 * segment + 1]];
      expect(new Set([segment, first, second]).size).toBe(3);
    }
  });

  test('each walker goes on with the probabilities of the model', () => {
    const at = new Map<string, number>();
    const counts = new Map<number, number[]>();
    for (const { consumer, segment } of rows) {
      const to = Number(segment.slice('node-'.length));
      const from = at.get(consumer);
      if (from !== undefined) {
        const cells = counts.get(from) ?? new Array<number>(50).fill(0);
        cells[to]!++;
        counts.set(from, cells);
      }
      at.set(consumer, to);
    }
    for (const [from, cells] of counts) {
      const probabilities = cells.map((_, to) => {
        const jump = (1 - chosen.first - chosen.second) / chosen.segments;
        if (to === successor[2 * from]) return chosen.first + jump;
        return to === successor[2 * from + 1] ? chosen.second + jump : jump;
      });
      expect(Math.abs(chiSquareScore(cells, probabilities)), `from node-${from}`).toBeLessThan(SCORE_MAX);
    }
  });

  test('whose turn it is, is uniform', () => {
    const counts = [...countsBy(rows, (row) => row.consumer).values()];
    expect(counts).toHaveLength(5);
    expect(Math.abs(chiSquareScore(counts, [1, 1, 1, 1, 1]))).toBeLessThan(SCORE_MAX);
  });

  test('probabilities that add up to more than 1 are refused', () => {
    expect(() => chooseWorkload('chains', { first: 0.8, second: 0.3 })).toThrow(/first \+ second/);
  });
});

describe('scans', () => {
  const chosen = {
    accesses: 20_000,
    streams: 5,
    scanLength: 60,
    requestUnits: 8,
    background: 0.3,
    backgroundSegments: 200,
  };
  const rows = generatedRows('scans', chosen);
  const addresses = rows.map((row) => Number(row.segment));
  const scanAddresses = addresses.filter((address) => address >= 2 ** 24);

  test('scan addresses are never repeated', () => {
    expect(new Set(scanAddresses).size).toBe(scanAddresses.length);
  });

  test('each scan takes consecutive requests, and at most `streams` run at once', () => {
    const lastOf = new Map<number, number>();
    const firstOf = new Map<number, number>();
    for (const address of scanAddresses) {
      const scan = Math.floor(address / 2 ** 24);
      const last = lastOf.get(scan);
      if (last === undefined) firstOf.set(scan, address);
      else expect(address).toBe(last + chosen.requestUnits);
      lastOf.set(scan, address);
    }
    // All but the first scans begin at their first request; those that were begun and did not end are at most `streams`.
    const late = [...firstOf].filter(([scan, address]) => scan > chosen.streams && address % 2 ** 24 !== 0);
    expect(late).toEqual([]);
    const open = [...lastOf].filter(
      ([, address]) => address % 2 ** 24 !== (chosen.scanLength - 1) * chosen.requestUnits,
    );
    expect(open.length).toBeLessThanOrEqual(chosen.streams);
  });

  test('the background has its share and follows Zipf (0.9)', () => {
    const background = addresses.filter((address) => address < 2 ** 24);
    const share = [background.length, scanAddresses.length];
    expect(Math.abs(chiSquareScore(share, [0.3, 0.7]))).toBeLessThan(SCORE_MAX);
    const counts = countsBy(background, (address) => String(address));
    const list = Array.from({ length: 200 }, (_, i) => counts.get(String(i * 8)) ?? 0);
    expect(Math.abs(chiSquareScore(list, zipfWeights(200, 0.9)))).toBeLessThan(SCORE_MAX);
  });

  test('a request is as long as the step to the next', () => {
    expect(new Set(rows.map((row) => row.size))).toEqual(new Set([8 * 512]));
  });
});

describe('flash-crowd', () => {
  const chosen = { hours: 40, segments: 500, rate: 20, crowds: 4, parts: 3, peak: 60, halfLife: 30 };
  const rows = generatedRows('flash-crowd', chosen);
  const MINUTE_MS = 60_000;
  const minuteOf = (row: GeneratedRow): number => Math.floor((row.timeMs - EPOCH_MS) / MINUTE_MS);

  test('a crowd begins at its instant and halves in every half-life', () => {
    for (let crowd = 0; crowd < chosen.crowds; crowd++) {
      const beginning = Math.floor(((crowd + 0.5) / chosen.crowds) * chosen.hours * 60);
      const ages = rows.filter((row) => row.segment === `story-${crowd}`).map((row) => minuteOf(row) - beginning);
      expect(Math.min(...ages)).toBeGreaterThanOrEqual(0);
      for (let k = 0; k < 4; k++) {
        const [from, to] = [k * chosen.halfLife, (k + 1) * chosen.halfLife];
        let mean = 0;
        for (let minute = from; minute < to; minute++) mean += chosen.peak * 2 ** (-minute / chosen.halfLife);
        const visits = ages.filter((age) => age >= from && age < to).length;
        expect(Math.abs(poissonScore(visits, mean)), `crowd ${crowd}, half-life ${k}`).toBeLessThan(SCORE_MAX);
      }
    }
  });

  test('each visit reads the page and then its parts in order, 200 ms apart', () => {
    const seen = new Set(rows.map((row) => `${row.consumer} ${row.timeMs} ${row.segment}`));
    const endMs = EPOCH_MS + chosen.hours * HOUR_MS;
    for (const row of rows) {
      if (!/^story-\d+$/.test(row.segment)) continue;
      for (let part = 1; part <= chosen.parts; part++) {
        const timeMs = row.timeMs + part * 200;
        if (timeMs < endMs) expect(seen.has(`${row.consumer} ${timeMs} ${row.segment}/part-${part}`)).toBe(true);
      }
    }
  });

  test('the background is steady', () => {
    const background = rows.filter((row) => row.segment.startsWith('page-'));
    const hours = countsBy(background, (row) => String(Math.floor(minuteOf(row) / 60)));
    const list = Array.from({ length: chosen.hours }, (_, hour) => hours.get(String(hour)) ?? 0);
    expect(
      Math.abs(
        chiSquareScore(
          list,
          list.map(() => 1),
        ),
      ),
    ).toBeLessThan(SCORE_MAX);
    expect(Math.abs(poissonScore(background.length, chosen.hours * 60 * chosen.rate))).toBeLessThan(SCORE_MAX);
  });
});

describe('controls', () => {
  test('uniform: segments are uniform, and so are successors of a segment', () => {
    const rows = generatedRows('uniform', { accesses: 60_000, segments: 20 });
    const cells = new Array<number>(400).fill(0);
    const numbers = rows.map((row) => Number(row.segment.slice(1)));
    for (let i = 1; i < numbers.length; i++) cells[numbers[i - 1]! * 20 + numbers[i]!]!++;
    expect(
      Math.abs(
        chiSquareScore(
          cells,
          cells.map(() => 1),
        ),
      ),
    ).toBeLessThan(SCORE_MAX);
  });

  test('one-hit: no segment comes twice', () => {
    const rows = generatedRows('one-hit', { accesses: 20_000 });
    expect(new Set(rows.map((row) => row.segment)).size).toBe(20_000);
  });
});
