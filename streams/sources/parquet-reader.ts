/** Reads Apache Parquet files, a row group at a time, columns by name. Loads hyparquet. */

import {
  type AsyncBuffer,
  type FileMetaData,
  type ParquetParsers,
  type ParquetScan,
  parquetMetadataAsync,
  parquetScan,
  type RowGroup,
  type SchemaElement,
  snappyUncompress,
} from 'hyparquet';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessSink } from '../access-sink.ts';
import type { ColumnRole, FormatOptions, RandomAccessFile } from '../format.ts';
import { parquetCompressors } from './page-compression.ts';
import { parquetMagic } from './parquet.ts';
import { checkColumnChunk, checkFooterBytes, checkMetadata } from './parquet-check.ts';
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
  sink.leaveOut?.(table.leftOut);
  const needed = neededColumns(table.columnOfRole);
  const names = [...new Set(needed.map(([, index]) => elements[index]!.name))];
  let scan: ParquetScan;
  try {
    scan = await parquetScan({
      file: buffer,
      metadata,
      columns: names,
      compressors: parquetCompressors,
      parsers,
      // Indexes of pages lie elsewhere in the file and are not checked; whole row groups are read anyway.
      useOffsetIndex: false,
    });
  } catch (error) {
    sink.reject({ byte: file.byteLength }, 'a Parquet footer', reasonOf(error));
    return;
  }
  const groups = groupsOf(metadata);
  for (const range of scan.ranges) {
    const values = new Map<ColumnRole, ColumnValue>();
    const rowCount = range.rowEnd - range.rowStart;
    let base = 0;
    try {
      const group = groups.get(range.rowStart);
      if (group === undefined) throw new Error('a row group that begins elsewhere');
      for (const [role, index] of needed) {
        await checkColumn(file, group, elements[index]!);
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
    checkFooterBytes(await metadataBytes(file));
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false });
    checkMetadata(metadata, file.byteLength);
    return { metadata, elements: topLevelColumns(metadata) };
  } catch (error) {
    sink.reject({ byte: file.byteLength }, 'a Parquet footer', reasonOf(error));
    return null;
  }
}

/** The bytes of the footer's metadata, whose length stands before the magic. */
async function metadataBytes(file: RandomAccessFile): Promise<Uint8Array> {
  const tail = await file.read(file.byteLength - 8, file.byteLength - 4);
  const length = new DataView(tail.buffer, tail.byteOffset, tail.byteLength).getUint32(0, true);
  if (length > file.byteLength - 12) throw new Error(`metadata of ${length} bytes in a file of ${file.byteLength}`);
  return file.read(file.byteLength - 8 - length, file.byteLength - 8);
}

/** Row groups by the number of their first row. */
function groupsOf(metadata: FileMetaData): ReadonlyMap<number, RowGroup> {
  const groups = new Map<number, RowGroup>();
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowCount = Number(group.num_rows);
    if (rowCount > 0) groups.set(rowStart, group);
    rowStart += rowCount;
  }
  return groups;
}

/** Checks what the library is about to read of a column of a row group. */
async function checkColumn(file: RandomAccessFile, group: RowGroup, element: SchemaElement): Promise<void> {
  const chunk = group.columns.find(
    ({ meta_data }) => meta_data?.path_in_schema.length === 1 && meta_data.path_in_schema[0] === element.name,
  )?.meta_data;
  if (chunk === undefined) throw new Error(`no column ${element.name} in the row group`);
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const end = start + Number(chunk.total_compressed_size);
  if (!(start >= 0 && start <= end && end <= file.byteLength))
    throw new Error(`a column in bytes ${start}..${end} of ${file.byteLength}`);
  const rowCount = Number(group.num_rows);
  checkColumnChunk(await file.read(start, end), { element, codec: chunk.codec, rowCount }, decompressPage);
}

function decompressPage(codec: string, input: Uint8Array, outputLength: number): Uint8Array {
  if (codec === 'SNAPPY') {
    const output = new Uint8Array(outputLength);
    snappyUncompress(input, output);
    return output;
  }
  const decompress = parquetCompressors[codec as keyof typeof parquetCompressors];
  if (decompress === undefined) throw new Error(`compression ${codec}`);
  return decompress(input, outputLength);
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

/**
 * Timestamps and dates come out of the parsers as milliseconds, times of day in the unit of their type; any other number has
 * the unit that its name tells.
 */
function unitOf(element: SchemaElement): TimeUnit | null {
  const { converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'TIME') return logical.unit === 'NANOS' ? 'ns' : logical.unit === 'MICROS' ? 'us' : 'ms';
  const type = converted ?? logical?.type;
  if (type === 'TIME_MICROS') return 'us';
  const isMs = type === 'TIME_MILLIS' || type === 'TIMESTAMP' || type === 'DATE' || type?.startsWith('TIMESTAMP_');
  return isMs || (type === undefined && element.type === 'INT96') ? 'ms' : null;
}

function reasonOf(error: unknown): string {
  if (error instanceof AnteroomError || error instanceof Error) return error.message;
  return String(error);
}
