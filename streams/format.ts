/** A format of access logs: how to recognise it and how to read it. The contract every reader implements. */

import type { AccessSink } from './access-sink.ts';

/** Options that formats may heed; a format that cannot act on a given option must refuse it as bad usage. */
export interface FormatOptions {
  /** Delimited text: which column (name or 1-based number) holds which field, e.g. `{ segment: 'url', time: '3' }`. */
  readonly columns?: Readonly<Partial<Record<ColumnRole, string>>>;
  /** Delimited text: one character. */
  readonly delimiter?: string;
  /** Delimited text: whether the first line names the columns; looked at when not given. */
  readonly hasHeader?: boolean;
  /** Unit of numeric times; guessed by magnitude or by column name when not given. */
  readonly timeUnit?: 's' | 'ms' | 'us' | 'ns';
  /** Seed for formats that must place sessions in time (LLM KV-cache logs). Default 1. */
  readonly seed?: number;
}

export type ColumnRole = 'time' | 'segment' | 'consumer' | 'site' | 'op' | 'size' | 'weight';

/**
 * Decodes bytes pushed in chunks of any size; the rows are the same however the bytes are cut.
 * A decoder never keeps more than one unfinished record (bounded by `recordBytesMax`, 16 MiB) in memory, unless its format says why.
 */
export interface StreamDecoder {
  /** Takes the next bytes. The decoder must not keep a reference to `chunk`. */
  write(chunk: Uint8Array, sink: AccessSink): void;
  /**
   * For a decoder that still holds much when the input ends: called before `end`, again while it returns true. Each call emits
   * a part of what is held (about one batch), so that full batches can be taken in between; `end` emits whatever is left.
   */
  endPart?(sink: AccessSink): boolean;
  /** The input ended. */
  end(sink: AccessSink): void;
}

interface FormatFacts {
  /** Name for `--format`, kebab-case. */
  readonly name: string;
  /** One sentence for `anteroom formats`. */
  readonly description: string;
  /** Where the layout is published. */
  readonly reference: string;
  /** Unit in bytes of segment ids that are addresses by definition (VSCSI, MSR), else null: ids are opaque. */
  readonly addressBytes: number | null;
  /**
   * How surely `head` (up to 64 KiB of decompressed content) is this format, 0..1. The highest wins; below .5 is "no".
   * Must be cheap and must not throw on any bytes. `isWhole` says that `head` is all there is.
   */
  detect(head: Uint8Array, isWhole: boolean): number;
}

/** A format that is read front to back. */
export interface StreamFormat extends FormatFacts {
  readonly kind: 'stream';
  decoder(options: FormatOptions): StreamDecoder;
}

/** A format that needs random access (a footer at the end of the file). */
export interface FileFormat extends FormatFacts {
  readonly kind: 'file';
  /** Reads `file` row group by row group, appending to `sink` and yielding after each so that full batches can be taken. */
  read(file: RandomAccessFile, options: FormatOptions, sink: AccessSink): AsyncIterable<void>;
}

export type Format = StreamFormat | FileFormat;

/** A file that can be read anywhere. */
export interface RandomAccessFile {
  readonly byteLength: number;
  /** Bytes [start, end). */
  read(start: number, end: number): Promise<Uint8Array>;
}
