import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parquet } from '../../streams/sources/parquet.ts';
import { readFileTrace, rowsOf } from '../unit/sources-binary/read-trace.ts';

const rowCount = 6000;
const query = `
  SELECT make_timestamp(1431857103000000 + i * 1250) AS event_time,
         'object-' || (i * 7919 % 311) AS object,
         CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 13)::UBIGINT END AS client_id,
         CASE WHEN i % 3 = 0 THEN 'write' ELSE 'read' END AS op,
         (i * 512)::INTEGER AS size
  FROM range(${rowCount}) t(i)`;

/** What the query says, worked out here. */
const expected = Array.from({ length: rowCount }, (_, i) => ({
  timeMs: 1431857103000 + i * 1.25,
  segment: `object-${(i * 7919) % 311}`,
  consumer: i % 5 === 0 ? null : String(i % 13),
  site: null,
  op: i % 3 === 0 ? 1 : 0,
  size: i * 512,
  weight: 1,
}));

describe('parquet as DuckDB writes it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-parquet-'));
  let instance: DuckDBInstance;

  beforeAll(async () => {
    instance = await DuckDBInstance.create(':memory:');
  });
  afterAll(() => {
    instance.closeSync();
    rmSync(folder, { recursive: true });
  });

  test.each([
    ['uncompressed', 'v1'],
    ['snappy', 'v1'],
    ['gzip', 'v1'],
    ['zstd', 'v1'],
    ['brotli', 'v1'],
    ['lz4_raw', 'v1'],
    ['zstd', 'v2'],
  ])('%s pages, version %s, in several row groups give the rows of the query', async (codec, version) => {
    const path = join(folder, `${codec}-${version}.parquet`);
    const connection = await instance.connect();
    const options = `FORMAT parquet, CODEC '${codec}', ROW_GROUP_SIZE 2048, PARQUET_VERSION ${version}`;
    await connection.run(`COPY (${query}) TO '${path}' (${options})`);
    connection.closeSync();
    const trace = await readFileTrace(parquet, new Uint8Array(readFileSync(path)));
    expect(rowsOf(trace)).toEqual(expected);
  });
});
