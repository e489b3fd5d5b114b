/** What line-oriented trace formats share: one call a line, and fields without strings. */

import { isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { StreamDecoder } from '../format.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';

const newline = 0x0a;
const carriageReturn = 0x0d;

/** One line, bytes [start, end) without its end, as a reader sees it. Reused: valid only during the call. */
export interface LineRecord {
  bytes: Uint8Array;
  start: number;
  end: number;
  /** From 1. */
  line: number;
  /** False for a last line without a newline, which may have been cut. */
  isTerminated: boolean;
}

/** Reads one line; says whether it was an access. */
export type LineReader = (record: LineRecord, sink: AccessSink) => boolean;

/** Hands on each line (LF or CRLF) that is not blank, without its end and without a byte order mark. */
export class LineRecordDecoder implements StreamDecoder {
  readonly #lines: LineDecoder;
  readonly #finish: ((sink: AccessSink) => void) | undefined;

  /** `finish` is called once after the last line. */
  constructor(read: LineReader, finish?: (sink: AccessSink) => void) {
    this.#lines = new LineDecoder(new LineRecordParser(read));
    this.#finish = finish;
  }

  write(chunk: Uint8Array, sink: AccessSink): void {
    // A Buffer is taken as the plain array that it is: its own indexOf is many times slower on short lines.
    this.#lines.write(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), sink);
  }

  end(sink: AccessSink): void {
    this.#lines.end(sink);
    this.#finish?.(sink);
  }
}

class LineRecordParser implements LineParser {
  line = 1;
  readonly #read: LineReader;
  readonly #record: LineRecord = { bytes: new Uint8Array(0), start: 0, end: 0, line: 0, isTerminated: true };

  constructor(read: LineReader) {
    this.#read = read;
  }

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    const record = this.#record;
    let from = start;
    while (from < end) {
      const newlineAt = bytes.indexOf(newline, from);
      let lineStart = from;
      let lineEnd = newlineAt;
      if (this.line === 1) lineStart += byteOrderMarkLength(bytes, lineStart, lineEnd);
      if (lineEnd > lineStart && bytes[lineEnd - 1] === carriageReturn) lineEnd--;
      if (!isBlank(bytes, lineStart, lineEnd)) {
        record.bytes = bytes;
        record.start = lineStart;
        record.end = lineEnd;
        record.line = this.line;
        record.isTerminated = !(isLast && newlineAt === end - 1);
        this.#read(record, sink);
      }
      this.line++;
      from = newlineAt + 1;
    }
    return end;
  }
}

/** Calls `look` with each whole line of `head` that is not blank, up to `linesMax`; the last one only where `head` is all there is. For `detect`. */
export function lookAtLines(
  head: Uint8Array,
  isWhole: boolean,
  linesMax: number,
  look: (bytes: Uint8Array, start: number, end: number) => boolean,
): { readonly lineCount: number; readonly isEvery: boolean } {
  let start = byteOrderMarkLength(head, 0, head.length);
  let lineCount = 0;
  while (start < head.length && lineCount < linesMax) {
    let end = head.indexOf(newline, start);
    if (end < 0) {
      if (!isWhole) break;
      end = head.length;
    }
    const textEnd = end > start && head[end - 1] === carriageReturn ? end - 1 : end;
    if (!isBlank(head, start, textEnd)) {
      if (!look(head, start, textEnd)) return { lineCount, isEvery: false };
      lineCount++;
    }
    start = end + 1;
  }
  return { lineCount, isEvery: lineCount > 0 };
}

/** Refuses a line and returns false: as truncated where it is the last and has no end, since then it was probably cut, else as a bad record. */
export function refuseLine(
  record: LineRecord,
  column: number,
  expected: string,
  found: string,
  sink: AccessSink,
): boolean {
  if (record.isTerminated) sink.reject({ line: record.line, column }, expected, found);
  else sink.truncated({ line: record.line, column }, expected);
  return false;
}

/** As `refuseLine`, for one field, whose place and text it names. */
export function refuseField(
  record: LineRecord,
  fields: Fields,
  field: number,
  expected: string,
  sink: AccessSink,
): boolean {
  const start = fields.starts[field]!;
  const found = textOf(record.bytes, start, fields.ends[field]!);
  return refuseLine(record, start - record.start + 1, expected, found, sink);
}

/** Where the fields of a line lie. Reused from line to line. */
export class Fields {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  count = 0;

  /** Fields beyond `countMax` are counted but not kept. */
  constructor(countMax: number) {
    this.starts = new Int32Array(countMax);
    this.ends = new Int32Array(countMax);
  }

  /** Splits at each `delimiter` byte. Quotes mean nothing: the formats that use this have none. */
  splitAt(bytes: Uint8Array, start: number, end: number, delimiter: number): void {
    let count = 0;
    let fieldStart = start;
    for (let i = start; i <= end; i++) {
      if (i < end && bytes[i] !== delimiter) continue;
      if (count < this.starts.length) {
        this.starts[count] = fieldStart;
        this.ends[count] = i;
      }
      count++;
      fieldStart = i + 1;
    }
    this.count = count;
  }

  /** Splits at runs of spaces and tabs; leading and trailing ones are ignored. */
  splitAtBlanks(bytes: Uint8Array, start: number, end: number): void {
    let count = 0;
    let i = start;
    for (;;) {
      while (i < end && isBlankByte(bytes[i]!)) i++;
      if (i >= end) break;
      const fieldStart = i;
      while (i < end && !isBlankByte(bytes[i]!)) i++;
      if (count < this.starts.length) {
        this.starts[count] = fieldStart;
        this.ends[count] = i;
      }
      count++;
    }
    this.count = count;
  }
}

/** The unsigned integer that bytes [start, end) spell, or NaN where they are none or exceed 2^53. */
export function unsignedOf(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 20) return Number.NaN;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN;
}

/** The decimal number (sign, fraction and exponent allowed) that bytes [start, end) spell, or NaN where they spell none that is finite. */
export function numberOf(bytes: Uint8Array, start: number, end: number): number {
  const whole = unsignedOf(bytes, start, end);
  if (!Number.isNaN(whole)) return whole;
  if (bytes[start] === 0x2d) {
    const negated = unsignedOf(bytes, start + 1, end);
    if (!Number.isNaN(negated)) return -negated;
  }
  if (end <= start || end - start > 40) return Number.NaN;
  const text = textOf(bytes, start, end);
  const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : Number.NaN;
}

/** The time that bytes [start, end) spell as a decimal number of units of `msPerUnit`, in ms; NaN where they spell none that an access may have. */
export function timeMsOf(bytes: Uint8Array, start: number, end: number, msPerUnit: number): number {
  const timeMs = numberOf(bytes, start, end) * msPerUnit;
  return isTime(timeMs) ? timeMs : Number.NaN;
}

const decoder = new TextDecoder();

/** Bytes [start, end) as text, for messages and rare fields. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (!isBlankByte(bytes[i]!)) return false;
  return true;
}

function isBlankByte(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
