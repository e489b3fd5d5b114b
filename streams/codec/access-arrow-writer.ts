/** Access batches to Arrow IPC bytes, as a stream or a file. */

import {
  AsyncByteQueue,
  type Dictionary,
  Message,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  type Schema,
} from 'apache-arrow';
import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../access-batch.ts';
import type { NameTable } from '../name-table.ts';
import { internedSchema, namedSchema } from './access-schema.ts';
import { NameColumn } from './name-column.ts';
import { assembled, toRecordBatch } from './record-batch.ts';

/** The name tables of a trace. */
export interface AccessNames {
  readonly segments: NameTable;
  readonly consumers: NameTable;
  readonly sites: NameTable;
}

/** What to write. */
export interface AccessArrowWriterOptions {
  /** `stream` can be read as it is written; `file` has an index at its end. */
  readonly layout: 'stream' | 'file';
  /** Names to write along (`namedSchema`); null writes bare ids (`internedSchema`). */
  readonly names: AccessNames | null;
}

/**
 * Writes batches one by one and gives out the bytes as soon as they exist, so that memory stays within a batch (a file's
 * index grows by some dozen bytes a batch). Both layouts begin with the schema, so an empty log is a valid file.
 *
 * A kept writer is what makes small frames cheap: see streams/README.md.
 */
export class AccessArrowWriter {
  readonly #writer: RecordBatchStreamWriter | RecordBatchFileWriter;
  readonly #sink = new ChunkQueue();
  readonly #segments: NameColumn | null;
  readonly #consumers: NameColumn | null;
  readonly #sites: NameColumn | null;
  #isClosed = false;

  constructor(options: AccessArrowWriterOptions) {
    const { names } = options;
    const columnOf = (table: NameTable | undefined, field: number): NameColumn | null =>
      table === undefined ? null : new NameColumn(table, namedSchema.fields[field]!.type as Dictionary);
    this.#segments = columnOf(names?.segments, 1);
    this.#consumers = columnOf(names?.consumers, 2);
    this.#sites = columnOf(names?.sites, 3);
    const writerOptions = { autoDestroy: false };
    this.#writer =
      options.layout === 'file' ? new SequentialFileWriter(writerOptions) : new RecordBatchStreamWriter(writerOptions);
    this.#writer.reset(this.#sink, names === null ? internedSchema : namedSchema);
  }

  /** Adds a batch; returns all bytes not given out yet. They are views of the batch: send or copy them before reusing it. */
  write(batch: AccessBatch): readonly Uint8Array[] {
    assert(!this.#isClosed, 'the writer is closed');
    const [segments, consumers, sites] = [this.#segments, this.#consumers, this.#sites];
    const record =
      segments === null || consumers === null || sites === null
        ? toRecordBatch(batch)
        : assembled(namedSchema, batch, [
            segments.column(batch.segment),
            consumers.column(batch.consumer),
            sites.column(batch.site),
          ]);
    this.#writer.write(record);
    return this.#sink.takeAll();
  }

  /** Ends the stream or file; returns the last bytes. */
  end(): readonly Uint8Array[] {
    assert(!this.#isClosed, 'the writer is closed');
    this.#isClosed = true;
    this.#writer.close();
    return this.#sink.takeAll();
  }
}

/**
 * Arrow's file writer with the schema message after the magic, as the format has it (Arrow columnar format, "IPC File
 * Format": the file holds a whole stream); without it a file can only be read by its index.
 */
class SequentialFileWriter extends RecordBatchFileWriter {
  protected override _writeSchema(schema: Schema): this {
    return super._writeSchema(schema)._writeMessage(Message.from(schema));
  }
}

/** Arrow's byte queue, emptied synchronously: its own way out is an async iterator, a promise for each buffer. */
class ChunkQueue extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(value: Parameters<AsyncByteQueue['write']>[0]): void {
    assert(ArrayBuffer.isView(value), 'the writer passes views only');
    this.#chunks.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }

  takeAll(): readonly Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }
}

/** Chunks as one array. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
