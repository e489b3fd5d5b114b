/** Where the fields of plain delimited records lie, and the numbers in them. */

import { assert } from '../../engine/assert.ts';
import { fieldScanFunctions } from './field-scan-wasm.ts';
import { compileWasm, type WasmInstance } from './wasm-module.ts';

/** What there is room for: a chunk of a file, and as much of its records as should stay in the first cache. */
export const TEXT_BYTES_MAX = 1 << 18;
export const ROWS_MAX = 512;
export const FIELDS_MAX = 8192;
/** Digits that a double holds exactly, whatever they are. */
const DIGITS_MAX = 15;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const ZERO = 48;

/** The memory. A vector may be loaded that begins at the last byte of the text. */
const ENDS_AT = TEXT_BYTES_MAX + 16;
const ROW_STARTS_AT = ENDS_AT + FIELDS_MAX * 4;
const COLUMN_STARTS_AT = ROW_STARTS_AT + (ROWS_MAX + 2) * 4;
const COLUMN_ENDS_AT = COLUMN_STARTS_AT + ROWS_MAX * 4;
const HASHES_AT = COLUMN_ENDS_AT + ROWS_MAX * 4;
const NUMBERS_AT = HASHES_AT + ROWS_MAX * 4;
const PAGE_BYTES = 65_536;
const PAGE_COUNT = Math.ceil((NUMBERS_AT + ROWS_MAX * 8) / PAGE_BYTES);

type Functions = keyof typeof fieldScanFunctions;

/** Compiled when first asked for; null where that fails. */
let start: (() => WasmInstance<Functions> | null) | null | undefined;

/**
 * The fields of a text of up to `TEXT_BYTES_MAX` bytes, up to `rowsMax` records at a time. A scan stops before a record that has
 * not exactly `columnCount` fields.
 *
 * Text and results lie in the memory of a WebAssembly module, whose vectors compare sixteen bytes in one instruction, and which
 * spares the checks of types and bounds at every byte and word: about a tenth of the instructions of a loop in TypeScript.
 * Without WebAssembly such loops do the same.
 */
export class FieldScan {
  readonly rowsMax: number;
  readonly columnCount: number;
  /** The text; offsets below are offsets in it. */
  readonly text: Uint8Array<ArrayBuffer>;
  /** Where each record begins, and after the last one where the scan stopped. */
  readonly rowStarts: Int32Array<ArrayBuffer>;
  /** Of the column that was asked for last: where its fields begin and end, and the numbers that they spell. */
  readonly starts: Int32Array<ArrayBuffer>;
  readonly ends: Int32Array<ArrayBuffer>;
  readonly numbers: Float64Array<ArrayBuffer>;
  readonly #hashes: Int32Array<ArrayBuffer>;
  rowCount = 0;
  readonly #delimiter: number;
  /** Where each field ends, record by record; the last of a record without its carriage return. */
  readonly #fieldEnds: Int32Array<ArrayBuffer>;
  readonly #run: WasmInstance<Functions>['run'] | null;

  /** Without `isWasm` the loops in TypeScript are taken, for comparison. */
  constructor(columnCount: number, rowsMax: number, delimiter: number, isWasm = true) {
    assert(rowsMax >= 1 && rowsMax <= ROWS_MAX, `a scan has room for ${ROWS_MAX} rows, not ${rowsMax}`);
    assert(columnCount >= 2 && rowsMax * columnCount <= FIELDS_MAX, `a scan has room for 2 to ${FIELDS_MAX} fields`);
    this.columnCount = columnCount;
    this.rowsMax = rowsMax;
    this.#delimiter = delimiter;
    if (start === undefined) start = compileWasm(fieldScanFunctions, PAGE_COUNT);
    const instance = isWasm ? (start?.() ?? null) : null;
    this.#run = instance?.run ?? null;
    const memory = instance?.memory ?? new ArrayBuffer(PAGE_COUNT * PAGE_BYTES);
    this.text = new Uint8Array(memory, 0, TEXT_BYTES_MAX);
    this.#fieldEnds = new Int32Array(memory, ENDS_AT, rowsMax * columnCount);
    this.rowStarts = new Int32Array(memory, ROW_STARTS_AT, rowsMax + 1);
    this.starts = new Int32Array(memory, COLUMN_STARTS_AT, rowsMax);
    this.ends = new Int32Array(memory, COLUMN_ENDS_AT, rowsMax);
    this.#hashes = new Int32Array(memory, HASHES_AT, rowsMax);
    this.numbers = new Float64Array(memory, NUMBERS_AT, rowsMax);
  }

  /** Scans bytes [from, to) of the text; gives where the first record begins that was not taken, or is not whole. */
  scan(from: number, to: number): number {
    this.rowCount =
      this.#run === null
        ? this.#scanBytes(from, to)
        : this.#run.scan(from, to, this.#delimiter, this.columnCount, this.rowsMax, ENDS_AT, ROW_STARTS_AT);
    return this.rowStarts[this.rowCount]!;
  }

  /** Finds the fields of a column: `starts` and `ends`. */
  column(index: number): void {
    const { rowCount, columnCount, rowStarts, starts, ends } = this;
    if (this.#run !== null) {
      this.#run.column(index, rowCount, columnCount, ENDS_AT, ROW_STARTS_AT, COLUMN_STARTS_AT, COLUMN_ENDS_AT);
      return;
    }
    const fieldEnds = this.#fieldEnds;
    for (let row = 0, field = index; row < rowCount; row++, field += columnCount) {
      starts[row] = index === 0 ? rowStarts[row]! : fieldEnds[field - 1]! + 1;
      ends[row] = fieldEnds[field]!;
    }
  }

  /** Reads the column found last: `numbers`, -1 where a field is not 1 to 15 digits. */
  readNumbers(): void {
    if (this.#run !== null) {
      this.#run.digits(this.rowCount, COLUMN_STARTS_AT, COLUMN_ENDS_AT, NUMBERS_AT, DIGITS_MAX);
      return;
    }
    for (let row = 0; row < this.rowCount; row++) this.numbers[row] = this.#digits(this.starts[row]!, this.ends[row]!);
  }

  /** Hashes the names of the column found last, as `hashBytes` does; null where that is no faster than the caller's own. */
  hashNames(seed: number): Int32Array | null {
    if (this.#run === null) return null;
    this.#run.hash(this.rowCount, COLUMN_STARTS_AT, COLUMN_ENDS_AT, seed, HASHES_AT);
    return this.#hashes;
  }

  #scanBytes(from: number, to: number): number {
    const { text, rowStarts, rowsMax, columnCount } = this;
    const ends = this.#fieldEnds;
    let row = 0;
    let column = 0;
    let field = 0;
    rowStarts[0] = from;
    for (let at = from; at < to; at++) {
      const byte = text[at];
      if (byte !== this.#delimiter && byte !== LINE_FEED) continue;
      column++;
      if ((column === columnCount) !== (byte === LINE_FEED)) return row;
      ends[field++] = byte === LINE_FEED && text[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
      if (byte !== LINE_FEED) continue;
      column = 0;
      rowStarts[++row] = at + 1;
      if (row === rowsMax) return row;
    }
    return row;
  }

  #digits(from: number, to: number): number {
    if (to <= from || to - from > DIGITS_MAX) return -1;
    let value = 0;
    for (let at = from; at < to; at++) {
      const digit = this.text[at]! - ZERO;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}
