/** Reads Apache Parquet files, a row group at a time, columns by name. Loads hyparquet. */

import {
  type AsyncBuffer,
  type FileMetaData,
  type ParquetParsers,
  type ParquetScan,
  parquetMetadataAsync,
  parquetScan,
  type SchemaElement,
} from 'hyparquet';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessSink } from '../access-sink.ts';
import type { ColumnRole, FormatOptions, RandomAccessFile } from '../format.ts';
import { parquetCompressors } from './page-compression.ts';
import { parquetMagic } from './parquet.ts';
import { type ColumnValue, neededColumns, TableColumns } from './table-columns.ts';
import type { TimeUnit } from './time-scale.ts';

/** Rows appended between yields, so that full batches can be taken while a large row group is read. */
const rowsPerYield = 32_768;

/** All timestamps as milliseconds, fractions kept, instead of Date objects. */
const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => Number(value),
  timestampFromMicroseconds: (value) => Number(value / 1000n) + Number(value % 1000n) / 1000,
  timestampFromNanoseconds: (value) => Number(value / 1_000_000n) + Number(value % 1_000_000n) / 1_000_000,
  dateFromDays: (days) => days * 86_400_000,
  jsonFromBytes: (bytes) => bytes,
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
};

/**
 * Reads only the columns that are needed, one row group at a time: memory is one row group's decoded columns, so files written
 * in one huge group cost accordingly.
 */
export async function* readParquet(
  file: RandomAccessFile,
  options: FormatOptions,
  sink: AccessSink,
): AsyncGenerator<void> {
  const buffer = asyncBufferOf(file);
  const footer = await footerOf(file, buffer, sink);
  if (footer === null) return;
  const { metadata, elements } = footer;
  const table = new TableColumns(
    'parquet',
    elements.map((element) => ({ name: element.name, unit: unitOf(element) })),
    options,
  );
  const needed = neededColumns(table.columnOfRole);
  const names = [...new Set(needed.map(([, index]) => elements[index]!.name))];
  let scan: ParquetScan;
  try {
    scan = await parquetScan({ file: buffer, metadata, columns: names, compressors: parquetCompressors, parsers });
  } catch (error) {
    sink.reject({ byte: file.byteLength }, 'a Parquet footer', reasonOf(error));
    return;
  }
  for (const range of scan.ranges) {
    const values = new Map<ColumnRole, ColumnValue>();
    const rowCount = range.rowEnd - range.rowStart;
    let base = 0;
    try {
      for (const [role, index] of needed) {
        const data = await scan.readColumn({ column: elements[index]!.name, ...range });
        // A damaged count of rows must not be walked through.
        if (data.length < rowCount) throw new Error(`a column that holds ${data.length} of ${rowCount} rows`);
        values.set(role, (row) => data[base + row]);
      }
    } catch (error) {
      const rows = `rows ${range.rowStart + 1}..${range.rowEnd}`;
      sink.reject({ line: range.rowStart + 1 }, `${rows} of a Parquet row group`, reasonOf(error));
      continue;
    }
    for (; base < rowCount; base += rowsPerYield) {
      table.append(values, Math.min(rowsPerYield, rowCount - base), range.rowStart + base, sink);
      yield;
    }
  }
}

interface Footer {
  readonly metadata: FileMetaData;
  readonly elements: readonly SchemaElement[];
}

async function footerOf(file: RandomAccessFile, buffer: AsyncBuffer, sink: AccessSink): Promise<Footer | null> {
  const tail = file.byteLength < 12 ? new Uint8Array(0) : await file.read(file.byteLength - 4, file.byteLength);
  if (!parquetMagic.every((byte, i) => tail[i] === byte)) {
    sink.truncated({ byte: file.byteLength }, 'PAR1 at the end, after the footer');
    return null;
  }
  try {
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    return { metadata, elements: topLevelColumns(metadata) };
  } catch (error) {
    sink.reject({ byte: file.byteLength }, 'a Parquet footer', reasonOf(error));
    return null;
  }
}

function asyncBufferOf(file: RandomAccessFile): AsyncBuffer {
  return {
    byteLength: file.byteLength,
    async slice(start: number, end: number = file.byteLength): Promise<ArrayBuffer> {
      const bytes = await file.read(start, Math.min(end, file.byteLength));
      if (
        bytes.buffer instanceof ArrayBuffer &&
        bytes.byteOffset === 0 &&
        bytes.byteLength === bytes.buffer.byteLength
      ) {
        return bytes.buffer;
      }
      return bytes.slice().buffer;
    },
  };
}

/** Leaves that hang directly from the root, in the order of the schema. Others keep their place but have no name to match. */
function topLevelColumns(metadata: FileMetaData): readonly SchemaElement[] {
  const columns: SchemaElement[] = [];
  let at = 1;
  const pass = (): void => {
    const childCount = metadata.schema[at]?.num_children ?? 0;
    at++;
    for (let i = 0; i < childCount; i++) pass();
  };
  for (let i = 0; i < (metadata.schema[0]?.num_children ?? 0); i++) {
    const element = metadata.schema[at];
    if (typeof element?.name !== 'string') throw new Error('a column of the schema has no name');
    const isLeaf = (element.num_children ?? 0) === 0 && element.repetition_type !== 'REPEATED';
    columns.push(isLeaf ? element : { ...element, name: '' });
    pass();
  }
  return columns;
}

/** Timestamps and dates come out of the parsers as milliseconds; any other number has the unit that its name tells. */
function unitOf(element: SchemaElement): TimeUnit | null {
  const type = element.converted_type ?? element.logical_type?.type;
  const isTime = type === 'TIMESTAMP_MILLIS' || type === 'TIMESTAMP_MICROS' || type === 'TIMESTAMP' || type === 'DATE';
  return isTime || (type === undefined && element.type === 'INT96') ? 'ms' : null;
}

function reasonOf(error: unknown): string {
  if (error instanceof AnteroomError || error instanceof Error) return error.message;
  return String(error);
}
