/** Access batches put aside on disk, to be read again forwards or backwards with the memory of a batch. */

import { assert } from '../engine/assert.ts';
import { readScratchFile, type ScratchFile } from '../engine/host/scratch-file.ts';
import { AccessBatch, type AccessColumns } from './access-batch.ts';

type ColumnArray = Float64Array | Uint32Array | Int32Array | Uint8Array;
type ColumnName = keyof AccessColumns;

/** Columns in the order in which they lie in the file: widest first, so that each is aligned without padding. */
const columnTypes: readonly { readonly name: ColumnName; readonly bytes: 1 | 4 | 8 }[] = [
  { name: 'timeMs', bytes: 8 },
  { name: 'size', bytes: 8 },
  { name: 'weight', bytes: 8 },
  { name: 'segment', bytes: 4 },
  { name: 'consumer', bytes: 4 },
  { name: 'site', bytes: 4 },
  { name: 'op', bytes: 1 },
];

/** Where a batch lies. One small object a batch is all that stays in memory. */
export interface SpoolEntry {
  readonly position: number;
  readonly rows: number;
  readonly offset: number;
  readonly byteLength: number;
  /** By column as in `columnTypes`: the value of every row, or null where the rows are stored. */
  readonly constants: readonly (number | null)[];
}

/** A spool as another thread of the process can read it: plain, so that it can be sent. */
export interface SharedSpool {
  readonly descriptor: number;
  readonly byteLength: number;
  readonly entries: readonly SpoolEntry[];
}

/**
 * Keeps batches in a scratch file, columns as they are in memory; a column whose rows are all equal (no time, no consumer,
 * weight 1) takes no room. For passes that need the whole log: next accesses are found by one pass backwards.
 *
 * The file is this process's own: native byte order, no version. Appends and reads may alternate; what is read shares no memory
 * with later reads except columns of equal rows. Cost: one write or read a batch; reading is one batch ahead of its consumer.
 * Memory: three batches and about 200 bytes for each batch kept.
 */
export class BatchSpool {
  #file: ScratchFile;
  readonly #entries: SpoolEntry[] = [];
  #rowCount = 0;
  #isClosed = false;
  readonly #filled = new Map<ColumnName, ColumnArray>();

  /** @param file an empty scratch file, which the spool owns from here on. */
  constructor(file: ScratchFile) {
    assert(file.byteLength === 0, 'a spool starts with an empty file');
    this.#file = file;
  }

  /** What a thread needs to read along with {@link attach}: all that has been appended so far. This spool must stay open for as long. */
  share(): SharedSpool {
    return { descriptor: this.#file.descriptor, byteLength: this.#file.byteLength, entries: [...this.#entries] };
  }

  /** The batches of a spool that another thread owns, to be read only. */
  static attach({ descriptor, byteLength, entries }: SharedSpool): BatchSpool {
    const spool = new BatchSpool(readScratchFile(descriptor, 0));
    spool.#file = readScratchFile(descriptor, byteLength);
    spool.#entries.push(...entries);
    for (const { rows } of entries) spool.#rowCount += rows;
    return spool;
  }

  get batchCount(): number {
    return this.#entries.length;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Bytes on disk. */
  get byteLength(): number {
    return this.#file.byteLength;
  }

  /**
   * Adds a batch at the end; resolves when it is written.
   * @throws AnteroomError('io').
   */
  async append(batch: AccessBatch): Promise<void> {
    assert(!this.#isClosed, 'the spool is closed');
    const constants = columnTypes.map(({ name }) => constantOf(batch[name]));
    let byteLength = 0;
    columnTypes.forEach(({ bytes }, i) => {
      if (constants[i] === null) byteLength += bytes * batch.length;
    });
    // The next batch must start aligned too, so that its columns can be views of what is read.
    byteLength = Math.ceil(byteLength / 8) * 8;
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    columnTypes.forEach(({ name }, i) => {
      if (constants[i] !== null) return;
      const column = batch[name];
      bytes.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
      at += column.byteLength;
    });
    // The entry is in order before the first wait, whatever the order in which writes end.
    const offset = this.#file.byteLength;
    this.#entries.push({ position: batch.position, rows: batch.length, offset, byteLength, constants });
    this.#rowCount += batch.length;
    if (byteLength === 0) return;
    const written = await this.#file.append(bytes);
    assert(written === offset, 'someone else wrote to the scratch file of a spool');
  }

  /** Batch number `index`, 0..batchCount-1. */
  async read(index: number): Promise<AccessBatch> {
    assert(!this.#isClosed, 'the spool is closed');
    const entry = this.#entries[index];
    assert(entry !== undefined, `batch ${index} of ${this.#entries.length}`);
    const { rows, constants } = entry;
    const bytes = entry.byteLength === 0 ? new Uint8Array(0) : await this.#file.read(entry.offset, entry.byteLength);
    let at = 0;
    const next = <T extends ColumnArray>(column: number, view: (at: number) => T, make: (rows: number) => T): T => {
      const constant = constants[column]!;
      if (constant !== null) return this.#constantColumn(columnTypes[column]!.name, constant, rows, make);
      const array = view(at);
      at += columnTypes[column]!.bytes * rows;
      return array;
    };
    const float64 = (column: number): Float64Array =>
      next<Float64Array>(
        column,
        (from) => new Float64Array(bytes.buffer, from, rows),
        (n) => new Float64Array(n),
      );
    const int32 = (column: number): Int32Array =>
      next<Int32Array>(
        column,
        (from) => new Int32Array(bytes.buffer, from, rows),
        (n) => new Int32Array(n),
      );
    // Evaluated in the order of `columnTypes`.
    const timeMs = float64(0);
    const size = float64(1);
    const weight = float64(2);
    const segment = next<Uint32Array>(
      3,
      (from) => new Uint32Array(bytes.buffer, from, rows),
      (n) => new Uint32Array(n),
    );
    const consumer = int32(4);
    const site = int32(5);
    const op = next<Uint8Array>(
      6,
      (from) => new Uint8Array(bytes.buffer, from, rows),
      (n) => new Uint8Array(n),
    );
    return new AccessBatch(entry.position, { timeMs, segment, consumer, site, op, size, weight });
  }

  /** All batches in the order in which they were added; or those that reach beyond a log position, cut to the rows from there on. */
  async *forward(position = -Infinity): AsyncGenerator<AccessBatch> {
    const isBefore = (entry: SpoolEntry): boolean => entry.position + entry.rows <= position;
    const first = this.#entries.findIndex((entry) => !isBefore(entry));
    if (first < 0) return;
    for await (const batch of this.#inOrder((i) => i, first)) {
      yield batch.position >= position ? batch : batch.slice(position - batch.position, batch.length);
    }
  }

  /** All batches, the last one first; rows within a batch stay in their order. */
  backward(): AsyncGenerator<AccessBatch> {
    const last = this.#entries.length - 1;
    return this.#inOrder((i) => last - i);
  }

  /** Deletes what was kept. Further calls do nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#entries.length = 0;
    this.#filled.clear();
    await this.#file.close();
  }

  async *#inOrder(indexOf: (i: number) => number, first = 0): AsyncGenerator<AccessBatch> {
    const count = this.#entries.length;
    let ahead = count > first ? this.read(indexOf(first)) : null;
    for (let i = first; i < count; i++) {
      const batch = await ahead!;
      ahead = i + 1 < count ? this.read(indexOf(i + 1)) : null;
      // A failure is met when the batch is asked for; until then it must not count as unhandled.
      ahead?.catch(() => {});
      yield batch;
    }
  }

  /** A column of equal rows, shared by all batches that have it: batches are immutable. */
  #constantColumn<T extends ColumnArray>(name: ColumnName, value: number, rows: number, make: (rows: number) => T): T {
    let column = this.#filled.get(name) as T | undefined;
    if (column === undefined || column.length < rows || (rows > 0 && !Object.is(column[0], value))) {
      column = make(rows);
      column.fill(value);
      this.#filled.set(name, column);
    }
    return column.subarray(0, rows) as T;
  }
}

/** Where a column of a batch lies in the file, in bytes; or the value of all its rows. */
export function placeOfColumn(
  { offset, rows, constants }: SpoolEntry,
  name: ColumnName,
): { readonly offset: number; readonly constant: number | null } {
  let at = offset;
  for (const [i, column] of columnTypes.entries()) {
    if (column.name === name) return { offset: at, constant: constants[i]! };
    if (constants[i] === null) at += column.bytes * rows;
  }
  throw new Error(`no column ${name}`);
}

/** The value that all rows have, or null when they differ or there is none. NaN equals NaN, 0 does not equal -0. */
function constantOf(column: ColumnArray): number | null {
  const first = column[0];
  if (first === undefined) return 0;
  for (let row = 1; row < column.length; row++) if (!Object.is(column[row], first)) return null;
  return first;
}
