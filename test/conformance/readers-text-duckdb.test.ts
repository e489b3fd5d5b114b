import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { csv } from '../../streams/sources/delimited.ts';
import { readingOf } from '../unit/sources-text/rows-of.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-duckdb-'));
let run: (sql: string) => Promise<unknown[][]>;

beforeAll(async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  run = async (sql) => (await (await connection.run(sql)).getRows()) as unknown[][];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A field as RFC 4180 writes it, quoted where it has to be and sometimes where not. */
function written(field: string, isQuoted: boolean, delimiter: string): string {
  const mustBe = new RegExp(`["\\n\\r${delimiter === '|' ? '\\|' : delimiter}]`).test(field);
  return isQuoted || mustBe ? `"${field.replaceAll('"', '""')}"` : field;
}

describe('delimited text is what DuckDB reads from the same bytes', () => {
  test('quotes, delimiters and line ends inside fields, any delimiter, LF or CR LF', async () => {
    const name = fc.string({
      unit: fc.constantFrom('a', 'é', '0', ' ', ',', ';', '"', '\n', '|', '7', '-'),
      minLength: 1,
      maxLength: 8,
    });
    const record = fc.record({
      key: name.filter((text) => text.trim() === text),
      size: fc.nat(2 ** 40),
      time: fc.double({ min: 0, max: 1e6, noNaN: true }).map((ms) => Math.round(ms * 1000) / 1000),
      quoted: fc.boolean(),
    });
    const input = fc.record({
      records: fc.array(record, { minLength: 1, maxLength: 20 }),
      delimiter: fc.constantFrom(',', ';', '|', '\t'),
      lineEnd: fc.constantFrom('\n', '\r\n'),
    });
    const path = join(folder, 'input.csv');
    await fc.assert(
      fc.asyncProperty(input, async ({ records, delimiter, lineEnd }) => {
        const lines = [['t_ms', 'key', 'size'].join(delimiter)];
        for (const { key, size, time, quoted } of records)
          lines.push(
            [written(String(time), quoted, delimiter), written(key, quoted, delimiter), String(size)].join(delimiter),
          );
        const text = lines.join(lineEnd) + lineEnd;
        writeFileSync(path, text);
        const theirs = await run(`
          select t_ms, key, size from read_csv('${path}', header = true, auto_detect = false, delim = '${delimiter}', quote = '"',
            escape = '"', nullstr = '\u0001', columns = {'t_ms': 'DOUBLE', 'key': 'VARCHAR', 'size': 'BIGINT'}, parallel = false)`);
        const { rows, error } = readingOf(csv, text);
        expect(error).toBe(null);
        // Times are taken as written here; the sink keeps them from going backwards.
        let latest = 0;
        expect(rows.map((row) => [row.timeMs, row.segment, row.size])).toEqual(
          theirs.map(([time, key, size]) => {
            latest = Math.max(latest, Number(time));
            return [latest, key, Number(size)];
          }),
        );
      }),
      { numRuns: 60 },
    );
  });
});
