import { describe, expect, test } from 'vitest';
import { replay } from '../../sim/replay/replay.ts';
import { hasTraces, skipWithoutTraces, tracePath } from '../require-or-skip.ts';

const why = hasTraces ? '' : ' (skipped: ../shared/traces is absent)';

/** The digest of each run, by what was run. */
async function digests(name: string, prefetch: readonly string[], addresses?: number): Promise<Record<string, string>> {
  const { result } = await replay({
    traces: [tracePath(name)],
    latency: '0',
    unit: 'segments',
    cache: '0.01',
    evict: ['lru', 's3-fifo'],
    prefetch,
    trafficMax: [1.3],
    limit: 100_000,
    ...(addresses === undefined ? {} : { addresses }),
  });
  return Object.fromEntries(result.runs.map((run) => [`${run.evict} ${run.prefetch}`, run.digest]));
}

const ALL = ['none', 'mithril', 'pg', 'anteroom'];

describe(`two readers of one trace give the same decisions${why}`, () => {
  const skip = test.skipIf(
    skipWithoutTraces(
      'block_cp_vm.csv.gz',
      'native/cloudPhysicsIO.vscsi',
      'native/cloudPhysicsIO.oracleGeneral.zst',
      'block_arc_oltp.csv.gz',
      'native/arc-OLTP.lis.zst',
      'kv_web12.csv.gz',
      'native/cache2k-web12.trace.gz',
    ),
  );

  skip('vscsi and csv with addresses', async () => {
    const withObl = [...ALL, 'obl'];
    expect(await digests('native/cloudPhysicsIO.vscsi', withObl)).toEqual(
      await digests('block_cp_vm.csv.gz', withObl, 512),
    );
  });

  // oracleGeneral freezes each segment's size at first sight, and anteroom steps along addresses by the size, so with addresses
  // its input differs; with opaque ids no size decides anything.
  skip('oracleGeneral and csv', async () => {
    expect(await digests('native/cloudPhysicsIO.oracleGeneral.zst', ALL)).toEqual(
      await digests('block_cp_vm.csv.gz', ALL),
    );
  });

  skip('arc .lis and csv', async () => {
    expect(await digests('native/arc-OLTP.lis.zst', ALL)).toEqual(await digests('block_arc_oltp.csv.gz', ALL));
  });

  skip('cache2k and csv', async () => {
    expect(await digests('native/cache2k-web12.trace.gz', ALL)).toEqual(await digests('kv_web12.csv.gz', ALL));
  });
});
