/** The embedded engine in modelled mode decides what a replay decides. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createEngine } from '../../../actors/engine/create-engine.ts';
import type { EngineConfigInput } from '../../../actors/engine/engine-config.ts';
import type { EngineStats } from '../../../actors/engine/engine-stats.ts';
import { type ReplayOptions, replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import type { RunResult } from '../../../sim/replay/result.ts';
import { Trace } from '../../../sim/replay/trace.ts';
import { operationNames } from '../../../streams/operation.ts';

/** The far loop plans so often here that every batch size cuts some interval in two. */
const farLoop = { isEnabled: true, intervalAccesses: 150, intervalMs: 20_000, accessesPerTickMin: 100 };

interface Case {
  readonly trace: string;
  readonly latency: string;
  readonly unit: 'segments' | 'bytes';
  readonly evict: 'lru' | 'arc' | 'sieve' | 'auto';
}

const cases: readonly Case[] = [
  { trace: 'workload:chains,segments=300,accesses=4000', latency: '4req', unit: 'segments', evict: 'lru' },
  { trace: 'workload:scans,scanLength=40,rate=10', latency: '20ms@20MB/sx4', unit: 'segments', evict: 'arc' },
  {
    trace: 'workload:flash-crowd,hours=1,segments=300,crowds=2',
    latency: 'lognormal:50ms:0.5@20MB/sx8',
    unit: 'bytes',
    evict: 'sieve',
  },
  { trace: 'workload:zipf-drift,segments=400', latency: '0', unit: 'segments', evict: 'lru' },
];

async function runOf(c: Case): Promise<RunResult> {
  const options: ReplayOptions = {
    traces: [c.trace],
    latency: c.latency,
    unit: c.unit,
    evict: [c.evict],
    cache: '0.05',
    prefetch: ['anteroom'],
    limit: 4000,
    seed: 7,
    config: replayConfigSchema.parse({ farLoop }),
  };
  return (await replay(options)).result.runs.find((r) => r.prefetch === 'anteroom')!;
}

async function replayed(c: Case): Promise<{ digest: string; size: number; issued: number; misses: number }> {
  const run = await runOf(c);
  return { digest: run.digest, size: run.cache.size, issued: run.prefetches.issued, misses: run.misses };
}

function configOf(c: Case, size: number): EngineConfigInput {
  return {
    mode: 'modelled',
    capacity: size,
    unit: c.unit,
    eviction: c.evict,
    writes: 'access',
    latency: c.latency,
    seed: 7,
    farLoop,
  };
}

async function embedded(
  c: Case,
  size: number,
  rowsMax: number,
): Promise<{ digest: string; issued: number; misses: number }> {
  const { digest, prefetches, misses } = await statsOf(c, size, rowsMax);
  return { digest, issued: prefetches.issued, misses };
}

async function statsOf(c: Case, size: number, rowsMax: number): Promise<EngineStats> {
  const trace = await Trace.open(c.trace, { seed: 7, addressBytes: null, limit: 4000, rowsMax });
  try {
    const engine = createEngine({
      config: configOf(c, size),
      names: { segments: trace.segments },
      addresses: trace.addresses,
    });
    for await (const batch of trace.batches()) engine.observe(batch);
    return await engine.stop();
  } finally {
    await trace.close();
  }
}

describe('an engine in modelled mode gives the digest of a replay', () => {
  test.each(cases)('$trace at $latency', async (c) => {
    const { size, ...expected } = await replayed(c);
    expect(expected.issued).toBeGreaterThan(0);
    expect(await embedded(c, size, 32768)).toEqual(expected);
    expect(await embedded(c, size, 997)).toEqual(expected);
    expect(await embedded(c, size, 7)).toEqual(expected);
    expect(await embedded(c, size, 1)).toEqual(expected);
  });
});

/** A replay replays the worlds that it compares with; an engine has only its ghosts, which count misses and bytes and no waits. */
describe('an engine tells the figures of a replay by its ghosts', () => {
  test.each(cases)('$trace at $latency', async (c) => {
    const run = await runOf(c);
    const stats = await statsOf(c, run.cache.size, 997);
    expect(stats.trafficRatio).toBeCloseTo(run.trafficRatio!, 12);
    expect(stats.trafficBytesRatio).toBeCloseTo(run.trafficBytesRatio!, 12);
    if (run.latencyUnit === 'ms') {
      // Estimated, by how long a miss waits here.
      expect(Math.abs(stats.latencyRatio! - run.latencyRatio!)).toBeLessThan(0.05);
      expect(Math.abs(stats.netBenefit! - run.netBenefit!)).toBeLessThan(0.05 * Math.abs(run.netBenefit!));
    } else expect(stats.netBenefit).toBeCloseTo(run.netBenefit!, 12);
  });

  test('but for those that a warm-up would falsify', async () => {
    const engine = createEngine({ config: { mode: 'modelled', capacity: 4, latency: '0', warmup: 10 } });
    for (let i = 0; i < 40; i++) engine.observe({ segment: `/${i % 7}`, timeMs: i, size: 100 });
    expect(await engine.stop()).toMatchObject({ trafficBytesRatio: null, netBenefit: null, accesses: 30 });
  });
});

const realTrace = fileURLToPath(new URL('../../../../shared/traces/web_nasa_day.csv.gz', import.meta.url));
if (!existsSync(realTrace)) process.stderr.write('skipped: the real traces are not at hand (../shared/traces)\n');

test.skipIf(!existsSync(realTrace))(
  'told one by one, by names, a real log gives the digest of its replay',
  async () => {
    const c: Case = { trace: realTrace, latency: '50ms@100MB/sx32', unit: 'bytes', evict: 'auto' };
    const { size, ...expected } = await replayed(c);
    const trace = await Trace.open(c.trace, { seed: 7, addressBytes: null, limit: 4000 });
    try {
      const engine = createEngine({ config: { ...configOf(c, size), policy: { readOnly: false } } });
      for await (const batch of trace.batches()) {
        for (let i = 0; i < batch.length; i++) {
          engine.observe({
            segment: trace.segments.nameOf(batch.segment[i]!),
            timeMs: batch.timeMs[i]!,
            size: batch.size[i]!,
            op: operationNames[batch.op[i]!]!,
            ...(batch.consumer[i]! < 0 ? {} : { consumer: trace.consumers.nameOf(batch.consumer[i]!) }),
          });
        }
      }
      const stats = await engine.stop();
      expect({ digest: stats.digest, issued: stats.prefetches.issued, misses: stats.misses }).toEqual(expected);
      expect(expected.issued).toBeGreaterThan(0);
    } finally {
      await trace.close();
    }
  },
);
