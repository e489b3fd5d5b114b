/** Reads Apache Arrow IPC, stream and file format, a message at a time. Loads apache-arrow. */

import {
  TimeUnit as ArrowTimeUnit,
  type Data,
  DataType,
  Message,
  MessageHeader,
  type RecordBatch,
  RecordBatchReader,
  type Vector,
} from 'apache-arrow';
import { Footer } from 'apache-arrow/ipc/metadata/file';
import {
  DictionaryBatch as DictionaryHeader,
  RecordBatch as RecordBatchHeader,
} from 'apache-arrow/ipc/metadata/message';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessSink } from '../access-sink.ts';
import { ACCESS_SCHEMA_VERSION, metadataKeys } from '../codec/access-schema.ts';
import type { ColumnRole, FormatOptions, RandomAccessFile, StreamDecoder } from '../format.ts';
import { continuation, fileMagic, fileMagicBytes, metadataBytesMax, startsWithMagic } from './arrow-ipc.ts';
import { checkArrowFooter, checkArrowMessage } from './flatbuffer-check.ts';
import { registerArrowCodecs } from './page-compression.ts';
import { type ColumnValue, DamagedValue, neededColumns, type TableColumn, TableColumns } from './table-columns.ts';
import type { TimeUnit } from './time-scale.ts';

/** Longest body of one message. A record batch is decoded whole: it is what the format makes the unit of. */
const bodyBytesMax = 2 ** 30;

/** Bytes read at a time from a stream. */
const chunkBytes = 2 ** 20;

/**
 * The file format is read by its footer, a record batch at a time, wherever its dictionaries lie; a file that was cut before its
 * footer is read front to back, as a stream is, as far as it goes.
 */
export async function* readArrowIpc(
  file: RandomAccessFile,
  options: FormatOptions,
  sink: AccessSink,
): AsyncGenerator<void> {
  registerArrowCodecs();
  const decoder = new ArrowIpcDecoder(options);
  const index = await indexOf(file);
  if (index === null) {
    for (let start = 0; start < file.byteLength; start += chunkBytes) {
      decoder.write(await file.read(start, Math.min(start + chunkBytes, file.byteLength)), sink);
      yield;
    }
  } else {
    decoder.write(index.schemaMessage, sink);
    for (const { start, end } of index.blocks) {
      if (!(start >= fileMagicBytes && start < end && end <= file.byteLength)) {
        sink.reject({ byte: start }, 'a block inside the file, as the footer says', `one in bytes ${start}..${end}`);
        continue;
      }
      decoder.startAt(start);
      decoder.write(await file.read(start, end), sink);
      yield;
    }
  }
  decoder.end(sink);
}

/** What a footer says: the schema, and where messages lie, dictionaries first. */
interface FileIndex {
  readonly schemaMessage: Uint8Array;
  readonly blocks: readonly { readonly start: number; readonly end: number }[];
}

/** The index of a whole file of the file format, or null. */
async function indexOf(file: RandomAccessFile): Promise<FileIndex | null> {
  const tailBytes = 4 + fileMagic.length;
  if (file.byteLength < fileMagicBytes + tailBytes) return null;
  const head = await file.read(0, fileMagic.length);
  const tail = await file.read(file.byteLength - tailBytes, file.byteLength);
  if (!startsWithMagic(head) || !startsWithMagic(tail.subarray(4))) return null;
  const length = new DataView(tail.buffer, tail.byteOffset, 4).getInt32(0, true);
  const start = file.byteLength - tailBytes - length;
  if (length <= 0 || start < fileMagicBytes) return null;
  const bytes = await file.read(start, start + length);
  try {
    checkArrowFooter(bytes);
    const footer = Footer.decode(bytes);
    const blocks = [...footer.dictionaryBatches(), ...footer.recordBatches()].map((block) => {
      const at = Number(block.offset);
      return { start: at, end: at + block.metaDataLength + Number(block.bodyLength) };
    });
    return { schemaMessage: schemaMessageOf(footer), blocks };
  } catch {
    return null;
  }
}

/** The schema as the message that begins a stream; some writers of files leave it to the footer. */
function schemaMessageOf(footer: Footer): Uint8Array {
  const metadata = Message.encode(Message.from(footer.schema));
  const bytes = new Uint8Array(8 + Math.ceil(metadata.length / 8) * 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, continuation, true);
  view.setUint32(4, bytes.length - 8, true);
  bytes.set(metadata, 8);
  return bytes;
}

/** A reader that asks on and on without being given anything is ended; it looks ahead by one chunk at most. */
const emptyChunksMax = 64;

const damaged = new DamagedValue();

/** What the metadata of a message says. */
interface Header {
  readonly kind: MessageHeader;
  readonly bodyLength: number;
  readonly dictionaryId: number;
  readonly isDelta: boolean;
}

/** What the next bytes are. */
type Part = 'magic' | 'prefix' | 'length' | 'metadata' | 'body' | 'rest';

/** Holds one unfinished message, and what record batches refer to: the dictionaries. */
class ArrowIpcDecoder implements StreamDecoder {
  readonly #options: FormatOptions;
  #part: Part = 'magic';
  /** The message so far; replaced for each message, because batches keep views of it. */
  #message = new Uint8Array(fileMagicBytes);
  #filled = 0;
  /** Bytes of `#message` at which the part at hand is complete. */
  #needed = fileMagicBytes;
  /** Bytes of the framing before the metadata: 8, or 4 in streams from before Arrow 0.15. */
  #prefixBytes = 8;
  /** Offset in the input of the message at hand. */
  #messageByte = 0;
  #position = 0;
  /** Whole messages that the reader has not taken yet: dictionaries that precede a record batch, at most. */
  readonly #queue: Uint8Array[] = [];
  /** Of the message at hand, once its metadata is there. */
  #header: Header | null = null;
  #reader: RecordBatchReader | null = null;
  #columns: TableColumns | null = null;
  /** Values of dictionaries by id, as far as they were needed. */
  readonly #decoded = new Map<number, unknown[]>();
  #rowCount = 0;

  constructor(options: FormatOptions) {
    this.#options = options;
  }

  /** The next bytes are a message that stands at `byte` of the file. */
  startAt(byte: number): void {
    this.#position = byte;
    this.#messageByte = byte;
  }

  write(chunk: Uint8Array, sink: AccessSink): void {
    let at = 0;
    while (at < chunk.length && this.#part !== 'rest') {
      const taken = Math.min(this.#needed - this.#filled, chunk.length - at);
      this.#reserve(this.#filled + taken);
      this.#message.set(chunk.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      this.#position += taken;
      at += taken;
      while (this.#filled === this.#needed && this.#advance(sink));
    }
  }

  end(sink: AccessSink): void {
    // A stream may end without its end mark.
    if (this.#part === 'rest' || this.#filled === 0) return;
    sink.truncated({ byte: this.#messageByte }, `a whole Arrow message (${this.#filled} bytes of it are there)`);
  }

  /** Acts on a part that is complete; false when nothing more can be done without more bytes. */
  #advance(sink: AccessSink): boolean {
    switch (this.#part) {
      case 'magic':
        return this.#readMagic();
      case 'prefix':
        return this.#readPrefix(sink);
      case 'length':
        return this.#readLength(this.#wordAt(4), 8, sink);
      case 'metadata':
        return this.#readMetadata(sink);
      case 'body':
        this.#readMessage(sink);
        return false;
      case 'rest':
        return false;
    }
  }

  #readMagic(): boolean {
    if (startsWithMagic(this.#message)) {
      this.#expectMessage();
      return false;
    }
    this.#part = 'prefix';
    return true;
  }

  #expectMessage(): void {
    this.#part = 'prefix';
    this.#message = new Uint8Array(8);
    this.#filled = 0;
    this.#needed = 4;
    this.#messageByte = this.#position;
  }

  #readPrefix(sink: AccessSink): boolean {
    const word = this.#wordAt(0);
    if (word !== continuation) return this.#readLength(word, 4, sink);
    this.#part = 'length';
    if (this.#needed >= 8) return true;
    this.#needed = 8;
    return false;
  }

  #readLength(length: number, prefixBytes: number, sink: AccessSink): boolean {
    if (length === 0) return this.#stop();
    if (length > metadataBytesMax) {
      sink.reject({ byte: this.#messageByte }, 'an Arrow message', `one of ${length} bytes of metadata`);
      return this.#stop();
    }
    this.#prefixBytes = prefixBytes;
    this.#needed = prefixBytes + length;
    this.#part = 'metadata';
    return this.#filled === this.#needed;
  }

  #readMetadata(sink: AccessSink): boolean {
    const header = headerOf(this.#message.subarray(this.#prefixBytes, this.#needed));
    if (header === null || !(header.bodyLength >= 0 && header.bodyLength <= bodyBytesMax)) {
      const found = header === null ? 'other bytes' : `a body of ${header.bodyLength} bytes`;
      sink.reject({ byte: this.#messageByte }, `an Arrow message of at most ${bodyBytesMax} bytes`, found);
      return this.#stop();
    }
    this.#header = header;
    this.#needed += header.bodyLength;
    this.#part = 'body';
    return true;
  }

  /** Makes room for `length` bytes of the message: no more than twice what came, so that a damaged length costs nothing. */
  #reserve(length: number): void {
    if (this.#message.length >= length) return;
    const grown = new Uint8Array(Math.min(this.#needed, Math.max(length, 2 * this.#message.length)));
    grown.set(this.#message.subarray(0, this.#filled), 0);
    this.#message = grown;
  }

  #stop(): false {
    this.#part = 'rest';
    return false;
  }

  #wordAt(offset: number): number {
    const message = this.#message;
    return new DataView(message.buffer, message.byteOffset).getUint32(offset, true);
  }

  #readMessage(sink: AccessSink): void {
    if (this.#filled < this.#needed) return;
    const bytes = this.#message;
    const byte = this.#messageByte;
    const header = this.#header;
    this.#expectMessage();
    switch (header?.kind) {
      case MessageHeader.Schema:
        if (this.#reader === null) {
          this.#open(bytes, byte, sink);
        } else {
          sink.reject({ byte }, 'one schema', 'a second one');
          this.#stop();
        }
        return;
      case MessageHeader.DictionaryBatch:
        if (!header.isDelta) this.#decoded.delete(header.dictionaryId);
        this.#queue.push(bytes);
        return;
      case MessageHeader.RecordBatch:
        this.#queue.push(bytes);
        this.#readBatch(byte, sink);
        return;
      default:
        sink.reject({ byte }, 'a schema, dictionary or record batch', `a message of kind ${header?.kind}`);
    }
  }

  #open(schemaMessage: Uint8Array, byte: number, sink: AccessSink): void {
    this.#queue.push(schemaMessage);
    let ownVersion: number;
    let columns: readonly TableColumn[];
    try {
      const reader = RecordBatchReader.from(this.#bytes()).open();
      const { schema } = reader;
      ownVersion = Number(/^access\/(\d+)$/.exec(schema.metadata.get(metadataKeys.schema) ?? '')?.[1] ?? 0);
      // Only the project's own schema promises that its times are milliseconds.
      columns = schema.fields.map(({ name, type }) => ({
        name: isNested(type) ? '' : `${name}`,
        unit: ownVersion > 0 ? 'ms' : unitOf(type),
      }));
      this.#reader = reader;
    } catch (error) {
      sink.reject({ byte }, 'an Arrow schema', error instanceof Error ? error.message : String(error));
      this.#stop();
      return;
    }
    if (ownVersion > ACCESS_SCHEMA_VERSION) {
      const problem = `accesses of schema version ${ownVersion}; this reads up to ${ACCESS_SCHEMA_VERSION}`;
      throw new AnteroomError('unsupported', problem, { context: { version: ownVersion } });
    }
    this.#columns = new TableColumns('arrow-ipc', columns, this.#options);
    sink.leaveOut?.(this.#columns.leftOut);
  }

  /** What the reader pulls from. It is only asked to go on when a record batch is queued, and looks at most one chunk ahead. */
  *#bytes(): Generator<Uint8Array> {
    const nothing = new Uint8Array(0);
    for (let emptyCount = 0; emptyCount < emptyChunksMax; emptyCount++) {
      const next = this.#queue.shift();
      if (next !== undefined) emptyCount = 0;
      yield next ?? nothing;
    }
  }

  #readBatch(byte: number, sink: AccessSink): void {
    const columns = this.#columns;
    if (this.#reader === null || columns === null) {
      sink.reject(
        { byte },
        'a schema before the first record batch (some files have it only in the footer, which was cut off)',
        'a record batch',
      );
      this.#stop();
      return;
    }
    const values = new Map<ColumnRole, ColumnValue>();
    let rowCount = 0;
    try {
      const { value } = this.#reader.next() as IteratorResult<RecordBatch, null>;
      if (value === null) throw new Error('the message cannot be read');
      rowCount = value.numRows;
      for (const [role, index] of neededColumns(columns.columnOfRole)) {
        values.set(role, columnValueOf(value.getChildAt(index)!, this.#decoded));
      }
    } catch (error) {
      sink.reject({ byte }, 'an Arrow record batch', error instanceof Error ? error.message : String(error));
      return;
    }
    columns.append(values, rowCount, this.#rowCount, sink);
    this.#rowCount += rowCount;
  }
}

/** Values of a vector. Those of a dictionary are decoded once and kept in `decodedById` until a replacement of it comes. */
function columnValueOf(vector: Vector, decodedById: Map<number, unknown[]>): ColumnValue {
  // A column of nulls has no buffers.
  if (DataType.isNull(vector.type)) return () => null;
  // A damaged count of rows must not be walked through: each takes a bit at least.
  const { valueOffsets, values } = vector.data[0] as Data;
  const heldCount = valueOffsets === undefined ? (values?.length ?? 0) : valueOffsets.length - 1;
  if (vector.length > heldCount * (DataType.isBool(vector.type) ? 8 : 1))
    throw new Error('its buffers hold fewer rows');
  checkOffsets(vector.data[0] as Data);
  if (!DataType.isDictionary(vector.type)) {
    const scale = DataType.isDecimal(vector.type) ? vector.type.scale : null;
    return (row) => {
      try {
        const value = vector.get(row);
        return scale === null || value === null ? value : decimalOf(value, scale);
      } catch {
        return damaged;
      }
    };
  }
  const data = vector.data[0] as Data;
  const dictionary = data.dictionary as Vector | undefined;
  if (dictionary === undefined) throw new Error('its dictionary has not come before it');
  if (!decodedById.has(vector.type.id)) for (const part of dictionary.data) checkOffsets(part as Data);
  const keys = data.values as ArrayLike<number | bigint>;
  const decoded = decodedById.get(vector.type.id) ?? [];
  decodedById.set(vector.type.id, decoded);
  return (row) => {
    if (!vector.isValid(row)) return null;
    const key = Number(keys[row]);
    if (!(key >= 0 && key < dictionary.length)) return damaged;
    try {
      decoded[key] ??= dictionary.get(key);
    } catch {
      return damaged;
    }
    return decoded[key];
  };
}

/** Exact where there are no digits behind the point. Scales run to 76; a damaged one is not computed with. */
function decimalOf(unscaled: unknown, scale: number): bigint | number | DamagedValue {
  if (!(Math.abs(scale) <= 76)) return damaged;
  const digits = BigInt(String(unscaled));
  if (scale <= 0) return digits * 10n ** BigInt(-scale);
  const unit = 10n ** BigInt(scale);
  return digits % unit === 0n ? digits / unit : Number(digits) / 10 ** scale;
}

/** Columns of columns are not looked into; as in Parquet, they keep their place and have no name to match. */
function isNested(type: DataType): boolean {
  return (
    DataType.isStruct(type) ||
    DataType.isList(type) ||
    DataType.isLargeList(type) ||
    DataType.isFixedSizeList(type) ||
    DataType.isMap(type) ||
    DataType.isUnion(type)
  );
}

/** Values of varying length may not overlap: else each could be decoded to all bytes that there are. */
function checkOffsets(data: Data): void {
  const offsets = data.valueOffsets as ArrayLike<number | bigint> | undefined;
  if (offsets === undefined || DataType.isUnion(data.type)) return;
  for (let i = 0; i < data.length; i++) if (!(offsets[i]! <= offsets[i + 1]!)) throw new Error('its values overlap');
}

/** Timestamps and dates are read as milliseconds; durations and times of day as numbers in their unit. */
function unitOf(type: DataType): TimeUnit | null {
  if (DataType.isTimestamp(type) || DataType.isDate(type)) return 'ms';
  if (!DataType.isDuration(type) && !DataType.isTime(type)) return null;
  switch (type.unit) {
    case ArrowTimeUnit.SECOND:
      return 's';
    case ArrowTimeUnit.MILLISECOND:
      return 'ms';
    case ArrowTimeUnit.MICROSECOND:
      return 'us';
    case ArrowTimeUnit.NANOSECOND:
      return 'ns';
    default:
      return null;
  }
}

/** What the metadata of a message says, or null where it is damaged: decoding is lazy, so all of it happens here. */
function headerOf(metadata: Uint8Array): Header | null {
  try {
    checkArrowMessage(metadata);
    const message = Message.decode(metadata);
    const { headerType: kind, bodyLength } = message;
    const header = message.header();
    const isDictionary = header instanceof DictionaryHeader;
    const batch = isDictionary ? header.data : header instanceof RecordBatchHeader ? header : null;
    // A damaged count must be neither allocated nor walked through: a value takes a bit at least, compressed 1/64 of one.
    const valuesMax = Math.max(1, Number(bodyLength)) * (batch?.compression ? 512 : 8);
    if (batch !== null && [batch, ...batch.nodes].some(({ length }) => !(length >= 0 && length <= valuesMax)))
      return null;
    return {
      kind,
      bodyLength: Number(bodyLength),
      dictionaryId: isDictionary ? Number(header.id) : -1,
      isDelta: isDictionary && header.isDelta,
    };
  } catch {
    return null;
  }
}
