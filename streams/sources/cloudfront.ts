/** Standard logs (access logs) of Amazon CloudFront, and the W3C extended logs of other servers. */

import { AnteroomError } from '../../engine/errors.ts';
import type { AccessSink } from '../access-sink.ts';
import type { StreamFormat } from '../format.ts';
import { decimalOf, MALFORMED } from './decimal-bytes.ts';
import { refuseOtherOptions } from './format-options.ts';
import { isHead, operationOfMethod, reasonToSkip } from './http-words.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';
import { endOfLine, refuseLine } from './log-line.ts';
import { headLines } from './text-head.ts';
import { isoTimeOf } from './timestamp-bytes.ts';

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const HASH = 35;
const DASH = 45;
const QUESTION_MARK = 63;
const NOT_MODIFIED = 304;

const DATE = 1;
const TIME = 2;
const EDGE = 3;
const CLIENT = 4;
const METHOD = 5;
const STEM = 6;
const QUERY = 7;
const STATUS = 8;
const SENT = 9;
const CONTENT_LENGTH = 10;
const FIELD_KINDS = 11;

const fieldKinds: Readonly<Record<string, number>> = {
  date: DATE,
  time: TIME,
  'x-edge-location': EDGE,
  'c-ip': CLIENT,
  'cs-method': METHOD,
  'cs-uri-stem': STEM,
  'cs-uri-query': QUERY,
  'sc-status': STATUS,
  'sc-bytes': SENT,
  'sc-content-len': CONTENT_LENGTH,
};

/**
 * Lines of tab-separated fields (of fields separated by spaces where the first line has no tab, as IIS writes them) whose columns a `#Fields:` line names; another such line (logs joined end to end) names them anew.
 *
 * The segment is the stem with its query, encoded as the log has it. The site is the edge location, the consumer the client's
 * address. The size is the content's length, and all bytes sent where that is not told; none for HEAD and 304.
 */
export class CloudfrontParser implements LineParser {
  line = 1;
  /** Kind of each column; empty before the first `#Fields:`. */
  #kinds = new Uint8Array(0);
  /** What stands between fields; 0 until the first line after a `#Fields:` has told. */
  #delimiter = 0;
  readonly #starts = new Int32Array(FIELD_KINDS);
  readonly #ends = new Int32Array(FIELD_KINDS);
  #name = new Uint8Array(2048);
  readonly #time = new Uint8Array(32);

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    const starts = this.#starts;
    const ends = this.#ends;
    let pos = this.line === 1 ? start + byteOrderMarkLength(bytes, start, end) : start;
    for (; pos < end; this.line++) {
      const lineStart = pos;
      const first = bytes[pos]!;
      if (first === LINE_FEED || (first === CARRIAGE_RETURN && bytes[pos + 1] === LINE_FEED)) {
        pos += first === LINE_FEED ? 1 : 2;
        continue;
      }
      if (first === HASH) {
        pos = endOfLine(bytes, pos) + 1;
        this.#directive(new TextDecoder().decode(bytes.subarray(lineStart, pos)));
        sink.skip('comment');
        continue;
      }
      const kinds = this.#kinds;
      if (kinds.length === 0) {
        pos = refuseLine(bytes, lineStart, lineStart, end, sink, this.line, isLast, 'a line #Fields: first');
        continue;
      }
      ends.fill(-1);
      if (this.#delimiter === 0) {
        this.#delimiter = bytes.subarray(lineStart, endOfLine(bytes, lineStart)).includes(TAB) ? TAB : SPACE;
      }
      const delimiter = this.#delimiter;
      let column = 0;
      let b = first;
      for (;;) {
        const from = pos;
        while (b !== delimiter && b !== LINE_FEED) b = bytes[++pos]!;
        if (column < kinds.length) {
          const kind = kinds[column]!;
          starts[kind] = from;
          ends[kind] = b === LINE_FEED && pos > from && bytes[pos - 1] === CARRIAGE_RETURN ? pos - 1 : pos;
        }
        column++;
        if (b === LINE_FEED) break;
        b = bytes[++pos]!;
      }
      if (column !== kinds.length) {
        pos = refuseLine(
          bytes,
          lineStart,
          pos,
          end,
          sink,
          this.line,
          isLast,
          `${kinds.length} fields, as #Fields: says`,
        );
        continue;
      }
      pos++;
      const timeMs = this.#timeMs(bytes);
      if (timeMs === MALFORMED) {
        pos = refuseLine(bytes, lineStart, starts[DATE]!, end, sink, this.line, false, 'a date and a time');
        continue;
      }
      const status = ends[STATUS]! < 0 ? 200 : decimalOf(bytes, starts[STATUS]!, ends[STATUS]!, 0);
      if (status === MALFORMED) {
        pos = refuseLine(bytes, lineStart, starts[STATUS]!, end, sink, this.line, false, 'a status');
        continue;
      }
      const reason = reasonToSkip(status);
      if (reason !== null) {
        sink.skip(reason);
        continue;
      }
      let size = this.#count(bytes, CONTENT_LENGTH);
      if (size < 0) size = this.#count(bytes, SENT);
      if (size === MALFORMED) {
        pos = refuseLine(bytes, lineStart, starts[SENT]!, end, sink, this.line, false, 'a number of bytes or -');
        continue;
      }
      const hasMethod = ends[METHOD]! >= 0;
      const op = hasMethod ? operationOfMethod(bytes, starts[METHOD]!, ends[METHOD]!) : 0;
      if (status === NOT_MODIFIED || (hasMethod && isHead(bytes, starts[METHOD]!, ends[METHOD]!))) size = -1;
      if (this.#isBlank(bytes, STEM)) {
        sink.skip('no path in the request');
        continue;
      }
      const segment = this.#segment(bytes, sink);
      const consumer = this.#isBlank(bytes, CLIENT)
        ? -1
        : sink.consumers.internBytes(bytes, starts[CLIENT]!, ends[CLIENT]!);
      const site = this.#isBlank(bytes, EDGE) ? -1 : sink.sites.internBytes(bytes, starts[EDGE]!, ends[EDGE]!);
      sink.append(timeMs, segment, consumer, site, op, size, 1);
    }
    return pos;
  }

  #directive(text: string): void {
    const match = /^#Fields:\s*(.*?)\s*$/.exec(text);
    if (match === null) return;
    const names = match[1]!.split(/\s+/);
    if (!names.includes('cs-uri-stem'))
      throw new AnteroomError('bad-usage', `line ${this.line}: #Fields: names no cs-uri-stem, so there is no segment`, {
        context: { format: 'cloudfront', line: this.line },
      });
    this.#delimiter = 0;
    this.#kinds = Uint8Array.from(names, (name) => fieldKinds[name] ?? 0);
  }

  #isBlank(bytes: Uint8Array, kind: number): boolean {
    const from = this.#starts[kind]!;
    const length = this.#ends[kind]! - from;
    return this.#ends[kind]! < 0 || length <= 0 || (length === 1 && bytes[from] === DASH);
  }

  /** Date and time joined; NaN where the log has no such columns. */
  #timeMs(bytes: Uint8Array): number {
    if (this.#ends[DATE]! < 0) return Number.NaN;
    const joined = this.#time;
    let length = 0;
    for (let i = this.#starts[DATE]!; i < this.#ends[DATE]! && length < 16; i++) joined[length++] = bytes[i]!;
    if (this.#ends[TIME]! >= 0) {
      joined[length++] = SPACE;
      for (let i = this.#starts[TIME]!; i < this.#ends[TIME]! && length < 32; i++) joined[length++] = bytes[i]!;
    }
    const timeMs = isoTimeOf(joined, 0, length);
    return Number.isFinite(timeMs) ? timeMs : MALFORMED;
  }

  #count(bytes: Uint8Array, kind: number): number {
    if (this.#isBlank(bytes, kind)) return -1;
    const count = decimalOf(bytes, this.#starts[kind]!, this.#ends[kind]!, 0);
    return count >= 0 && Number.isSafeInteger(count) ? count : MALFORMED;
  }

  #segment(bytes: Uint8Array, sink: AccessSink): number {
    const stem = this.#starts[STEM]!;
    const stemEnd = this.#ends[STEM]!;
    if (this.#isBlank(bytes, QUERY)) return sink.segments.internBytes(bytes, stem, stemEnd);
    const query = this.#starts[QUERY]!;
    const queryEnd = this.#ends[QUERY]!;
    const length = stemEnd - stem + 1 + queryEnd - query;
    if (length > this.#name.length) this.#name = new Uint8Array(length * 2);
    this.#name.set(bytes.subarray(stem, stemEnd), 0);
    this.#name[stemEnd - stem] = QUESTION_MARK;
    this.#name.set(bytes.subarray(query, queryEnd), stemEnd - stem + 1);
    return sink.segments.internBytes(this.#name, 0, length);
  }
}

export const cloudfront: StreamFormat = {
  kind: 'stream',
  name: 'cloudfront',
  description: 'Standard (access) logs of Amazon CloudFront, and W3C extended logs as IIS writes them.',
  reference:
    'Amazon CloudFront Developer Guide, "Standard log file format"; W3C Working Draft WD-logfile, "Extended Log File Format"',
  addressBytes: null,
  detect(head, isWhole) {
    const lines = headLines(head, isWhole);
    const fields = lines.find((line) => line.startsWith('#Fields:'));
    if (fields === undefined || !fields.includes('cs-uri-stem')) return 0;
    return fields.includes('x-edge-location') ? 0.98 : 0.6;
  },
  decoder(options) {
    refuseOtherOptions('cloudfront', options, []);
    return new LineDecoder(new CloudfrontParser());
  },
};
