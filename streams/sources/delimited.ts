/** Comma-, tab- and otherwise separated text (RFC 4180), columns by name or number. */

import { AnteroomError } from '../../engine/errors.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { decimalOf, isAbsent, MALFORMED } from './decimal-bytes.ts';
import { DelimitedBlock } from './delimited-block.ts';
import { type DelimitedDialect, dialectOf, headerRoleCount, splitRecord } from './delimited-dialect.ts';
import { refuseOtherOptions } from './format-options.ts';
import { operationOfMethod, requestLineOf } from './http-words.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';
import { operationOf } from './operation-words.ts';
import { takesBlocks } from './row-block.ts';
import { BARE_RETURNS, headLines } from './text-head.ts';
import { TimeScale } from './time-scale.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const ZERO = 48;
const TWO_32 = 2 ** 32;
/** Digits that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;

/** Codes of `roleCodes`, as constants that the switch of the hot loop can be compiled on. */
const TIME = 1;
const SEGMENT = 2;
const CONSUMER = 3;
const SITE = 4;
const OP = 5;
const SIZE = 6;
const WEIGHT = 7;
/** A column beyond the last that the first record has. */
const EXTRA = 8;

/** A block of at least so many records was worth it. */
const FEW_ROWS = 16;
/** Records read one by one, at most, before a block is tried again. */
const RECORDS_MAX = 4096;

/** What was wrong with a record; the text is made when it is refused. */
const expectations: Readonly<Record<number, string>> = {
  [TIME]: 'a number or an ISO 8601 time',
  [SEGMENT]: 'a name of a segment',
  [SIZE]: 'a whole number of bytes',
  [WEIGHT]: 'a number',
};

/**
 * Parses records where they lie, in one pass over their bytes: numbers are added up while their end is looked for, names are
 * interned from the bytes, a table tells what each column is. Fields in quotes take a slower way over a scratch buffer.
 *
 * A record has as many fields as the first one; more are let pass only when empty (logs with trailing delimiters).
 */
export class DelimitedParser implements LineParser {
  line = 1;
  readonly #format: string;
  readonly #options: FormatOptions;
  #dialect: DelimitedDialect | null = null;
  #scale = new TimeScale(null);
  #scratch = new Uint8Array(1024);
  /** What `#unquote` found. */
  #scratchLength = 0;
  #quotedLines = 0;
  #isQuoteFollowed = false;
  #block: DelimitedBlock | null = null;
  /** Records to read one by one before a block is tried again. */
  #recordsMax = 1;
  /** The record where `#parseRecords` stopped holds a quote that is still open. */
  #isOpen = false;

  constructor(format: string, options: FormatOptions) {
    this.#format = format;
    this.#options = options;
  }

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    let pos = start;
    if (this.#dialect === null) {
      pos = this.#begin(bytes, start, end);
      if (this.#dialect === null) return pos;
      this.#tellColumns(this.#dialect, sink);
    }
    const block = this.#block !== null && takesBlocks(sink) ? this.#block : null;
    if (block === null) return this.#parseRecords(bytes, pos, end, sink, isLast, Number.POSITIVE_INFINITY);
    block.begin(bytes, pos, end);
    this.#isOpen = false;
    while (pos < end && !this.#isOpen) {
      pos = block.read(pos, sink);
      this.line += block.rowCount;
      if (block.isFull) continue;
      // What a block stops at is read one by one, and the more of it the sooner that comes again.
      this.#recordsMax = block.rowCount >= FEW_ROWS ? 1 : Math.min(this.#recordsMax * 2, RECORDS_MAX);
      if (pos < end) pos = this.#parseRecords(bytes, pos, end, sink, isLast, this.#recordsMax);
    }
    return pos;
  }

  /** Up to `recordsMax` records; gives where the next one starts, or with `#isOpen` the one that is not whole. */
  #parseRecords(
    bytes: Uint8Array,
    start: number,
    end: number,
    sink: AccessSink,
    isLast: boolean,
    recordsMax: number,
  ): number {
    const { delimiter, roles, names } = this.#dialect!;
    let pos = start;
    let recordsLeft = recordsMax;
    const columnCount = roles.length;
    const isSpaced = delimiter === SPACE;
    const hasOp = roles.includes(OP);
    const scale = this.#scale;
    const { segments, consumers, sites } = sink;
    while (pos < end && recordsLeft > 0) {
      let b = bytes[pos]!;
      if (isSpaced) while (b === SPACE) b = bytes[++pos]!;
      if (b === LINE_FEED || (b === CARRIAGE_RETURN && bytes[pos + 1] === LINE_FEED)) {
        pos += b === LINE_FEED ? 1 : 2;
        this.line++;
        continue;
      }
      recordsLeft--;
      const recordStart = pos;
      let timeMs = Number.NaN;
      let segment = 0;
      let consumer = -1;
      let site = -1;
      let op: OperationCode = Operation.read;
      let size = -1;
      let weight = 1;
      let column = 0;
      let lines = 1;
      /** Where the first fault of this record is, and which; the rest is scanned to its end all the same. */
      let faultAt = -1;
      let faultColumn = 0;
      let fault = '';
      for (;;) {
        const role = column < columnCount ? roles[column]! : EXTRA;
        const fieldStart = pos;
        let source = bytes;
        let from = pos;
        let to: number;
        let value = 0;
        let isDigits = false;
        if (b !== QUOTE) {
          for (let digit = b - ZERO; digit >= 0 && digit <= 9; digit = b - ZERO) {
            value = value * 10 + digit;
            b = bytes[++pos]!;
          }
          const digitsEnd = pos;
          while (b !== delimiter && b !== LINE_FEED) b = bytes[++pos]!;
          to = b === LINE_FEED && pos > from && bytes[pos - 1] === CARRIAGE_RETURN ? pos - 1 : pos;
          isDigits = digitsEnd === to && to > from && to - from <= EXACT_DIGITS;
        } else {
          pos = this.#unquote(bytes, pos, end, delimiter);
          if (pos < 0) {
            this.#isOpen = true;
            return recordStart;
          }
          lines += this.#quotedLines;
          source = this.#scratch;
          from = 0;
          to = this.#scratchLength;
          b = bytes[pos]!;
          if (this.#isQuoteFollowed && faultAt < 0) {
            faultAt = fieldStart;
            faultColumn = column;
            fault = 'a delimiter after the closing quote';
          }
        }
        let isFaulty = false;
        switch (role) {
          case TIME:
            if (isDigits) timeMs = scale.msOf(value);
            else if (!isMinusOne(source, from, to)) timeMs = scale.msOfBytes(source, from, to);
            isFaulty = timeMs === MALFORMED;
            break;
          case SEGMENT:
            if (faultAt >= 0) break;
            if (isDigits && (bytes[from] !== ZERO || to - from === 1))
              segment = segments.internU64((value / TWO_32) >>> 0, value >>> 0);
            else if (to > from) {
              // Only in quotes can a field of text divided by spaces hold a request line: `"GET /a HTTP/1.1"` is its path.
              const request = isSpaced && source !== bytes ? requestLineOf(source, from, to) : null;
              if (request === null) segment = segments.internBytes(source, from, to);
              else {
                segment = segments.internBytes(source, request.pathStart, request.pathEnd);
                if (!hasOp) op = operationOfMethod(source, from, request.methodEnd);
              }
            } else isFaulty = true;
            break;
          case CONSUMER:
            if (faultAt >= 0) break;
            if (isDigits && (bytes[from] !== ZERO || to - from === 1))
              consumer = consumers.internU64((value / TWO_32) >>> 0, value >>> 0);
            else if (!isMinusOne(source, from, to) && !isAbsent(source, from, to))
              consumer = consumers.internBytes(source, from, to);
            break;
          case SITE:
            // `NA` is Namibia here, so only what cannot be a name counts as absent.
            if (faultAt < 0 && !isBlank(source, from, to)) site = sites.internBytes(source, from, to);
            break;
          case OP:
            op = operationOf(source, from, to);
            break;
          case SIZE:
            if (isDigits) size = value;
            else if (!isMinusOne(source, from, to) && !isAbsent(source, from, to)) {
              size = decimalOf(source, from, to, 0);
              isFaulty = !(size >= 0 && Number.isSafeInteger(size));
            }
            break;
          case WEIGHT:
            if (isDigits) weight = value;
            else if (!isAbsent(source, from, to)) {
              weight = decimalOf(source, from, to, 0);
              isFaulty = !(weight >= 0 && weight < MALFORMED);
            }
            break;
          case EXTRA:
            if (to > from && faultAt < 0) {
              faultAt = fieldStart;
              fault = `${columnCount} fields`;
              faultColumn = -1;
            }
            break;
        }
        if (isFaulty && faultAt < 0) {
          faultAt = fieldStart;
          faultColumn = column;
          fault = expectations[role]!;
        }
        if (b === LINE_FEED) break;
        b = bytes[++pos]!;
        if (isSpaced) while (b === SPACE) b = bytes[++pos]!;
        column++;
      }
      const recordEnd = pos;
      pos++;
      const line = this.line;
      this.line = line + lines;
      if (column + 1 >= columnCount && faultAt < 0) {
        sink.append(timeMs, segment, consumer, site, op, size, weight);
        continue;
      }
      const isShort = column + 1 < columnCount;
      if (isShort && isLast && pos === end) {
        sink.truncated({ line }, `${columnCount} fields`);
      } else if (isShort && faultAt < 0) {
        sink.reject({ line, column: recordEnd - recordStart + 1 }, `${columnCount} fields`, `${column + 1}`);
      } else {
        const expected = faultColumn < 0 ? fault : `${fault} in column ${names[faultColumn] ?? faultColumn + 1}`;
        const found = new TextDecoder().decode(
          bytes.subarray(faultAt, fieldEndOf(bytes, faultAt, recordEnd, delimiter)),
        );
        sink.reject({ line, column: faultAt - recordStart + 1 }, expected, faultColumn < 0 ? `more: ${found}` : found);
      }
    }
    return pos;
  }

  #tellColumns({ hasHeader, names, roles }: DelimitedDialect, sink: AccessSink): void {
    if (hasHeader) sink.leaveOut?.(names.filter((name, column) => name !== '' && roles[column] === 0));
  }

  /** Reads the first record; gives where the data starts, or where the first record does while it is not whole. */
  #begin(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    if (this.line === 1) pos += byteOrderMarkLength(bytes, start, end);
    while (pos < end && (bytes[pos] === LINE_FEED || bytes[pos] === CARRIAGE_RETURN)) {
      if (bytes[pos] === LINE_FEED) this.line++;
      pos++;
    }
    if (pos === end) return end;
    let isQuoted = false;
    let hasBareReturn = false;
    let lines = 1;
    let recordEnd = pos;
    for (; recordEnd < end; recordEnd++) {
      const b = bytes[recordEnd]!;
      if (b === QUOTE) isQuoted = !isQuoted;
      else if (b === CARRIAGE_RETURN && !isQuoted) hasBareReturn ||= isBareReturn(bytes, recordEnd);
      else if (b === LINE_FEED) {
        if (!isQuoted) break;
        lines++;
      }
    }
    if (recordEnd === end) return pos;
    if (hasBareReturn) throw new AnteroomError('bad-usage', BARE_RETURNS);
    const first = new TextDecoder().decode(bytes.subarray(pos, recordEnd)).replace(/\r$/, '');
    this.#dialect = dialectOf(first, this.#format, this.#options);
    this.#scale = new TimeScale(this.#dialect.timeUnit);
    this.#block = DelimitedBlock.of(this.#dialect, this.#scale);
    if (!this.#dialect.hasHeader) return pos;
    this.line += lines;
    return recordEnd + 1;
  }

  /**
   * Copies the field whose opening quote is at `start` to the scratch buffer, doubled quotes made single.
   * Gives the place of the delimiter or line feed after it, or -1 when the quote is still open at `end`.
   */
  #unquote(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
    let length = 0;
    let lines = 0;
    let pos = start + 1;
    for (;;) {
      if (pos >= end) return -1;
      const b = bytes[pos++]!;
      if (b === QUOTE) {
        if (bytes[pos] !== QUOTE) break;
        pos++;
      } else if (b === LINE_FEED) lines++;
      if (length === this.#scratch.length) {
        const scratch = new Uint8Array(length * 2);
        scratch.set(this.#scratch);
        this.#scratch = scratch;
      }
      this.#scratch[length++] = b;
    }
    const closed = pos;
    while (bytes[pos] !== delimiter && bytes[pos] !== LINE_FEED) pos++;
    this.#isQuoteFollowed =
      pos > closed && !(bytes[pos] === LINE_FEED && pos === closed + 1 && bytes[closed] === CARRIAGE_RETURN);
    this.#scratchLength = length;
    this.#quotedLines = lines;
    return pos;
  }
}

/** The commonest way to write that there is no value; small enough to be compiled into the loop, unlike `isAbsent`. */
function isMinusOne(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === 45 && bytes[start + 1] === 49;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return true;
  return bytes[start] === 45 && (length === 1 || (length === 2 && bytes[start + 1] === 49));
}

/** Whether the carriage return at `at` ends a line by itself. */
function isBareReturn(bytes: Uint8Array, at: number): boolean {
  const next = bytes[at + 1];
  return next !== LINE_FEED && next !== CARRIAGE_RETURN;
}

function fieldEndOf(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
  const at = bytes[start] === QUOTE ? -1 : bytes.subarray(start, end).indexOf(delimiter);
  if (at >= 0) return start + at;
  return end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
}

/** Text whose first line names columns, one of them known as the segment, and whose lines have as many fields as that. */
function detect(head: Uint8Array, isWhole: boolean, isTab: boolean): number {
  const lines = headLines(head, isWhole);
  if (lines.length === 0) return 0;
  const { count, delimiter } = headerRoleCount(lines[0]!);
  if (count === 0 || (delimiter === '\t') !== isTab) return 0;
  const fieldCount = splitRecord(lines[0]!, delimiter).length;
  if (count === 1 && fieldCount > 1 && delimiter === ' ') return 0;
  let even = 0;
  for (const line of lines) {
    const length = splitRecord(line, delimiter).length;
    // Words of a sentence are divided by spaces too, so those have to be as many on every line.
    if (delimiter === ' ' ? length === fieldCount : length >= fieldCount) even++;
  }
  const evenness = even / lines.length;
  if (delimiter === ' ' && evenness < 1) return 0;
  return evenness < 0.5
    ? 0
    : (fieldCount === 1 ? 0.5 : 0.6 + 0.04 * Math.min(count, 5)) * (0.8 + 0.2 * evenness) + 0.01;
}

const heeded = ['columns', 'delimiter', 'hasHeader', 'timeUnit'] as const;
const reference = 'RFC 4180 (Common Format and MIME Type for Comma-Separated Values)';

/** Comma-separated values; semicolons, bars and spaces are recognised too. */
export const csv: StreamFormat = {
  kind: 'stream',
  name: 'csv',
  description: 'Delimited text with named or numbered columns: comma, semicolon, bar, space or tab, found by looking.',
  reference,
  addressBytes: null,
  detect: (head, isWhole) => detect(head, isWhole, false),
  decoder(options) {
    refuseOtherOptions('csv', options, heeded);
    return new LineDecoder(new DelimitedParser('csv', options));
  },
};

/** Tab-separated values. */
export const tsv: StreamFormat = {
  kind: 'stream',
  name: 'tsv',
  description: 'Tab-separated text with named or numbered columns.',
  reference,
  addressBytes: null,
  detect: (head, isWhole) => detect(head, isWhole, true),
  decoder(options) {
    refuseOtherOptions('tsv', options, heeded);
    return new LineDecoder(new DelimitedParser('tsv', { ...options, delimiter: options.delimiter ?? '\t' }));
  },
};
