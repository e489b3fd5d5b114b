/** Plain lines of the Common Log Format, taken apart many at a time by WebAssembly. */

import { type Code, compileWasm, I32, I64, V128, type WasmFunction, type WasmInstance, wasm } from './wasm-module.ts';

export const CLF_TEXT_BYTES_MAX = 1 << 18;
export const CLF_LINES_MAX = 256;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const HASH = 35;
const DASH = 45;
const ZERO = 48;
const UPPER_A = 65;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const SIZE_DIGITS_MAX = 15;

/** The memory: the text, a line feed after it where every search ends, room for what is loaded beyond; then columns by line. */
const COLUMNS_AT = CLF_TEXT_BYTES_MAX + 64;
const columnAt = (index: number): number => COLUMNS_AT + index * CLF_LINES_MAX * 4;
const LINE_STARTS_AT = columnAt(0);
const HOST_ENDS_AT = columnAt(1);
const TIME_STARTS_AT = columnAt(2);
const METHOD_ENDS_AT = columnAt(3);
const REQUEST_ENDS_AT = columnAt(4);
const FRAGMENTS_AT = columnAt(5);
const STATUSES_AT = columnAt(6);
/** Doubles. */
const SIZES_AT = columnAt(8);
const NEXT_AT = columnAt(10);
const PAGE_COUNT = Math.ceil((NEXT_AT + 4) / 65_536);

/**
 * `lines(start, end)`: takes lines from `start` on that end before `end`, 256 at most, and gives how many. It stops before one
 * that is not `host - user [26 bytes] "METHOD request" nnn size`, with anything after it, and before a backslash in a request.
 */
const lines: WasmFunction = (() => {
  const { get, set, i32, add, sub, and, equal, notEqual, atLeast, isZero, block, loop, branch, branchIf } = wasm;
  /** `at` is where the line begins, `p` what is looked at. */
  const [at, end, row, p, b, hostEnd, timeStart, methodEnd, fragment, requestEnd, status, mask, sizeStart] = [
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
  ] as const;
  const size = 13;
  const [spaces, feeds, quotes, backslashes, hashes, word] = [14, 15, 16, 17, 18, 19] as const;
  const byteAt = (offset = 0): Code => wasm.loadByte(get(p), offset);
  const digitAt = (offset: number): Code => sub(byteAt(offset), i32(ZERO));
  const isNoDigit = (offset: number): Code => wasm.exceedsUnsigned(digitAt(offset), i32(9));
  const step = (by: number): Code => set(p, add(get(p), i32(by)));
  const isAny = (first: number, ...others: readonly number[]): Code =>
    others.reduce<Code>(
      (all, one) => wasm.orVector(all, wasm.equalBytes(get(word), get(one))),
      wasm.equalBytes(get(word), get(first)),
    );
  /** Moves `p` to the first of some bytes; there is always a line feed. */
  const seek = (first: number, ...others: readonly number[]): Code => [
    block(
      loop(
        set(word, wasm.loadVector(get(p))),
        set(mask, wasm.bitmask(isAny(first, ...others))),
        branchIf(1, get(mask)),
        step(16),
        branch(0),
      ),
    ),
    set(p, add(get(p), wasm.trailingZeros(get(mask)))),
  ];
  const store = (column: number, value: Code): Code =>
    wasm.store(add(i32(column), wasm.multiply(get(row), i32(4))), value);
  /** In the loop over lines: ends the function there. */
  const stopIf = (condition: Code): Code => branchIf(1, condition);

  const host: Code = [
    set(p, get(at)),
    seek(spaces, feeds),
    stopIf(notEqual(byteAt(), i32(SPACE))),
    stopIf(equal(get(p), get(at))),
    set(hostEnd, get(p)),
    stopIf(notEqual(byteAt(1), i32(DASH))),
  ];
  const time: Code = [
    block(
      loop(
        set(b, byteAt()),
        branchIf(1, equal(get(b), i32(OPEN_BRACKET))),
        branchIf(1, equal(get(b), i32(LINE_FEED))),
        step(1),
        branch(0),
      ),
    ),
    stopIf(notEqual(get(b), i32(OPEN_BRACKET))),
    set(timeStart, add(get(p), i32(1))),
    stopIf(notEqual(byteAt(27), i32(CLOSE_BRACKET))),
    stopIf(notEqual(byteAt(28), i32(SPACE))),
    stopIf(notEqual(byteAt(29), i32(QUOTE))),
    step(30),
  ];
  const method: Code = [
    set(b, get(p)),
    block(loop(branchIf(1, wasm.exceedsUnsigned(sub(byteAt(), i32(UPPER_A)), i32(25))), step(1), branch(0))),
    stopIf(notEqual(byteAt(), i32(SPACE))),
    stopIf(equal(get(p), get(b))),
    set(methodEnd, get(p)),
  ];
  const isClosing = and(equal(byteAt(1), i32(SPACE)), wasm.or(isZero(isNoDigit(2)), equal(byteAt(2), i32(DASH))));
  const request: Code = [
    set(fragment, i32(-1)),
    block(
      loop(
        seek(quotes, backslashes, hashes, feeds),
        set(b, byteAt()),
        wasm.ifElse(
          equal(get(b), i32(HASH)),
          [set(fragment, wasm.ifResult(equal(get(fragment), i32(-1)), get(p), get(fragment))), step(1), branch(1)],
          [],
        ),
        // Three out: the block here, the loop over lines, the block around it.
        branchIf(3, notEqual(get(b), i32(QUOTE))),
        branchIf(1, isClosing),
        step(1),
        branch(0),
      ),
    ),
    set(requestEnd, get(p)),
  ];
  const statusCode: Code = [
    [2, 3, 4].map((offset) => stopIf(isNoDigit(offset))),
    stopIf(notEqual(byteAt(5), i32(SPACE))),
    set(status, add(wasm.multiply(add(wasm.multiply(digitAt(2), i32(10)), digitAt(3)), i32(10)), digitAt(4))),
    step(6),
  ];
  const bytesSent: Code = [
    set(sizeStart, get(p)),
    set(size, wasm.i64(0)),
    block(
      loop(
        branchIf(1, isNoDigit(0)),
        set(size, wasm.add64(wasm.multiply64(get(size), wasm.i64(10)), wasm.extend(digitAt(0)))),
        step(1),
        branch(0),
      ),
    ),
    wasm.ifElse(
      equal(get(p), get(sizeStart)),
      [branchIf(2, notEqual(byteAt(), i32(DASH))), set(size, wasm.i64(-1)), step(1)],
      [],
    ),
    stopIf(wasm.exceedsUnsigned(sub(get(p), get(sizeStart)), i32(SIZE_DIGITS_MAX))),
    stopIf(
      isZero(
        wasm.or(
          wasm.or(equal(byteAt(), i32(SPACE)), equal(byteAt(), i32(LINE_FEED))),
          equal(byteAt(), i32(CARRIAGE_RETURN)),
        ),
      ),
    ),
  ];
  return {
    parameterCount: 2,
    hasResult: true,
    locals: [
      [11, I32],
      [1, I64],
      [6, V128],
    ],
    body: [
      [
        [spaces, SPACE],
        [feeds, LINE_FEED],
        [quotes, QUOTE],
        [backslashes, BACKSLASH],
        [hashes, HASH],
      ].map(([local, byte]) => set(local!, wasm.splatByte(i32(byte!)))),
      block(
        loop(
          stopIf(atLeast(get(at), get(end))),
          stopIf(equal(get(row), i32(CLF_LINES_MAX))),
          host,
          time,
          method,
          request,
          statusCode,
          bytesSent,
          seek(feeds),
          stopIf(atLeast(get(p), get(end))),
          store(LINE_STARTS_AT, get(at)),
          store(HOST_ENDS_AT, get(hostEnd)),
          store(TIME_STARTS_AT, get(timeStart)),
          store(METHOD_ENDS_AT, get(methodEnd)),
          store(REQUEST_ENDS_AT, get(requestEnd)),
          store(FRAGMENTS_AT, get(fragment)),
          store(STATUSES_AT, get(status)),
          wasm.storeNumber(add(i32(SIZES_AT), wasm.multiply(get(row), i32(8))), get(size)),
          set(row, add(get(row), i32(1))),
          set(at, add(get(p), i32(1))),
          branch(0),
        ),
      ),
      wasm.store(i32(NEXT_AT), get(at)),
      get(row),
    ],
  };
})();

const functions = { lines } as const;

/** Compiled when first asked for; null where that fails. */
let start: (() => WasmInstance<'lines'> | null) | null | undefined;

/** Where the parts of plain lines lie, by line. Null of `ClfScan.start` where there is no WebAssembly: lines are then read one by one. */
export class ClfScan {
  /** Filled by who scans; offsets below are offsets in it. */
  readonly text: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** The host begins there too. */
  readonly lineStarts: Int32Array<ArrayBuffer>;
  readonly hostEnds: Int32Array<ArrayBuffer>;
  /** Of the 26 bytes in brackets; the method begins 29 bytes later. */
  readonly timeStarts: Int32Array<ArrayBuffer>;
  readonly methodEnds: Int32Array<ArrayBuffer>;
  readonly requestEnds: Int32Array<ArrayBuffer>;
  /** Of the first `#` in the request, or -1. */
  readonly fragments: Int32Array<ArrayBuffer>;
  readonly statuses: Int32Array<ArrayBuffer>;
  /** -1 for a dash. */
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly #next: Int32Array<ArrayBuffer>;
  readonly #run: WasmInstance<'lines'>['run'];

  private constructor({ memory, run }: WasmInstance<'lines'>) {
    this.text = new Uint8Array(memory, 0, CLF_TEXT_BYTES_MAX + 1);
    this.view = new DataView(memory, 0, CLF_TEXT_BYTES_MAX + 1);
    this.lineStarts = new Int32Array(memory, LINE_STARTS_AT, CLF_LINES_MAX);
    this.hostEnds = new Int32Array(memory, HOST_ENDS_AT, CLF_LINES_MAX);
    this.timeStarts = new Int32Array(memory, TIME_STARTS_AT, CLF_LINES_MAX);
    this.methodEnds = new Int32Array(memory, METHOD_ENDS_AT, CLF_LINES_MAX);
    this.requestEnds = new Int32Array(memory, REQUEST_ENDS_AT, CLF_LINES_MAX);
    this.fragments = new Int32Array(memory, FRAGMENTS_AT, CLF_LINES_MAX);
    this.statuses = new Int32Array(memory, STATUSES_AT, CLF_LINES_MAX);
    this.sizes = new Float64Array(memory, SIZES_AT, CLF_LINES_MAX);
    this.#next = new Int32Array(memory, NEXT_AT, 1);
    this.#run = run;
  }

  static start(): ClfScan | null {
    if (start === undefined) start = compileWasm(functions, PAGE_COUNT);
    const instance = start?.() ?? null;
    return instance === null ? null : new ClfScan(instance);
  }

  /** Where the scan stopped: the start of the line that was not taken. */
  get next(): number {
    return this.#next[0]!;
  }

  /** Takes lines of text [from, end), of which the byte at `end` is a line feed; gives how many. */
  scan(from: number, end: number): number {
    return this.#run.lines(from, end);
  }
}
