import { describe, expect, test } from 'vitest';
import { replay } from '../../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../../sim/replay/replay-config.ts';

async function run(missBound: object) {
  const { result } = await replay({
    traces: ['workload:zipf-drift,segments=2000'],
    latency: '8req',
    cache: '0.01',
    limit: 30_000,
    trafficMax: [null],
    config: replayConfigSchema.parse({ missBound }),
  });
  return result.runs.find((each) => each.prefetch === 'anteroom')!;
}

describe('the bound on misses', () => {
  test('throttles where nothing is granted, and the excess stays within what is', async () => {
    const strict = await run({ excessMax: 0, allowance: 0 });
    expect(strict.refusals.throttled).toBeGreaterThan(0);
    expect(strict.missExcess).toBe(0);
    const free = await run({ isEnabled: false });
    expect(free.refusals.throttled).toBe(0);
    expect(free.digest).not.toBe(strict.digest);
    const some = await run({ excessMax: 0, allowance: 4 });
    expect(some.missExcess).toBeLessThanOrEqual(4);
    expect(some.digest).not.toBe(strict.digest);
    const share = await run({ excessMax: 0.01, allowance: 0 });
    expect(share.digest).not.toBe(strict.digest);
  });
});
