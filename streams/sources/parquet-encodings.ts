/** Walks over Parquet's encodings of values that are checked, not decoded: runs and deltas. */

import { ThriftReader } from './thrift-compact.ts';

/** Values by which a run of packed ones may go beyond the last: packed in eights, and some writers pad a whole run of 504. */
const PADDING_MAX = 504;
const BLOCK_VALUES_MAX = 2 ** 16;

/**
 * Runs of the RLE and bit-packing hybrid, up to `count` values of `width` bits. Fewer values than `count` may be there where nulls
 * are among them: then the walk ends with the bytes.
 * Source: Encodings.md of parquet-format, "Run Length Encoding / Bit-Packing Hybrid".
 * @throws Error for a run that is longer than what is left, or of more bytes than there are.
 */
export function checkRuns(bytes: Uint8Array, width: number, count: number): void {
  const reader = new ThriftReader(bytes);
  for (let left = count; left > 0 && reader.offset < bytes.length; ) {
    const head = reader.varint();
    if (head % 2 === 1) {
      const values = ((head - 1) / 2) * 8;
      if (values === 0 || values > left + PADDING_MAX)
        throw new Error(`a run of ${values} values where ${left} are left`);
      reader.offset += (values / 8) * width;
      left -= values;
    } else {
      const values = head / 2;
      if (values === 0 || values > left) throw new Error(`a run of ${values} values where ${left} are left`);
      reader.offset += Math.ceil(width / 8);
      left -= values;
    }
  }
}

/** A delta-packed stream of `count` values. @throws Error where its blocks are of no sensible size. */
export function checkDeltas(bytes: Uint8Array, count: number): void {
  if (count > 0) deltasOf(bytes, 0, count);
}

/**
 * Lengths of byte arrays, delta-packed, and with `hasPrefixes` before them how much each has in common with the one before.
 * @throws Error where a length is negative, a prefix longer than the value before, or all values exceed `bytesMax`.
 */
export function checkDeltaLengths(bytes: Uint8Array, count: number, hasPrefixes: boolean, bytesMax: number): void {
  if (count === 0) return;
  const prefixes = hasPrefixes ? deltasOf(bytes, 0, count) : null;
  const lengths = deltasOf(bytes, prefixes?.end ?? 0, count);
  let total = 0;
  let before = 0;
  for (let i = 0; i < lengths.values.length; i++) {
    const prefix = prefixes?.values[i] ?? 0;
    const length = lengths.values[i]!;
    if (length < 0 || prefix < 0 || prefix > before) throw new Error(`a value of ${prefix} and ${length} bytes`);
    before = prefix + length;
    total += before;
    if (total > bytesMax) throw new Error(`more than ${bytesMax} bytes of values in ${bytes.length}`);
  }
}

/**
 * Values of a delta-packed stream, as far as there are bytes; they wrap at 32 bits, as lengths do.
 * Source: Encodings.md of parquet-format, "Delta Encoding".
 */
function deltasOf(
  bytes: Uint8Array,
  start: number,
  count: number,
): { readonly values: readonly number[]; readonly end: number } {
  const reader = new ThriftReader(bytes, start);
  const blockValues = reader.varint();
  const miniblockCount = reader.varint();
  const perMiniblock = blockValues / miniblockCount;
  const isSane =
    blockValues > 0 && blockValues <= BLOCK_VALUES_MAX && Number.isInteger(perMiniblock) && perMiniblock % 8 === 0;
  if (!isSane) throw new Error(`blocks of ${blockValues} deltas in ${miniblockCount} parts`);
  const total = reader.varint();
  if (total > count) throw new Error(`${total} deltas for ${count} values`);
  const zigzag = (): number => {
    const value = reader.varint();
    return (value % 2 === 0 ? value / 2 : -(value + 1) / 2) | 0;
  };
  let value = zigzag();
  const values = [value];
  while (values.length < total) {
    const least = zigzag();
    const widths = Array.from({ length: miniblockCount }, () => reader.byte());
    for (const width of widths) {
      if (width > 64) throw new Error(`deltas of ${width} bits`);
      if (values.length >= total) break;
      const here = Math.min(perMiniblock, total - values.length);
      for (let i = 0; i < here; i++) {
        value = (value + least + bitsAt(bytes, reader.offset * 8 + i * width, width)) | 0;
        values.push(value);
      }
      reader.offset += (perMiniblock * width) / 8;
    }
  }
  return { values, end: reader.offset };
}

/** The lowest 32 of `width` bits at a place; bytes beyond the end are zero. */
function bitsAt(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0;
  for (let got = 0; got < Math.min(width, 32); ) {
    const byte = bytes[(bit + got) >>> 3] ?? 0;
    const shift = (bit + got) & 7;
    value |= (byte >>> shift) << got;
    got += 8 - shift;
  }
  return width >= 32 ? value : value & ((1 << width) - 1);
}
