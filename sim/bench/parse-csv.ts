/** The CSV reader against DuckDB with one thread, over the same uncompressed file. */

import { Xoshiro128 } from '../../engine/random.ts';
import type { NameInterner } from '../../streams/name-table.ts';
import { openSource } from '../../streams/sources/open.ts';
import { shuffled, sizeOf, zipf } from '../workloads/sampling.ts';
import { EPOCH_MS } from '../workloads/workload.ts';
import type { Bench, BenchContext, Contender, Sample } from './bench.ts';
import { fileExists, type TemporaryFile, temporaryFile } from './bench-host.ts';
import { type DuckDb, openDuckDb } from './duckdb.ts';
import { textGroups } from './text-groups.ts';
import { textLines } from './text-lines.ts';
import { timed } from './timed.ts';

const ROWS = 2_000_000;

/** A CSV and how DuckDB is told to read it: nothing is left for it to guess. */
interface CsvInput {
  readonly about: string;
  readonly rowCount: number;
  readonly file: TemporaryFile;
  /** DuckDB's column types, in the order of the file. */
  readonly columns: string;
  /** Expressions that touch every column, first the checksum of sizes. */
  readonly sums: string;
}

export const parseCsv: Bench = csvBench(
  'parse-csv',
  'the CSV reader with DuckDB, one thread: numbers in all columns',
  orderedIds,
);

export const parseCsvNames: Bench = csvBench(
  'parse-csv-names',
  'the CSV reader with DuckDB, one thread: names as text, times and sizes in every row',
  namesAndTimes,
);

function csvBench(name: string, compares: string, makeInput: (context: BenchContext) => Promise<CsvInput>): Bench {
  return {
    name,
    compares,
    unit: 'rows/s',
    better: 'higher',
    warmups: 3,
    async prepare(context) {
      const input = await makeInput(context);
      const duckDb = await openDuckDb();
      const { file, rowCount, about } = input;
      return {
        workload: `${about}: ${rowCount} rows, ${Math.round(file.byteLength / 1e6)} MB; DuckDB ${duckDb.version}`,
        contenders: [
          reader(
            'parse',
            'openSource over the file into access batches; names are looked at but get no ids',
            input,
            false,
          ),
          duckDbContender(
            'duckdb read',
            'read_csv with every option and type given: count, and a sum over every column',
            duckDb,
            input,
            '',
          ),
          reader(
            'parse and intern',
            'openSource over the file into access batches: the reader as it is used',
            input,
            true,
          ),
          duckDbContender(
            'duckdb distinct',
            'the same and count(DISTINCT) of clients and objects, the least that giving ids takes',
            duckDb,
            input,
            ', count(DISTINCT client), count(DISTINCT object)',
          ),
        ],
        goals: [
          { contender: 'parse', versus: 'duckdb read', target: 1, aim: null },
          { contender: 'parse and intern', versus: 'duckdb distinct', target: 1, aim: null },
          { contender: 'parse and intern', versus: 'duckdb read', target: null, aim: null },
        ],
        close: async () => {
          duckDb.close();
          await file.remove();
        },
      };
    },
  };
}

function reader(name: string, does: string, input: CsvInput, isInterning: boolean): Contender {
  return {
    name,
    does,
    run: () =>
      timed(input.rowCount, async () => {
        const names = isInterning ? {} : { segments: { ...noNames }, consumers: { ...noNames }, sites: { ...noNames } };
        const source = await openSource(input.file.path, { format: 'csv', ...names });
        let count = 0;
        let bytes = 0;
        for await (const batch of source.batches) {
          count += batch.length;
          for (let i = 0; i < batch.length; i++) bytes += batch.size[i]!;
        }
        return `${count} rows, ${bytes} bytes`;
      }),
  };
}

function duckDbContender(name: string, does: string, duckDb: DuckDb, input: CsvInput, extra: string): Contender {
  const sql = `SELECT count(*), ${input.sums}${extra} FROM read_csv('${input.file.path}', auto_detect = false, header = true,
    delim = ',', quote = '"', escape = '"', columns = ${input.columns})`;
  return {
    name,
    does,
    run: (): Promise<Sample> =>
      timed(input.rowCount, async () => {
        const [row] = await duckDb.rows(sql);
        return `${row![0]} rows, ${Number(row![1])} bytes`;
      }),
  };
}

/** Gives every name the id 0: what is left is parsing. */
const noNames: NameInterner = {
  count: 1,
  nameOf: () => '',
  idOf: () => 0,
  internBytes: () => 0,
  internU64: () => 0,
  internString: () => 0,
};

/** Ids and constants: as short as a row of a log gets. */
async function orderedIds(context: BenchContext): Promise<CsvInput> {
  const trace = `${context.traces}/kv_orm_busy.csv.gz`;
  const rowsMax = Math.round(ROWS * context.scale);
  const isTrace = fileExists(trace);
  let rowCount = 0;
  async function* rows(): AsyncGenerator<string> {
    if (isTrace) {
      for await (const { text, lineCount } of textLines(trace, rowsMax + 1)) {
        rowCount += lineCount;
        yield text;
      }
      rowCount--; // the header
    } else {
      const random = new Xoshiro128(1);
      const ranks = zipf(76_000, 0.8);
      yield 't_ms,client,object,size,op,weight\n';
      for (; rowCount < rowsMax; rowCount++) yield* grouped(`-1,-1,${ranks.sample(random) * 5},-1,r,1\n`);
      yield flushed();
    }
  }
  const { grouped, flushed } = textGroups();
  const file = await temporaryFile('ids.csv', rows());
  return {
    about: isTrace ? 'kv_orm_busy' : 'Zipf ids, for want of kv_orm_busy.csv.gz',
    rowCount,
    file,
    columns: `{'t_ms': 'DOUBLE', 'client': 'BIGINT', 'object': 'BIGINT', 'size': 'BIGINT', 'op': 'VARCHAR', 'weight': 'BIGINT'}`,
    sums: 'sum(size), sum(t_ms), sum(client), sum(object), sum(strlen(op)), sum(weight)',
  };
}

/** As `anteroom generate` writes it: paths, host names, times in ms, sizes. */
async function namesAndTimes(context: BenchContext): Promise<CsvInput> {
  const rowCount = Math.round((ROWS / 2) * context.scale);
  const { grouped, flushed } = textGroups();
  function* rows(): Generator<string> {
    const random = new Xoshiro128(2);
    const ranks = zipf(100_000, 0.9);
    const segmentAtRank = shuffled(100_000, random);
    yield 't_ms,client,object,size,op,weight\n';
    for (let i = 0; i < rowCount; i++) {
      const segment = segmentAtRank[ranks.sample(random)]!;
      const name = `/catalogue/section-${segment % 97}/item-${segment}.html`;
      const time = EPOCH_MS + i * 3 + random.int(3);
      yield* grouped(`${time},host-${random.int(5000)}.example.net,${name},${sizeOf(segment)},r,1\n`);
    }
    yield flushed();
  }
  const file = await temporaryFile('names.csv', rows());
  return {
    about: 'Zipf accesses to 100,000 paths by 5,000 hosts, made up',
    rowCount,
    file,
    columns: `{'t_ms': 'DOUBLE', 'client': 'VARCHAR', 'object': 'VARCHAR', 'size': 'BIGINT', 'op': 'VARCHAR', 'weight': 'BIGINT'}`,
    sums: 'sum(size), sum(t_ms), sum(strlen(client)), sum(strlen(object)), sum(strlen(op)), sum(weight)',
  };
}
