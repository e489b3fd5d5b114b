/** Which compression the content of an input has, by its first bytes, and how to undo it. */

import { AnteroomError } from '../../engine/errors.ts';
import { type DecompressionFault, GzipDecompressor } from '../../engine/host/gunzip.ts';
import { ZstdDecompressor } from './decompress-zstd.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** Decompresses what is pushed; after `end`, or when `fault` is set, it takes no more. */
export interface Decompressor {
  readonly fault: DecompressionFault | null;
  write(chunk: Uint8Array): Promise<Uint8Array[]>;
  end(): Promise<Uint8Array[]>;
  /** Lets go of what it holds, ended or not; no write may be under way. */
  close(): void;
}

/** Bytes that `compressionOf` needs to be sure. */
export const MAGIC_BYTES = 6;

/**
 * The compression by magic bytes; the name of a file is not looked at, it may lie.
 * @throws AnteroomError 'unsupported' for a compression that is recognised but not read.
 */
export function compressionOf(head: Uint8Array, file: string): Compression {
  if (startsWith(head, [0x1f, 0x8b, 0x08])) return 'gzip';
  if (startsWith(head, [0x28, 0xb5, 0x2f, 0xfd])) return 'zstd';
  // A skippable frame of Zstandard: 184D2A5? little-endian.
  if (head.length >= 4 && (head[0]! & 0xf0) === 0x50 && startsWith(head.subarray(1), [0x2a, 0x4d, 0x18])) return 'zstd';
  if (startsWith(head, [0x42, 0x5a, 0x68])) throw unsupported(file, 'bzip2', 'bzcat');
  if (startsWith(head, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])) throw unsupported(file, 'xz', 'xzcat');
  if (startsWith(head, [0x50, 0x4b, 0x03, 0x04])) throw unsupported(file, 'zip', 'unzip -p');
  return 'none';
}

export function decompressor(compression: 'gzip' | 'zstd'): Decompressor {
  return compression === 'gzip' ? new GzipDecompressor() : new ZstdDecompressor();
}

function startsWith(head: Uint8Array, magic: readonly number[]): boolean {
  return head.length >= magic.length && magic.every((byte, i) => head[i] === byte);
}

function unsupported(file: string, compression: string, command: string): AnteroomError {
  return new AnteroomError(
    'unsupported',
    `${file} is compressed with ${compression}, which is not read here: decompress it first, e.g. ${command} FILE | anteroom ... -`,
    { context: { file, compression } },
  );
}
