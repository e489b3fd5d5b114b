/** Arrow IPC bytes, stream or file, back to access batches. */

import {
  type Data,
  type RecordBatch,
  RecordBatchReader,
  Type,
  type TypeMap,
  type Utf8,
  type Vector,
} from 'apache-arrow';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../access-batch.ts';
import type { Interner } from '../interner.ts';
import { concatBytes } from './access-arrow-writer.ts';
import { metadataKeys } from './access-schema.ts';
import { fromRecordBatch } from './record-batch.ts';

/** `ARROW1`, padded to 8 bytes at the start of a file. */
const FILE_MAGIC = [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31];
const FILE_MAGIC_BYTES = 8;

/** Where names of a named stream go. */
export interface AccessInterners {
  readonly segments: Interner;
  readonly consumers: Interner;
  readonly sites: Interner;
}

/**
 * Reads what `AccessArrowWriter` wrote, one batch at a time, and any Arrow data with columns of those names.
 *
 * Names are interned into `names`: with empty tables ids come out as they went in and columns are shared with the Arrow
 * buffers, else they are mapped into copies. Bare ids pass as they are. Empty batches are left out.
 *
 * @throws AnteroomError('truncated') or ('bad-record') when the bytes are not whole Arrow data.
 */
export async function* readAccessArrow(
  bytes: Uint8Array | AsyncIterable<Uint8Array>,
  names: AccessInterners,
): AsyncGenerator<AccessBatch> {
  const segments = new IdMap('segment', names.segments);
  const consumers = new IdMap('consumer', names.consumers);
  const sites = new IdMap('site', names.sites);
  let position = 0;
  for await (const record of records(bytes)) {
    const batch = fromRecordBatch(record, position);
    position = batch.position + batch.length;
    yield batch.with({
      segment: segments.mapped(record, batch.segment),
      consumer: consumers.mapped(record, batch.consumer),
      site: sites.mapped(record, batch.site),
    });
  }
}

/** Arrow's reader with its faults in this project's words. */
async function* records(bytes: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<RecordBatch> {
  try {
    const reader =
      bytes instanceof Uint8Array
        ? RecordBatchReader.from(bytes)
        : await RecordBatchReader.from<TypeMap>(withoutMagic(bytes));
    await reader.open();
    if (reader.schema === undefined || reader.schema === null)
      throw new AnteroomError('truncated', 'Arrow data: expected a schema, found the end of the input');
    // Arrow's reader gives an empty batch for a stream of none.
    for await (const record of reader) if (record.numRows > 0) yield record;
  } catch (cause) {
    if (cause instanceof AnteroomError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    // Arrow's reader says "Expected to read N bytes ..., but only read M" when the input ends early.
    const isTruncated = /only read|unexpected end/i.test(message);
    throw new AnteroomError(isTruncated ? 'truncated' : 'bad-record', `Arrow data: ${message}`, { cause });
  }
}

/**
 * A file without the magic at its start is a stream followed by an index, so both are read front to back; left to itself,
 * Arrow's reader would load a file whole. (Arrow's own JavaScript writer leaves the schema out of that stream: such a file
 * is read by its index, from bytes in memory.)
 */
async function* withoutMagic(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  let isPastHead = false;
  for await (const chunk of bytes) {
    if (isPastHead) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : concatBytes([head, chunk]);
    if (head.length < FILE_MAGIC_BYTES) continue;
    isPastHead = true;
    const isFile = FILE_MAGIC.every((byte, i) => head[i] === byte);
    yield isFile ? head.subarray(FILE_MAGIC_BYTES) : head;
    head = new Uint8Array(0);
  }
  if (!isPastHead && head.length > 0) yield head;
}

/** Dictionary indices of one column to ids of an interner. */
class IdMap {
  readonly #field: string;
  readonly #names: Interner;
  #ids = new Uint32Array(0);
  #mappedCount = 0;
  #firstChunk: Data | undefined;
  #isIdentity = true;

  constructor(field: string, names: Interner) {
    this.#field = field;
    this.#names = names;
  }

  mapped<T extends Uint32Array | Int32Array>(record: RecordBatch, indices: T): T {
    const index = record.schema.fields.findIndex((field) => field.name === this.#field);
    const data = index < 0 ? undefined : record.data.children[index];
    const dictionary: Vector | undefined = data?.dictionary;
    if (dictionary === undefined) return indices;
    this.#extend(dictionary, record.schema.metadata.has(metadataKeys.schema));
    const count = this.#mappedCount;
    for (let row = 0; row < indices.length; row++)
      if (indices[row]! >= count)
        throw new AnteroomError(
          'bad-record',
          `Arrow column ${this.#field}: expected an index below ${count}, found ${indices[row]} in row ${row}`,
          { context: { column: this.#field, row } },
        );
    if (this.#isIdentity) return indices;
    const ids = indices.slice() as T;
    for (let row = 0; row < ids.length; row++) if (ids[row]! >= 0) ids[row] = this.#ids[ids[row]!]!;
    return ids;
  }

  /** Interns what the dictionary has gained; all of it when it was replaced. */
  #extend(dictionary: Vector, isOwn: boolean): void {
    if (dictionary.data[0] !== this.#firstChunk) {
      this.#firstChunk = dictionary.data[0];
      this.#mappedCount = 0;
    }
    if (dictionary.length <= this.#mappedCount) return;
    if (dictionary.type.typeId !== Type.Utf8)
      throw new AnteroomError(
        'unsupported',
        `Arrow column ${this.#field}: expected names as Utf8, found ${dictionary.type.toString()}`,
      );
    if (this.#ids.length < dictionary.length) {
      const ids = new Uint32Array(Math.max(dictionary.length, this.#ids.length * 2));
      ids.set(this.#ids);
      this.#ids = ids;
    }
    let skip = this.#mappedCount;
    for (const chunk of dictionary.data as readonly Data<Utf8>[]) {
      if (skip >= chunk.length) {
        skip -= chunk.length;
        continue;
      }
      for (let i = skip; i < chunk.length; i++) this.#map(chunk, i, isOwn);
      skip = 0;
    }
  }

  #map(chunk: Data<Utf8>, i: number, isOwn: boolean): void {
    const from = chunk.valueOffsets[i]!;
    const to = chunk.valueOffsets[i + 1]!;
    const { values } = chunk;
    if (!(from >= 0 && from <= to && to <= values.length))
      throw new AnteroomError(
        'bad-record',
        `Arrow column ${this.#field}: expected name ${i} within ${values.length} bytes, found ${from} to ${to}`,
        { context: { column: this.#field } },
      );
    let hasBackslash = false;
    for (let at = from; at < to; at++) if (values[at] === 0x5c) hasBackslash = true;
    // Our own names are written as `nameOf` gives them, escapes and all; a stranger's are taken byte by byte.
    const id =
      isOwn && hasBackslash
        ? this.#names.internName(new TextDecoder('utf-8', { ignoreBOM: true }).decode(values.subarray(from, to)))
        : this.#names.internBytes(values, from, to);
    if (id !== this.#mappedCount) this.#isIdentity = false;
    this.#ids[this.#mappedCount++] = id;
  }
}
