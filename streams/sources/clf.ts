/** Common and Combined Log Format of web servers. */

import type { AccessSink } from '../access-sink.ts';
import type { StreamFormat } from '../format.ts';
import { CLF_LINES_MAX, CLF_TEXT_BYTES_MAX, ClfScan } from './clf-scan.ts';
import { MALFORMED } from './decimal-bytes.ts';
import { refuseOtherOptions } from './format-options.ts';
import { isHead, operationOfMethod, reasonToSkip } from './http-words.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';
import { bufferOf, hasOpenQuote, refuseLine } from './log-line.ts';
import { RowBlock, takesBlocks } from './row-block.ts';
import { headLines, matchingShare } from './text-head.ts';
import { clfTimeOf } from './timestamp-bytes.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const DASH = 45;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const NOT_MODIFIED = 304;
const SLASH = 47;
/** `HTTP` as a little-endian word. */
const HTTP = 0x50545448;
/** A block of at least so many lines was worth it. */
const FEW_LINES = 16;
/** Lines read one by one, at most, before a block is tried again. */
const LINES_MAX = 4096;
const LINES_ALL = Number.POSITIVE_INFINITY;

/**
 * `host ident user [time] "method path protocol" status bytes`, with anything after it passed over.
 *
 * The segment is the path with its query and without its fragment; a path may hold spaces and unescaped quotes, as logs of
 * broken clients do. The consumer is the host; a virtual host before it
 * (`vhost_combined`) stands before the path in the segment: two sites of one server have paths of the same name. A size is taken where the response carried the segment: not for HEAD and 304.
 */
export class ClfParser implements LineParser {
  line = 1;
  readonly #block = new RowBlock();

  readonly #scan = ClfScan.start();
  /** Of the bytes at hand, what the scan has as its text. */
  #textStart = 0;
  #textEnd = 0;
  /** Lines to read one by one before a block is tried again. */
  #linesMax = 1;
  /** A virtual host and a path. */
  #name = new Uint8Array(2048);

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    let pos = this.line === 1 ? start + byteOrderMarkLength(bytes, start, end) : start;
    if (this.#scan === null || !takesBlocks(sink)) return this.#parseLines(bytes, pos, end, sink, isLast, LINES_ALL);
    // A last line without an end of its own is a case for itself.
    const plainEnd = isLast ? bytes.lastIndexOf(LINE_FEED, end - 2) + 1 : end;
    this.#textEnd = 0;
    while (pos < end) {
      const before = this.line;
      pos = this.#parsePlain(this.#scan, bytes, pos, plainEnd, sink);
      // What a block stops at is read one by one, and the more of it the sooner that comes again.
      this.#linesMax = this.line - before >= FEW_LINES ? 1 : Math.min(this.#linesMax * 2, LINES_MAX);
      pos = this.#parseLines(bytes, pos, end, sink, isLast, this.#linesMax);
    }
    return pos;
  }

  /** Reads plain lines up to `end`, as many as there are in a row; gives where the first other one begins. */
  #parsePlain(scan: ClfScan, bytes: Uint8Array, start: number, end: number, sink: AccessSink): number {
    const block = this.#block;
    let pos = start;
    block.begin(scan.text, sink);
    while (pos < end) {
      // A text is left when half of it is done: more than most lines take, and a longer one is read by itself.
      const isWorn = this.#textEnd < end && pos - this.#textStart > CLF_TEXT_BYTES_MAX / 2;
      if (pos >= this.#textEnd || isWorn) {
        block.flush();
        this.#textStart = pos;
        this.#textEnd = Math.min(end, pos + CLF_TEXT_BYTES_MAX);
        scan.text.set(bytes.subarray(pos, this.#textEnd));
        scan.text[this.#textEnd - pos] = LINE_FEED;
      }
      const count = scan.scan(pos - this.#textStart, this.#textEnd - this.#textStart);
      const taken = this.#appendLines(scan, count, sink);
      pos = this.#textStart + (taken === count ? scan.next : scan.lineStarts[taken]!);
      this.line += taken;
      const isCut = this.#textEnd < end && pos - this.#textStart > CLF_TEXT_BYTES_MAX / 2;
      if (taken < CLF_LINES_MAX && !isCut) break;
    }
    block.flush();
    return pos;
  }

  /** Appends the first `count` lines of a scan, up to one whose time is none; gives how many that were. */
  #appendLines(scan: ClfScan, count: number, sink: AccessSink): number {
    const block = this.#block;
    const { text, view, lineStarts, hostEnds, timeStarts, methodEnds, requestEnds, fragments, statuses, sizes } = scan;
    const to = count | 0;
    let knownStart = 0;
    let knownEnd = 0;
    for (let i = 0; i < to; i++) {
      const timeStart = timeStarts[i]!;
      const timeMs = clfTimeOf(text, view, timeStart);
      if (timeMs === MALFORMED) return i;
      const status = statuses[i]!;
      const reason = reasonToSkip(status);
      if (reason !== null) {
        sink.skip(reason);
        continue;
      }
      const methodStart = timeStart + 29;
      const methodEnd = methodEnds[i]!;
      const pathStart = methodEnd + 1;
      let pathEnd = plainPathEnd(text, view, pathStart, requestEnds[i]!);
      const fragment = fragments[i]!;
      if (fragment >= 0 && fragment < pathEnd) pathEnd = fragment;
      if (pathEnd <= pathStart) {
        sink.skip('no path in the request');
        continue;
      }
      const op = operationOfMethod(text, methodStart, methodEnd);
      const isBodiless = status === NOT_MODIFIED || isHead(text, methodStart, methodEnd);
      const hostStart = lineStarts[i]!;
      const hostEnd = hostEnds[i]!;
      if (block.isConsumerAsked || !isSame(text, hostStart, hostEnd, knownStart, knownEnd)) {
        const isAnonymous = hostEnd - hostStart === 1 && text[hostStart] === DASH;
        block.consumer(isAnonymous ? -1 : hostStart, hostEnd);
        knownStart = hostStart;
        knownEnd = hostEnd;
      }
      block.add(timeMs, pathStart, pathEnd, op, isBodiless ? -1 : sizes[i]!);
    }
    return to;
  }

  /** Up to `linesMax` lines, one by one; gives where the next begins. */
  #parseLines(
    bytes: Uint8Array,
    start: number,
    end: number,
    sink: AccessSink,
    isLast: boolean,
    linesMax: number,
  ): number {
    const block = this.#block;
    block.begin(bytes, sink);
    const buffer = bufferOf(bytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // Here and below `| 0` makes an integer for the compiler too, which would otherwise check what a place is at every byte.
    let pos = start | 0;
    // A page brings several requests of one client in a row: where its name stands.
    let knownStart = 0;
    let knownEnd = 0;
    for (const stop = this.line + linesMax; pos < end && this.line < stop; this.line++) {
      const lineStart = pos;
      let b = bytes[pos]!;
      while (b !== SPACE && b !== LINE_FEED) b = bytes[++pos]!;
      const hostEnd = pos;
      if (b === LINE_FEED && (pos === lineStart || (pos === lineStart + 1 && bytes[lineStart] === CARRIAGE_RETURN))) {
        pos++;
        continue;
      }
      let hostStart = lineStart;
      let lastHostEnd = hostEnd;
      if (b === SPACE && bytes[pos + 1] !== DASH && isAddress(bytes, pos + 1)) {
        hostStart = pos + 1;
        lastHostEnd = buffer.indexOf(SPACE, hostStart) | 0;
      }
      while (b !== OPEN_BRACKET && b !== LINE_FEED) b = bytes[++pos]!;
      if (b === LINE_FEED || hostEnd === lineStart) {
        pos = this.#refuse(bytes, lineStart, b === LINE_FEED ? pos : lineStart, end, sink, isLast, '[time]') | 0;
        continue;
      }
      const timeMs = clfTimeOf(bytes, view, pos + 1);
      if (timeMs === MALFORMED || bytes[pos + 27] !== CLOSE_BRACKET) {
        const expected = '[dd/Mon/yyyy:hh:mm:ss +zzzz]';
        pos = this.#refuse(bytes, lineStart, pos, end, sink, isLast, expected) | 0;
        continue;
      }
      pos += 28;
      if (bytes[pos] !== SPACE || bytes[pos + 1] !== QUOTE) {
        pos = this.#refuse(bytes, lineStart, pos, end, sink, isLast, 'a request in quotes') | 0;
        continue;
      }
      pos += 2;
      const methodStart = pos;
      b = bytes[pos]!;
      while (b !== SPACE && b !== QUOTE && b !== LINE_FEED) b = bytes[++pos]!;
      const methodEnd = pos;
      let fragment = -1;
      for (;;) {
        if (b === LINE_FEED) break;
        if (b === QUOTE) {
          const after = bytes[pos + 2]!;
          if (bytes[pos + 1] === SPACE && ((after >= 48 && after <= 57) || after === DASH)) break;
        } else if (b === BACKSLASH) {
          if (bytes[pos + 1] !== LINE_FEED) pos++;
        } else if (b === HASH && fragment < 0) fragment = pos;
        b = bytes[++pos]!;
      }
      if (b === LINE_FEED) {
        pos = this.#refuse(bytes, lineStart, pos, end, sink, isLast, 'a quote and a status after the request') | 0;
        continue;
      }
      const requestEnd = pos;
      pos += 2;
      let status = 0;
      const statusStart = pos;
      b = bytes[pos]!;
      for (let digit = b - 48; digit >= 0 && digit <= 9; digit = b - 48) {
        status = status * 10 + digit;
        b = bytes[++pos]!;
      }
      if (pos === statusStart) b = bytes[++pos]!;
      if (b !== SPACE) {
        pos = this.#refuse(bytes, lineStart, pos, end, sink, isLast, 'a status and a space') | 0;
        continue;
      }
      b = bytes[++pos]!;
      let size = 0;
      const sizeStart = pos;
      for (let digit = b - 48; digit >= 0 && digit <= 9; digit = b - 48) {
        size = size * 10 + digit;
        b = bytes[++pos]!;
      }
      if (pos === sizeStart) {
        size = -1;
        if (b === DASH) b = bytes[++pos]!;
        else pos = -1;
      }
      if (pos < 0 || (b !== SPACE && b !== LINE_FEED && b !== CARRIAGE_RETURN)) {
        const at = pos < 0 ? sizeStart : pos;
        pos = this.#refuse(bytes, lineStart, at, end, sink, isLast, 'a number of bytes or -') | 0;
        continue;
      }
      const tail = pos;
      if (b !== LINE_FEED) pos = buffer.indexOf(LINE_FEED, pos) | 0;
      pos++;
      if (isLast && pos === end && hasOpenQuote(bytes, tail, pos)) {
        block.flush();
        sink.truncated({ line: this.line }, 'a closing quote');
        continue;
      }
      const reason = reasonToSkip(status);
      if (reason !== null) {
        sink.skip(reason);
        continue;
      }
      const pathStart = methodEnd + 1;
      let pathEnd = protocolStart(bytes, pathStart, requestEnd);
      if (fragment >= 0 && fragment < pathEnd) pathEnd = fragment;
      if (pathEnd <= pathStart) {
        sink.skip('no path in the request');
        continue;
      }
      const op = operationOfMethod(bytes, methodStart, methodEnd);
      if (status === NOT_MODIFIED || isHead(bytes, methodStart, methodEnd)) size = -1;
      const isVirtual = hostStart > lineStart && (hostEnd - lineStart > 1 || bytes[lineStart] !== DASH);
      if (isVirtual) {
        block.flush();
        const segment = sink.segments.internBytes(
          this.#name,
          0,
          this.#join(bytes, lineStart, hostEnd, pathStart, pathEnd),
        );
        const consumer = sink.consumers.internBytes(bytes, hostStart, lastHostEnd);
        sink.append(timeMs, segment, consumer, -1, op, size, 1);
        continue;
      }
      if (block.isConsumerAsked || !isSame(bytes, hostStart, lastHostEnd, knownStart, knownEnd)) {
        const isAnonymous = lastHostEnd - hostStart === 1 && bytes[hostStart] === DASH;
        block.consumer(isAnonymous ? -1 : hostStart, lastHostEnd);
        knownStart = hostStart;
        knownEnd = lastHostEnd;
      }
      block.add(timeMs, pathStart, pathEnd, op, size);
    }
    block.flush();
    return pos;
  }

  /** Puts bytes [hostStart, hostEnd) and [pathStart, pathEnd) one after the other into `#name`; gives their length. */
  #join(bytes: Uint8Array, hostStart: number, hostEnd: number, pathStart: number, pathEnd: number): number {
    const hostLength = hostEnd - hostStart;
    const length = hostLength + pathEnd - pathStart;
    if (length > this.#name.length) this.#name = new Uint8Array(length * 2);
    this.#name.set(bytes.subarray(hostStart, hostEnd), 0);
    this.#name.set(bytes.subarray(pathStart, pathEnd), hostLength);
    return length;
  }

  /** As `refuseLine`, after the rows before it. */
  #refuse(
    bytes: Uint8Array,
    lineStart: number,
    at: number,
    end: number,
    sink: AccessSink,
    isLast: boolean,
    expected: string,
  ): number {
    this.#block.flush();
    return refuseLine(bytes, lineStart, at, end, sink, this.line, isLast, expected);
  }
}

function isSame(bytes: Uint8Array, start: number, end: number, knownStart: number, knownEnd: number): boolean {
  const length = end - start;
  if (length !== knownEnd - knownStart) return false;
  let i = 0;
  while (i < length && bytes[start + i] === bytes[knownStart + i]) i++;
  return i === length;
}

/** Whether an address or a host name, not an ident, is at `start`: it holds a dot or a colon, and a space ends it. */
function isAddress(bytes: Uint8Array, start: number): boolean {
  let at = start;
  let isDotted = false;
  for (; bytes[at] !== SPACE; at++) {
    if (bytes[at] === LINE_FEED || bytes[at] === OPEN_BRACKET) return false;
    isDotted ||= bytes[at] === 46 || bytes[at] === 58;
  }
  return isDotted;
}

/** Where ` HTTP/1.1` (or `/2`) begins that ends the request at `end`, or `end` when there is none; spaces before it are passed over. */
function protocolStart(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && bytes[at - 1] === SPACE) at--;
  for (const length of PROTOCOL_LENGTHS) {
    const space = at - length;
    if (space < start - 1 || bytes[space] !== SPACE) continue;
    if (bytes[space + 1] === 72 && bytes[space + 2] === 84 && bytes[space + 4] === 80 && bytes[space + 5] === 47) {
      at = space;
      break;
    }
  }
  while (at > start && bytes[at - 1] === SPACE) at--;
  return at;
}

/** As `protocolStart`, at once where ` HTTP/1.1` ends a path that does not end in a space. */
function plainPathEnd(bytes: Uint8Array, view: DataView, start: number, end: number): number {
  const space = end - 9;
  const isPlain =
    space > start &&
    bytes[space] === SPACE &&
    bytes[space - 1] !== SPACE &&
    bytes[end - 1] !== SPACE &&
    bytes[space + 5] === SLASH &&
    view.getInt32(space + 1, true) === HTTP;
  return isPlain ? space : protocolStart(bytes, start, end);
}

/** Of ` HTTP/1.1` and ` HTTP/2`. */
const PROTOCOL_LENGTHS = [9, 7] as const;

const line = /^\S+ .*?\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] ".*" (?:\d{3}|-) (?:\d+|-)(?: |$)/;

export const clf: StreamFormat = {
  kind: 'stream',
  name: 'clf',
  description: 'Common and Combined Log Format of Apache, nginx and other web servers.',
  reference: 'Apache HTTP Server, mod_log_config, "Common Log Format (CLF)" and "NCSA extended/combined log format"',
  addressBytes: null,
  detect(head, isWhole) {
    const share = matchingShare(headLines(head, isWhole), line);
    return share < 0.5 ? 0 : 0.45 + 0.5 * share;
  },
  decoder(options) {
    refuseOtherOptions('clf', options, []);
    return new LineDecoder(new ClfParser());
  },
};
