/** Where the far loop runs by default. */

import { expect, test } from 'vitest';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { resolveCacheSize } from '../../../sim/replay/cache-size.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';
import { executeRun } from '../../../sim/replay/run.ts';
import { Trace } from '../../../sim/replay/trace.ts';

test.each([
  { latency: '50ms', isEnabled: 'auto', runs: true },
  { latency: '8req', isEnabled: 'auto', runs: false },
  { latency: '0', isEnabled: 'auto', runs: false },
  { latency: '50ms', isEnabled: false, runs: false },
  { latency: '8req', isEnabled: true, runs: true },
] as const)(
  'farLoop.isEnabled $isEnabled at $latency: the far loop runs = $runs',
  async ({ latency, isEnabled, runs }) => {
    const trace = await Trace.open('workload:chains,accesses=1000', { seed: 1, addressBytes: null, limit: 1000 });
    const cache = resolveCacheSize({ kind: 'fraction', fraction: 0.1 }, 'segments', trace.facts);
    let isThere: boolean | null = null;
    await executeRun(
      trace,
      { cache, evict: 'lru', eviction: 'lru', prefetch: 'anteroom', trafficMax: 1.3, isAsked: true },
      {
        latency: parseLatencySpec(latency),
        writes: 'access',
        warmup: 0,
        seed: 1,
        config: replayConfigSchema.parse({ farLoop: { isEnabled } }),
        onPipeline: ({ forecaster }) => {
          isThere = forecaster !== null;
        },
      },
    );
    await trace.close();
    expect(isThere).toBe(runs);
  },
);
