/** A log entry as bytes: units, checksum and frame. */

import { AnteroomError } from '../errors.ts';
import { crc32 } from '../host/digest.ts';
import type { LogEntry, LogFrame } from './log-store.ts';

/** Magic and version, units, checksum over units and frame. */
const MAGIC = 0x414c_4731; // "1GLA" as read little-endian
export const UNITS_MAX = 0xffff_ffff;

/** How an entry gets its checksum: the CRC-32 of the bytes from `HEADER_BYTES` is joined by XOR to the word at `SUM_AT`. */
export const HEADER_BYTES = 12;
export const SUM_AT = 8;

/** The entry's bytes: a copy, the frame may be reused. Its checksum lacks the CRC-32 of the frame until `sealEntry`, or whoever writes it, joins it. */
export function layEntry(position: number, frame: LogFrame): Uint8Array<ArrayBuffer> {
  // Every byte is written below, so none has to be zero first.
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(HEADER_BYTES + frame.bytes.length).buffer as ArrayBuffer);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, frame.units, true);
  view.setUint32(SUM_AT, placeSum(position, frame.units), true);
  bytes.set(frame.bytes, HEADER_BYTES);
  return bytes;
}

/** Completes the checksum of an entry that was laid. */
export function sealEntry(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(SUM_AT, view.getUint32(SUM_AT, true) ^ crc32(bytes.subarray(HEADER_BYTES)), true);
}

/** @throws AnteroomError 'corrupt' where the bytes are not those that were written at this position. */
export function decodeEntry(position: number, bytes: Uint8Array): LogEntry {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) throw damaged(position, 'it is no log entry');
  const units = view.getUint32(4, true);
  // A copy, and not `slice`, which of a Buffer is none: the frame begins where its columns can be used as they lie.
  const frame = new Uint8Array(bytes.subarray(HEADER_BYTES));
  if (view.getUint32(SUM_AT, true) !== (placeSum(position, units) ^ crc32(frame)) >>> 0)
    throw damaged(position, 'its checksum differs');
  return { position, units, bytes: frame };
}

export function damaged(position: number, why: string): AnteroomError {
  return new AnteroomError('corrupt', `log entry at position ${position} is damaged: ${why}`, {
    context: { position },
  });
}

/** What of the checksum the frame has no part in: its position is part of it, so that an entry in another's place is found out. */
function placeSum(position: number, units: number): number {
  const low = position >>> 0;
  const high = Math.floor(position / 2 ** 32);
  return Math.imul(units, 0x9e37_79b1) ^ Math.imul(low + 1, 0x85eb_ca6b) ^ high;
}
