/** Checks a Parquet file's counts and lengths against the bytes that are there, before a library acts on them. */

import type { FileMetaData, SchemaElement } from 'hyparquet';
import { checkDeltaLengths, checkDeltas, checkRuns } from './parquet-encodings.ts';
import { ThriftReader, type ThriftStruct, thriftNumber, thriftStruct } from './thrift-compact.ts';

/** Rows that any file may have, and that a byte of it may stand for: a constant column of a million rows takes some hundred bytes. */
const ROWS_FREE = 2 ** 16;
const ROWS_PER_BYTE = 1024;
/** Bytes that a compressed byte can stand for: four of them say 128 KiB in a block of zstd, which packs tightest. */
const PAGE_BYTES_PER_BYTE = 2 ** 15;
/** Bytes of values that any page may hold, and one byte of it stand for, where values repeat a part of the one before. */
const VALUE_BYTES_FREE = 2 ** 24;
const VALUE_BYTES_PER_BYTE = 1024;
const SCHEMA_DEPTH_MAX = 64;

/** Codes of parquet.thrift: `PageType` and `Encoding`. */
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const PLAIN_DICTIONARY = 2;
const RLE = 3;
const DELTA_BINARY_PACKED = 5;
const DELTA_LENGTH_BYTE_ARRAY = 6;
const DELTA_BYTE_ARRAY = 7;
const RLE_DICTIONARY = 8;

/** How a page's bytes are decompressed; the library's own Snappy included. */
export type PageDecompressor = (codec: string, input: Uint8Array, outputLength: number) => Uint8Array;

/** Walks the footer's metadata, which the library reads without bounds. @throws Error where it is damaged. */
export function checkFooterBytes(metadata: Uint8Array): void {
  new ThriftReader(metadata).struct();
}

/** The schema's tree and the counts of rows. @throws Error where they cannot be those of a file of `byteLength`. */
export function checkMetadata(metadata: FileMetaData, byteLength: number): void {
  const { schema } = metadata;
  let at = 0;
  const walk = (depth: number): void => {
    const element = schema[at++];
    if (element === undefined || depth > SCHEMA_DEPTH_MAX) throw new Error('a schema whose children are not there');
    const childCount = element.num_children ?? 0;
    if (!(childCount >= 0 && childCount <= schema.length))
      throw new Error(`a schema element with ${childCount} children`);
    for (let i = 0; i < childCount; i++) walk(depth + 1);
  };
  walk(0);
  const rowsMax = ROWS_FREE + ROWS_PER_BYTE * byteLength;
  let rowCount = 0;
  for (const group of metadata.row_groups) {
    const count = Number(group.num_rows);
    if (!(count >= 0)) throw new Error(`a row group of ${count} rows`);
    rowCount += count;
  }
  if (rowCount > rowsMax)
    throw new Error(`${rowCount} rows in a file of ${byteLength} bytes (at most ${rowsMax} are read)`);
}

/** A column chunk as the footer has it. */
export interface ChunkToCheck {
  readonly element: SchemaElement;
  readonly codec: string;
  readonly rowCount: number;
}

/**
 * Walks the pages of a flat column: sizes, counts, and the run lengths of its encodings, which the library follows blindly.
 * Cost: one more decompression and a pass over headers of runs; values themselves are not decoded.
 * @throws Error where something claims more than there is.
 */
export function checkColumnChunk(bytes: Uint8Array, chunk: ChunkToCheck, decompress: PageDecompressor): void {
  const reader = new ThriftReader(bytes);
  let rowsLeft = chunk.rowCount;
  while (rowsLeft > 0 && reader.offset < bytes.length - 1) {
    const header = reader.struct();
    const compressedBytes = thriftNumber(header, 3, -1);
    const pageBytes = thriftNumber(header, 2, -1);
    if (!(compressedBytes >= 0 && compressedBytes <= bytes.length - reader.offset))
      throw new Error(`a page of ${compressedBytes} bytes where ${bytes.length - reader.offset} are left`);
    if (!(pageBytes >= 0 && pageBytes <= PAGE_BYTES_PER_BYTE * compressedBytes))
      throw new Error(`a page of ${pageBytes} bytes from ${compressedBytes} compressed ones`);
    const page = bytes.subarray(reader.offset, reader.offset + compressedBytes);
    reader.offset += compressedBytes;
    rowsLeft -= checkPage(header, page, pageBytes, rowsLeft, chunk, decompress);
  }
}

/** Gives the count of the page's rows. */
function checkPage(
  header: ThriftStruct,
  page: Uint8Array,
  pageBytes: number,
  rowsLeft: number,
  chunk: ChunkToCheck,
  decompress: PageDecompressor,
): number {
  const { element, codec } = chunk;
  const unpacked = (input: Uint8Array, length: number): Uint8Array =>
    codec === 'UNCOMPRESSED' ? input : decompress(codec, input, length);
  const isOptional = element.repetition_type === 'OPTIONAL';
  switch (thriftNumber(header, 1, -1)) {
    case DICTIONARY_PAGE: {
      const count = thriftNumber(thriftStruct(header, 7) ?? new Map(), 1, -1);
      // A value takes a bit at least.
      if (!(count >= 0 && count <= pageBytes * 8))
        throw new Error(`a dictionary of ${count} values in ${pageBytes} bytes`);
      return 0;
    }
    case DATA_PAGE: {
      const { count, encoding } = dataPageOf(thriftStruct(header, 5), 2, rowsLeft);
      const values = unpacked(page, pageBytes);
      let start = 0;
      if (isOptional) {
        if (values.length < 4) throw new Error('a page without its levels');
        const length = new DataView(values.buffer, values.byteOffset, values.byteLength).getUint32(0, true);
        if (length > values.length - 4) throw new Error(`levels of ${length} bytes in a page of ${values.length}`);
        checkRuns(values.subarray(4), 1, count);
        start = 4 + length;
      }
      checkValues(values.subarray(start), encoding, count, element, true);
      return count;
    }
    case DATA_PAGE_V2: {
      const v2 = thriftStruct(header, 8);
      const { count, encoding } = dataPageOf(v2, 4, rowsLeft);
      const nullCount = thriftNumber(v2!, 2, 0);
      const rowCount = thriftNumber(v2!, 3, -1);
      const levels = thriftNumber(v2!, 5, 0);
      const repeats = thriftNumber(v2!, 6, 0);
      if (!(nullCount >= 0 && nullCount <= count) || rowCount !== count)
        throw new Error(`a page of ${count} values with ${nullCount} absent in ${rowCount} rows`);
      if (!(levels >= 0 && repeats >= 0 && levels + repeats <= page.length && levels + repeats <= pageBytes))
        throw new Error(`levels of ${levels} and ${repeats} bytes in a page of ${page.length}`);
      if (isOptional) checkRuns(page.subarray(repeats), 1, count);
      const packed = page.subarray(levels + repeats);
      const isCompressed = thriftNumber(v2!, 7, 1) !== 0;
      const values = isCompressed ? unpacked(packed, pageBytes - levels - repeats) : packed;
      checkValues(values, encoding, count - nullCount, element, false);
      return count;
    }
    default:
      // The library refuses it.
      return rowsLeft;
  }
}

function dataPageOf(
  page: ThriftStruct | null,
  encodingField: number,
  rowsLeft: number,
): { readonly count: number; readonly encoding: number } {
  if (page === null) throw new Error('a data page without a header of its own');
  const count = thriftNumber(page, 1, -1);
  if (!(count >= 0 && count <= rowsLeft)) throw new Error(`a page of ${count} values where ${rowsLeft} rows are left`);
  return { count, encoding: thriftNumber(page, encodingField, -1) };
}

/** `count` includes nulls where a page does not say how many it has: then there are fewer values, and fewer are checked. */
function checkValues(bytes: Uint8Array, encoding: number, count: number, element: SchemaElement, isV1: boolean): void {
  const valuesMax = VALUE_BYTES_FREE + VALUE_BYTES_PER_BYTE * bytes.length;
  switch (encoding) {
    case PLAIN_DICTIONARY:
    case RLE_DICTIONARY: {
      if (count === 0 && bytes.length === 0) return;
      const width = bytes[0] ?? 0;
      if (width > 32) throw new Error(`indices of ${width} bits`);
      if (width > 0) checkRuns(bytes.subarray(1), width, count);
      else if (!isV1) checkRuns(bytes.subarray(1), 0, count);
      return;
    }
    case RLE:
      if (element.type === 'BOOLEAN') checkRuns(bytes.subarray(4), 1, count);
      return;
    case DELTA_BINARY_PACKED:
      checkDeltas(bytes, count);
      return;
    case DELTA_LENGTH_BYTE_ARRAY:
      checkDeltaLengths(bytes, count, false, valuesMax);
      return;
    case DELTA_BYTE_ARRAY:
      checkDeltaLengths(bytes, count, true, valuesMax);
      return;
    default:
      // Plain values and split bytes are read from the page where they lie, and its end is the end of them.
      if (element.type_length !== undefined && element.type_length < 0) throw new Error('a negative length of a type');
      return;
  }
}
