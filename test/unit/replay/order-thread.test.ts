/** Runs whose order is learned in a thread of its own: the same records as without. */

import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { nearLoopConfigSchema } from '../../../actors/near-loop/near-loop-config.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../../../sim/replay/cache-size.ts';
import { OrderThread } from '../../../sim/replay/order-thread.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import { executeRun, type RunRecord } from '../../../sim/replay/run.ts';
import { toSentRecord } from '../../../sim/replay/run-message.ts';
import { Trace } from '../../../sim/replay/trace.ts';
import { skipUnless } from '../../require-or-skip.ts';

const module = new URL('../../../dist/sim/replay/order-thread-module.js', import.meta.url);
const isUnbuilt = skipUnless(existsSync(module), 'there is no dist (npm run build), and a thread does not compile');

/** Accesses before anything is learned ahead. */
const BEFORE = 16_384;

async function inTurn(
  workload: string,
  evict: 'lru' | 'auto',
  latency: string,
  config: Parameters<typeof replayConfigSchema.parse>[0] = {},
): Promise<{ readonly here: RunRecord; readonly there: RunRecord }> {
  const trace = await Trace.open(workload, { seed: 3, addressBytes: null });
  try {
    const cache = resolveCacheSize({ kind: 'fraction', fraction: 0.05 }, 'segments', trace.facts);
    const run = { cache, evict, eviction: evict, prefetch: 'anteroom', trafficMax: 1.3, isAsked: true } as const;
    const settings = { writes: 'access', warmup: 100, seed: 1, config: replayConfigSchema.parse(config) } as const;
    const context = { ...settings, latency: parseLatencySpec(latency) };
    const here = await executeRun(trace, run, { ...context, orderThread: 'never' });
    const there = await executeRun(trace, run, { ...context, orderThread: module });
    return { here, there };
  } finally {
    await trace.close();
  }
}

/** What a run decided and counted. */
function decided(record: RunRecord): unknown {
  const { seconds: _seconds, rssBytesMax: _rss, learnedAhead: _ahead, ...rest } = toSentRecord(record);
  return rest;
}

describe.skipIf(isUnbuilt)(`order in a thread${isUnbuilt ? ' (skipped: not built)' : ''}`, () => {
  test.each([
    ['lru', '8req', 40_000],
    ['auto', '0', 40_000],
    ['lru', '20ms@1MB/sx4', 180_000],
  ] as const)('leaves what order beside the site leaves: %s, %s', async (evict, latency, accesses) => {
    const { here, there } = await inTurn(`workload:chains,accesses=${accesses},segments=3000`, evict, latency);
    expect(here.learnedAhead).toBe(0);
    expect(there.learnedAhead).toBe(accesses - BEFORE);
    expect(decided(there)).toEqual(decided(here));
  });

  test('order that has no bytes left comes back, and the run goes on as it would have', async () => {
    const config = { nearLoop: { modelBytesMax: 3_000_000 } };
    const pairs = 'workload:uniform,accesses=60000,segments=3000';
    const { here, there } = await inTurn(pairs, 'lru', '8req', config);
    expect(there.learnedAhead).toBeGreaterThan(0);
    expect(there.learnedAhead).toBeLessThan(60_000 - BEFORE);
    expect(decided(there)).toEqual(decided(here));
  });

  test('one thread serves run after run, one of which ended early', async () => {
    const trace = await Trace.open('workload:chains,accesses=40000,segments=3000', { seed: 3, addressBytes: null });
    const practice = { rows: trace.shareRows(), config: nearLoopConfigSchema.parse({}) };
    const orderThread = new OrderThread({ module, practice });
    try {
      await orderThread.started;
      const cache = resolveCacheSize({ kind: 'fraction', fraction: 0.05 }, 'segments', trace.facts);
      const run = {
        cache,
        evict: 'lru',
        eviction: 'lru',
        prefetch: 'anteroom',
        trafficMax: 1.3,
        isAsked: true,
      } as const;
      const settings = { writes: 'access', warmup: 0, seed: 1, config: replayConfigSchema.parse({}) } as const;
      const context = { ...settings, latency: parseLatencySpec('8req') };
      const here = await executeRun(trace, run, { ...context, orderThread: 'never' });
      const onProgress = (accesses: number): void => {
        if (accesses > BEFORE + 2000) throw new Error('enough of it');
      };
      await expect(executeRun(trace, run, { ...context, orderThread, onProgress })).rejects.toThrow(/enough/);
      for (let again = 0; again < 2; again++) {
        const there = await executeRun(trace, run, { ...context, orderThread });
        expect(there.learnedAhead).toBeGreaterThan(0);
        expect(decided(there)).toEqual(decided(here));
      }
    } finally {
      await orderThread.close();
      await trace.close();
    }
  });

  test('a thread that fails ends the run with its reason', async () => {
    const trace = await Trace.open('workload:chains,accesses=20000', { seed: 3, addressBytes: null });
    const cache = resolveCacheSize({ kind: 'fraction', fraction: 0.05 }, 'segments', trace.facts);
    const run = { cache, evict: 'lru', eviction: 'lru', prefetch: 'anteroom', trafficMax: 1.3, isAsked: true } as const;
    const settings = { writes: 'access', warmup: 0, seed: 1, config: replayConfigSchema.parse({}) } as const;
    const context = { ...settings, latency: parseLatencySpec('0') };
    try {
      const orderThread = new URL('data:text/javascript,throw new Error("no room at all")');
      await expect(executeRun(trace, run, { ...context, orderThread })).rejects.toThrow(/no room at all/);
    } finally {
      await trace.close();
    }
  });
});
