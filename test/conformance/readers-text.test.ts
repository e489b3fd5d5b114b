import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, test } from 'vitest';
import { type OpenedSource, openSource } from '../../streams/sources/index.ts';

const traces = '../shared/traces';
const isHere = existsSync(traces);
const where = isHere ? '' : ' (skipped: ../shared/traces is not there)';

interface Totals {
  readonly source: OpenedSource;
  rows: number;
  sizeSum: number;
  weightSum: number;
  firstMs: number;
  lastMs: number;
  writes: number;
}

async function totals(input: string | Uint8Array): Promise<Totals> {
  const source = await openSource(input);
  const sum: Totals = { source, rows: 0, sizeSum: 0, weightSum: 0, firstMs: Number.NaN, lastMs: Number.NaN, writes: 0 };
  for await (const batch of source.batches) {
    if (sum.rows === 0) sum.firstMs = batch.timeMs[0]!;
    sum.rows += batch.length;
    sum.lastMs = batch.timeMs[batch.length - 1]!;
    for (let i = 0; i < batch.length; i++) {
      if (batch.size[i]! > 0) sum.sizeSum += batch.size[i]!;
      sum.weightSum += batch.weight[i]!;
      if (batch.op[i] === 1) sum.writes++;
    }
  }
  expect(source.summary().rejectedCount).toBe(0);
  return sum;
}

/** One row of a query, numbers as numbers. */
async function duck(sql: string): Promise<number[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = await (await connection.run(sql)).getRows();
  connection.closeSync();
  return rows[0]!.map(Number);
}

// Accesses, objects and clients as the table in the README of the traces has them.
const published: readonly [string, number, number, number][] = [
  ['block_cp_vm', 113_872, 48_974, 0],
  ['block_arc_oltp', 914_145, 186_880, 0],
  ['kv_web12', 95_607, 13_756, 0],
  ['web_nasa_day', 33_996, 2_220, 2_582],
  ['region_cran_logs', 80_431, 4_532, 3_872],
  ['serverless_azure14d_total', 20_160, 1, 0],
  ['serverless_nasa_ipsc', 18_239, 494, 69],
  ['file_swim_fb2010', 25_428, 17_158, 0],
  ['file_git_git', 137_899, 7_370, 2_681],
  ['session_wikispeedia', 129_295, 4_061, 24_875],
  ['session_bikeshare', 326_339, 70, 687],
];

describe.skipIf(!isHere)(`the traces read with no option${where}`, () => {
  test.each(published)(
    '%s has the accesses, objects and clients that are published',
    async (name, rows, objects, clients) => {
      const { source, ...sum } = await totals(`${traces}/${name}.csv.gz`);
      expect([source.format, sum.rows, source.names.segments.count, source.names.consumers.count]).toEqual([
        'csv',
        rows,
        objects,
        clients,
      ]);
    },
  );

  test('sums, spans and sites are those that DuckDB reads', async () => {
    for (const name of ['block_cp_vm', 'region_cran_logs', 'serverless_azure14d_total']) {
      const { source, ...sum } = await totals(`${traces}/${name}.csv.gz`);
      const hasRegion = name === 'region_cran_logs';
      const [sizeSum, weightSum, firstMs, lastMs, writes, sites] = await duck(`
        select sum(greatest(size, 0)), sum(weight), min(t_ms), max(t_ms), count(*) filter (op = 'w'),
          ${hasRegion ? "count(distinct case when region <> '-' then region end)" : '0'}
        from read_csv('${traces}/${name}.csv.gz', header = true, nullstr = '')`);
      expect([name, sum.sizeSum, sum.weightSum, sum.firstMs, sum.lastMs, sum.writes, source.names.sites.count]).toEqual(
        [name, sizeSum, weightSum, firstMs, lastMs, writes, sites],
      );
    }
  });

  test("NASA's log as tsv is the same day as the trace made from it", async () => {
    const native = await totals(`${traces}/native/nasa_19950801.tsv.gz`);
    const trace = await totals(`${traces}/web_nasa_day.csv.gz`);
    const lines = gunzipSync(readFileSync(`${traces}/native/nasa_19950801.tsv.gz`))
      .toString('latin1')
      .trimEnd()
      .split('\n');
    expect(native.source.format).toBe('tsv');
    expect(native.rows).toBe(lines.length - 1);
    for (const key of ['rows', 'sizeSum', 'firstMs', 'lastMs'] as const) expect(native[key]).toBe(trace[key]);
    for (const key of ['segments', 'consumers'] as const)
      expect(native.source.names[key].count).toBe(trace.source.names[key].count);
    expect(native.source.names.segments.idOf('/images/ksclogo-medium.gif')).toBeGreaterThanOrEqual(0);
  });

  test("Apache's combined log has a row for each request that succeeded, as a regular expression finds them", async () => {
    const path = `${traces}/native/elastic-apache_logs.gz`;
    const { source, ...sum } = await totals(path);
    const lines = gunzipSync(readFileSync(path)).toString('latin1').trimEnd().split('\n');
    const parsed = lines.map((line) => /^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+) [^"]+" (\d+) (\d+|-)/.exec(line)!);
    const good = parsed.filter((match) => /^[23]/.test(match[5]!));
    const skipped = [...source.summary().skipped.values()].reduce((a, b) => a + b, 0);
    expect(source.format).toBe('clf');
    expect(sum.rows).toBe(good.length);
    expect(sum.rows + skipped).toBe(lines.length);
    expect(source.names.segments.count).toBe(new Set(good.map((match) => match[4]!.replace(/#.*/, ''))).size);
    expect(source.names.consumers.count).toBe(new Set(good.map((match) => match[1]!)).size);
    const carried = good.filter((match) => match[3] !== 'HEAD' && match[5] !== '304' && match[6] !== '-');
    expect(sum.sizeSum).toBe(carried.reduce((bytes, match) => bytes + Number(match[6]), 0));
    expect(sum.writes).toBe(good.filter((match) => /^(?:POST|PUT)$/.test(match[3]!)).length);
    expect(sum.firstMs).toBe(Date.parse('2015-05-17T10:05:03Z'));
  });
});
