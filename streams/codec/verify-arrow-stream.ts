/** Whether bytes from a stranger are an Arrow IPC stream whose lengths stay within the bytes: to be asked before a reader trusts them. */

import { AnteroomError } from '../../engine/errors.ts';
import { FlatbufferTables, truncated, wrong } from './flatbuffer-tables.ts';

export interface ArrowBounds {
  /** Rows of one record batch, at most. */
  readonly rowsMax: number;
  /** Tables, vectors' elements and strings of all messages together, at most. */
  readonly elementsMax: number;
}

const CONTINUATION = 0xffff_ffff;
/** Nested fields; access batches have none, other people's schemas few. */
const DEPTH_MAX = 8;
/** `MessageHeader` of Arrow's Message.fbs. */
const Header = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;
const FILE_MAGIC = 'ARROW1';

/**
 * The stream in `bytes` (of a file: the stream between its magics, or the whole file where its schema stands in the footer alone, as
 * Arrow's JavaScript writes it), when every offset, vector and body of it lies within the bytes.
 *
 * Arrow's JavaScript reader does not verify its flatbuffers: one wrong byte in a length makes it loop over gigabytes of elements that are
 * not there until memory is out. This walks the tables that the reader will walk (Arrow's Schema.fbs and Message.fbs; the check is
 * that of flatbuffers' Verifier) and nothing else. O(metadata).
 * @throws AnteroomError 'bad-record' with the byte where it is wrong, 'truncated', 'unsupported' for compressed buffers.
 */
export function verifiedArrowStream(bytes: Uint8Array, bounds: ArrowBounds): Uint8Array {
  const isFile = bytes.length >= 8 && [...FILE_MAGIC].every((letter, i) => bytes[i] === letter.charCodeAt(0));
  const stream = isFile ? bytes.subarray(8) : bytes;
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength);
  const budget = { left: bounds.elementsMax };
  /** Bytes of each message by where in the input it begins. */
  const messages = new Map<number, number>();
  let at = 0;
  let hasSchema = false;
  while (at + 4 <= stream.length) {
    const start = at;
    let length = view.getUint32(at, true);
    at += 4;
    if (length === CONTINUATION) {
      if (at + 4 > stream.length) throw truncated(at);
      length = view.getUint32(at, true);
      at += 4;
    }
    if (length === 0) {
      if (isFile && !hasSchema) return verifiedFooter(bytes, budget, messages);
      if (!hasSchema) throw wrong(start, 'a schema as the first message');
      // Of two streams in one post the second would be lost without a word.
      if (!isFile && at < stream.length) throw wrong(at, 'nothing after the end of the stream: send one stream a post');
      return stream.subarray(0, at);
    }
    if (at + length > stream.length) throw truncated(at);
    const tables = new FlatbufferTables(new DataView(stream.buffer, stream.byteOffset + at, length), at, budget);
    const message = verifyMessage(tables, bounds, stream.length - at - length);
    if (messages.size === 0) {
      hasSchema = message.kind === Header.schema;
      if (!hasSchema && !isFile) throw wrong(start, 'a schema as the first message');
    }
    at += length + message.bodyBytes;
    messages.set(start + bytes.length - stream.length, at - start);
  }
  if (!hasSchema) throw truncated(at);
  return stream.subarray(0, at);
}

/** The whole file, when its footer lies within it and tells of no other messages than those, which were verified, and of none twice: a few bytes would stand for all its rows again. */
function verifiedFooter(bytes: Uint8Array, budget: { left: number }, messages: Map<number, number>): Uint8Array {
  const end = bytes.length - 4 - FILE_MAGIC.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = end < 0 ? 0 : view.getInt32(end, true);
  const isEnded = [...FILE_MAGIC].every((letter, i) => bytes[end + 4 + i] === letter.charCodeAt(0));
  if (!isEnded || length <= 0 || end - length < FILE_MAGIC.length) throw truncated(bytes.length);
  const tables = new FlatbufferTables(
    new DataView(bytes.buffer, bytes.byteOffset + end - length, length),
    end - length,
    budget,
  );
  const footer = tables.root();
  const schema = tables.table(footer, 1);
  if (schema === 0) throw wrong(tables.offset, 'a footer with a schema');
  verifySchema(tables, schema);
  for (const field of [2, 3]) {
    const blocks = tables.vector(footer, field, 24);
    for (let i = 0; i < blocks.length; i++) {
      const block = blocks.at + 24 * i;
      // The length of metadata is 32 bits, which 32 bits of padding follow.
      const metadataBytes = tables.i64At(block + 8) % 2 ** 32;
      const start = tables.i64At(block);
      if (messages.get(start) !== metadataBytes + tables.i64At(block + 16))
        throw wrong(tables.offset, 'a footer whose blocks are the messages before it, each once');
      messages.delete(start);
    }
  }
  verifyKeyValues(tables, footer, 4);
  return bytes;
}

function verifyMessage(
  tables: FlatbufferTables,
  bounds: ArrowBounds,
  bodyBytesMax: number,
): { readonly kind: number; readonly bodyBytes: number } {
  const message = tables.root();
  const kind = tables.u8(message, 1);
  const bodyBytes = tables.i64(message, 3);
  if (!(bodyBytes >= 0 && bodyBytes <= bodyBytesMax))
    throw wrong(tables.offset, `a body within the bytes, not of ${bodyBytes}`);
  verifyKeyValues(tables, message, 4);
  const header = tables.table(message, 2);
  if (header === 0) throw wrong(tables.offset, 'a message with a header');
  if (kind === Header.schema) verifySchema(tables, header);
  else if (kind === Header.recordBatch) verifyBatch(tables, header, bounds, bodyBytes);
  else if (kind === Header.dictionaryBatch) {
    const data = tables.table(header, 1);
    if (data === 0) throw wrong(tables.offset, 'a dictionary with data');
    verifyBatch(tables, data, bounds, bodyBytes);
  } else throw wrong(tables.offset, `a schema, dictionary or record batch, not a message of kind ${kind}`);
  return { kind, bodyBytes };
}

function verifySchema(tables: FlatbufferTables, schema: number): void {
  for (const field of tables.tables(schema, 1)) verifyField(tables, field, 0);
  verifyKeyValues(tables, schema, 2);
  tables.vector(schema, 3, 8);
}

function verifyField(tables: FlatbufferTables, field: number, depth: number): void {
  if (depth > DEPTH_MAX) throw wrong(tables.offset, `at most ${DEPTH_MAX} nested fields`);
  tables.string(field, 0);
  const type = tables.table(field, 3);
  // Types hold numbers and, some, a string or a vector of numbers in their first places; what is no vector is not read as one.
  if (type !== 0) tables.check(type);
  const dictionary = tables.table(field, 4);
  if (dictionary !== 0) tables.table(dictionary, 1);
  for (const child of tables.tables(field, 5)) verifyField(tables, child, depth + 1);
  verifyKeyValues(tables, field, 6);
}

function verifyKeyValues(tables: FlatbufferTables, table: number, field: number): void {
  for (const pair of tables.tables(table, field)) {
    tables.string(pair, 0);
    tables.string(pair, 1);
  }
}

/** Rows and buffers: 16 bytes a field node (length, null count) and 16 a buffer (offset, length). */
function verifyBatch(tables: FlatbufferTables, batch: number, { rowsMax }: ArrowBounds, bodyBytes: number): void {
  const rows = tables.i64(batch, 0);
  if (!(rows >= 0 && rows <= rowsMax)) throw wrong(tables.offset, `at most ${rowsMax} rows, not ${rows}`);
  const nodes = tables.vector(batch, 1, 16);
  for (let i = 0; i < nodes.length; i++) {
    const length = tables.i64At(nodes.at + 16 * i);
    if (!(length >= 0 && length <= rowsMax))
      throw wrong(tables.offset, `a column of at most ${rowsMax} rows, not ${length}`);
  }
  const buffers = tables.vector(batch, 2, 16);
  for (let i = 0; i < buffers.length; i++) {
    const from = tables.i64At(buffers.at + 16 * i);
    const length = tables.i64At(buffers.at + 16 * i + 8);
    if (!(from >= 0 && length >= 0 && from + length <= bodyBytes))
      throw wrong(tables.offset, 'a buffer within the body');
  }
  // Each compressed buffer states its own size, which is believed when room for it is made.
  if (tables.table(batch, 3) !== 0)
    throw new AnteroomError(
      'unsupported',
      "Arrow data with compressed buffers, as Feather files have them; write it with compression='uncompressed'",
    );
  tables.vector(batch, 4, 8);
}
