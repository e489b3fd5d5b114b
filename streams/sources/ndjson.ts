/** Newline-delimited JSON: one object a line. */

import { FOUND_LENGTH_MAX } from '../access-batch-builder.ts';
import type { AccessSink } from '../access-sink.ts';
import type { ColumnRole, FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { columnRoles, roleOfName, timeUnitOfName } from './column-roles.ts';
import { decimalOf, isAbsent, MALFORMED } from './decimal-bytes.ts';
import { refuseOtherOptions } from './format-options.ts';
import { operationOfMethod, type RequestLine, requestLineOf } from './http-words.ts';
import { afterSpace, faultAt, hasEscape, stringEnd, valueEnd } from './json-bytes.ts';
import { byteOrderMarkLength, LineDecoder, type LineParser } from './line-decoder.ts';
import { endOfLine, refuseLine } from './log-line.ts';
import { operationOf } from './operation-words.ts';
import { headLines } from './text-head.ts';
import { TimeScale } from './time-scale.ts';

const LINE_FEED = 10;
const QUOTE = 34;
const TIME = 0;
const SEGMENT = 1;
const CONSUMER = 2;
const SITE = 3;
const OP = 4;
const SIZE = 5;
const WEIGHT = 6;
const ROLE_COUNT = 7;
const NO_ROLE = -1;

/** What is known of a member's name. */
interface Key {
  readonly bytes: Uint8Array;
  readonly role: number;
  readonly rank: number;
  readonly scale: TimeScale;
  /** Records that something was taken from it in, or that it was looked into for. */
  taken: number;
}

/**
 * Finds the members that hold a role, where they lie in the line; only a text with escapes is decoded (by JSON.parse).
 *
 * Records of a log have their members in one order nearly always, so the member at a place is compared with the one that was
 * there in the record before, and looked up by name only when it differs. A number that names a segment or a consumer keeps the
 * digits that were written, however many. Where a record has several names of one role, the surest is taken.
 */
export class NdjsonParser implements LineParser {
  line = 1;
  readonly #asked = new Map<string, number>();
  readonly #askedRoles = new Set<number>();
  /** Whether nested members are looked into; null until the first record has told where its segment is. */
  #isNested: boolean | null;
  readonly #unit: FormatOptions['timeUnit'];
  readonly #guessed: TimeScale;
  readonly #keys = new Map<string, Key>();
  /** By place in the record: the key that was there last. */
  readonly #keyAt: Key[] = [];
  readonly #ranks = new Int32Array(ROLE_COUNT);
  readonly #starts = new Int32Array(ROLE_COUNT);
  readonly #ends = new Int32Array(ROLE_COUNT);
  readonly #escaped = new Uint8Array(ROLE_COUNT);
  /** By role: the key whose member has it in the record at hand, if any has. */
  readonly #holders: Key[] = [];
  #timeScale: TimeScale;

  constructor(options: FormatOptions) {
    for (const [role, path] of Object.entries(options.columns ?? {}) as [ColumnRole, string | undefined][]) {
      if (path === undefined) continue;
      this.#asked.set(path, columnRoles.indexOf(role));
      this.#askedRoles.add(columnRoles.indexOf(role));
    }
    const isPath = [...this.#asked.keys()].some((path) => path.includes('.'));
    this.#isNested = isPath ? true : this.#asked.size > 0 ? false : null;
    this.#unit = options.timeUnit;
    this.#guessed = new TimeScale(options.timeUnit ?? null);
    this.#timeScale = this.#guessed;
  }

  parse(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    try {
      return this.#records(bytes, start, end, sink, isLast);
    } finally {
      // A limit ends the reading by throwing, and what was passed over until then is told all the same.
      sink.leaveOut?.(this.#leftOut());
    }
  }

  /** Paths of the members that no record was read by, in order of appearance. */
  #leftOut(): readonly string[] {
    const paths: string[] = [];
    for (const [path, { taken }] of this.#keys) if (taken === 0) paths.push(path);
    return paths;
  }

  #records(bytes: Uint8Array, start: number, end: number, sink: AccessSink, isLast: boolean): number {
    let pos = this.line === 1 ? start + byteOrderMarkLength(bytes, start, end) : start;
    for (; pos < end; this.line++) {
      const lineStart = pos;
      pos = afterSpace(bytes, pos);
      if (bytes[pos] === LINE_FEED) {
        pos++;
        continue;
      }
      this.#ranks.fill(0x7fffffff);
      let last = bytes[pos] === 123 ? this.#members(bytes, pos, '') : faultAt(pos);
      if (this.#isNested === null && last >= 0) {
        this.#isNested = !this.#has(SEGMENT);
        if (this.#isNested) {
          for (const key of this.#keys.values()) key.taken = 0;
          this.#ranks.fill(0x7fffffff);
          last = this.#members(bytes, pos, '');
        }
      }
      if (last >= 0) {
        last = afterSpace(bytes, last);
        if (bytes[last] !== LINE_FEED) last = faultAt(last);
      }
      if (last < 0) {
        const at = -1 - last;
        // Only a line that breaks off is truncated; one that goes wrong before its end is malformed.
        const isCut = isLast && bytes[at] === LINE_FEED;
        pos = refuseLine(bytes, lineStart, at, end, sink, this.line, isCut, 'one JSON object a line');
        continue;
      }
      pos = last + 1;
      this.#append(bytes, lineStart, end, sink);
    }
    return pos;
  }

  /** Goes through the object at `pos`; gives the byte after it, or a fault. */
  #members(bytes: Uint8Array, pos: number, prefix: string): number {
    let at = afterSpace(bytes, pos + 1);
    if (bytes[at] === 125) return at + 1;
    for (let place = 0; ; place++) {
      if (bytes[at] !== QUOTE) return faultAt(at);
      const keyStart = at + 1;
      const keyEnd = stringEnd(bytes, keyStart);
      if (keyEnd < 0) return keyEnd;
      const key = this.#key(bytes, keyStart, keyEnd, hasEscape, prefix, place);
      at = afterSpace(bytes, keyEnd + 1);
      if (bytes[at] !== 58) return faultAt(at);
      at = afterSpace(bytes, at + 1);
      const isObject = this.#isNested === true && bytes[at] === 123;
      const isText = bytes[at] === QUOTE;
      const last = isObject
        ? this.#members(bytes, at, `${prefix}${new TextDecoder().decode(key.bytes)}.`)
        : valueEnd(bytes, at);
      if (last < 0) return last;
      const role = key.role;
      const isNobody = role === CONSUMER && isAbsent(bytes, isText ? at + 1 : at, isText ? last - 1 : last);
      if (isNobody || isObject) key.taken++;
      const isContainer = isObject || bytes[at] === 123 || bytes[at] === 91;
      if (
        role >= 0 &&
        key.rank <= this.#ranks[role]! &&
        !isNobody &&
        !(isContainer && role === SEGMENT && this.#asked.size === 0)
      ) {
        if (this.#has(role)) this.#holders[role]!.taken--;
        this.#holders[role] = key;
        key.taken++;
        this.#ranks[role] = key.rank;
        this.#starts[role] = at;
        this.#ends[role] = last;
        this.#escaped[role] = isText && hasEscape ? 1 : 0;
        if (role === TIME) this.#timeScale = key.scale;
      }
      at = afterSpace(bytes, last);
      if (bytes[at] === 125) return at + 1;
      if (bytes[at] !== 44) return faultAt(at);
      at = afterSpace(bytes, at + 1);
    }
  }

  #key(bytes: Uint8Array, start: number, end: number, isEscaped: boolean, prefix: string, place: number): Key {
    const length = end - start;
    if (prefix === '' && !isEscaped) {
      const last = this.#keyAt[place];
      if (last !== undefined && last.bytes.length === length) {
        let i = 0;
        while (i < length && last.bytes[i] === bytes[start + i]) i++;
        if (i === length) return last;
      }
    }
    const written = new TextDecoder().decode(bytes.subarray(start, end));
    const name = isEscaped ? (JSON.parse(`"${written}"`) as string) : written;
    const path = prefix + name;
    let key = this.#keys.get(path);
    if (key === undefined) {
      key = this.#newKey(path, name);
      if (this.#keys.size < KEYS_MAX) this.#keys.set(path, key);
    }
    if (prefix === '' && !isEscaped && place < KEYS_MAX) this.#keyAt[place] = key;
    return key;
  }

  #newKey(path: string, name: string): Key {
    const bytes = new TextEncoder().encode(name);
    const asked = this.#asked.get(path);
    const known = path === name || this.#asked.size === 0 ? roleOfName(path) : null;
    const knownRole = known === null ? NO_ROLE : columnRoles.indexOf(known.role);
    const role = asked ?? (this.#askedRoles.has(knownRole) ? NO_ROLE : knownRole);
    const unit = role === TIME && this.#unit === undefined ? timeUnitOfName(name) : null;
    return {
      bytes,
      role,
      rank: asked === undefined ? (known?.rank ?? 0) : 0,
      scale: unit === null ? this.#guessed : new TimeScale(unit),
      taken: 0,
    };
  }

  #append(bytes: Uint8Array, lineStart: number, end: number, sink: AccessSink): void {
    const request = this.#request(bytes);
    const segment =
      request === null
        ? this.#name(bytes, SEGMENT, sink)
        : sink.segments.internBytes(bytes, request.pathStart, request.pathEnd);
    if (segment < 0) {
      const expected = 'a text or number that names the segment';
      if (this.#has(SEGMENT)) {
        refuseLine(bytes, lineStart, this.#starts[SEGMENT]!, end, sink, this.line, false, expected);
      } else {
        const wayOut = this.#asked.size > 0 ? '' : ': say which with --columns segment=NAME';
        const found = `only ${memberPaths(bytes, lineStart).join(', ')}`;
        // What was found is cut where it is long; the way out is not to be cut with it.
        const isLong = found.length + wayOut.length > FOUND_LENGTH_MAX;
        const place = { line: this.line, column: 1 };
        if (isLong) sink.reject(place, `${expected}${wayOut}`, found);
        else sink.reject(place, expected, `${found}${wayOut}`);
      }
      return;
    }
    const timeMs = this.#timeMs(bytes);
    const bytesSaid = this.#count(bytes, SIZE, -1);
    const size = Number.isInteger(bytesSaid) ? bytesSaid : MALFORMED;
    const weight = this.#count(bytes, WEIGHT, 1);
    if (timeMs === MALFORMED || size === MALFORMED || weight === MALFORMED) {
      const role = timeMs === MALFORMED ? TIME : size === MALFORMED ? SIZE : WEIGHT;
      const expected =
        role === TIME ? 'a number or an ISO 8601 time' : role === SIZE ? 'a whole number of bytes' : 'a number';
      refuseLine(bytes, lineStart, this.#starts[role]!, end, sink, this.line, false, expected);
      return;
    }
    const consumer = this.#name(bytes, CONSUMER, sink);
    const site = this.#name(bytes, SITE, sink);
    const op =
      request === null || this.#has(OP)
        ? this.#op(bytes)
        : operationOfMethod(bytes, this.#starts[SEGMENT]! + 1, request.methodEnd);
    sink.append(timeMs, segment, consumer, site, op, size, weight);
  }

  /** The request line that stands for the segment (`"request": "GET /a HTTP/1.1"`), if it is one. */
  #request(bytes: Uint8Array): RequestLine | null {
    if (!this.#has(SEGMENT) || this.#escaped[SEGMENT] === 1) return null;
    const start = this.#starts[SEGMENT]!;
    return bytes[start] === QUOTE ? requestLineOf(bytes, start + 1, this.#ends[SEGMENT]! - 1) : null;
  }

  #has(role: number): boolean {
    return this.#ranks[role] !== 0x7fffffff;
  }

  /** Id of a text or number in the table of `role`, or -1 when there is none. */
  #name(bytes: Uint8Array, role: number, sink: AccessSink): number {
    if (!this.#has(role)) return -1;
    const names = role === SEGMENT ? sink.segments : role === CONSUMER ? sink.consumers : sink.sites;
    const start = this.#starts[role]!;
    const end = this.#ends[role]!;
    const first = bytes[start]!;
    if (first !== QUOTE) {
      const isNumber = first === 45 || (first >= 48 && first <= 57);
      return isNumber && (role === SEGMENT || !isAbsent(bytes, start, end)) ? names.internBytes(bytes, start, end) : -1;
    }
    if (this.#escaped[role] === 1) {
      const text = JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))) as string;
      // Half of a surrogate pair has no bytes of its own, so two such names could not be told apart.
      return text === '' || /\p{Surrogate}/u.test(text) ? -1 : names.internString(text);
    }
    const isNone =
      role === SEGMENT
        ? end - start === 2
        : role === CONSUMER
          ? isAbsent(bytes, start + 1, end - 1)
          : isDash(bytes, start + 1, end - 1);
    return isNone ? -1 : names.internBytes(bytes, start + 1, end - 1);
  }

  #timeMs(bytes: Uint8Array): number {
    if (!this.#has(TIME)) return Number.NaN;
    const isText = bytes[this.#starts[TIME]!] === QUOTE ? 1 : 0;
    return this.#timeScale.msOfBytes(bytes, this.#starts[TIME]! + isText, this.#ends[TIME]! - isText);
  }

  #count(bytes: Uint8Array, role: number, absent: number): number {
    if (!this.#has(role)) return absent;
    const isText = bytes[this.#starts[role]!] === QUOTE ? 1 : 0;
    const start = this.#starts[role]! + isText;
    const end = this.#ends[role]! - isText;
    if (isAbsent(bytes, start, end)) return absent;
    const count = decimalOf(bytes, start, end, 0);
    return count >= 0 && count <= Number.MAX_SAFE_INTEGER ? count : MALFORMED;
  }

  #op(bytes: Uint8Array): OperationCode {
    if (!this.#has(OP)) return Operation.read;
    const start = this.#starts[OP]!;
    if (bytes[start] === QUOTE) return operationOf(bytes, start + 1, this.#ends[OP]! - 1);
    return bytes[start] === 110 ? Operation.read : Operation.other; // null
  }
}

/** Names of the members of the line at `start`, which is known to be JSON; with dots where they are nested. */
function memberPaths(bytes: Uint8Array, start: number): readonly string[] {
  const line = JSON.parse(new TextDecoder().decode(bytes.subarray(start, endOfLine(bytes, start)))) as object;
  const paths: string[] = [];
  const visit = (members: object, prefix: string): void => {
    for (const [name, value] of Object.entries(members)) {
      if (paths.length > PATHS_SHOWN) return;
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) visit(value, `${prefix}${name}.`);
      else paths.push(prefix + name);
    }
  };
  visit(line, '');
  return paths.length > PATHS_SHOWN ? [...paths.slice(0, PATHS_SHOWN), '...'] : paths.length === 0 ? ['{}'] : paths;
}

/** Members that a complaint lists; the tenth of a record of a log is seldom the one that was meant. */
const PATHS_SHOWN = 20;
/** Names of members that are remembered; a log has tens. */
const KEYS_MAX = 4096;

function isDash(bytes: Uint8Array, start: number, end: number): boolean {
  return end <= start || (end - start === 1 && bytes[start] === 45);
}

export const ndjson: StreamFormat = {
  kind: 'stream',
  name: 'ndjson',
  description: 'JSON, one object a line; members by known names, or by --columns with dots for nested ones.',
  reference: 'RFC 8259 (JSON), one text a line as in NDJSON and JSON Lines',
  addressBytes: null,
  detect(head, isWhole) {
    const lines = headLines(head, isWhole);
    if (lines.length === 0 || !lines[0]!.trimStart().startsWith('{')) return 0;
    let objects = 0;
    let hasSegment = false;
    for (const line of lines) {
      try {
        const value: unknown = JSON.parse(line);
        if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
        objects++;
        hasSegment ||= Object.keys(value).some((name) => roleOfName(name)?.role === 'segment');
      } catch {
        // A bad line speaks against the format and no more.
      }
    }
    const share = objects / lines.length;
    return share < 0.5 ? 0 : (hasSegment ? 0.7 : 0.4) + 0.1 * share;
  },
  decoder(options) {
    refuseOtherOptions('ndjson', options, ['columns', 'timeUnit']);
    return new LineDecoder(new NdjsonParser(options));
  },
};
