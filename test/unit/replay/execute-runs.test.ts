/** Runs made beside each other: the same records as one after the other, and one failure for all. */

import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { coreCount } from '../../../engine/host/process-usage.ts';
import { resolveCacheSize } from '../../../sim/replay/cache-size.ts';
import { executeRuns, jobsWithin, jobsWorthwhile } from '../../../sim/replay/execute-runs.ts';
import { OrderThread } from '../../../sim/replay/order-thread.ts';
import { type PlannedRun, planRuns } from '../../../sim/replay/plan-runs.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import type { RunRecord } from '../../../sim/replay/run.ts';
import { fromSentError, toSentError } from '../../../sim/replay/run-message.ts';
import { Trace } from '../../../sim/replay/trace.ts';
import { skipUnless } from '../../require-or-skip.ts';

const module = new URL('../../../dist/sim/replay/run-thread.js', import.meta.url);
const isUnbuilt = skipUnless(existsSync(module), 'there is no dist (npm run build), and a thread does not compile');

const facts = {
  accessCount: 1,
  segmentCount: 1000,
  distinctCount: 1000,
  consumerCount: 0,
  requestedBytes: 0,
  footprintBytes: 0,
  timeSpanMs: null,
};

describe('runs at once', () => {
  test('are as many as asked for where memory is plenty, and never none', () => {
    expect(jobsWithin(5, facts, 2 ** 40)).toBe(5);
    expect(jobsWithin(5, facts, 0)).toBe(1);
  });

  test('are fewer where segments are many', () => {
    const available = 4 * 2 ** 30;
    const few = jobsWithin(100, facts, available);
    expect(few).toBeGreaterThan(1);
    expect(jobsWithin(100, { ...facts, segmentCount: 400_000 }, available)).toBeLessThan(few);
  });

  test('are one a core by themselves, but one after the other where there is little to do', () => {
    expect(jobsWorthwhile({ ...facts, accessCount: 5_000_000 }, 5, 4)).toBe(4);
    expect(jobsWorthwhile({ ...facts, accessCount: 20_000 }, 5, 4)).toBe(1);
    expect(jobsWorthwhile({ ...facts, accessCount: 5_000_000 }, 1, 4)).toBe(1);
  });

  test('an error keeps its code, place and whether trying again can help on the way', () => {
    const error = new AnteroomError('disk-full', 'no room', { context: { folder: 'x' }, isRetryable: true });
    const arrived = fromSentError(structuredClone(toSentError(error)));
    expect(arrived).toBeInstanceOf(AnteroomError);
    expect(arrived).toMatchObject({
      code: 'disk-full',
      message: 'no room',
      context: { folder: 'x' },
      isRetryable: true,
    });
    expect(fromSentError(toSentError(new Error('other')))).not.toBeInstanceOf(AnteroomError);
  });
});

describe.skipIf(isUnbuilt)(`runs in threads${isUnbuilt ? ' (skipped: not built)' : ''}`, () => {
  let trace: Trace;
  beforeAll(async () => {
    trace = await Trace.open('workload:chains,accesses=30000', { seed: 3, addressBytes: null });
  });
  afterAll(() => trace.close());

  const context = {
    latency: parseLatencySpec('8req'),
    writes: 'access',
    warmup: 1000,
    seed: 1,
    config: replayConfigSchema.parse({ holdout: { share: 0.05 } }),
  } as const;
  const make = (
    planned: readonly PlannedRun[],
    jobs: number,
    onProgress: (run: PlannedRun, served: number, servedInAll: number) => void = () => {},
  ) => executeRuns(trace, planned, { context, jobs, onProgress, module });
  const plan = (): readonly PlannedRun[] => {
    const cache = resolveCacheSize({ kind: 'fraction', fraction: 0.05 }, 'segments', trace.facts);
    return planRuns([cache], ['lru', 'auto', 'belady'], ['none', 'anteroom', 'pg', 'clairvoyant'], [1.1, 1.3]);
  };
  /** All but what a machine decides. */
  const plain = ({ ledger, experts, governor, holdout, missExcess, trafficOvershoot }: RunRecord): unknown => ({
    digest: ledger.digest.hex(),
    slices: ledger.slices,
    counted: [ledger.accesses, ledger.misses, ledger.coveredMisses, ledger.referenceMisses, ledger.issued],
    outcomes: [...ledger.outcomes],
    refusals: [...ledger.refusals],
    waits: ledger.waits.buckets(),
    lateness: ledger.lateness.buckets(),
    calibration: ledger.calibration,
    experts,
    governor,
    holdout,
    missExcess,
    trafficOvershoot,
  });

  test('leave what they leave one after the other, those that need the future too', async () => {
    const planned = plan();
    const alone = await make(planned, 1);
    const beside = await make(planned, 3);
    expect(beside.size).toBe(planned.length);
    for (const run of planned) expect(plain(beside.get(run)!)).toEqual(plain(alone.get(run)!));
  }, 60_000);

  test('tell of accesses that add up to those of all runs', async () => {
    const planned = plan().slice(0, 4);
    let last = 0;
    await make(planned, 2, (_run, _served, servedInAll) => {
      expect(servedInAll).toBeGreaterThan(last);
      last = servedInAll;
    });
    expect(last).toBe(planned.length * trace.facts.accessCount);
  }, 60_000);

  test('that fail in a thread end all with their error', async () => {
    const [good] = plan();
    const bad = { ...good!, cache: { ...good!.cache, size: 0 } };
    // The thread is asked first.
    await expect(make([bad, good!], 2)).rejects.toThrow('a cache holds at least 1 unit');
  }, 60_000);

  test('that fail here end all with their error', async () => {
    const [good] = plan();
    const bad = { ...good!, eviction: 'belady' as const, cache: { ...good!.cache, size: 0 } };
    await expect(make([good!, bad, { ...good! }], 2)).rejects.toThrow('a cache holds at least 1 unit');
  }, 60_000);
});

describe('a thread that learns order', () => {
  /** Enough for such a thread to be worth its start. */
  const ENOUGH = 1_000_000;
  afterEach(() => void vi.restoreAllMocks());

  /** Runs are stopped at their first word; what was lent to whom, and how many threads were closed. */
  async function lentTo(prefetch: string, accesses: number) {
    const lend = vi.spyOn(OrderThread.prototype, 'lend');
    const close = vi.spyOn(OrderThread.prototype, 'close');
    const trace = await Trace.open(`workload:uniform,accesses=${accesses},segments=100`, {
      seed: 3,
      addressBytes: null,
    });
    try {
      const cache = resolveCacheSize({ kind: 'segments', segments: 20 }, 'segments', trace.facts);
      const run: PlannedRun = { cache, evict: 'lru', eviction: 'lru', prefetch, trafficMax: 1.3, isAsked: true };
      const settings = { writes: 'access', warmup: 0, seed: 1, config: replayConfigSchema.parse({}) } as const;
      const context = { ...settings, latency: parseLatencySpec('0') };
      const onProgress = (): void => {
        throw new Error('enough of it');
      };
      await expect(executeRuns(trace, [run, { ...run }], { context, jobs: 1, onProgress, module })).rejects.toThrow(
        'enough',
      );
      return { lent: lend.mock.contexts.length, closed: new Set(close.mock.contexts).size };
    } finally {
      await trace.close();
    }
  }

  test('is made where none is given, lent to the first run that can use it, and closed at the end', async () => {
    // On one core there is none to learn on.
    const count = coreCount() > 1 ? 1 : 0;
    expect(await lentTo('anteroom', ENOUGH)).toEqual({ lent: count, closed: count });
  });

  test('is not made for fewer accesses, nor for what learns no order', async () => {
    expect(await lentTo('anteroom', ENOUGH - 1)).toEqual({ lent: 0, closed: 0 });
    expect(await lentTo('pg', ENOUGH)).toEqual({ lent: 0, closed: 0 });
  });
});
