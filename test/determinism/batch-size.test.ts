import { describe, expect, test } from 'vitest';
import { evictionNames } from '../../actors/cache-manager/eviction.ts';
import { type ReplayOptions, replay } from '../../sim/replay/replay.ts';
import { replayConfigSchema } from '../../sim/replay/replay-config.ts';
import { withoutMeasurements } from './without-measurements.ts';

/** The far loop plans so often here that every batch size cuts some interval in two. */
const config = replayConfigSchema.parse({ farLoop: { isEnabled: true, intervalAccesses: 150, intervalMs: 20_000 } });

const everything: Omit<ReplayOptions, 'traces' | 'latency'> = {
  cache: '0.05',
  prefetch: ['none', 'anteroom', 'mithril', 'pg', 'obl', 'clairvoyant'],
  trafficMax: [1.3, null],
  seed: 7,
  config,
};

/** Each eviction is in two of them, one in four. */
const cases = [
  ['zipf-drift, at once', 'workload:zipf-drift,segments=400', '0', [0, 6]],
  ['chains, by requests', 'workload:chains,segments=300', '4req', [5, 12]],
  ['scans over addresses, timed on few slots', 'workload:scans,scanLength=40,rate=10', '20ms@20MB/sx4', [0, 6]],
  [
    'flash-crowd, random times on few slots',
    'workload:flash-crowd,hours=1,segments=300,crowds=2',
    'lognormal:50ms:0.5@20MB/sx8',
    [5, 12],
  ],
] as const;

describe('a replay does not depend on batch sizes', () => {
  test.each(cases)('%s', async (_, trace, latency, [from, to]) => {
    const evict = evictionNames.slice(from, to);
    const outcome = async (rowsMax: number): Promise<string> =>
      withoutMeasurements(
        (await replay({ ...everything, evict, traces: [trace], latency, rowsMax, limit: 2500 })).result,
      );
    const whole = await outcome(32768);
    expect(await outcome(1000)).toBe(whole);
    expect(await outcome(7)).toBe(whole);
  });

  test('the evictions are all of them', () => {
    expect(evictionNames).toHaveLength(12);
  });

  test('batches of one row', async () => {
    const outcome = async (rowsMax: number): Promise<string> =>
      withoutMeasurements(
        (
          await replay({
            ...everything,
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
  const options = { traces: ['workload:chains,segments=300,accesses=3000'], latency: '4req', config };
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
    const all = await replay({
      ...everything,
      ...options,
      evict: ['lru', 'sieve', 'belady'],
      prefetch: ['mithril', 'anteroom'],
      seed: 5,
    });
    for (const run of all.result.runs.filter((r) => r.prefetch === 'anteroom')) {
      const alone = await replay({
        ...options,
        seed: 5,
        cache: '0.05',
        evict: [run.evict],
        prefetch: ['anteroom'],
        trafficMax: [run.trafficMax],
      });
      expect(alone.result.runs.find((r) => r.prefetch === 'anteroom')?.digest).toBe(run.digest);
    }
  });
});
