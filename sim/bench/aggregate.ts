/** Keyed aggregation over tumbling windows: the aggregator's kernel against DuckDB with one thread, and against a Map. */

import { TumblingWindows } from '../../actors/aggregator/tumbling-windows.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { AccessBatch } from '../../streams/access-batch.ts';
import { fromRecordBatch, toRecordBatch } from '../../streams/codec/record-batch.ts';
import { shuffled, sizeOf, zipf } from '../workloads/sampling.ts';
import { EPOCH_MS } from '../workloads/workload.ts';
import { answerOf, Total } from './aggregate-total.ts';
import type { Bench, Contender } from './bench.ts';
import { readProjectFile } from './bench-host.ts';
import { type DuckDb, openDuckDb } from './duckdb.ts';
import { mapContender, rxMapContender } from './map-aggregate.ts';
import { timed } from './timed.ts';

const ROWS = 8_000_000;
const KEYS = 1_000_000;
const BATCH_ROWS = 32_768;
/** Ten accesses at each millisecond: a busy log. */
const ROWS_PER_MS = 10;
/** At full scale two windows. */
const WINDOW_MS = 400_000;
const HALF_LIFE_MS = 60_000;

export const aggregate: Bench = {
  name: 'aggregate',
  compares: 'count, bytes, last access and decayed frequency by key over tumbling windows, with DuckDB and with a Map',
  unit: 'rows/s',
  better: 'higher',
  async prepare({ scale }) {
    const rowCount = Math.round(ROWS * scale);
    const windowMs = WINDOW_MS * scale;
    const batches = zipfBatches(rowCount, Math.round(KEYS * scale));
    const records = batches.map(toRecordBatch);
    const duckDb = await openDuckDb();
    await load(duckDb, batches);
    const sql = await readProjectFile('sim/bench/aggregate.sql');
    const parameters = { width: windowMs, half_life: HALF_LIFE_MS };

    const ours = (name: string, does: string, layout: 'dense' | 'hashed'): Contender => ({
      name,
      does,
      run: () =>
        timed(rowCount, () => {
          const total = new Total();
          const windows = new TumblingWindows({
            width: windowMs,
            halfLife: HALF_LIFE_MS,
            layout,
            onWindow: ({ aggregates }) => {
              const { key, count, bytes, last, decayed } = aggregates;
              for (let i = 0; i < key.length; i++) total.add(count[i]!, bytes[i]!, last[i]!, decayed[i]!);
            },
          });
          for (const record of records) windows.observe(fromRecordBatch(record));
          windows.flush();
          return total.answer();
        }),
    });
    const input = { batches, rowCount, windowMs, halfLifeMs: HALF_LIFE_MS };
    return {
      workload: `${rowCount} accesses, Zipf 0.99 over ${Math.round(KEYS * scale)} keys, in Arrow batches of ${BATCH_ROWS} rows, windows of ${windowMs / 1000} s; DuckDB ${duckDb.version}`,
      contenders: [
        ours('anteroom', 'TumblingWindows over Arrow record batches, ids dense as the interner gives them', 'dense'),
        {
          name: 'duckdb',
          does: 'sim/bench/aggregate.sql over a table in memory, its columns summed up so that all are computed',
          run: () =>
            timed(rowCount, async () => {
              const [row] = await duckDb.rows(`SELECT ${TOTALS} FROM (${sql})`, parameters);
              return answerOf(row!.map(Number));
            }),
        },
        duckDbByWindow(duckDb, rowCount, windowMs),
        ours('anteroom hashed', 'the same for ids of any kind: open addressing', 'hashed'),
        mapContender(input),
        await rxMapContender(input),
      ],
      goals: [
        { contender: 'anteroom', versus: 'duckdb', target: 1.2, aim: 3 },
        { contender: 'anteroom', versus: 'rxjs map', target: 10, aim: null },
        { contender: 'anteroom', versus: 'duckdb by window', target: null, aim: null },
        { contender: 'anteroom hashed', versus: 'duckdb', target: null, aim: null },
      ],
      close: () => duckDb.close(),
    };
  },
};

/** In the order of `answerOf`. */
const TOTALS = 'count(*), sum(count), sum(bytes), max(last), sum(decayed)';

/** What an expert would write who knows the windows beforehand: the key alone is grouped by, on one window's rows at a time. */
function duckDbByWindow(duckDb: DuckDb, rowCount: number, windowMs: number): Contender {
  const sql = `SELECT ${TOTALS} FROM (
    SELECT segment, sum(weight) AS count, sum(CASE WHEN size > 0 THEN size * weight ELSE 0 END) AS bytes,
      max(time_ms) AS last, sum(weight * pow(0.5, ($end - time_ms) / $half_life)) AS decayed
    FROM accesses WHERE time_ms >= $start AND time_ms < $end GROUP BY segment)`;
  return {
    name: 'duckdb by window',
    does: 'one query for each window, told its bounds: nothing to compute for the window',
    run: () =>
      timed(rowCount, async () => {
        const totals = [0, 0, 0, 0, 0];
        for (let start = EPOCH_MS; start < EPOCH_MS + rowCount / ROWS_PER_MS; start += windowMs) {
          const [row] = await duckDb.rows(sql, { start, end: start + windowMs, half_life: HALF_LIFE_MS });
          row!.map(Number).forEach((value, i) => {
            totals[i] = i === 3 ? Math.max(totals[i]!, value) : totals[i]! + value;
          });
        }
        return answerOf(totals);
      }),
  };
}

/** Ids by first appearance, as interning gives them; a size belongs to its key. */
function zipfBatches(rowCount: number, keyCount: number): readonly AccessBatch[] {
  const random = new Xoshiro128(4);
  const ranks = zipf(keyCount, 0.99);
  const nameAtRank = shuffled(keyCount, random);
  const idOfRank = new Int32Array(keyCount).fill(-1);
  let idCount = 0;
  const batches: AccessBatch[] = [];
  for (let from = 0; from < rowCount; from += BATCH_ROWS) {
    const length = Math.min(BATCH_ROWS, rowCount - from);
    const timeMs = new Float64Array(length);
    const segment = new Uint32Array(length);
    const size = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      const rank = ranks.sample(random);
      if (idOfRank[rank]! < 0) idOfRank[rank] = idCount++;
      timeMs[i] = EPOCH_MS + Math.floor((from + i) / ROWS_PER_MS);
      segment[i] = idOfRank[rank]!;
      size[i] = sizeOf(nameAtRank[rank]!);
    }
    batches.push(
      new AccessBatch(from, {
        timeMs,
        segment,
        consumer: new Int32Array(length).fill(-1),
        site: new Int32Array(length).fill(-1),
        op: new Uint8Array(length),
        size,
        weight: new Float64Array(length).fill(1),
      }),
    );
  }
  return batches;
}

/** Puts the batches into a table of DuckDB's own, before anything is timed. */
async function load(duckDb: DuckDb, batches: readonly AccessBatch[]): Promise<void> {
  const { DOUBLE, DuckDBDataChunk, UINTEGER } = await import('@duckdb/node-api');
  await duckDb.connection.run('CREATE TABLE accesses(time_ms DOUBLE, segment UINTEGER, size DOUBLE, weight DOUBLE)');
  const appender = await duckDb.connection.createAppender('accesses');
  const types = [DOUBLE, UINTEGER, DOUBLE, DOUBLE];
  for (const batch of batches) {
    for (let from = 0; from < batch.length; from += CHUNK_ROWS) {
      const to = Math.min(batch.length, from + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, to - from);
      for (const [column, values] of [batch.timeMs, batch.segment, batch.size, batch.weight].entries()) {
        chunk.setColumnValues(column, Array.from(values.subarray(from, to)));
      }
      appender.appendDataChunk(chunk);
    }
  }
  appender.closeSync();
}

/** Rows of a DuckDB vector. */
const CHUNK_ROWS = 2048;
