/** Typed arrays and a header as one run of bytes, checked when read. */

import { AnteroomError } from '../../engine/errors.ts';
import type { StateArray } from '../near-loop/snapshot.ts';

const MAGIC = 0x52544e41; // "ANTR", little-endian
const VERSION = 2;
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

/**
 * The header and copies of the arrays.
 * @throws AnteroomError 'bad-record' for bytes that are damaged, cut or no state; 'unsupported' for another version.
 */
export function fromStateBytes(bytes: Uint8Array): {
  readonly header: unknown;
  readonly arrays: readonly StateArray[];
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FIXED_BYTES || view.getUint32(0, true) !== MAGIC)
    throw bad('these bytes are no state of an engine');
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new AnteroomError('unsupported', `a state of version ${version}; this program reads ${VERSION}`);
  if (view.getUint32(12, true) !== checksum(bytes)) throw bad('the state is damaged: its checksum does not fit');
  const textLength = view.getUint32(8, true);
  const text = new TextDecoder().decode(bytes.subarray(FIXED_BYTES, FIXED_BYTES + textLength));
  const { header, layout } = JSON.parse(text) as { header: unknown; layout: readonly (readonly [number, number])[] };
  let at = aligned(FIXED_BYTES + textLength);
  const arrays = layout.map(([kind, length]) => {
    const Kind = KINDS[kind]!;
    const byteLength = length * Kind.BYTES_PER_ELEMENT;
    const copy = bytes.slice(at, at + byteLength);
    at = aligned(at + byteLength);
    return new Kind(copy.buffer, 0, length);
  });
  return { header, arrays };
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

function bad(problem: string): AnteroomError {
  return new AnteroomError('bad-record', problem);
}

/** Multiply and rotate over 32-bit words after the fixed part, finished by its length. Shows damage, not tampering. */
function checksum(bytes: Uint8Array): number {
  let h = 0x9747b28c ^ bytes.length;
  for (let i = FIXED_BYTES; i < bytes.length; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    h = Math.imul(h ^ word, 0xcc9e2d51);
    h = (h << 15) | (h >>> 17);
  }
  return (h ^ (h >>> 16)) >>> 0;
}
