/** Plain delimited records a block at a time and a column at a time: the fast way of the delimited reader. */

import { ABSENT } from '../access-batch.ts';
import { AccessRows } from '../access-rows.ts';
import type { AccessSink } from '../access-sink.ts';
import type { NameInterner } from '../name-table.ts';
import type { OperationCode } from '../operation.ts';
import { decimalOf, isAbsent, MALFORMED } from './decimal-bytes.ts';
import { type DelimitedDialect, roleCodes } from './delimited-dialect.ts';
import { FIELDS_MAX, FieldScan, ROWS_MAX, TEXT_BYTES_MAX } from './field-scan.ts';
import { bufferOf } from './log-line.ts';
import { operationOf } from './operation-words.ts';
import { internColumn } from './row-block.ts';
import type { TimeScale } from './time-scale.ts';

const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const DASH = 45;
/** Whether a field that begins with this byte can say that there is no value (`isAbsent` decides). */
const mayBeAbsent = Uint8Array.from({ length: 256 }, (_, byte) =>
  ' -nN\\'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
/** Operations that one letter names. */
const letterOperations = Uint8Array.from({ length: 256 }, (_, byte) => operationOf(Uint8Array.of(byte), 0, 1));

/**
 * Takes blocks of records without quotes and with as many fields as there are columns; reads numbers first, and only of records
 * that are right up to their end interns the names. What a record before which it stops lacks is not looked into: the slow way
 * reads that one, and refuses it where it is wrong. So both ways give the same rows, ids and errors.
 *
 * Why by column: each loop is short enough for its values to stay in registers, and look-ups of names overlap.
 */
export class DelimitedBlock {
  readonly #columns: readonly { readonly role: number; readonly index: number }[];
  readonly #scale: TimeScale;
  readonly #fields: FieldScan;
  readonly #buffer: Buffer;
  readonly #rows: AccessRows;
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  /** Of `#bytes`, what lies in the text. */
  #textStart = 0;
  #textEnd = 0;
  /** The first quote in the text that was not passed yet, or the end of the text. */
  #quoteAt = 0;
  /** Records appended by the last `read`, and whether they were as many as a block holds: then nothing stopped it. */
  rowCount = 0;
  isFull = false;

  private constructor(dialect: DelimitedDialect, scale: TimeScale) {
    const columnCount = dialect.roles.length;
    const rowsMax = Math.min(ROWS_MAX, Math.floor(FIELDS_MAX / columnCount));
    this.#scale = scale;
    this.#fields = new FieldScan(columnCount, rowsMax, dialect.delimiter);
    this.#buffer = bufferOf(this.#fields.text);
    this.#rows = new AccessRows(rowsMax);
    this.#columns = Array.from(dialect.roles, (role, index) => ({ role, index }))
      .filter(({ role }) => role !== 0)
      // Numbers before names: a record with a number that is none must leave no name behind.
      .sort((a, b) => Number(isName(a.role)) - Number(isName(b.role)));
  }

  /** Null for what the slow way alone reads: runs of spaces as delimiter, and one column, where a blank line is no record. */
  static of(dialect: DelimitedDialect, scale: TimeScale): DelimitedBlock | null {
    const { delimiter, roles } = dialect;
    const isFit = roles.length >= 2 && roles.length <= FIELDS_MAX;
    const isPlain = isFit && delimiter !== SPACE && delimiter !== CARRIAGE_RETURN;
    return isPlain ? new DelimitedBlock(dialect, scale) : null;
  }

  /** What follows is in bytes [start, end). */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#end = end;
    this.#take(start);
  }

  /** Reads from `start`, at most one block; gives where it stopped, at the end of a record. */
  read(start: number, sink: AccessSink): number {
    // Half is more than most records take; a longer one is read the slow way.
    if (this.#textEnd < this.#end && start - this.#textStart > TEXT_BYTES_MAX / 2) this.#take(start);
    const from = start - this.#textStart;
    if (this.#quoteAt < from) this.#findQuote(from);
    const next = this.#fields.scan(from, this.#quoteAt);
    const scannedCount = this.#fields.rowCount;
    let count = scannedCount;
    let areNumbersRead = false;
    for (const { role, index } of this.#columns) {
      if (count === 0) break;
      if (isName(role) && !areNumbersRead) {
        areNumbersRead = true;
        count = this.#namedCount(count);
      }
      this.#fields.column(index);
      count = this.#readColumn(role, count, sink);
    }
    if (count > 0) sink.appendRows!(this.#rows, count);
    this.rowCount = count;
    this.isFull = count === this.#fields.rowsMax;
    return this.#textStart + (count === scannedCount ? next : this.#fields.rowStarts[count]!);
  }

  /** Takes over as much from `start` as there is room for. */
  #take(start: number): void {
    this.#textStart = start;
    this.#textEnd = Math.min(this.#end, start + TEXT_BYTES_MAX);
    this.#fields.text.set(this.#bytes.subarray(start, this.#textEnd));
    this.#findQuote(0);
  }

  #findQuote(start: number): void {
    const length = this.#textEnd - this.#textStart;
    const at = this.#buffer.subarray(0, length).indexOf(QUOTE, start);
    this.#quoteAt = at < 0 ? length : at;
  }

  /** How many of the first `count` records there are before one without a name of a segment. */
  #namedCount(count: number): number {
    const index = this.#columns.find(({ role }) => role === roleCodes.segment)!.index;
    this.#fields.column(index);
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    for (let i = 0; i < count; i++) if (starts[i] === ends[i]) return i;
    return count;
  }

  /** Reads the column in `#fields`; gives how many of the first `count` records there are before a faulty one. */
  #readColumn(role: number, count: number, sink: AccessSink): number {
    switch (role) {
      case roleCodes.time:
        return this.#readTimes(count);
      case roleCodes.size:
        return this.#readNumbers(this.#rows.size, ABSENT, count);
      case roleCodes.weight:
        return this.#readNumbers(this.#rows.weight, 1, count);
      case roleCodes.op:
        this.#readOperations(count);
        return count;
      case roleCodes.segment:
        this.#intern(sink.segments, this.#rows.segment, count, role);
        return count;
      case roleCodes.consumer:
        this.#intern(sink.consumers, this.#rows.consumer, count, role);
        return count;
      default:
        this.#intern(sink.sites, this.#rows.site, count, role);
        return count;
    }
  }

  #readTimes(count: number): number {
    const scale = this.#scale;
    const bytes = this.#fields.text;
    this.#fields.readNumbers();
    const numbers = this.#fields.numbers;
    const times = this.#rows.timeMs;
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      const value = numbers[i]!;
      let timeMs = Number.NaN;
      if (value >= 0) timeMs = scale.msOf(value);
      else if (!isMinusOne(bytes, start, end)) timeMs = scale.msOfBytes(bytes, start, end);
      if (timeMs === MALFORMED) return i;
      times[i] = timeMs;
    }
    return count;
  }

  #readNumbers(column: Float64Array, absent: number, count: number): number {
    const bytes = this.#fields.text;
    this.#fields.readNumbers();
    const numbers = this.#fields.numbers;
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      let value = numbers[i]!;
      if (value < 0) {
        if (isMinusOne(bytes, start, end) || isAbsent(bytes, start, end)) value = absent;
        else {
          value = decimalOf(bytes, start, end, 0);
          if (!(value >= 0 && Number.isSafeInteger(value))) return i;
        }
      }
      column[i] = value;
    }
    return count;
  }

  #readOperations(count: number): void {
    const bytes = this.#fields.text;
    const op = this.#rows.op;
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      op[i] = end - start === 1 ? (letterOperations[bytes[start]!]! as OperationCode) : operationOf(bytes, start, end);
    }
  }

  #passOverAbsent(count: number): void {
    const bytes = this.#fields.text;
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const start = starts[i]!;
      const end = ends[i]!;
      if (start === end || (mayBeAbsent[bytes[start]!] === 1 && isAbsent(bytes, start, end))) starts[i] = -1;
    }
  }

  /** `NA` is Namibia here, so only what cannot be a name counts as absent. */
  #passOverBlank(count: number): void {
    const bytes = this.#fields.text;
    const starts = this.#fields.starts;
    const ends = this.#fields.ends;
    const to = count | 0;
    for (let i = 0; i < to; i++) {
      const start = starts[i]!;
      const length = ends[i]! - start;
      if (length === 0 || (bytes[start] === DASH && (length === 1 || isMinusOne(bytes, start, start + length))))
        starts[i] = -1;
    }
  }

  #intern(names: NameInterner, ids: Int32Array, count: number, role: number): void {
    const { text, starts, ends } = this.#fields;
    // Before fields that are no names are marked: a mark is no place in the text.
    const hashes = names.seed === undefined ? null : this.#fields.hashNames(names.seed);
    if (role === roleCodes.consumer) this.#passOverAbsent(count);
    else if (role === roleCodes.site) this.#passOverBlank(count);
    internColumn(names, text, starts, ends, count, ids, hashes);
  }
}

function isName(role: number): boolean {
  return role === roleCodes.segment || role === roleCodes.consumer || role === roleCodes.site;
}

function isMinusOne(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === DASH && bytes[start + 1] === 49;
}
