/** How far the clairvoyant bound sees is a setting, and acts. */

import { expect, test } from 'vitest';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';

test('a bound that sees less far avoids fewer misses', async () => {
  const missesOf = async (lookAheadMax: number): Promise<number> => {
    const { result } = await replay({
      traces: ['workload:chains,accesses=4000,segments=200'],
      cache: '0.1',
      evict: ['lru'],
      prefetch: ['clairvoyant'],
      trafficMax: [null],
      latency: '8req',
      unit: 'segments',
      config: replayConfigSchema.parse({ lookAheadMax }),
    });
    return result.runs.find((run) => run.prefetch.startsWith('clairvoyant'))!.misses;
  };
  const [near, far] = [await missesOf(4), await missesOf(1000)];
  // A prefetch that lands after eight accesses comes too late for what is seen four ahead.
  expect(near).toBeGreaterThan(far);
});
