/** Lines out of chunks: hands a parser whole lines where they lie, and joins only the line that a cut goes through. */

import type { AccessSink } from '../access-sink.ts';
import type { StreamDecoder } from '../format.ts';

/** Longest record that is read; longer ones are refused. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;
/** Larger chunks are taken in pieces, so that the bound on a record does not depend on how the input was cut. */
const PIECE_BYTES = 1024 * 1024;
const LINE_FEED = 10;

/** What turns lines into accesses. */
export interface LineParser {
  /** Number, from 1, of the line that the next record starts on. The parser moves it on. */
  line: number;
  /**
   * Parses the records in bytes [start, end), of which the last byte is a line feed, so that a scan for one needs no bound.
   * `isLast`: the input has ended and did not end in a line feed; the one at `end - 1` was added.
   * @returns where the first unfinished record starts (a quoted field that is still open), `end` when there is none.
   */
  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number;
}

/**
 * Pushes lines to a parser.
 *
 * Cost: complete lines are parsed inside the chunk they came in; one line for each chunk is copied. A record whose quote is
 * never closed is refused when the bound or the end of the input is met, and reading goes on with the line after its first.
 */
export class LineDecoder implements StreamDecoder {
  readonly #parser: LineParser;
  readonly #recordBytesMax: number;
  #carry = new Uint8Array(4096);
  #carried = 0;
  /** The rest of an overlong line is being passed over. */
  #isSkipping = false;

  /** @param recordBytesMax at least a piece, 1 MiB. */
  constructor(parser: LineParser, recordBytesMax = RECORD_BYTES_MAX) {
    this.#parser = parser;
    this.#recordBytesMax = recordBytesMax;
  }

  write(chunk: Uint8Array, sink: AccessSink): void {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) this.#take(chunk.subarray(at, at + PIECE_BYTES), sink);
  }

  end(sink: AccessSink): void {
    if (this.#isSkipping) return;
    const isLast = this.#carried > 0 && this.#carry[this.#carried - 1] !== LINE_FEED;
    if (isLast) this.#keep(LINE_FEED_BYTES, 0, 1);
    while (this.#carried > 0) {
      const used = this.#parser.parse(this.#carry, 0, this.#carried, sink, isLast);
      if (used === this.#carried) break;
      this.#drop(used);
      const lineEnd = this.#carry.indexOf(LINE_FEED);
      if (lineEnd === this.#carried - 1) {
        sink.truncated({ line: this.#parser.line }, 'a closing quote');
        break;
      }
      sink.reject({ line: this.#parser.line }, 'a closing quote', 'none up to the end of the input');
      this.#parser.line++;
      this.#drop(lineEnd + 1);
    }
    this.#carried = 0;
  }

  #take(piece: Uint8Array, sink: AccessSink): void {
    let from = 0;
    if (this.#isSkipping) {
      const lineEnd = piece.indexOf(LINE_FEED);
      if (lineEnd < 0) return;
      this.#isSkipping = false;
      this.#parser.line++;
      from = lineEnd + 1;
    }
    if (this.#carried > 0) {
      const lineEnd = piece.indexOf(LINE_FEED, from);
      if (lineEnd < 0) {
        this.#keep(piece, from, piece.length);
        this.#bound(sink);
        return;
      }
      this.#keep(piece, from, lineEnd + 1);
      from = lineEnd + 1;
      if (this.#carried > this.#recordBytesMax) this.#bound(sink);
      else this.#drop(this.#parser.parse(this.#carry, 0, this.#carried, sink, false));
      if (this.#carried > 0) {
        // A quoted field runs over lines: join all that is here, so that it is scanned twice at most for each chunk.
        const lastEnd = piece.lastIndexOf(LINE_FEED) + 1;
        this.#keep(piece, from, lastEnd);
        if (lastEnd > from) this.#drop(this.#parser.parse(this.#carry, 0, this.#carried, sink, false));
        this.#keep(piece, Math.max(from, lastEnd), piece.length);
        this.#bound(sink);
        return;
      }
    }
    const lastEnd = piece.lastIndexOf(LINE_FEED) + 1;
    if (lastEnd > from) from = this.#parser.parse(piece, from, lastEnd, sink, false);
    this.#keep(piece, from, piece.length);
    this.#bound(sink);
  }

  /** Refuses the first line of what is carried for as long as that has outgrown the bound. */
  #bound(sink: AccessSink): void {
    while (this.#carried > this.#recordBytesMax) {
      const found = 'a longer one, or a quote that is not closed';
      sink.reject({ line: this.#parser.line }, `a record of at most ${this.#recordBytesMax} bytes`, found);
      const lineEnd = this.#carry.subarray(0, this.#carried).indexOf(LINE_FEED);
      if (lineEnd < 0) {
        this.#carried = 0;
        this.#isSkipping = true;
        return;
      }
      this.#parser.line++;
      this.#drop(lineEnd + 1);
      const lastEnd = this.#carry.subarray(0, this.#carried).lastIndexOf(LINE_FEED) + 1;
      if (lastEnd > 0) this.#drop(this.#parser.parse(this.#carry, 0, lastEnd, sink, false));
    }
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length <= 0) return;
    if (this.#carried + length > this.#carry.length) {
      const carry = new Uint8Array(Math.max(this.#carry.length * 2, this.#carried + length));
      carry.set(this.#carry.subarray(0, this.#carried));
      this.#carry = carry;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carried);
    this.#carried += length;
  }

  #drop(used: number): void {
    if (used < this.#carried) this.#carry.copyWithin(0, used, this.#carried);
    this.#carried -= used;
  }
}

const LINE_FEED_BYTES = Uint8Array.of(LINE_FEED);

/** Length of a UTF-8 byte order mark at `start`: 3 or 0. */
export function byteOrderMarkLength(bytes: Uint8Array, start: number, end: number): number {
  return end - start >= 3 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf ? 3 : 0;
}
