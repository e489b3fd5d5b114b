import { describe, expect, test } from 'vitest';
import { evictionNames } from '../../actors/cache-manager/eviction.ts';
import { type ReplayOptions, replay } from '../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../sim/replay/replay-config.ts';
import { withoutMeasurements } from './without-measurements.ts';

/** The far loop plans so often here that every batch size cuts some interval in two. */
const config = replayConfigSchema.parse({ farLoop: { intervalAccesses: 150, intervalMs: 1500 } });

const everything: Omit<ReplayOptions, 'traces' | 'latency'> = {
  cache: '0.02,0.1',
  evict: ['auto', ...evictionNames],
  prefetch: ['none', 'anteroom', 'mithril', 'pg', 'obl', 'clairvoyant'],
  trafficMax: [1.3, null],
  seed: 7,
  config,
};

const cases = [
  ['zipf-drift, at once', 'workload:zipf-drift,segments=400,accesses=2500', '0'],
  ['chains, by requests', 'workload:chains,segments=300,accesses=2500', '4req'],
  ['scans over addresses, timed on few slots', 'workload:scans,accesses=2500,scanLength=40', '20ms@20MB/sx4'],
  [
    'flash-crowd, random times on few slots',
    'workload:flash-crowd,hours=1,segments=300,crowds=2',
    'lognormal:50ms:0.5@20MB/sx8',
  ],
] as const;

describe('a replay does not depend on batch sizes', () => {
  test.each(cases)('%s', async (_, trace, latency) => {
    const outcome = async (rowsMax: number, limit: number): Promise<string> =>
      withoutMeasurements((await replay({ ...everything, traces: [trace], latency, rowsMax, limit })).result);
    const whole = await outcome(32768, 2500);
    expect(await outcome(1000, 2500)).toBe(whole);
    expect(await outcome(7, 2500)).toBe(whole);
  });

  test('batches of one row', async () => {
    const outcome = async (rowsMax: number): Promise<string> =>
      withoutMeasurements(
        (
          await replay({
            ...everything,
            cache: '0.05',
            evict: ['lru', 'arc', 'belady'],
            traces: [cases[1][1]],
            latency: '4req',
            rowsMax,
            limit: 700,
          })
        ).result,
      );
    expect(await outcome(1)).toBe(await outcome(32768));
  });
});

describe('a replay depends on its seed alone', () => {
  const options = { traces: ['workload:chains,segments=300,accesses=4000'], latency: '4req', config };
  const digests = async (seed: number): Promise<readonly string[]> =>
    (await replay({ ...options, seed })).result.runs.map((run) => run.digest);

  test('the same seed again gives the same bytes', async () => {
    const again = async (): Promise<string> => withoutMeasurements((await replay({ ...options, seed: 5 })).result);
    expect(await again()).toBe(await again());
  });

  test('another seed gives other digests', async () => {
    const [first, second] = [await digests(5), await digests(6)];
    for (const [i, digest] of first.entries()) expect(second[i]).not.toBe(digest);
  });

  test('runs do not influence one another: alone and among others they have the same digest', async () => {
    const all = await replay({ ...everything, ...options, prefetch: ['mithril', 'anteroom'], seed: 5, cache: '0.1' });
    for (const run of all.result.runs.filter((r) => r.prefetch === 'anteroom').slice(0, 6)) {
      const alone = await replay({
        ...options,
        seed: 5,
        cache: '0.1',
        evict: [run.evict],
        prefetch: ['anteroom'],
        trafficMax: [run.trafficMax],
      });
      expect(alone.result.runs.find((r) => r.prefetch === 'anteroom')?.digest).toBe(run.digest);
    }
  });
});
