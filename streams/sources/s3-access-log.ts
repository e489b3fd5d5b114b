/** Server access logs of Amazon S3. */

import type { AccessSink } from '../access-sink.ts';
import type { StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { MALFORMED } from './decimal-bytes.ts';
import { refuseOtherOptions } from './format-options.ts';
import { reasonToSkip } from './http-words.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';
import { bufferOf, endOfLine, hasOpenQuote, refuseLine } from './log-line.ts';
import { headLines, matchingShare } from './text-head.ts';
import { clfTimeOf } from './timestamp-bytes.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const DASH = 45;
const SLASH = 47;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;

/** Operations on an object's content; all others (bucket requests, ACLs, tags, starting an upload) are not accesses. */
const operations: readonly { readonly name: Uint8Array; readonly code: OperationCode }[] = (
  [
    ['REST.GET.OBJECT', Operation.read],
    ['REST.HEAD.OBJECT', Operation.read],
    ['WEBSITE.GET.OBJECT', Operation.read],
    ['WEBSITE.HEAD.OBJECT', Operation.read],
    ['REST.COPY.OBJECT_GET', Operation.read],
    ['REST.COPY.PART_GET', Operation.read],
    ['REST.PUT.OBJECT', Operation.write],
    ['REST.POST.OBJECT', Operation.write],
    ['REST.COPY.OBJECT', Operation.write],
    ['REST.POST.UPLOAD', Operation.write],
    ['REST.DELETE.OBJECT', Operation.delete],
    ['BATCH.DELETE.OBJECT', Operation.delete],
    ['S3.EXPIRE.OBJECT', Operation.delete],
    ['S3.CREATE.DELETEMARKER', Operation.delete],
  ] as const
).map(([name, code]) => ({ name: new TextEncoder().encode(name), code }));

const NOT_AN_OBJECT = 'operation on something other than an object';

/**
 * `owner bucket [time] ip requester request-id operation key "request" status error bytes-sent object-size ...`; what
 * follows is passed over, as AWS adds fields there.
 *
 * The segment is `bucket/key`, the key as the log has it (URL-encoded). The consumer is the remote address with the
 * requester after it, since many machines act in one role and each has an order of its own; the address alone where the request was anonymous. The size is the object's, and what was sent where that is not known.
 */
export class S3AccessLogParser implements LineParser {
  line = 1;
  #name = new Uint8Array(2048);

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    const buffer = bufferOf(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let pos = this.line === 1 ? start + byteOrderMarkLength(bytes, start, end) : start;
    for (; pos < end; this.line++) {
      const lineStart = pos;
      if (bytes[pos] === LINE_FEED || (bytes[pos] === CARRIAGE_RETURN && bytes[pos + 1] === LINE_FEED)) {
        pos += bytes[pos] === LINE_FEED ? 1 : 2;
        continue;
      }
      let at = tokenEnd(bytes, pos);
      const bucketStart = at + 1;
      at = bytes[at] === SPACE ? tokenEnd(bytes, bucketStart) : at;
      const bucketEnd = at;
      if (bytes[at] !== SPACE || bytes[at + 1] !== OPEN_BRACKET) {
        pos = refuseLine(bytes, lineStart, at, end, sink, this.line, isLast, 'bucket and [time]');
        continue;
      }
      const timeMs = clfTimeOf(bytes, view, at + 2);
      if (timeMs === MALFORMED || bytes[at + 28] !== CLOSE_BRACKET || bytes[at + 29] !== SPACE) {
        const expected = '[dd/Mon/yyyy:hh:mm:ss +zzzz]';
        pos = refuseLine(bytes, lineStart, at + 1, end, sink, this.line, isLast, expected);
        continue;
      }
      const addressStart = at + 30;
      const addressEnd = tokenEnd(bytes, addressStart);
      const requesterEnd = nextTokenEnd(bytes, addressEnd);
      const requestIdEnd = nextTokenEnd(bytes, requesterEnd);
      const operationEnd = nextTokenEnd(bytes, requestIdEnd);
      const keyEnd = nextTokenEnd(bytes, operationEnd);
      const requestEnd = nextTokenEnd(bytes, keyEnd);
      const statusEnd = nextTokenEnd(bytes, requestEnd);
      const errorEnd = nextTokenEnd(bytes, statusEnd);
      const sentEnd = nextTokenEnd(bytes, errorEnd);
      const sizeEnd = nextTokenEnd(bytes, sentEnd);
      if (sizeEnd === sentEnd) {
        const at = endOfLine(bytes, lineStart);
        pos = refuseLine(bytes, lineStart, at, end, sink, this.line, isLast, 'at least 13 fields');
        continue;
      }
      const status = integerOf(bytes, requestEnd + 1, statusEnd);
      const sent = integerOf(bytes, errorEnd + 1, sentEnd);
      const objectSize = integerOf(bytes, sentEnd + 1, sizeEnd);
      if (status === MALFORMED || sent === MALFORMED || objectSize === MALFORMED) {
        const wrong = status === MALFORMED ? requestEnd : sent === MALFORMED ? errorEnd : sentEnd;
        pos = refuseLine(bytes, lineStart, wrong + 1, end, sink, this.line, isLast, 'a number or -');
        continue;
      }
      pos = buffer.indexOf(LINE_FEED, sizeEnd) + 1;
      if (isLast && pos === end && hasOpenQuote(bytes, sizeEnd, pos)) {
        sink.truncated({ line: this.line }, 'a closing quote');
        continue;
      }
      const op = operationOf(bytes, requestIdEnd + 1, operationEnd);
      const reason = op < 0 ? NOT_AN_OBJECT : status < 0 ? null : reasonToSkip(status);
      if (reason !== null) {
        sink.skip(reason);
        continue;
      }
      const keyStart = operationEnd + 1;
      if (keyEnd - keyStart === 1 && bytes[keyStart] === DASH) {
        sink.skip(NOT_AN_OBJECT);
        continue;
      }
      const segment = this.#segment(bytes, bucketStart, bucketEnd, keyStart, keyEnd, sink);
      const isAnonymous = requesterEnd - addressEnd === 2 && bytes[addressEnd + 1] === DASH;
      const hasAddress = addressEnd - addressStart > 1 || bytes[addressStart] !== DASH;
      const consumerStart = hasAddress ? addressStart : addressEnd + 1;
      const consumerEnd = isAnonymous && hasAddress ? addressEnd : requesterEnd;
      const hasConsumer = consumerEnd - consumerStart > 1 || bytes[consumerStart] !== DASH;
      const consumer = hasConsumer ? sink.consumers.internBytes(bytes, consumerStart, consumerEnd) : -1;
      sink.append(timeMs, segment, consumer, -1, op as OperationCode, objectSize >= 0 ? objectSize : sent, 1);
    }
    return pos;
  }

  #segment(
    bytes: Uint8Array,
    bucketStart: number,
    bucketEnd: number,
    keyStart: number,
    keyEnd: number,
    sink: AccessSink,
  ): number {
    const bucketLength = bucketEnd - bucketStart;
    const length = bucketLength + 1 + keyEnd - keyStart;
    if (length > this.#name.length) this.#name = new Uint8Array(length * 2);
    const name = this.#name;
    for (let i = 0; i < bucketLength; i++) name[i] = bytes[bucketStart + i]!;
    name[bucketLength] = SLASH;
    for (let i = keyStart, to = bucketLength + 1; i < keyEnd; i++) name[to++] = bytes[i]!;
    return sink.segments.internBytes(name, 0, length);
  }
}

/** Where the field that starts at `start` ends: at a space or the line's end; quoted fields may hold spaces. */
function tokenEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  if (bytes[at] === QUOTE) {
    // A quote inside a request is not escaped by every writer: the closing one is followed by a space or the end.
    do {
      at++;
      if (bytes[at] === QUOTE && (bytes[at + 1] === SPACE || bytes[at + 1] === LINE_FEED)) return at + 1;
    } while (bytes[at] !== LINE_FEED);
    return at;
  }
  while (bytes[at] !== SPACE && bytes[at] !== LINE_FEED && bytes[at] !== CARRIAGE_RETURN) at++;
  return at;
}

/** The end of the field after the one that ends at `end`; `end` itself when the line is over. */
function nextTokenEnd(bytes: Uint8Array, end: number): number {
  return bytes[end] === SPACE ? tokenEnd(bytes, end + 1) : end;
}

/** A whole number, -1 for `-`, or MALFORMED. */
function integerOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1 && bytes[start] === DASH) return -1;
  if (end <= start) return MALFORMED;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return MALFORMED;
    value = value * 10 + digit;
  }
  return value;
}

function operationOf(bytes: Uint8Array, start: number, end: number): OperationCode | -1 {
  const length = end - start;
  for (let i = 0; i < operations.length; i++) {
    const { name, code } = operations[i]!;
    if (name.length !== length) continue;
    let at = 0;
    while (at < length && bytes[start + at] === name[at]) at++;
    if (at === length) return code;
  }
  return -1;
}

const line = /^\S+ \S+ \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ \S+ \S+ [A-Z0-9]+\.[A-Z0-9_.]+ \S+ /;

export const s3AccessLog: StreamFormat = {
  kind: 'stream',
  name: 's3-access-log',
  description: 'Server access logs of Amazon S3: reads, writes and deletes of objects.',
  reference: 'Amazon S3 User Guide, "Amazon S3 server access log format"',
  addressBytes: null,
  detect(head, isWhole) {
    const share = matchingShare(headLines(head, isWhole), line);
    return share < 0.5 ? 0 : 0.48 + 0.5 * share;
  },
  decoder(options) {
    refuseOtherOptions('s3-access-log', options, []);
    return new LineDecoder(new S3AccessLogParser());
  },
};
