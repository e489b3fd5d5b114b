/** The log format of web servers: its reader against DuckDB with one thread. */

import { Xoshiro128 } from '../../engine/random.ts';
import { openSource } from '../../streams/sources/open.ts';
import { zipf } from '../workloads/sampling.ts';
import { EPOCH_MS } from '../workloads/workload.ts';
import type { Bench, BenchContext, Contender } from './bench.ts';
import { fileExists, type TemporaryFile, temporaryFile } from './bench-host.ts';
import { type DuckDb, openDuckDb } from './duckdb.ts';
import { textGroups } from './text-groups.ts';
import { textLines } from './text-lines.ts';
import { timed } from './timed.ts';

const LINES = 800_000;

/** Host, time, method, path, status and bytes; with anything but blanks between the quotes' words, as logs have it. */
const pattern = String.raw`^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) (\d+|-)`;

/** What the reader makes of a line's fields, in SQL: failures are passed over, a size counts where a body was sent. */
const sums = `SELECT count(*),
    sum(CASE WHEN method = 'HEAD' OR status = 304 THEN -1 ELSE coalesce(try_cast(bytes AS BIGINT), -1) END),
    sum(epoch_ms(time)), sum(strlen(host)), sum(strlen(path))`;
const kept = 'WHERE status BETWEEN 200 AND 399';

export const parseClf: Bench = {
  name: 'parse-clf',
  compares: 'the Common/Combined Log Format reader with DuckDB, one thread, taking lines apart by regexp_extract',
  unit: 'lines/s',
  better: 'higher',
  warmups: 3,
  async prepare(context) {
    const { file, about, lineCount } = await makeLog(context);
    const duckDb = await openDuckDb();
    return {
      workload: `${about}: ${lineCount} lines, ${Math.round(file.byteLength / 1e6)} MB; DuckDB ${duckDb.version}`,
      contenders: [
        {
          name: 'parse and intern',
          does: 'openSource over the file into access batches: the reader as it is used, host and path get ids',
          run: () =>
            timed(lineCount, async () => {
              const source = await openSource(file.path, { format: 'clf' });
              let count = 0;
              let bytes = 0;
              for await (const batch of source.batches) {
                count += batch.length;
                for (let i = 0; i < batch.length; i++) bytes += batch.size[i]!;
              }
              return `${count} accesses, ${bytes} bytes`;
            }),
        },
        byRegularExpression(duckDb, file, lineCount),
        bySpaces(duckDb, file, lineCount),
      ],
      goals: [
        { contender: 'parse and intern', versus: 'duckdb regexp', target: 5, aim: null },
        { contender: 'parse and intern', versus: 'duckdb spaces', target: null, aim: null },
      ],
      close: async () => {
        duckDb.close();
        await file.remove();
      },
    };
  },
};

function byRegularExpression(duckDb: DuckDb, file: TemporaryFile, lineCount: number): Contender {
  const sql = `WITH fields AS (
      SELECT regexp_extract(line, '${pattern}', ['host', 'time', 'method', 'path', 'status', 'bytes']) AS f
      FROM read_csv('${file.path}', auto_detect = false, header = false, delim = '\x01', quote = '', escape = '',
        columns = {'line': 'VARCHAR'})),
    requests AS (
      SELECT f.host AS host, strptime(f.time, '%d/%b/%Y:%H:%M:%S %z') AS time, f.method AS method, f.path AS path,
        f.status::INTEGER AS status, f.bytes AS bytes
      FROM fields)
    ${sums} FROM requests ${kept}`;
  return {
    name: 'duckdb regexp',
    does: 'read_csv of whole lines, one regexp_extract for all six fields, strptime; failures left out, every field summed',
    run: () => timed(lineCount, () => answerOf(duckDb, sql)),
  };
}

/** An expert's way, which a quote escaped by a backslash would defeat. */
function bySpaces(duckDb: DuckDb, file: TemporaryFile, lineCount: number): Contender {
  const columns = ['host', 'ident', 'account', 'day', 'zone', 'request', 'status', 'bytes', 'referer', 'agent']
    .map((name) => `'${name}': '${name === 'status' ? 'INTEGER' : 'VARCHAR'}'`)
    .join(', ');
  const sql = `WITH requests AS (
      SELECT host, strptime(concat(day, ' ', zone), '[%d/%b/%Y:%H:%M:%S %z]') AS time, split_part(request, ' ', 1) AS method,
        split_part(request, ' ', 2) AS path, status, bytes
      FROM read_csv('${file.path}', auto_detect = false, header = false, delim = ' ', quote = '"', escape = '"',
        strict_mode = false, null_padding = true, columns = {${columns}}))
    ${sums} FROM requests ${kept}`;
  return {
    name: 'duckdb spaces',
    does: 'read_csv with the space as delimiter and quotes, then split_part and strptime: works while no quote is escaped',
    run: () => timed(lineCount, () => answerOf(duckDb, sql)),
  };
}

async function answerOf(duckDb: DuckDb, sql: string): Promise<string> {
  const [row] = await duckDb.rows(sql);
  return `${row![0]} accesses, ${Number(row![1])} bytes`;
}

interface Log {
  readonly file: TemporaryFile;
  readonly about: string;
  readonly lineCount: number;
}

/** Lines of a real log over and over, or made-up ones; always with times that go on, three lines in 100 ms. */
async function makeLog(context: BenchContext): Promise<Log> {
  const lineCount = Math.max(100, Math.round(LINES * context.scale));
  const path = `${context.traces}/native/elastic-apache_logs.gz`;
  const isReal = fileExists(path);
  const lines = isReal ? await realLines(path) : madeUpLines();
  const { grouped, flushed } = textGroups();
  function* text(): Generator<string> {
    for (let i = 0; i < lineCount; i++) {
      const line = lines[i % lines.length]!;
      yield* grouped(
        `${line.slice(0, line.indexOf('[') + 1)}${clfTime(EPOCH_MS + i * 33)}${line.slice(line.indexOf(']'))}\n`,
      );
    }
    yield flushed();
  }
  const file = await temporaryFile('access.log', text());
  const source = isReal ? `elastic-apache_logs, ${lines.length} lines repeated with other times` : 'made-up lines';
  return { file, about: source, lineCount };
}

/** Lines with an escaped or an unclosed quote are left out: DuckDB's two ways read them otherwise. */
async function realLines(path: string): Promise<readonly string[]> {
  const lines: string[] = [];
  for await (const { text } of textLines(path, 1_000_000)) {
    lines.push(
      ...text.split('\n').filter((line) => line !== '' && !line.includes('\\') && line.split('"').length % 2 === 1),
    );
  }
  return lines;
}

function madeUpLines(): readonly string[] {
  const random = new Xoshiro128(3);
  const ranks = zipf(5000, 0.9);
  const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0';
  return Array.from({ length: 10_000 }, () => {
    const host = `10.${random.int(4)}.${random.int(256)}.${random.int(256)}`;
    const path = `/articles/${ranks.sample(random)}/index.html`;
    const status = random.int(20) === 0 ? 404 : 200;
    return `${host} - - [] "GET ${path} HTTP/1.1" ${status} ${random.int(100_000)} "http://www.example.org/" "${agent}"`;
  });
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function clfTime(timeMs: number): string {
  const [date, time] = new Date(timeMs).toISOString().split('T') as [string, string];
  const [year, month, day] = date.split('-') as [string, string, string];
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}
