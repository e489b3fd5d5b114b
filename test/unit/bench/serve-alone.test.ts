import { describe, expect, test } from 'vitest';
import { createSite } from '../../../actors/cache-manager/create-site.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import type { WritePolicy } from '../../../actors/cache-manager/site.ts';
import { parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { createOrigin } from '../../../actors/origin/simulated-origin.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { AccessBatch } from '../../../streams/access-batch.ts';

const ROWS = 20_000;

/** Reads only, some without a time, some without a size. */
function reads(): AccessBatch {
  const random = new Xoshiro128(11);
  let now = 1_700_000_000_000;
  const column = (value: () => number): Float64Array => Float64Array.from({ length: ROWS }, value);
  return new AccessBatch(0, {
    timeMs: column(() => {
      now += random.int(20);
      return random.int(5) === 0 ? Number.NaN : now;
    }),
    segment: Uint32Array.from({ length: ROWS }, () => Math.floor(6000 * random.next() * random.next())),
    consumer: new Int32Array(ROWS).fill(-1),
    site: new Int32Array(ROWS).fill(-1),
    op: new Uint8Array(ROWS),
    size: column(() => (random.int(4) === 0 ? -1 : 1 + random.int(50_000))),
    weight: new Float64Array(ROWS).fill(1),
  });
}

interface Settings {
  readonly unit: 'segments' | 'bytes';
  readonly latency: string;
  readonly warmup: number;
  readonly sliceLength: number;
}

function everythingCounted(batch: AccessBatch, rowsMax: number, writes: WritePolicy, settings: Settings): string {
  const site = createSite({
    capacity: settings.unit === 'bytes' ? 4_000_000 : 300,
    unit: settings.unit,
    makeEviction: (capacity) => createEviction('lru', { capacity, segmentCountHint: 64 }),
    makePrefetcher: null,
    origin: createOrigin(parseLatencySpec(settings.latency), 1),
    modelTime: settings.latency.includes('ms') ? 'ms' : 'requests',
    writes,
    warmup: settings.warmup,
    sliceLength: settings.sliceLength,
    segmentCountHint: 64,
  });
  for (let from = 0; from < batch.length; from += rowsMax) {
    site.serve(batch.slice(from, Math.min(batch.length, from + rowsMax)));
  }
  site.finish();
  const { ledger } = site;
  const { waits } = ledger;
  return JSON.stringify([ledger, ledger.digest.hex(), waits.count, waits.sum, waits.buckets(), site.takeFetches()]);
}

describe('a site without a prefetcher', () => {
  const batch = reads();
  for (const latency of ['0', '8req', '50ms@100MB/sx32', 'lognormal:50ms:0.5@20MB/sx2']) {
    for (const unit of ['segments', 'bytes'] as const) {
      test(`counts the same in passes as row by row: --latency ${latency}, cache in ${unit}`, () => {
        for (const [warmup, sliceLength] of [
          [0, 333],
          [7777, 1234.5],
          [5, Infinity],
          [ROWS + 1, 4096],
        ] as const) {
          const settings = { unit, latency, warmup, sliceLength };
          // Where writes are treated apart rows go one by one; there are none, so nothing else differs.
          const rowByRow = everythingCounted(batch, ROWS, 'ignore', settings);
          for (const rowsMax of [ROWS, 4097, 100]) {
            expect(everythingCounted(batch, rowsMax, 'access', settings)).toBe(rowByRow);
          }
        }
      });
    }
  }
});
