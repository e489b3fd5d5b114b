/** Decompressors for the pages of Parquet files and the buffers of Arrow messages. */

import { CompressionType, compressionRegistry } from 'apache-arrow';
import { decompress as decompressZstd } from 'fzstd';
import type { Compressors } from 'hyparquet';
import { AnteroomError } from '../../engine/errors.ts';
import { brotliDecompressSync, gunzipSync } from '../../engine/host/inflate.ts';
import { decompressLz4Block, decompressLz4Frame } from './lz4.ts';

/** What hyparquet does not bring itself (it has Snappy). Legacy LZ4 is tried as Hadoop frames it, then as a bare block. */
export const parquetCompressors: Compressors = {
  GZIP: (input, outputLength) => gunzipSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  BROTLI: (input, outputLength) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, outputLength) }),
  ZSTD: (input, outputLength) => decompressZstd(input, new Uint8Array(outputLength)),
  LZ4_RAW: lz4Raw,
  LZ4: (input, outputLength) => hadoopLz4(input, outputLength) ?? lz4Raw(input, outputLength),
};

function lz4Raw(input: Uint8Array, outputLength: number): Uint8Array {
  const output = new Uint8Array(outputLength);
  return output.subarray(0, decompressLz4Block(input, output, 0));
}

/** Hadoop's framing: big-endian u32 lengths, decompressed then compressed, before each block; null where the bytes are not framed so. */
function hadoopLz4(input: Uint8Array, outputLength: number): Uint8Array | null {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const output = new Uint8Array(outputLength);
  let to = 0;
  for (let from = 0; from < input.length; ) {
    if (from + 8 > input.length) return null;
    const rawLength = view.getUint32(from, false);
    const length = view.getUint32(from + 4, false);
    from += 8;
    if (from + length > input.length || to + rawLength > outputLength) return null;
    if (decompressLz4Block(input.subarray(from, from + length), output, to) !== to + rawLength) return null;
    from += length;
    to += rawLength;
  }
  return to === outputLength ? output : null;
}

/** Makes apache-arrow able to read compressed record batches; a codec that the program registered itself is left alone. */
export function registerArrowCodecs(): void {
  if (compressionRegistry.get(CompressionType.ZSTD) === null) {
    compressionRegistry.set(CompressionType.ZSTD, { decode: decompressZstdFrame });
  }
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) === null) {
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decompressLz4Frame });
  }
}

/** Bytes that one of zstd can stand for: four of them make a block of 128 KiB of one byte. */
const ZSTD_BYTES_PER_BYTE = 2 ** 15;

/** A frame whose header claims no more than its bytes can hold: the library makes room for what is claimed. */
function decompressZstdFrame(data: Uint8Array): Uint8Array {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const descriptor = view.getUint8(4);
  const isSingle = (descriptor & 0x20) !== 0;
  const sizeAt = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  const size = [
    isSingle ? () => view.getUint8(sizeAt) : () => 0,
    () => view.getUint16(sizeAt, true) + 256,
    () => view.getUint32(sizeAt, true),
    () => Number(view.getBigUint64(sizeAt, true)),
  ][descriptor >> 6]!();
  // A window is 2^10 to 2^41 bytes; half a gigabyte is more than any writer of columns asks for.
  const windowBits = isSingle ? 0 : 10 + (view.getUint8(5) >> 3);
  if (size > ZSTD_BYTES_PER_BYTE * data.length || windowBits > 29)
    throw new AnteroomError('bad-record', `a zstd frame that claims ${size} bytes from ${data.length}`);
  return decompressZstd(data);
}
