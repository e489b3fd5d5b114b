/** Decompressors for the pages of Parquet files and the buffers of Arrow messages. */

import { CompressionType, compressionRegistry } from 'apache-arrow';
import { decompress as decompressZstd } from 'fzstd';
import type { Compressors } from 'hyparquet';
import { brotliDecompressSync, gunzipSync } from '../../engine/host/inflate.ts';
import { decompressLz4Block, decompressLz4Frame } from './lz4.ts';

/** What hyparquet does not bring itself (it has Snappy). Legacy LZ4 is tried as Hadoop frames it, then as a bare block. */
export const parquetCompressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
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
    compressionRegistry.set(CompressionType.ZSTD, { decode: (data) => decompressZstd(data) });
  }
  if (compressionRegistry.get(CompressionType.LZ4_FRAME) === null) {
    compressionRegistry.set(CompressionType.LZ4_FRAME, { decode: decompressLz4Frame });
  }
}
