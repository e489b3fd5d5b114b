/** A WebAssembly module with functions over a memory of its own, put together from instructions. */

/** Bytes of instructions, nested as they were composed. */
export type Code = number | readonly Code[];

/** Values' types, as the binary format writes them. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F64 = 0x7c;
export const V128 = 0x7b;

const VOID = 0x40;

/** Instructions by their names in the specification (WebAssembly Core 2.0, 5.4 Instructions), operands first. */
export const wasm = {
  get: (local: number): Code => [0x20, unsigned(local)],
  set: (local: number, value: Code): Code => [value, 0x21, unsigned(local)],
  i32: (value: number): Code => [0x41, signed(value)],
  add: (a: Code, b: Code): Code => [a, b, 0x6a],
  sub: (a: Code, b: Code): Code => [a, b, 0x6b],
  multiply: (a: Code, b: Code): Code => [a, b, 0x6c],
  and: (a: Code, b: Code): Code => [a, b, 0x71],
  xor: (a: Code, b: Code): Code => [a, b, 0x73],
  shiftLeft: (a: Code, b: Code): Code => [a, b, 0x74],
  or: (a: Code, b: Code): Code => [a, b, 0x72],
  shiftRight: (a: Code, b: Code): Code => [a, b, 0x76],
  rotateLeft: (a: Code, b: Code): Code => [a, b, 0x77],
  equal: (a: Code, b: Code): Code => [a, b, 0x46],
  notEqual: (a: Code, b: Code): Code => [a, b, 0x47],
  isLess: (a: Code, b: Code): Code => [a, b, 0x48],
  exceeds: (a: Code, b: Code): Code => [a, b, 0x4a],
  exceedsUnsigned: (a: Code, b: Code): Code => [a, b, 0x4b],
  atLeast: (a: Code, b: Code): Code => [a, b, 0x4e],
  atLeastUnsigned: (a: Code, b: Code): Code => [a, b, 0x4f],
  isZero: (a: Code): Code => [a, 0x45],
  trailingZeros: (a: Code): Code => [a, 0x68],
  load: (address: Code, offset = 0): Code => [address, 0x28, 0, unsigned(offset)],
  loadByte: (address: Code, offset = 0): Code => [address, 0x2d, 0, unsigned(offset)],
  store: (address: Code, value: Code): Code => [address, value, 0x36, 2, 0],
  storeAt: (address: Code, offset: number, value: Code): Code => [address, value, 0x36, 2, unsigned(offset)],
  loadShort: (address: Code, offset = 0): Code => [address, 0x2f, 1, unsigned(offset)],
  storeShort: (address: Code, offset: number, value: Code): Code => [address, value, 0x3b, 1, unsigned(offset)],
  storeByte: (address: Code, offset: number, value: Code): Code => [address, value, 0x3a, 0, unsigned(offset)],
  leadingZeros: (a: Code): Code => [a, 0x67],
  loadDouble: (address: Code, offset = 0): Code => [address, 0x2b, 3, unsigned(offset)],
  storeDouble: (address: Code, offset: number, value: Code): Code => [address, value, 0x39, 3, unsigned(offset)],
  /** A 32-bit float as a double, and back, rounded. */
  loadFloat: (address: Code, offset = 0): Code => [address, 0x2a, 2, unsigned(offset), 0xbb],
  storeFloat: (address: Code, offset: number, value: Code): Code => [address, value, 0xb6, 0x38, 2, unsigned(offset)],
  double: (value: number): Code => [0x44, ...new Uint8Array(Float64Array.of(value).buffer)],
  addDouble: (a: Code, b: Code): Code => [a, b, 0xa0],
  subDouble: (a: Code, b: Code): Code => [a, b, 0xa1],
  divideDouble: (a: Code, b: Code): Code => [a, b, 0xa3],
  magnitude: (a: Code): Code => [a, 0x99],
  isLessDouble: (a: Code, b: Code): Code => [a, b, 0x63],
  exceedsDouble: (a: Code, b: Code): Code => [a, b, 0x64],
  atMostDouble: (a: Code, b: Code): Code => [a, b, 0x65],
  atLeastDouble: (a: Code, b: Code): Code => [a, b, 0x66],
  doubleOfUnsigned: (integer: Code): Code => [integer, 0xb8],
  least: (a: Code, b: Code): Code => [a, b, 0xa4],
  greatest: (a: Code, b: Code): Code => [a, b, 0xa5],
  negated: (a: Code): Code => [a, 0x9a],
  remainderUnsigned: (a: Code, b: Code): Code => [a, b, 0x70],
  /** The whole part of a double from 0 to below 2^31, without a look at whether it is: the low word of that beside 2^52. */
  wholeOf: (a: Code): Code => [a, 0x9c, 0x44, 0, 0, 0, 0, 0, 0, 0x30, 0x43, 0xa0, 0xbd, 0xa7],
  /** A double cut to its whole part; 0 for NaN. */
  wholePart: (a: Code): Code => [a, 0xfc, 2],
  doubleOf: (integer: Code): Code => [integer, 0xb7],
  multiplyDouble: (a: Code, b: Code): Code => [a, b, 0xa2],
  /** The least integer that is not below a double of moderate size. */
  ceiling: (double: Code): Code => [double, 0x9b, 0xaa],
  /** Ends the function; the value is its result. */
  giveBack: (value: Code): Code => [value, 0x0f],
  i64: (value: number): Code => [0x42, signed(value)],
  add64: (a: Code, b: Code): Code => [a, b, 0x7c],
  multiply64: (a: Code, b: Code): Code => [a, b, 0x7e],
  extend: (a: Code): Code => [a, 0xad],
  /** As a double. */
  storeNumber: (address: Code, integer64: Code): Code => [address, integer64, 0xb9, 0x39, 3, 0],
  load64: (address: Code, offset = 0): Code => [address, 0x29, 0, unsigned(offset)],
  store64: (address: Code, value: Code): Code => [address, value, 0x37, 0, 0],
  shiftLeft64: (a: Code, b: Code): Code => [a, b, 0x86],
  or64: (a: Code, b: Code): Code => [a, b, 0x84],
  equal64: (a: Code, b: Code): Code => [a, b, 0x51],
  /** Both are worked out; no branch. */
  select: (condition: Code, then: Code, otherwise: Code): Code => [then, otherwise, condition, 0x1b],
  /** Sixteen bytes at any address. */
  loadVector: (address: Code, offset = 0): Code => [address, 0xfd, 0, 0, unsigned(offset)],
  storeVector: (address: Code, offset: number, value: Code): Code => [address, value, 0xfd, 11, 0, unsigned(offset)],
  /** `vector` with the byte at an address as its byte `lane`. */
  loadByteLane: (vector: Code, address: Code, lane: number): Code => [address, vector, 0xfd, 84, 0, 0, lane],
  /** The same word four times. */
  splat: (value: Code): Code => [value, 0xfd, 17],
  wordOf: (vector: Code, lane: number): Code => [vector, 0xfd, 27, lane],
  equalWords: (a: Code, b: Code): Code => [a, b, 0xfd, 55],
  atLeastWords: (a: Code, b: Code): Code => [a, b, 0xfd, 63],
  addWords: (a: Code, b: Code): Code => [a, b, 0xfd, unsigned(174)],
  leastWords: (a: Code, b: Code): Code => [a, b, 0xfd, unsigned(182)],
  andVector: (a: Code, b: Code): Code => [a, b, 0xfd, 78],
  /** Four of the words of `a`, 0 to 3, and of `b`, 4 to 7. */
  words: (a: Code, b: Code, lanes: readonly number[]): Code => [
    [a, b, 0xfd, 13],
    lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
  ],
  /** The words of `a`, then of `b`, in half of the bits each, as near as that comes. */
  narrowWords: (a: Code, b: Code): Code => [a, b, 0xfd, unsigned(133)],
  narrowShorts: (a: Code, b: Code): Code => [a, b, 0xfd, 101],

  splatByte: (value: Code): Code => [value, 0xfd, 15],
  equalBytes: (a: Code, b: Code): Code => [a, b, 0xfd, 35],
  orVector: (a: Code, b: Code): Code => [a, b, 0xfd, 80],
  /** The highest bit of each byte, the first byte's lowest. */
  bitmask: (a: Code): Code => [a, 0xfd, unsigned(100)],
  /** What branches to it goes to its end. */
  block: (...body: readonly Code[]): Code => [0x02, VOID, body, 0x0b],
  /** What branches to it goes to its start. */
  loop: (...body: readonly Code[]): Code => [0x03, VOID, body, 0x0b],
  /** The i32 of one of two. */
  ifResult: (condition: Code, then: Code, otherwise: Code): Code => [condition, 0x04, I32, then, 0x05, otherwise, 0x0b],
  ifElse: (condition: Code, then: Code, otherwise: Code): Code => [condition, 0x04, VOID, then, 0x05, otherwise, 0x0b],
  /** `depth`: how many blocks, loops and ifs lie between. */
  branch: (depth: number): Code => [0x0c, unsigned(depth)],
  branchIf: (depth: number, condition: Code): Code => [condition, 0x0d, unsigned(depth)],
  equalDouble: (a: Code, b: Code): Code => [a, b, 0x61],
  notEqualDouble: (a: Code, b: Code): Code => [a, b, 0x62],
  isLessUnsigned: (a: Code, b: Code): Code => [a, b, 0x49],
  /** Another function of the module, by its place among them. */
  call: (index: number, ...parameters: readonly Code[]): Code => [parameters, 0x10, unsigned(index)],
  /** Calls borrowed function number `index`; `functionCount`: of the module's own. */
  callBorrowed: (functionCount: number, index: number, ...parameters: readonly Code[]): Code => [
    parameters,
    [0x41, signed(index)],
    0x11,
    unsigned(functionCount + index),
    0,
  ],
} as const;

/** A function; its parameters are i32, those behind them doubles. */
export interface WasmFunction {
  readonly parameterCount: number;
  readonly doubleCount?: number;
  /** Whether it gives an i32, or a double. */
  readonly hasResult: boolean | 'double';
  /** Beyond the parameters. */
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly body: Code;
}

/** An instance with a memory of its own. */
export interface WasmInstance<Names extends string> {
  readonly memory: ArrayBuffer;
  readonly run: Readonly<Record<Names, WasmCall>>;
  /** From now on `callBorrowed` calls these functions of another instance, as many as the module says that it borrows, and of those kinds. */
  borrow(calls: readonly WasmCall[]): void;
}

/** A function of an instance, called from outside. */
export type WasmCall = (...parameters: readonly number[]) => number;

/** What is compiled and belongs to nobody: it can be sent to a thread, which then has the machine code too. */
export type CompiledModule = object;

interface WebAssemblyHost {
  readonly Module: new (bytes: Uint8Array) => CompiledModule;
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (
    module: CompiledModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** Modules that are kept compiled for each place that makes them; their code depends on sizes, so of many engines there are many. */
export const COMPILED_MAX = 64;

/** What `compile` gave for that key, from `known` where it is still there; beyond `COMPILED_MAX` the first compiled is forgotten. */
export function compiledOnce<Start>(known: Map<string, Start>, key: string, compile: () => Start): Start {
  const found = known.get(key);
  if (found !== undefined) return found;
  const start = compile();
  if (known.size >= COMPILED_MAX) known.delete(known.keys().next().value!);
  known.set(key, start);
  return start;
}

/** Of which kind a function is. */
export type WasmKind = Pick<WasmFunction, 'parameterCount' | 'doubleCount' | 'hasResult'>;

/**
 * Compiles functions that share a memory of `pageCount` pages of 64 KiB; gives what starts an instance of them, or null where
 * WebAssembly or its vectors are not to be had (`--jitless`, hardened hosts). That gives null where no memory is left. `borrowed`: of which kinds the
 * functions are that they call of another instance.
 */
export function compileWasm<Names extends string>(
  functions: Readonly<Record<Names, WasmFunction>>,
  pageCount: number,
  borrowed: readonly WasmKind[] = [],
): (() => WasmInstance<Names> | null) | null {
  const module = compileModule(functions, pageCount, borrowed);
  return module === null ? null : () => startModule<Names>(module, pageCount);
}

/**
 * Compiles functions to be started over memories of `pageCountMin` pages and more: the code does not depend on how many, but reads and writes at constant addresses within the least are shorter. Null
 * as from {@link compileWasm}.
 */
export function compileModule(
  functions: Readonly<Record<string, WasmFunction>>,
  pageCountMin: number,
  borrowed: readonly WasmKind[] = [],
): CompiledModule | null {
  const host = hostOf();
  if (host === undefined) return null;
  const all = Object.entries<WasmFunction>(functions);
  const kinds = [...all.map(([, each]) => each), ...borrowed];
  const types = kinds.map(({ parameterCount, doubleCount = 0, hasResult }) => [
    0x60,
    vector([...new Array<number>(parameterCount).fill(I32), ...new Array<number>(doubleCount).fill(F64)]),
    vector(hasResult === false ? [] : [hasResult === 'double' ? F64 : I32]),
  ]);
  const isBorrowing = borrowed.length > 0;
  const table: readonly Code[] = isBorrowing ? [[name('table'), 0x01, 0]] : [];
  const bytes = flat([
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, vector(types)),
    section(2, vector([[name('host'), name('memory'), 0x02, 0x00, unsigned(pageCountMin)]])),
    section(3, vector(all.map((_, index) => unsigned(index)))),
    // A place for each, which holds nothing at first.
    isBorrowing ? section(4, [1, 0x70, 0x00, unsigned(borrowed.length)]) : [],
    section(7, vector([...table, ...all.map(([key], i) => [name(key), 0x00, unsigned(i)])])),
    section(10, vector(all.map(([, { locals, body }]) => sized([localsOf(locals), body, 0x0b])))),
  ]);
  try {
    return new host.Module(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

/** Starts an instance of a compiled module over a memory of its own; null where no memory is left. */
export function startModule<Names extends string>(
  module: CompiledModule,
  pageCount: number,
): WasmInstance<Names> | null {
  const host = hostOf()!;
  try {
    const memory = new host.Memory({ initial: pageCount });
    const { table: place, ...run } = new host.Instance(module, { host: { memory } }).exports;
    return {
      memory: memory.buffer,
      run: run as WasmInstance<Names>['run'],
      borrow: (calls) => {
        for (const [i, call] of calls.entries()) (place as { set(index: number, call: WasmCall): void }).set(i, call);
      },
    };
  } catch {
    return null;
  }
}

function hostOf(): WebAssemblyHost | undefined {
  return (globalThis as { readonly WebAssembly?: WebAssemblyHost }).WebAssembly;
}

function localsOf(locals: WasmFunction['locals']): Code {
  return vector(locals.map(([count, type]) => [unsigned(count), type]));
}

function section(id: number, content: Code): Code {
  return [id, sized(content)];
}

function sized(content: Code): Code {
  const bytes = flat(content);
  return [unsigned(bytes.length), bytes];
}

function vector(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function name(text: string): Code {
  return vector([...new TextEncoder().encode(text)]);
}

/** LEB128. */
function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 63 || rest < -64; rest >>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest & 127];
}

function flat(code: Code): readonly number[] {
  const bytes: number[] = [];
  const put = (part: Code): void => {
    if (typeof part === 'number') bytes.push(part);
    else part.forEach(put);
  };
  put(code);
  return bytes;
}
