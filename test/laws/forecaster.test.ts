import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CalibrationStats } from '../../actors/forecaster/calibration-stats.ts';
import { Calibrator } from '../../actors/forecaster/calibrator.ts';
import { bankSize, CalibratorBank, outcomeParts } from '../../actors/forecaster/calibrator-bank.ts';
import { ExpertMixture } from '../../actors/forecaster/expert-mixture.ts';
import { Forecaster } from '../../actors/forecaster/forecaster.ts';
import { forecasterConfigSchema } from '../../actors/forecaster/forecaster-config.ts';
import { OverdueCalibration } from '../../actors/forecaster/overdue-calibration.ts';
import { PendingForecasts } from '../../actors/forecaster/pending-forecasts.ts';
import { RecentCalibration } from '../../actors/forecaster/recent-calibration.ts';
import { WindowError } from '../../actors/forecaster/window-error.ts';
import type { ProposalColumns } from '../../actors/messages.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { StateLoader, StateSaver } from '../../engine/state-fields.ts';
import { accesses } from './streams-batches.ts';

const settings = { binCount: 20, priorOutcomes: 4, outcomesMax: 4096 };

function proposals(segments: readonly number[], score: (segment: number) => number, horizon = 0): ProposalColumns {
  return {
    segment: Uint32Array.from(segments),
    horizon: new Uint8Array(segments.length).fill(horizon),
    score: Float64Array.from(segments, score),
  };
}

describe('calibration stats', () => {
  test('equal a direct computation', () => {
    const list = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 1 });
    fc.assert(
      fc.property(list, (outcomes) => {
        const stats = new CalibrationStats();
        for (const [p, isHit] of outcomes) stats.observe(p, isHit);
        const brier = outcomes.reduce((sum, [p, isHit]) => sum + (p - Number(isHit)) ** 2, 0) / outcomes.length;
        expect(stats.brier).toBeCloseTo(brier, 10);
        let ece = 0;
        for (let bin = 0; bin < 10; bin++) {
          const own = outcomes.filter(([p]) => Math.min(9, Math.floor(p * 10)) === bin);
          if (own.length === 0) continue;
          const mean = own.reduce((sum, [p]) => sum + p, 0) / own.length;
          const hits = own.filter(([, isHit]) => isHit).length / own.length;
          ece += (own.length / outcomes.length) * Math.abs(mean - hits);
          expect(stats.table()[bin]).toMatchObject({ count: own.length, hitRatio: hits });
        }
        expect(stats.ece).toBeCloseTo(ece, 10);
      }),
    );
  });
});

describe('calibrator', () => {
  test('never falls with the score, and stays in 0..1', () => {
    const outcomes = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { maxLength: 300 });
    fc.assert(
      fc.property(outcomes, (list) => {
        const calibrator = new Calibrator({ ...settings, outcomesMax: 64 });
        for (const [score, isHit] of list) calibrator.learn(score, isHit);
        let before = 0;
        for (let i = 0; i <= 200; i++) {
          const p = calibrator.calibrate(i / 200);
          expect(p).toBeGreaterThanOrEqual(before - 1e-12);
          expect(p).toBeLessThanOrEqual(1 + 1e-12);
          before = p;
        }
      }),
    );
  });

  const distortions: readonly (readonly [string, (truth: number) => number])[] = [
    ['overconfident', (truth) => Math.sqrt(truth)],
    ['timid', (truth) => truth * truth],
    ['honest', (truth) => truth],
    ['in a narrow band', (truth) => 0.4 + truth / 10],
  ];
  for (const [name, distort] of distortions) {
    test(`brings the calibration error of an expert that is ${name} below .03`, () => {
      const random = new Xoshiro128(name.length);
      const calibrator = new Calibrator(settings);
      const stats = new CalibrationStats();
      for (let i = 0; i < 40_000; i++) {
        const truth = random.next();
        const isHit = random.next() < truth;
        if (i >= 20_000) stats.observe(calibrator.calibrate(distort(truth)), isHit);
        calibrator.learn(distort(truth), isHit);
      }
      expect(stats.ece).toBeLessThan(0.03);
      // No calibration is better than knowing the truth: E[p(1-p)] = 1/6 for uniform p. Binning costs little.
      expect(stats.brier).toBeLessThan(1 / 6 + 0.01);
    });
  }

  test('follows an expert that changes', () => {
    const random = new Xoshiro128(5);
    const calibrator = new Calibrator({ ...settings, outcomesMax: 200 });
    for (let i = 0; i < 5000; i++) calibrator.learn(0.5, random.next() < 0.9);
    expect(calibrator.calibrate(0.5)).toBeGreaterThan(0.8);
    for (let i = 0; i < 1000; i++) calibrator.learn(0.5, random.next() < 0.1);
    expect(calibrator.calibrate(0.5)).toBeLessThan(0.2);
  });
});

describe('the prior of a calibrator', () => {
  test('fades with the outcomes that it stood for, so that in the long run they alone count', () => {
    const calibrator = new Calibrator({ binCount: 1, priorOutcomes: 32, outcomesMax: 64 });
    const afterMisses = (count: number): number => {
      for (let i = 0; i < count; i++) calibrator.learn(0.9, false);
      return calibrator.calibrate(0.9);
    };
    expect(afterMisses(32)).toBeGreaterThan(0.2);
    expect(afterMisses(1000)).toBeLessThan(0.001);
  });
});

describe('mixture of experts', () => {
  test('weights stay positive and add up to one', () => {
    const p = fc.oneof(fc.constant(Number.NaN), fc.double({ min: 0, max: 1, noNaN: true }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.tuple(p, p, p), fc.boolean()), { maxLength: 200 }), (list) => {
        const mixture = new ExpertMixture(3, 0.01);
        for (const [probabilities, isHit] of list) {
          mixture.learn(Float64Array.from(probabilities), 0, isHit);
          expect(mixture.weight.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
          for (const weight of mixture.weight) expect(weight).toBeGreaterThanOrEqual(0.01 / 3 - 1e-12);
        }
      }),
    );
  });

  test("its log loss exceeds the best expert's by no more than ln(experts), without sharing", () => {
    // The classical bound for the Bayesian mixture, whatever the outcomes.
    const row = fc.tuple(
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
      fc.double({ min: 0.01, max: 0.99, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(row, fc.boolean()), { maxLength: 200 }), (list) => {
        const mixture = new ExpertMixture(2, 0);
        const loss = [0, 0, 0];
        for (const [probabilities, isHit] of list) {
          const all = [...probabilities, mixture.mix(Float64Array.from(probabilities), 0)];
          all.forEach((p, e) => {
            loss[e]! -= Math.log(isHit ? p : 1 - p);
          });
          mixture.learn(Float64Array.from(probabilities), 0, isHit);
        }
        expect(loss[2]).toBeLessThanOrEqual(Math.min(loss[0]!, loss[1]!) + Math.log(2) + 1e-6);
      }),
    );
  });

  test('a sleeping expert neither gains nor loses', () => {
    const mixture = new ExpertMixture(3, 0);
    mixture.learn(Float64Array.of(0.9, 0.1, Number.NaN), 0, true);
    expect(mixture.weight[2]).toBeCloseTo(1 / 3, 12);
    expect(mixture.weight[0]).toBeCloseTo((2 / 3) * 0.9, 12);
    expect(Number.isNaN(mixture.mix(Float64Array.of(Number.NaN, Number.NaN, Number.NaN), 0))).toBe(true);
  });
});

describe('mixture of experts after a change', () => {
  const count = 4;
  const shareRate = 0.01;

  test('from any moment on it loses to any one expert at most ln(experts / share), and what sharing costs an outcome', () => {
    // Fixed share (Herbster and Warmuth 1998): no weight is ever below share / experts, so whatever was believed before a change costs
    // no more than the logarithm of that, and each outcome -ln(1 - share + share / experts).
    const p = fc.double({ min: 0.001, max: 0.999, noNaN: true });
    const outcomes = fc.array(fc.tuple(fc.tuple(p, p, p, p), fc.boolean()), { maxLength: 150 });
    fc.assert(
      fc.property(outcomes, outcomes, (before, after) => {
        const mixture = new ExpertMixture(count, shareRate);
        for (const [said, isHit] of before) mixture.learn(Float64Array.from(said), 0, isHit);
        const loss = new Float64Array(count);
        let mixed = 0;
        for (const [said, isHit] of after) {
          const stated = mixture.mix(Float64Array.from(said), 0);
          mixed -= Math.log(isHit ? stated : 1 - stated);
          for (let e = 0; e < count; e++) loss[e]! -= Math.log(isHit ? said[e]! : 1 - said[e]!);
          mixture.learn(Float64Array.from(said), 0, isHit);
        }
        const price = Math.log(count / shareRate) - after.length * Math.log(1 - shareRate + shareRate / count);
        expect(mixed).toBeLessThanOrEqual(Math.min(...loss) + price + 1e-6);
      }),
    );
  });

  test('however long one expert was right, four outcomes are enough to believe another that is nine times as likely right', () => {
    // Odds of at least share / experts : 1 grow ninefold an outcome: 9 ^ m * (share / experts) > 9 from m = 1 + ln(400) / ln(9) = 3.7 on.
    for (const length of [10, 1000, 100_000]) {
      const mixture = new ExpertMixture(count, shareRate);
      const said = Float64Array.of(0.9, 0.1, 0.1, 0.1);
      for (let i = 0; i < length; i++) mixture.learn(said, 0, true);
      expect(mixture.mix(said, 0)).toBeGreaterThan(0.88);
      for (let i = 0; i < 4; i++) mixture.learn(said, 0, false);
      expect(mixture.mix(said, 0)).toBeLessThan(0.2);
    }
  });
});

describe('error of windows', () => {
  const LENGTH = 1000;
  /** Forecasts of `stated`, `each` a window; in a window all share a probability that `truth` draws. */
  function errorOf(windows: number, each: number, stated: number, truth: (random: Xoshiro128) => number): WindowError {
    const random = new Xoshiro128(7);
    const error = new WindowError();
    for (let w = 0; w < windows; w++) {
      const probability = truth(random);
      for (let i = 0; i < each; i++) error.observe(w * LENGTH, LENGTH, stated, random.next() < probability);
    }
    error.advance(windows * LENGTH);
    return error;
  }

  test('is next to nothing where forecasts come true independently, the less the more a window has', () => {
    for (const each of [10, 100, 3000]) {
      const error = errorOf(200, each, 0.3, () => 0.3);
      expect(error.windowCount).toBe(200);
      // Squares of some eight windows are remembered; their mean has a standard deviation of .21 * sqrt(2 / 8) / each. Three of them.
      expect(error.error).toBeLessThan(Math.sqrt((3 * 0.21 * Math.sqrt(2 / 8)) / each));
    }
  });

  test('is none where windows are off by no more than chance alone would have it', () => {
    const error = new WindowError();
    // One forecast a window: each is off by a half, as a fair coin always is.
    for (let i = 0; i < 40; i++) error.observe(i, 1, 0.5, i % 2 === 0);
    error.advance(40);
    expect([error.windowCount, error.error]).toEqual([40, 0]);
  });

  test('is the spread of what windows come to, where forecasts of a window come true together', () => {
    // All of a window or none, true in the mean: the spread of a coin that falls on one side three times in ten.
    const whole = errorOf(400, 50, 0.3, (random) => (random.next() < 0.3 ? 1 : 0));
    expect(Math.abs(whole.error - Math.sqrt(0.3 * 0.7))).toBeLessThan(0.12);
    const shifted = errorOf(50, 1000, 0.3, () => 0.5);
    expect(Math.abs(shifted.error - 0.2)).toBeLessThan(0.02);
  });

  test('a window is judged when it is over, and old windows are forgotten', () => {
    const error = new WindowError();
    for (let i = 0; i < 100; i++) error.observe(0, LENGTH, 0.9, false);
    error.advance(LENGTH - 1);
    expect([error.windowCount, error.error]).toEqual([0, 0]);
    error.advance(LENGTH);
    expect(error.windowCount).toBe(1);
    expect(error.error).toBeGreaterThan(0.85);
    const random = new Xoshiro128(3);
    for (let w = 2; w < 60; w++) {
      for (let i = 0; i < 100; i++) error.observe(w * LENGTH, LENGTH, 0.9, random.next() < 0.9);
    }
    expect(error.error).toBeLessThan(0.06);
  });
});

describe('outcomes learnt by parts of a horizon', () => {
  const parts = 8;

  test('say what whole outcomes say, once all parts are known', () => {
    const outcome = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(2 * parts));
    fc.assert(
      fc.property(fc.array(outcome, { maxLength: 200 }), (list) => {
        // Next to no prior: it is spread over parts otherwise than over the whole.
        const options = { binCount: 5, priorOutcomes: 1e-9, outcomesMax: 4096 };
        const whole = new Calibrator(options);
        const byPart = new Calibrator({ ...options, partCount: parts });
        for (const [score, hitPart] of list) {
          whole.learn(score, hitPart < parts);
          for (let part = 0; part < Math.min(parts, hitPart + 1); part++) byPart.learn(score, part === hitPart, part);
        }
        for (const [score] of list) expect(byPart.calibrate(score)).toBeCloseTo(whole.calibrate(score), 6);
      }),
    );
  });

  test('are right in the mean while most of the outcomes are yet to come', () => {
    // P(within a part | not before) is the same in all parts.
    const truth = 0.6;
    const stays = (1 - truth) ** (1 / parts);
    const random = new Xoshiro128(4);
    const calibrator = new Calibrator({ ...settings, partCount: parts });
    for (let i = 0; i < 8000; i++) {
      // Of most forecasts only a part or two are over.
      const known = 1 + Math.floor(parts * random.next() ** 4);
      for (let part = 0; part < known; part++) {
        const isHit = random.next() > stays;
        calibrator.learn(0.3, isHit, part);
        if (isHit) break;
      }
    }
    expect(Math.abs(calibrator.calibrate(0.3) - truth)).toBeLessThan(0.03);
  });

  test('are those of a recount, each part of each forecast once and as soon as it is over', () => {
    const row = fc.record({ gap: fc.integer({ min: 0, max: 60 }), segment: fc.nat(2), isTick: fc.boolean() });
    const length = 160;
    fc.assert(
      fc.property(fc.array(row, { maxLength: 60 }), (rows) => {
        const pending = new PendingForecasts(1, 0, 4096, parts);
        const none = new Float64Array(0);
        const made: { readonly segment: number; readonly at: number }[] = [];
        const hits: { readonly segment: number; readonly at: number; readonly order: number }[] = [];
        const seen = new Map<string, boolean>();
        let now = 0;
        for (const { gap, segment, isTick } of rows) {
          now += gap;
          if (!isTick) {
            pending.access(segment, now, length);
            hits.push({ segment, at: now, order: made.length });
            continue;
          }
          pending.takeParts(now, length, (part, isHit, scores, from) => {
            const key = `${scores[from]} ${part}`;
            expect(seen.has(key)).toBe(false);
            seen.set(key, isHit);
          });
          pending.takeExpired(now, () => {});
          for (let number = 0; number < made.length; number++) {
            const { segment: own, at } = made[number]!;
            const hit = hits.find((each) => each.segment === own && each.order > number && each.at <= at + length);
            const hitPart = hit === undefined ? parts : Math.max(1, Math.ceil(((hit.at - at) * parts) / length)) - 1;
            for (let part = 0; part < parts; part++) {
              const isOver = at + (length * (part + 1)) / parts < now;
              expect(seen.get(`${number} ${part}`)).toBe(isOver && part <= hitPart ? part === hitPart : undefined);
            }
          }
          for (const each of [0, 1, 2]) {
            const scores = Float64Array.of(made.length);
            pending.push(each, now, now + length, 0.5, scores, scores, 0, none, 0);
            made.push({ segment: each, at: now });
          }
        }
      }),
    );
  });

  test('tell of a change sooner than whole outcomes do', () => {
    const random = new Xoshiro128(12);
    const options = { ...settings, outcomesMax: 512 };
    const whole = new Calibrator(options);
    const byPart = new Calibrator({ ...options, partCount: parts });
    // At each tick a hundred forecasts are made; a tick is one part long. P(comes in a part) rises from 1/40 to 1/10.
    const rises = 40;
    const open: { part: number; hit: boolean }[][] = [];
    for (let tick = 0; tick < rises + parts / 2; tick++) {
      for (const cohort of open) {
        for (const forecast of cohort) {
          if (forecast.part >= parts) continue;
          const comes = !forecast.hit && random.next() < (tick < rises ? 1 / 40 : 1 / 10);
          if (!forecast.hit) byPart.learn(0.5, comes, forecast.part);
          forecast.hit ||= comes;
          if (++forecast.part === parts) whole.learn(0.5, forecast.hit);
        }
      }
      open.push(Array.from({ length: 100 }, () => ({ part: 0, hit: false })));
    }
    const before = 1 - (39 / 40) ** parts;
    const after = 1 - (9 / 10) ** parts;
    expect(whole.calibrate(0.5)).toBeGreaterThan(before);
    // Those due by now were made before, and have seen half a horizon of it.
    expect(after - byPart.calibrate(0.5)).toBeLessThan((after - whole.calibrate(0.5)) / 2);
  });
});

describe('bank of calibrators', () => {
  const bank = (): CalibratorBank => new CalibratorBank({ binCount: 20, priorOutcomes: 4, outcomesMax: 4096 });

  test('a planted change of what scores mean costs calibration for less than 2,000 forecasts, and nothing where nothing changes', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const random = new Xoshiro128(seed);
      const calibrators = bank();
      const said = new Float64Array(bankSize);
      const before = new CalibrationStats();
      const after = new CalibrationStats();
      for (let i = 0; i < 24_000; i++) {
        const score = random.next();
        // For 20,000 forecasts a score is true; from then on only a third of it is.
        const truth = i < 20_000 ? score : score / 3;
        const isHit = random.next() < truth;
        const p = calibrators.state(score, said, 0);
        if (i >= 10_000 && i < 20_000) before.observe(p, isHit);
        if (i >= 22_000) after.observe(p, isHit);
        const hitPart = isHit ? random.int(outcomeParts) : outcomeParts;
        for (let part = 0; part <= Math.min(hitPart, outcomeParts - 1); part++) {
          calibrators.observe(score, part, part === hitPart);
        }
        calibrators.learn(said, 0, isHit);
      }
      expect(before.ece).toBeLessThan(0.03);
      expect(after.ece).toBeLessThan(0.05);
      expect(after.brierSkill).toBeGreaterThan(0);
      expect(calibrators.outcomeCount).toBe(24_000);
    }
  });
});

describe('pending forecasts', () => {
  test('come true alike by one access after the other, in batches, and after they were restored', () => {
    const ask = { segment: fc.nat(3), gap: fc.nat(30) };
    const step = fc.oneof(
      fc.record({ kind: fc.constant('forecast' as const), ...ask }),
      fc.record({ kind: fc.constant('accesses' as const), rows: fc.array(fc.record(ask), { maxLength: 8 }) }),
      fc.record({ kind: fc.constant('restart' as const) }),
    );
    const length = 50;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const make = () => new PendingForecasts(1, 0, 64, outcomeParts);
        const one = make();
        let other = make();
        const none = new Float64Array(1);
        let now = 0;
        const isHit: readonly boolean[][] = [[], []];
        for (const each of steps) {
          if (each.kind === 'restart') {
            const saver = new StateSaver();
            other.persist(saver);
            other = make();
            other.persist(new StateLoader(saver.finish()));
          } else if (each.kind === 'forecast') {
            now += each.gap;
            for (const [i, pending] of [one, other].entries()) {
              pending.takeExpired(now, (forecast) => isHit[i]!.push(forecast.isHit));
              pending.push(each.segment, now, now + length, 0.5, none, none, 0, none, 0);
            }
          } else {
            const instants = each.rows.map(({ gap }) => (now += gap));
            for (const [i, { segment }] of each.rows.entries()) one.access(segment, instants[i]!, length);
            const segments = Uint32Array.from(each.rows, ({ segment }) => segment);
            other.observe(segments, Float64Array.from(instants), length);
          }
          for (const segment of [0, 1, 2, 3]) expect(other.overdueAt(segment, now)).toBe(one.overdueAt(segment, now));
        }
        for (const [i, pending] of [one, other].entries())
          pending.takeExpired(Infinity, (forecast) => isHit[i]!.push(forecast.isHit));
        expect(isHit[1]).toEqual(isHit[0]);
      }),
    );
  });
});

describe('what is overdue', () => {
  test('is overdue from its first forecast to its next access, as a recount says', () => {
    const step = fc.record({ gap: fc.nat(9), segment: fc.nat(2), isForecast: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pending = new PendingForecasts(1, 0, 4096, outcomeParts);
        const one = Float64Array.of(0.5);
        const since = new Map<number, number>();
        let now = 0;
        for (const { gap, segment, isForecast } of steps) {
          now += gap;
          if (isForecast) {
            pending.push(segment, now, now + 20, 0.5, one, one, 0, one, 0);
            if (!since.has(segment)) since.set(segment, now);
          } else {
            pending.access(segment, now, 20);
            since.delete(segment);
          }
          pending.takeExpired(now, () => {});
          for (const each of [0, 1, 2, 5000]) {
            expect(pending.overdueAt(each, now + 3)).toBe(since.has(each) ? now + 3 - since.get(each)! : 0);
          }
        }
      }),
    );
  });

  test('leaves forecasts as they were until outcomes say otherwise, and its classes are in order', () => {
    const overdue = new OverdueCalibration(settings);
    let before = 0;
    for (let elapsed = 0; elapsed <= 3000; elapsed += 10) {
      const kind = overdue.classOf(elapsed, 1000);
      expect(kind).toBeGreaterThanOrEqual(before);
      before = kind;
      for (const p of [0.05, 0.3, 0.8]) expect(Math.abs(overdue.state(p, kind) - p)).toBeLessThan(0.06);
    }
    expect([overdue.classOf(0, 1000), before]).toEqual([0, 7]);
  });

  test('is told from what is still used, though the experts state the same of both', () => {
    const random = new Xoshiro128(21);
    const config = forecasterConfigSchema.parse({ horizonsMs: [2000], horizonsAccesses: [10] });
    const forecaster = new Forecaster(['a'], config);
    // Of 100 segments two begin anew at each tick of a second; a segment is used three times in four, and then never again.
    const segments = Array.from({ length: 100 }, (_, s) => s);
    const endsAt = segments.map((s) => s / 2);
    let position = 1;
    forecaster.observe(accesses(0, [[0, 999]]));
    for (let tick = 1; tick <= 400; tick++) {
      const now = tick * 1000;
      for (const reborn of [(2 * tick) % 100, (2 * tick + 1) % 100]) endsAt[reborn] = tick + 25;
      forecaster.forecast(position, now, [proposals(segments, () => 0.5)]);
      const rows = segments
        .filter((s) => tick < endsAt[s]! && random.next() < 0.75)
        .map((s) => [now + 500, s] as const);
      forecaster.observe(accesses(position, [...rows, [now + 600, 999]]));
      position += rows.length + 1;
    }
    const stats = forecaster.statsOf(0);
    expect(stats.ece).toBeLessThan(0.03);
    // Half of them are in use: knowing no more than that, nothing would be better than the base rate.
    expect(stats.brierSkill).toBeGreaterThan(0.5);
  });
});

describe('recent calibration', () => {
  test('is the calibration error and the skill of the latest forecasts, and forgets earlier ones', () => {
    const random = new Xoshiro128(2);
    const recent = new RecentCalibration(500);
    expect([recent.ece, recent.hasSkill]).toEqual([0, true]);
    for (let i = 0; i < 5000; i++) recent.observe(0.9, random.next() < 0.1);
    expect(recent.ece).toBeGreaterThan(0.7);
    expect(recent.hasSkill).toBe(false);
    for (let i = 0; i < 5000; i++) {
      const p = random.next();
      recent.observe(p, random.next() < p);
    }
    expect(recent.ece).toBeLessThan(0.1);
    expect(recent.hasSkill).toBe(true);
  });
});

describe('forecaster', () => {
  /** A world in which each segment is accessed within the horizon with a probability of its own, and experts know of it. */
  function run(experts: readonly ((truth: number, random: Xoshiro128) => number)[], seed: number): Forecaster {
    const random = new Xoshiro128(seed);
    const config = forecasterConfigSchema.parse({ horizonsMs: [1000], horizonsAccesses: [10], shareRate: 1e-4 });
    const forecaster = new Forecaster(
      experts.map((_, e) => `expert ${e}`),
      config,
    );
    const segments = Array.from({ length: 50 }, (_, s) => s);
    let position = 1;
    forecaster.observe(accesses(0, [[0, 999]]));
    for (let tick = 1; tick <= 800; tick++) {
      const now = tick * 2000;
      const truths = segments.map(() => random.next());
      forecaster.forecast(
        position,
        now,
        experts.map((expert) => proposals(segments, (segment) => expert(truths[segment]!, random))),
      );
      const rows = segments.filter((segment) => random.next() < truths[segment]!).map((s) => [now + 500, s] as const);
      forecaster.observe(accesses(position, rows));
      position += rows.length;
    }
    return forecaster;
  }

  test('is calibrated on experts of known probability, and trusts the better one', () => {
    const forecaster = run([(truth) => truth * truth, (_, random) => random.next(), (truth) => Math.sqrt(truth)], 3);
    const stats = forecaster.statsOf(0);
    expect(stats.count).toBeGreaterThan(35_000);
    expect(stats.ece).toBeLessThan(0.03);
    expect(stats.brier).toBeLessThan(1 / 6 + 0.01);
    expect(forecaster.weightsOf(0)[1]).toBeLessThan(0.05);
  });

  test('of an expert that knows nothing says the base rate', () => {
    const forecaster = run([(_, random) => random.next()], 4);
    // 1/4 is the Brier score of always saying one half, the share of segments that are accessed.
    expect(forecaster.statsOf(0).brier).toBeLessThan(0.255);
    expect(forecaster.statsOf(0).ece).toBeLessThan(0.03);
  });

  test('passes on what matters once a window is over, and only where the forecasts of a window do not share their fate', () => {
    for (const isShared of [false, true]) {
      const random = new Xoshiro128(9);
      const config = forecasterConfigSchema.parse({ horizonsMs: [10_000], horizonsAccesses: [10] });
      const forecaster = new Forecaster(['a'], config);
      const segments = Array.from({ length: 40 }, (_, s) => s);
      let position = 1;
      let passed = 0;
      forecaster.observe(accesses(0, [[0, 999]]));
      for (let tick = 1; tick <= 300; tick++) {
        const now = tick * 10_000;
        const forecasts = forecaster.forecast(position, now, [proposals(segments, () => 0.4)]);
        const stated = [...forecasts.probability].filter((p) => p >= 0.05).length;
        // The first are due one horizon later and judged a window after that.
        if (tick <= 2) expect(stated).toBe(0);
        if (tick > 100) passed += stated;
        const isAll = random.next() < 0.4;
        const rows = segments
          .filter(() => (isShared ? isAll : random.next() < 0.4))
          .map((segment) => [now + 500, segment] as const);
        forecaster.observe(accesses(position, [...rows, [now + 600, 999]]));
        position += rows.length + 1;
      }
      if (isShared) expect(passed).toBe(0);
      else expect(passed).toBeGreaterThan(0.9 * 200 * segments.length);
    }
  });

  test('learns each forecast once, and does not depend on how batches are cut', () => {
    const row = fc.record({ gap: fc.integer({ min: 0, max: 400 }), segment: fc.nat(5) });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 80 }),
        fc.array(fc.nat(80), { maxLength: 5 }),
        fc.array(fc.nat(80), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (gaps, cuts, tickAt, pendingMax) => {
          let now = 0;
          const rows = gaps.map(({ gap, segment }) => {
            now += gap;
            return [now, segment] as const;
          });
          const ticks = [...new Set(tickAt.filter((at) => at > 0 && at <= rows.length))].sort((a, b) => a - b);
          const play = (bounds: readonly number[]): unknown => {
            const config = forecasterConfigSchema.parse({
              horizonsMs: [300, 900],
              horizonsAccesses: [3, 9],
              pendingMax,
              outcomesMin: 0,
              calibrationErrorMax: 1,
            });
            const forecaster = new Forecaster(['a', 'b'], config);
            const seen: unknown[] = [];
            let made = 0;
            for (let i = 1; i < bounds.length; i++) {
              const at = bounds[i]!;
              forecaster.observe(accesses(bounds[i - 1]!, rows.slice(bounds[i - 1], at)));
              if (!ticks.includes(at)) continue;
              const tickMs = rows[at - 1]![0];
              const forecasts = forecaster.forecast(at, tickMs, [
                proposals([0, 1, 2], (s) => (s + 1) / 5, 0),
                proposals([2, 1, 4], (s) => 1 - s / 8, 1),
              ]);
              made += 6;
              seen.push(forecasts);
              const learnt = forecaster.statsOf(0).count + forecaster.statsOf(1).count;
              expect(learnt + forecaster.pendingCount + forecaster.untrackedCount).toBe(made);
            }
            return [seen, forecaster.statsOf(0).table(), forecaster.weightsOf(1)];
          };
          const inner = cuts.filter((at) => at <= rows.length);
          const whole = [...new Set([0, ...ticks, rows.length])].sort((a, b) => a - b);
          const cut = [...new Set([...whole, ...inner])].sort((a, b) => a - b);
          expect(play(cut)).toEqual(play(whole));
        },
      ),
    );
  });

  test('an outcome is whether the segment was accessed by the deadline, as a recount says', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 300 }), fc.nat(3)), { maxLength: 60 }), (gaps) => {
        let now = 0;
        const rows = gaps.map(([gap, segment]) => {
          now += gap;
          return [now, segment] as const;
        });
        const config = forecasterConfigSchema.parse({
          horizonsMs: [500],
          horizonsAccesses: [5],
          pendingMax: 4096,
          outcomesMin: 0,
          calibrationErrorMax: 1,
        });
        const forecaster = new Forecaster(['a'], config);
        forecaster.observe(accesses(0, [[0, 9]]));
        let hits = 0;
        let due = 0;
        rows.forEach(([timeMs, segment], i) => {
          forecaster.forecast(i + 1, timeMs, [proposals([0, 1, 2, 3], () => 0.5)]);
          for (let s = 0; s < 4; s++) {
            if (timeMs + 500 >= now) continue;
            due++;
            if (rows.slice(i).some(([at, other]) => other === s && at <= timeMs + 500)) hits++;
          }
          forecaster.observe(accesses(i + 1, [[timeMs, segment]]));
        });
        forecaster.forecast(rows.length + 1, now, [proposals([], () => 0)]);
        const table = forecaster.statsOf(0).table();
        expect(forecaster.statsOf(0).count).toBe(due);
        expect(table.reduce((sum, bin) => sum + bin.count * (bin.hitRatio ?? 0), 0)).toBeCloseTo(hits, 6);
      }),
    );
  });
});
