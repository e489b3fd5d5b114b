/** Every setting of an engine acts. */

import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import { type EngineConfigInput, engineConfigSchema } from '../../../actors/engine/engine-config.ts';

const base: EngineConfigInput = {
  mode: 'modelled',
  capacity: 30,
  trafficMax: 1.5,
  latency: '400ms@1MB/sx2',
  farLoop: { intervalMs: 5000, accessesPerTickMin: 20 },
};

/** A loop, a few hot pages and pages by chance, some written; sizes differ. */
function digestOf(config: EngineConfigInput, change: (config: EngineConfigInput) => EngineConfigInput): string {
  const engine = createEngine({ config: change(config) });
  engine.prefetches$.subscribe(({ id, timeMs, segment }) => {
    if (segment % 7 !== 0) engine.landed(id, { timeMs: timeMs + 600 });
  });
  for (let i = 0; i < 3000; i++) {
    const chance = Math.imul(i + 1, 2654435761) >>> 8;
    const page = i % 4 === 3 ? `/chance/${chance % 200}` : i % 4 === 2 ? `/hot/${chance % 5}` : `/page/${i % 90}`;
    engine.observe({
      segment: page,
      consumer: `c${i % 3}`,
      timeMs: 1000 * (i + 1),
      size: 10_000 + (chance % 90_000),
      op: i % 29 === 0 ? 'write' : 'read',
    });
  }
  return engine.stats().digest;
}

const merged =
  (part: EngineConfigInput) =>
  (config: EngineConfigInput): EngineConfigInput => ({ ...config, ...part });
const same = (config: EngineConfigInput): EngineConfigInput => config;
const live: EngineConfigInput = { ...base, mode: 'live' };
const inBytes: EngineConfigInput = { ...base, unit: 'bytes', capacity: 1_500_000 };

/** By setting: the settings to start from, and those that must give other decisions. */
const cases: Readonly<Record<string, readonly [EngineConfigInput, EngineConfigInput]>> = {
  mode: [base, { mode: 'live' }],
  capacity: [base, { capacity: 31 }],
  unit: [inBytes, { unit: 'segments', capacity: 30 }],
  eviction: [base, { eviction: 'fifo' }],
  writes: [base, { writes: 'access' }],
  trafficMax: [base, { trafficMax: 1 }],
  latency: [base, { latency: '50ms' }],
  seed: [{ ...base, latency: 'lognormal:800ms:1@1MB/sx2' }, { seed: 2 }],
  live: [live, { live: { answerWithinMs: 100 } }],
  'live.firstByteMs': [{ ...live, unit: 'bytes', capacity: 1_500_000 }, { live: { firstByteMs: 0 } }],
  'live.bytesPerSecond': [{ ...live, unit: 'bytes', capacity: 1_500_000 }, { live: { bytesPerSecond: 1 } }],
  prices: [inBytes, { prices: { gigabyteTransferred: 100 } }],
  missPenaltyMs: [{ ...inBytes, latency: '2req' }, { missPenaltyMs: 0 }],
  trafficAllowance: [{ ...base, trafficMax: 1 }, { trafficAllowance: 0 }],
  missBound: [{ ...base, trafficMax: null }, { missBound: { excessMax: 0, allowance: 0 } }],
  expertTrust: [base, { expertTrust: { trustMin: 1 } }],
  ghost: [base, { ghost: { kind: 'sampled', rate: 0.5 } }],
  holdout: [base, { holdout: { share: 0.3 } }],
  stagingShareMax: [base, { stagingShareMax: 0.02 }],
  queueLengthMax: [
    { ...base, latency: '4s@1MB/sx1', trafficMax: null, missBound: { isEnabled: false } },
    { queueLengthMax: 1 },
  ],
  caps: [base, { caps: { requestsMax: 10 } }],
  policy: [base, { policy: { deny: ['/page/*'] } }],
  hints: [base, { hints: { lists: [{ segments: ['/hot/1', '/chance/7', '/chance/8'], probability: 1 }] } }],
  'live.concurrencyMax': [live, { live: { concurrencyMax: 1 } }],
  'prices.secondOfWaiting': [base, { prices: { secondOfWaiting: 0 } }],
  'prices.request': [base, { prices: { request: 1 } }],
  'prices.gigabyteHour': [base, { prices: { gigabyteHour: 1e6 } }],
  'missBound.isEnabled': [{ ...base, missBound: { excessMax: 0, allowance: 0 } }, { missBound: { isEnabled: false } }],
  'missBound.excessMax': [
    { ...base, missBound: { excessMax: 0, allowance: 0 } },
    { missBound: { excessMax: 0.5, allowance: 0 } },
  ],
  'missBound.allowance': [base, { missBound: { allowance: 0 } }],
  'expertTrust.isEnabled': [
    { ...base, expertTrust: { trustMin: 1 } },
    { expertTrust: { trustMin: 1, isEnabled: false } },
  ],
  'expertTrust.trialEvery': [
    { ...base, expertTrust: { trustMin: 1 } },
    { expertTrust: { trustMin: 1, trialEvery: 2 } },
  ],
  'expertTrust.memory': [inBytes, { expertTrust: { memory: 8 } }],
  'ghost.rate': [{ ...base, ghost: { kind: 'sampled', rate: 0.3 } }, { ghost: { kind: 'sampled', rate: 0.9 } }],
  'ghost.confidence': [
    { ...base, ghost: { kind: 'sampled', rate: 0.3 } },
    { ghost: { kind: 'sampled', rate: 0.3, confidence: 0.5 } },
  ],
  'caps.requestsPerSecondMax': [base, { caps: { requestsPerSecondMax: 0.01 } }],
  'caps.burstSeconds': [
    { ...base, caps: { requestsPerSecondMax: 0.5 } },
    { caps: { requestsPerSecondMax: 0.5, burstSeconds: 1 } },
  ],
  'caps.bytesPerSecondMax': [base, { caps: { bytesPerSecondMax: 10 } }],
  'caps.bytesMax': [base, { caps: { bytesMax: 1000 } }],
  'caps.concurrencyMax': [base, { caps: { concurrencyMax: 1 } }],
  'caps.spendingMax': [base, { caps: { spendingMax: 1e-9 } }],
  nearLoop: [base, { nearLoop: { degreeMax: 1 } }],
  farLoop: [base, { farLoop: { isEnabled: false } }],
};

describe('a setting gives other decisions', () => {
  test.each(Object.entries(cases))('%s', (_, [from, part]) => {
    expect(digestOf(from, merged(part))).not.toBe(digestOf(from, same));
  });
});

describe('a setting that decides nothing', () => {
  test('warmup: what comes before it is not counted', () => {
    const engine = createEngine({ config: { warmup: 3 } });
    for (let i = 0; i < 5; i++) engine.observe({ segment: `s${i}`, timeMs: i });
    expect(engine.stats().accesses).toBe(2);
  });

  test('decisionsKeptMax: as many are kept', () => {
    const engine = createEngine({ config: { ...base, decisionsKeptMax: 3 } });
    for (let i = 0; i < 600; i++) engine.observe({ segment: `/page/${i % 90}`, timeMs: 1000 * (i + 1) });
    expect(engine.decisions()).toHaveLength(3);
    expect(engine.decisions(2)).toHaveLength(2);
  });
});

test('every setting is tried here or has tests of its own', () => {
  const elsewhere = ['segmentsMax', 'consumersMax', 'journalAccessesMax', 'warmup', 'decisionsKeptMax'];
  const tried = new Set([...Object.keys(cases).map((name) => name.split('.')[0]), ...elsewhere]);
  expect(Object.keys(engineConfigSchema.shape).filter((name) => !tried.has(name))).toEqual([]);
});

test('unknown settings are refused with their place', () => {
  const config = { live: { concurrency: 3 } } as EngineConfigInput;
  expect(() => createEngine({ config })).toThrow(/engine: live\.concurrency: unknown setting/);
});
