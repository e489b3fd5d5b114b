/** Plain messages as a frame of JSON, with each typed array as a frame of its own bytes. */

import { assert } from '../assert.ts';
import { AnteroomError } from '../errors.ts';
import { type MessageCodec, undecodable } from './message-codec.ts';

type TypedArray =
  | Float64Array
  | Float32Array
  | Uint32Array
  | Int32Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Int8Array;

const ARRAYS = [Float64Array, Float32Array, Uint32Array, Int32Array, Uint16Array, Int16Array, Uint8Array, Int8Array];
/** An array in the JSON: `{"$a": [code, frame]}`. A number that JSON has no word for: `{"$n": "NaN"}`. */
const ARRAY = '$a';
const NUMBER = '$n';
const DEPTH_MAX = 32;
const NUMBERS = new Map([NaN, Infinity, -Infinity, -0].map((n) => [Object.is(n, -0) ? '-0' : String(n), n]));

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * For messages of objects, arrays, typed arrays, strings, numbers, booleans and null; every number comes back as it was.
 * The bytes of typed arrays are not copied on the way out, and on the way in only where the network left them unaligned. In the byte order
 * of the machine: between machines of the two orders it would need more, and all that Node runs on are little endian.
 */
export function structuredCodec<M>(): MessageCodec<M> {
  return {
    encode(message) {
      const frames: Uint8Array[] = [new Uint8Array(0)];
      const plain = flattened(message, frames, 0);
      frames[0] = encoder.encode(JSON.stringify(plain));
      const { kind } = message as { readonly kind?: unknown };
      return { kind: typeof kind === 'string' ? kind : 'message', frames };
    },
    decode(kind, frames) {
      try {
        return restored(JSON.parse(decoder.decode(frames[0])), frames, 0) as M;
      } catch (cause) {
        if (cause instanceof AnteroomError) throw cause;
        throw undecodable(kind, cause instanceof Error ? cause.message : String(cause), cause);
      }
    },
  };
}

function flattened(value: unknown, frames: Uint8Array[], depth: number): unknown {
  assert(depth <= DEPTH_MAX, `a message is at most ${DEPTH_MAX} levels deep`);
  if (typeof value === 'number') {
    const isPlain = Number.isFinite(value) && !Object.is(value, -0);
    return isPlain ? value : { [NUMBER]: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => flattened(item, frames, depth + 1));
  assert(typeof value === 'object', `a message has no ${typeof value}`);
  if (ArrayBuffer.isView(value)) {
    const code = ARRAYS.findIndex((type) => value instanceof type);
    assert(code >= 0, `a message has no ${value.constructor.name}`);
    frames.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    return { [ARRAY]: [code, frames.length - 1] };
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  assert(prototype === Object.prototype || prototype === null, 'a message is made of plain objects');
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    entries.map(([name, field]) => {
      assert(isFieldName(name), `a message has no field ${JSON.stringify(name)}`);
      return [name, flattened(field, frames, depth + 1)];
    }),
  );
}

function restored(value: unknown, frames: readonly Uint8Array[], depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX) throw new TypeError(`deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) return value.map((item) => restored(item, frames, depth + 1));
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first![0] === NUMBER) return numberOf(first![1]);
  if (entries.length === 1 && first![0] === ARRAY) return arrayOf(first![1], frames);
  for (const [name] of entries) if (!isFieldName(name)) throw new TypeError(`a field ${JSON.stringify(name)}`);
  return Object.fromEntries(entries.map(([name, field]) => [name, restored(field, frames, depth + 1)]));
}

function isFieldName(name: string): boolean {
  return !name.startsWith('$') && name !== '__proto__';
}

function numberOf(word: unknown): number {
  const number = NUMBERS.get(word as string);
  if (number === undefined) throw new TypeError('a number of no known name');
  return number;
}

function arrayOf(words: unknown, frames: readonly Uint8Array[]): TypedArray {
  const [code, index] = Array.isArray(words) ? (words as unknown[]) : [];
  const type = ARRAYS[code as number];
  const frame = index === 0 ? undefined : frames[index as number];
  if (type === undefined || frame === undefined) throw new TypeError('an array of no known type or frame');
  const size = type.BYTES_PER_ELEMENT;
  if (frame.length % size !== 0) throw new TypeError(`an array of ${frame.length} bytes`);
  const bytes = frame.byteOffset % size === 0 ? frame : frame.slice();
  return new type(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length / size);
}
