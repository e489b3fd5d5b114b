/** Opens an access log of any format and compression as a pulled stream of access batches. */

import { AnteroomError } from '../../engine/errors.ts';
import type { DecompressionFault } from '../../engine/host/gunzip.ts';
import { type ByteSource, memoryByteSource, openByteSource, spool } from '../../engine/host/source-file.ts';
import type { AccessBatch } from '../access-batch.ts';
import { AccessBatchBuilder } from '../access-batch-builder.ts';
import type { AccessBatches, AccessSink, SourceSummary } from '../access-sink.ts';
import type { FileFormat, Format, FormatOptions, StreamFormat } from '../format.ts';
import type { NameInterner, NameTable } from '../name-table.ts';
import { detectFormat } from './auto-detect.ts';
import { Content } from './content.ts';
import type { Compression } from './decompress.ts';
import { formatNamed, formats } from './formats.ts';
import { endsAtLimit, isLimitReached, StoppingSink } from './stopping-sink.ts';

export interface OpenOptions extends FormatOptions {
  /** Name of a format, or `auto` (the default): by content. */
  readonly format?: string;
  /** Count bad records, list the first ten and go on. Default false: the first one throws. */
  readonly lenient?: boolean;
  /** Accesses to read at most. Default: all. */
  readonly limit?: number;
  /** Rows of a full batch. Default: the builder's. */
  readonly rowsMax?: number;
  /** As the builder's. */
  readonly timeMsMax?: number;
  /** Tables to intern names in, to give several inputs one id space. */
  readonly segments?: NameInterner;
  readonly consumers?: NameInterner;
  readonly sites?: NameInterner;
}

/** An input that is being read. */
export interface OpenedSource {
  /** Name of the file as given, `<stdin>` or `<bytes>`. */
  readonly file: string;
  /** Name of the format. */
  readonly format: string;
  readonly compression: Compression;
  /** As `Format.addressBytes`: null when segment ids are opaque. */
  readonly addressBytes: number | null;
  readonly names: { readonly segments: NameTable; readonly consumers: NameTable; readonly sites: NameTable };
  /** To be iterated once; the input is closed when that ends, however it ends. Throws AnteroomError for what cannot be read. */
  readonly batches: AccessBatches;
  /** Of what was read so far. */
  summary(): SourceSummary;
  /** Compressed bytes read so far, and in all (null for standard input). */
  progress(): { readonly bytesRead: number; readonly bytesTotal: number | null };
  /** Closes an input that is not read to its end. Closing twice is allowed. */
  close(): Promise<void>;
}

/**
 * Opens a file (`-`: standard input) or bytes. Reads as much as it takes to know the format, 64 KiB of content.
 * @throws AnteroomError 'not-found', 'io', 'unsupported', 'unknown-format', 'bad-usage'.
 */
export async function openSource(pathOrBytes: string | Uint8Array, options: OpenOptions = {}): Promise<OpenedSource> {
  const name = options.format ?? 'auto';
  const named = name === 'auto' ? null : formatNamed(name);
  const input = typeof pathOrBytes === 'string' ? await openByteSource(pathOrBytes) : memoryByteSource(pathOrBytes);
  const content = new Content(input);
  try {
    await content.begin();
    const format = named ?? chooseFormat(content, options);
    const builder = new AccessBatchBuilder({
      file: input.name,
      isLenient: options.lenient ?? false,
      ...(options.limit === undefined ? {} : { limit: options.limit }),
      ...(options.rowsMax === undefined ? {} : { rowsMax: options.rowsMax }),
      ...(options.timeMsMax === undefined ? {} : { timeMsMax: options.timeMsMax }),
      ...(options.segments === undefined ? {} : { segments: options.segments }),
      ...(options.consumers === undefined ? {} : { consumers: options.consumers }),
      ...(options.sites === undefined ? {} : { sites: options.sites }),
    });
    const heeded = formatOptionsOf(options);
    // A decoder is made now, so that options it has no use for are refused before anything is read.
    const decoder = format.kind === 'stream' ? format.decoder(heeded) : null;
    const sink = options.limit === undefined ? builder : new StoppingSink(builder);
    const batches =
      decoder === null
        ? fileBatches(format as FileFormat, content, heeded, builder, sink)
        : streamBatches(decoder, content, builder, sink);
    return {
      file: input.name,
      format: format.name,
      compression: content.compression,
      addressBytes: format.addressBytes,
      names: { segments: builder.segments, consumers: builder.consumers, sites: builder.sites },
      batches: ofFile(batches, input.name),
      summary: () => builder.summary(),
      progress: () => ({ bytesRead: content.bytesRead, bytesTotal: input.byteLength }),
      close: () => content.close(),
    };
  } catch (error) {
    await content.close();
    throw error;
  }
}

/** What is wrong with the options is only known with the first record; then it is said of which input. */
async function* ofFile(batches: AsyncGenerator<AccessBatch>, file: string): AsyncGenerator<AccessBatch> {
  try {
    yield* batches;
  } catch (error) {
    if (!(error instanceof AnteroomError) || error.code !== 'bad-usage') throw error;
    throw new AnteroomError('bad-usage', `${file}: ${error.message}`, {
      context: { ...error.context, file },
      cause: error,
    });
  }
}

/** Options on how columns lie leave only the formats that have them; among these a look at the content decides. */
function chooseFormat(content: Content, options: OpenOptions): Format {
  const { head, isWhole, file, fault } = content;
  if (head.length === 0 && fault !== null) throw faultError(content, fault);
  const isDelimited = options.delimiter !== undefined || options.hasHeader !== undefined;
  if (options.columns === undefined && !isDelimited) {
    try {
      return detectFormat(formats, head, isWhole, file);
    } catch (error) {
      // What is left of a compressed file that was cut tells no format; that it was cut is the reason.
      throw fault === null ? error : faultError(content, fault);
    }
  }
  const table = tables.find((format) => format.detect(head, isWhole) >= 0.9);
  if (table !== undefined) return table;
  if (isDelimited) return formatNamed('csv');
  const isJson = head.find((byte) => byte > 32 && byte < 128) === 123;
  return formatNamed(isJson ? 'ndjson' : 'csv');
}

/** Formats with columns that are told by their first bytes. */
const tables: readonly Format[] = [formatNamed('parquet'), formatNamed('arrow-ipc')];

async function* streamBatches(
  decoder: ReturnType<StreamFormat['decoder']>,
  content: Content,
  builder: AccessBatchBuilder,
  sink: AccessSink,
): AsyncGenerator<AccessBatch> {
  try {
    for await (const chunk of content.chunks()) {
      if (builder.isDone) break;
      const isDone = endsAtLimit(() => decoder.write(chunk, sink));
      yield* fullBatches(builder);
      if (isDone) break;
    }
    if (!builder.isDone) {
      const { fault } = content;
      // After a fault the decoder is not ended: what it holds is a record that was cut, not a last one.
      if (fault === null) yield* endOf(decoder, builder, sink);
      else if (fault.kind === 'truncated')
        sink.truncated({ byte: content.bytesRead }, `the rest of the ${content.compression} stream`);
      else sink.reject({ byte: content.bytesRead }, `${content.compression} data`, fault.reason);
    }
    yield* fullBatches(builder);
    const rest = builder.takeRest();
    if (rest !== null) yield rest;
  } finally {
    await content.close();
  }
}

/** Ends a decoder, in parts where it holds more than a batch, so that full batches are taken in between. */
function* endOf(
  decoder: ReturnType<StreamFormat['decoder']>,
  builder: AccessBatchBuilder,
  sink: AccessSink,
): Generator<AccessBatch> {
  let hasMore = decoder.endPart !== undefined;
  while (hasMore) {
    const isDone = endsAtLimit(() => {
      hasMore = decoder.endPart!(sink);
    });
    yield* fullBatches(builder);
    if (isDone) return;
  }
  endsAtLimit(() => decoder.end(sink));
}

async function* fileBatches(
  format: FileFormat,
  content: Content,
  options: FormatOptions,
  builder: AccessBatchBuilder,
  sink: AccessSink,
): AsyncGenerator<AccessBatch> {
  let spooled: ByteSource | null = null;
  try {
    let file = content.compression === 'none' ? content.input : null;
    if (file === null || file.read === null || file.byteLength === null) {
      file = spooled = await spool(content.chunks(), content.file);
      if (content.fault !== null) throw faultError(content, content.fault);
    } else content.bytesRead = file.byteLength;
    const rows = format.read({ byteLength: file.byteLength!, read: file.read! }, options, sink);
    const iterator = rows[Symbol.asyncIterator]();
    try {
      while (!builder.isDone && !(await nextIsLast(iterator))) yield* fullBatches(builder);
    } finally {
      await iterator.return?.();
    }
    yield* fullBatches(builder);
    const rest = builder.takeRest();
    if (rest !== null) yield rest;
  } finally {
    await spooled?.close();
    await content.close();
  }
}

/** A compression that gave nothing to go by. */
function faultError(content: Content, fault: DecompressionFault): AnteroomError {
  const { file, bytesRead, compression } = content;
  const code = fault.kind === 'truncated' ? 'truncated' : 'bad-record';
  return new AnteroomError(code, `${file}: byte ${bytesRead}: ${compression} data: ${fault.reason}`, {
    context: { file, byte: bytesRead },
  });
}

/** Advances; true when the rows are over or the limit was reached. */
async function nextIsLast(iterator: AsyncIterator<void>): Promise<boolean> {
  try {
    return (await iterator.next()).done === true;
  } catch (error) {
    if (isLimitReached(error)) return true;
    throw error;
  }
}

function* fullBatches(builder: AccessBatchBuilder): Generator<AccessBatch> {
  for (let batch = builder.takeFull(); batch !== null; batch = builder.takeFull()) yield batch;
}

function formatOptionsOf(options: OpenOptions): FormatOptions {
  const { columns, delimiter, hasHeader, timeUnit, seed } = options;
  return {
    ...(columns === undefined ? {} : { columns }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(hasHeader === undefined ? {} : { hasHeader }),
    ...(timeUnit === undefined ? {} : { timeUnit }),
    ...(seed === undefined ? {} : { seed }),
  };
}
