import { readFileSync } from 'node:fs';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TumblingWindows, type WindowAggregates } from '../../actors/aggregator/tumbling-windows.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { AccessBatch } from '../../streams/access-batch.ts';

const rows = 60_000;
const width = 60_000;
const halfLife = 45_000;
const sql = readFileSync(new URL('../../sim/bench/aggregate.sql', import.meta.url), 'utf8');

function randomBatch(seed: number, isSparse: boolean): AccessBatch {
  const random = new Xoshiro128(seed);
  const column = (fill: (i: number) => number): Float64Array => Float64Array.from({ length: rows }, (_, i) => fill(i));
  let now = 1_700_000_000_000;
  return new AccessBatch(0, {
    timeMs: column(() => {
      now += random.int(3) === 0 ? random.int(40) + random.int(4) / 4 : 0;
      return now;
    }),
    // Sparse: any 32-bit key, among them both ends of the range.
    segment: Uint32Array.from({ length: rows }, () => {
      const rank = Math.floor(5000 * random.next() * random.next() * random.next());
      return isSparse ? (rank === 7 ? 0xffff_ffff : Math.imul(rank, 0x0001_0003) >>> 0) : rank;
    }),
    consumer: new Int32Array(rows).fill(-1),
    site: new Int32Array(rows).fill(-1),
    op: new Uint8Array(rows),
    size: column(() => (random.int(10) === 0 ? -1 : random.int(1_000_000))),
    weight: column(() => (random.int(4) === 0 ? 1 + random.int(50) : 1)),
  });
}

describe('aggregates of tumbling windows', () => {
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  });
  afterAll(() => connection.closeSync());

  async function byDuckDb(batch: AccessBatch): Promise<Map<string, readonly number[]>> {
    await connection.run(
      'CREATE OR REPLACE TABLE accesses(time_ms DOUBLE, segment UINTEGER, size DOUBLE, weight DOUBLE)',
    );
    const appender = await connection.createAppender('accesses');
    for (let i = 0; i < batch.length; i++) {
      appender.appendDouble(batch.timeMs[i]!);
      appender.appendUInteger(batch.segment[i]!);
      appender.appendDouble(batch.size[i]!);
      appender.appendDouble(batch.weight[i]!);
      appender.endRow();
    }
    appender.closeSync();
    const reader = await connection.runAndReadAll(sql, { width, half_life: halfLife });
    return new Map(
      reader.getRows().map((row) => {
        const [window, segment, ...aggregates] = row.map(Number);
        return [`${window}/${segment}`, aggregates];
      }),
    );
  }

  for (const layout of ['dense', 'hashed'] as const) {
    test(`${layout}: counts, bytes and last accesses equal DuckDB's, decayed frequencies within 1e-9`, async () => {
      const batch = randomBatch(layout === 'dense' ? 1 : 2, layout === 'hashed');
      const windows: WindowAggregates[] = [];
      const tumbling = new TumblingWindows({ width, halfLife, layout, onWindow: (window) => windows.push(window) });
      for (let from = 0; from < rows; from += 7001) tumbling.observe(batch.slice(from, Math.min(rows, from + 7001)));
      tumbling.flush();

      const expected = await byDuckDb(batch);
      expect(windows.length).toBeGreaterThan(3);
      let compared = 0;
      for (const { start, aggregates } of windows) {
        for (let i = 0; i < aggregates.key.length; i++) {
          const [count, bytes, last, decayed] = expected.get(`${start / width}/${aggregates.key[i]}`) ?? [];
          expect([aggregates.count[i], aggregates.bytes[i], aggregates.last[i]]).toEqual([count, bytes, last]);
          expect(Math.abs(aggregates.decayed[i]! / decayed! - 1)).toBeLessThan(1e-9);
          compared++;
        }
      }
      expect(compared).toBe(expected.size);
    });
  }
});
