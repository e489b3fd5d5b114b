/** Typed arrays and a header as one run of bytes, checked when read. */

import { AnteroomError } from '../../engine/errors.ts';
import type { StateArray } from '../../engine/state-fields.ts';

const MAGIC = 0x52544e41; // "ANTR", little-endian
const VERSION = 7;
const KINDS = [Uint8Array, Uint16Array, Uint32Array, Int32Array, Float32Array, Float64Array] as const;
/** Fixed part: magic, version, length of the header, checksum of all that follows the fixed part. */
const FIXED_BYTES = 16;

/** `header` must be JSON. Arrays are aligned to 8 bytes. */
export function toStateBytes(header: unknown, arrays: readonly StateArray[]): Uint8Array {
  const layout = arrays.map((array) => [KINDS.findIndex((kind) => array instanceof kind), array.length]);
  const text = new TextEncoder().encode(JSON.stringify({ header, layout }));
  let length = aligned(FIXED_BYTES + text.length);
  const offsets = arrays.map((array) => {
    const at = length;
    length = aligned(length + array.byteLength);
    return at;
  });
  const bytes = new Uint8Array(length);
  bytes.set(text, FIXED_BYTES);
  arrays.forEach((array, i) => {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offsets[i]!);
  });
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, text.length, true);
  view.setUint32(12, checksum(bytes), true);
  return bytes;
}

/** Why this program cannot read a state although it is whole: another version wrote it. Null = it can, or it is no state at all. */
export function versionFaultOf(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FIXED_BYTES || view.getUint32(0, true) !== MAGIC) return null;
  const version = view.getUint32(4, true);
  return version === VERSION ? null : `a state of version ${version}; this program reads ${VERSION}`;
}

/**
 * The header and the arrays, which are views of `bytes` where these are aligned in memory.
 * `isVerified`: the caller knows that they are whole.
 * @throws AnteroomError 'bad-record' for bytes that are damaged, cut or no state; 'unsupported' for another version.
 */
export function fromStateBytes(
  bytes: Uint8Array,
  isVerified = false,
): {
  readonly header: unknown;
  readonly arrays: readonly StateArray[];
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FIXED_BYTES || view.getUint32(0, true) !== MAGIC)
    throw bad('these bytes are no state of an engine');
  const fault = versionFaultOf(bytes);
  if (fault !== null) throw new AnteroomError('unsupported', fault);
  if (!isVerified && view.getUint32(12, true) !== checksum(bytes))
    throw bad('the state is damaged: its checksum does not fit');
  const textLength = view.getUint32(8, true);
  const text = new TextDecoder().decode(bytes.subarray(FIXED_BYTES, FIXED_BYTES + textLength));
  const { header, layout } = JSON.parse(text) as { header: unknown; layout: readonly (readonly [number, number])[] };
  let at = aligned(FIXED_BYTES + textLength);
  const arrays = layout.map(([kind, length]) => {
    const Kind = KINDS[kind]!;
    const byteLength = length * Kind.BYTES_PER_ELEMENT;
    const isAligned = (bytes.byteOffset + at) % Kind.BYTES_PER_ELEMENT === 0;
    const own = isAligned ? bytes.subarray(at, at + byteLength) : bytes.slice(at, at + byteLength);
    at = aligned(at + byteLength);
    return new Kind(own.buffer as ArrayBuffer, own.byteOffset, length);
  });
  return { header, arrays };
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function bad(problem: string): AnteroomError {
  return new AnteroomError('bad-record', problem);
}

/**
 * Multiply and rotate over 32-bit words after the fixed part in four lanes that do not wait for each other, finished by the length.
 * A gigabyte takes a quarter of a second. Shows damage, not tampering.
 */
function checksum(bytes: Uint8Array): number {
  const isAligned = bytes.byteOffset % 4 === 0;
  const own = isAligned ? bytes : bytes.slice();
  const words = new Int32Array(own.buffer as ArrayBuffer, own.byteOffset, own.length >> 2);
  let [a, b, c, d] = [0x9747b28c ^ bytes.length, 0x5bd1e995, 0x1b873593, 0x38b34ae5];
  let i = FIXED_BYTES / 4;
  for (const end = words.length - 3; i < end; i += 4) {
    a = mixed(a, words[i]!);
    b = mixed(b, words[i + 1]!);
    c = mixed(c, words[i + 2]!);
    d = mixed(d, words[i + 3]!);
  }
  for (; i < words.length; i++) a = mixed(a, words[i]!);
  for (let at = words.length * 4; at < own.length; at++) a = mixed(a, own[at]!);
  const h = mixed(mixed(mixed(a, b), c), d);
  return (h ^ (h >>> 16)) >>> 0;
}

function mixed(h: number, word: number): number {
  const product = Math.imul(h ^ word, 0xcc9e2d51);
  return (product << 15) | (product >>> 17);
}
