/** One batch of accesses with its names, read where it lies: the stream that `AccessArrowWriter` makes of one batch, without Arrow's reader. */

import type { NameTable } from '../name-table.ts';
import { Operation } from '../operation.ts';
import { AccessArrowWriter, concatBytes } from './access-arrow-writer.ts';
import { FlatbufferTables } from './flatbuffer-tables.ts';
import type { ArrowBounds } from './verify-arrow-stream.ts';

/** Names of a dictionary: name i is bytes [offsets[i], offsets[i + 1]). */
export interface NameRun {
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
  readonly count: number;
}

/** A column of names as indices into a dictionary. */
export interface NamedColumn {
  /** Of each row; below 0 = none. Not compared with `names.count`. */
  readonly index: Uint32Array | Int32Array;
  /** A bit for each row, least significant first; 0 = none. Null = all are there. */
  readonly valid: Uint8Array | null;
  readonly names: NameRun;
}

/** Rows whose names are indices; all arrays are views of the stream's bytes where these lie as they must. */
export interface NamedRows {
  readonly length: number;
  readonly timeMs: Float64Array;
  readonly op: Uint8Array;
  readonly size: Float64Array;
  readonly weight: Float64Array;
  readonly segment: NamedColumn;
  readonly consumer: NamedColumn;
  readonly site: NamedColumn;
}

/** Columns of the schema, and buffers of each: one for validity, one for values. */
const COLUMNS = 7;
/** `MessageHeader` of Arrow's Message.fbs. */
const Header = { dictionaryBatch: 2, recordBatch: 3 } as const;
const CONTINUATION = 0xffff_ffff;

interface Parts {
  readonly bytes: Uint8Array;
  /** Where the body begins. */
  readonly at: number;
  readonly tables: FlatbufferTables;
  readonly bodyBytes: number;
  /** The RecordBatch table. */
  readonly batch: number;
}

/**
 * The rows of a stream of exactly our named schema, a dictionary for each of its columns and one record batch. Null for any other, which is
 * for `readAccessArrow` to read or to refuse. Every offset is compared with the bytes before it is used; indices and offsets of
 * names are left to whoever looks names up. O(metadata + rows) and no copies: what Arrow's reader takes longer for than learning does.
 * @throws AnteroomError 'bad-record' for metadata that cannot be
 */
export function readNamedRows(bytes: Uint8Array, bounds: ArrowBounds): NamedRows | null {
  const schema = ourSchema();
  if (bytes.length < schema.length) return null;
  for (let i = 0; i < schema.length; i++) if (bytes[i] !== schema[i]) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const budget = { left: bounds.elementsMax };
  const names: (NameRun | null)[] = [null, null, null];
  let rows: Parts | null = null;
  let at = schema.length;
  while (at + 8 <= bytes.length) {
    if (view.getUint32(at, true) !== CONTINUATION) return null;
    const length = view.getUint32(at + 4, true);
    at += 8;
    if (length === 0) break;
    // Nothing follows the one batch but the end of the stream.
    if (rows !== null || at + length > bytes.length) return null;
    const tables = new FlatbufferTables(new DataView(bytes.buffer, bytes.byteOffset + at, length), at, budget);
    const message = tables.root();
    const bodyBytes = tables.i64(message, 3);
    const body = at + length;
    if (!(bodyBytes >= 0 && body + bodyBytes <= bytes.length)) return null;
    const header = tables.table(message, 2);
    if (header === 0) return null;
    const kind = tables.u8(message, 1);
    if (kind === Header.dictionaryBatch) {
      const id = tables.i64(header, 0);
      if (!(id >= 0 && id < names.length) || names[id] !== null || tables.u8(header, 2) !== 0) return null;
      const run = nameRun({ bytes, at: body, bodyBytes, tables, batch: tables.table(header, 1) }, bounds);
      if (run === null) return null;
      names[id] = run;
    } else if (kind === Header.recordBatch) rows = { bytes, at: body, bodyBytes, tables, batch: header };
    else return null;
    at = body + bodyBytes;
  }
  const [segments, consumers, sites] = names;
  if (rows === null || segments == null || consumers == null || sites == null) return null;
  return rowsOf(rows, bounds, segments, consumers, sites);
}

function nameRun(parts: Parts, { rowsMax }: ArrowBounds): NameRun | null {
  const { tables, batch } = parts;
  if (batch === 0 || tables.table(batch, 3) !== 0) return null;
  const count = tables.i64(batch, 0);
  const nodes = tables.vector(batch, 1, 16);
  const buffers = tables.vector(batch, 2, 16);
  if (!(count >= 0 && count <= rowsMax) || nodes.length !== 1 || buffers.length !== 3) return null;
  if (tables.i64At(nodes.at) !== count || tables.i64At(nodes.at + 8) !== 0) return null;
  if (count === 0) return { bytes: new Uint8Array(0), offsets: new Int32Array(1), count };
  const offsets = bufferOf(parts, buffers.at + 16, 4 * (count + 1));
  const data = bufferOf(parts, buffers.at + 32, 0);
  if (offsets === null || data === null) return null;
  return { bytes: data, offsets: new Int32Array(offsets.buffer, offsets.byteOffset, count + 1), count };
}

function rowsOf(
  parts: Parts,
  { rowsMax }: ArrowBounds,
  segments: NameRun,
  consumers: NameRun,
  sites: NameRun,
): NamedRows | null {
  const { tables, batch } = parts;
  const length = tables.i64(batch, 0);
  const nodes = tables.vector(batch, 1, 16);
  const buffers = tables.vector(batch, 2, 16);
  if (!(length >= 1 && length <= rowsMax) || tables.table(batch, 3) !== 0) return null;
  if (nodes.length !== COLUMNS || buffers.length !== 2 * COLUMNS) return null;
  const nullsOf = (column: number): number => tables.i64At(nodes.at + 16 * column + 8);
  for (let column = 0; column < COLUMNS; column++) {
    if (tables.i64At(nodes.at + 16 * column) !== length) return null;
    // Only a consumer or a site may be absent.
    if (nullsOf(column) !== 0 && column !== 2 && column !== 3) return null;
  }
  const values = (column: number, width: number): Uint8Array | null =>
    bufferOf(parts, buffers.at + 32 * column + 16, width * length);
  const valid = (column: number): Uint8Array | null =>
    nullsOf(column) === 0 ? null : bufferOf(parts, buffers.at + 32 * column, Math.ceil(length / 8));
  const [time, segment, consumer, site, op, size, weight] = [8, 4, 4, 4, 1, 8, 8].map((width, i) => values(i, width));
  const [consumerValid, siteValid] = [valid(2), valid(3)];
  if (time == null || segment == null || consumer == null || site == null) return null;
  if (op == null || size == null || weight == null) return null;
  if ((consumerValid === null && nullsOf(2) !== 0) || (siteValid === null && nullsOf(3) !== 0)) return null;
  for (let row = 0; row < length; row++) if (op[row]! > Operation.other) return null;
  const doubles = (column: Uint8Array): Float64Array => new Float64Array(column.buffer, column.byteOffset, length);
  const ints = (column: Uint8Array): Int32Array => new Int32Array(column.buffer, column.byteOffset, length);
  return {
    length,
    timeMs: doubles(time),
    op: op.subarray(0, length),
    size: doubles(size),
    weight: doubles(weight),
    segment: { index: new Uint32Array(segment.buffer, segment.byteOffset, length), valid: null, names: segments },
    consumer: { index: ints(consumer), valid: consumerValid, names: consumers },
    site: { index: ints(site), valid: siteValid, names: sites },
  };
}

/** The buffer that the 16 bytes at `entry` tell of, at a multiple of eight in its memory; null where it does not lie in the body or is too short. */
function bufferOf({ bytes, at, bodyBytes, tables }: Parts, entry: number, bytesMin: number): Uint8Array | null {
  const from = tables.i64At(entry);
  const length = tables.i64At(entry + 8);
  if (!(from >= 0 && length >= bytesMin && from + length <= bodyBytes)) return null;
  const found = bytes.subarray(at + from, at + from + length);
  // Not `slice`: of a Buffer that is no copy.
  return found.byteOffset % 8 === 0 ? found : new Uint8Array(found);
}

let schemaBytes: Uint8Array | null = null;

/** What our writer puts before all else: the schema's message, of which all bytes are known. */
function ourSchema(): Uint8Array {
  if (schemaBytes !== null) return schemaBytes;
  const none: NameTable = { count: 0, nameOf: () => '', idOf: () => -1 };
  const writer = new AccessArrowWriter({
    layout: 'stream',
    names: { segments: none, consumers: none, sites: none },
  });
  const stream = concatBytes(writer.end());
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  schemaBytes = stream.slice(0, 8 + view.getUint32(4, true));
  return schemaBytes;
}
