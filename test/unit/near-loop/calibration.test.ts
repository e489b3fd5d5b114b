import { describe, expect, test } from 'vitest';
import { BinCalibration } from '../../../actors/near-loop/bin-calibration.ts';
import { LogisticMixer } from '../../../actors/near-loop/logistic-mixer.ts';
import { squash, stretch } from '../../../actors/near-loop/stretch.ts';
import { ValueGate } from '../../../actors/near-loop/value-gate.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

describe('stretch and squash', () => {
  test('squash is the logistic function to one part in 100,000', () => {
    for (let x = -8; x <= 8; x += 0.037) expect(squash(x)).toBeCloseTo(1 / (1 + Math.exp(-x)), 5);
  });

  test('stretch undoes squash wherever its grid of 1/4096 resolves it', () => {
    for (let p = 0.01; p < 0.99; p += 0.0071) expect(squash(stretch(p))).toBeCloseTo(p, 3);
  });

  test('both are cut at 8', () => {
    expect(stretch(0)).toBeCloseTo(-8, 6);
    expect(stretch(1)).toBeCloseTo(8, 6);
    expect(squash(100)).toBe(squash(8));
  });
});

describe('bin calibration', () => {
  test('finds a planted probability', () => {
    const random = new Xoshiro128(1);
    const bins = new BinCalibration(2, 2000, 0.5);
    for (let i = 0; i < 5000; i++) bins.observe(1, random.next() < 0.3 ? 1 : 0);
    expect(bins.probabilityOf(1)).toBeCloseTo(0.3, 1);
    expect(bins.probabilityOf(0)).toBe(0.5);
  });

  test('relearns a bin whose meaning changed within a few memories', () => {
    const bins = new BinCalibration(1, 100, 0.5);
    for (let i = 0; i < 1000; i++) bins.observe(0, 1);
    for (let i = 0; i < 300; i++) bins.observe(0, 0);
    expect(bins.probabilityOf(0)).toBeLessThan(0.1);
  });
});

describe('logistic mixer', () => {
  test('comes to follow the expert that is right and to ignore the one that guesses', () => {
    const random = new Xoshiro128(2);
    const mixer = new LogisticMixer({ inputCount: 2, setCount: 1, weightFirst: 0.3, rateFirst: 0.05, rateLast: 0.01 });
    // Bins 1 to 21 are log-odds from -5 to 5; the first input is the expert's, the second a guess.
    const logOdds = Float32Array.from({ length: 22 }, (_, bin) => (bin === 0 ? 0 : (bin - 11) / 2));
    const bins = new Uint16Array(2);
    let error = 0;
    for (let i = 0; i < 20_000; i++) {
      bins[0] = 1 + random.int(21);
      bins[1] = 1 + random.int(21);
      const p = squash(logOdds[bins[0]!]!);
      const isTrue = random.next() < p ? 1 : 0;
      if (i >= 15_000) error += Math.abs(squash(mixer.mix(0, logOdds, bins, 0)) - p);
      mixer.learn(0, logOdds, bins, 0, isTrue);
    }
    expect(error / 5000).toBeLessThan(0.05);
    bins.fill(21);
    expect(mixer.strongest(0, logOdds, bins, 0, 2)).toBe(0);
    bins[0] = 0;
    expect(mixer.strongest(0, logOdds, bins, 0, 2)).toBe(1);
  });
});

describe('value gate', () => {
  const options = { wastedFetchPrice: 1, thresholdFloor: 0.1, interval: 100, reserve: 10, spendOver: 1000 };

  test('without a bound passes what gains more than it costs', () => {
    for (const [price, threshold] of [
      [1, 0.5],
      [3, 0.75],
      [0, 0.1],
    ] as const) {
      expect(new ValueGate({ ...options, wastedFetchPrice: price }).threshold).toBeCloseTo(threshold, 12);
    }
  });

  test('spends an accruing budget on the best candidates and keeps within it', () => {
    const random = new Xoshiro128(3);
    const gate = new ValueGate(options);
    let headroom = 64;
    let refused = 0;
    let proposed = 0;
    let wasted = 0;
    for (let i = 0; i < 200_000; i++) {
      headroom += 0.1;
      if (i % 100 === 0) gate.adjust(headroom);
      const p = random.next();
      if (!gate.admits(p, 1 - p)) continue;
      if (headroom < 1) {
        refused++;
        continue;
      }
      gate.spent(1 - p);
      proposed++;
      if (random.next() >= p) {
        headroom--;
        wasted++;
      }
    }
    // Uniform p: the waste above threshold t is (1 - t)^2 / 2 a candidate, so a tenth of a fetch an access buys t = 1 - sqrt(0.2).
    expect(gate.threshold).toBeGreaterThan(0.5);
    expect(gate.threshold).toBeLessThan(0.6);
    expect(wasted / 200_000).toBeGreaterThan(0.095);
    expect(refused / proposed).toBeLessThan(0.01);
  });

  test('lets only near-certain candidates pass when nothing accrues and nothing is saved', () => {
    const gate = new ValueGate(options);
    for (let i = 0; i < 10_000; i++) {
      if (i % 100 === 0) gate.adjust(0);
      gate.admits((i % 100) / 100, 1 - (i % 100) / 100);
    }
    expect(gate.threshold).toBeGreaterThan(0.95);
  });

  test('once headroom had fallen at one stroke the certain were refused for 33,000 accesses', () => {
    const gate = new ValueGate({ ...options, interval: 256, reserve: 200, spendOver: 32_768 });
    for (let i = 0; i < 40; i++) {
      gate.adjust(i < 20 ? 320 : 24);
      for (let k = 0; k < 128; k++) {
        gate.admits(0.9999, 0.0001);
        gate.admits(0.99, 0.01);
      }
    }
    // Half of 24 over 32,768 accesses pays for what the certain waste, not for what guesses do.
    expect(gate.threshold).toBeLessThanOrEqual(0.9999);
    expect(gate.threshold).toBeGreaterThan(0.99);
  });

  test('what the eviction had earned was spent to the last, though it had been lost again before', () => {
    const thresholdWhere = (grantedAt: (adjustment: number) => number, headroom: number): number => {
      const gate = new ValueGate({ ...options, interval: 256, reserve: 200, spendOver: 32_768 });
      for (let i = 0; i < 200; i++) {
        gate.adjust(headroom, grantedAt(i));
        for (let k = 0; k < 256; k++) gate.admits(k / 256, 1 - k / 256);
        gate.spent(8);
      }
      return gate.threshold;
    };
    const steadily = (i: number): number => 10 * i;
    const withFall = (i: number): number => 10 * i - (i > 100 ? 600 : 0);
    expect(thresholdWhere(withFall, 150)).toBeGreaterThan(thresholdWhere(steadily, 150));
    expect(thresholdWhere(withFall, 600)).toBeCloseTo(thresholdWhere(steadily, 600), 1);
  });

  test('a quiet spell sold cheaply what the busy one after it had better use for', () => {
    const gate = new ValueGate({ ...options, interval: 256, reserve: 200, spendOver: 32_768 });
    const pass = (intervals: number, candidates: number): number => {
      for (let i = 0; i < intervals; i++) {
        gate.adjust(150);
        for (let k = 0; k < candidates; k++) gate.admits((k + 0.5) / candidates, 1 - (k + 0.5) / candidates);
        gate.spent(8);
      }
      return gate.threshold;
    };
    const busy = pass(120, 256);
    const quiet = pass(30, 4);
    expect(quiet).toBeGreaterThan(busy - 0.1);
    // What stays quiet is sold cheaply in the end.
    expect(pass(600, 4)).toBeLessThan(0.2);
  });

  test('at a bound of 1 the certain passed no more than a guess: what was granted lay below the reserve', () => {
    const gate = new ValueGate({ ...options, interval: 256, reserve: 200, spendOver: 32_768 });
    for (let i = 0; i < 10_000; i++) {
      if (i % 256 === 0) gate.adjust(64);
      if (i % 2 === 0) gate.admits(0.999, 0.001);
      else gate.admits(0.99, 0.01);
    }
    // Half of 64 over 32,768 accesses pays for one wasted fetch in a thousand of every second, not for one in a hundred.
    expect(gate.threshold).toBeGreaterThan(0.99);
    expect(gate.threshold).toBeLessThanOrEqual(0.999);
  });
});
