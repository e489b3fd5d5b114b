/** LZ4 decompression, block and frame: what Parquet's LZ4_RAW and Arrow's LZ4_FRAME columns need. */

import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';

const frameMagic = 0x184d2204;
const minMatch = 4;

/**
 * Decompresses one block into `output` from `at`, where matches may reach back before `at`; returns where it ended.
 * Source: LZ4 Block Format Description (lz4_Block_format.md). Checks every length: damaged input throws, never overruns.
 * @throws AnteroomError('bad-record') for bytes that are no LZ4 block.
 */
export function decompressLz4Block(input: Uint8Array, output: Uint8Array, at: number): number {
  assert(at >= 0 && at <= output.length, `a block starts inside the output, not at ${at}`);
  let from = 0;
  let to = at;
  while (from < input.length) {
    const token = input[from++]!;
    let literalLength = token >> 4;
    if (literalLength === 15) {
      let more = 255;
      while (more === 255 && from < input.length) {
        more = input[from++]!;
        literalLength += more;
      }
    }
    if (from + literalLength > input.length || to + literalLength > output.length)
      throw damaged('a literal run overruns');
    output.set(input.subarray(from, from + literalLength), to);
    from += literalLength;
    to += literalLength;
    if (from === input.length) return to;
    if (from + 2 > input.length) throw damaged('a match offset is cut');
    const distance = input[from]! | (input[from + 1]! << 8);
    from += 2;
    let matchLength = token & 15;
    if (matchLength === 15) {
      let more = 255;
      while (more === 255 && from < input.length) {
        more = input[from++]!;
        matchLength += more;
      }
    }
    matchLength += minMatch;
    if (distance === 0 || distance > to || to + matchLength > output.length)
      throw damaged('a match lies outside the output');
    // Byte by byte: a match may overlap what it writes.
    for (let i = 0; i < matchLength; i++, to++) output[to] = output[to - distance]!;
  }
  return to;
}

/** Decompresses an LZ4 frame, whose content length need not be told. Checksums are not verified. Source: lz4_Frame_format.md. */
export function decompressLz4Frame(input: Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < 7 || view.getUint32(0, true) !== frameMagic) throw damaged('no LZ4 frame starts here');
  const flags = input[4]!;
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasContentSize = (flags & 0x08) !== 0;
  const hasDictionaryId = (flags & 0x01) !== 0;
  /** Codes 4..7 of bits 4-6: 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
  const blockBytesMax = 2 ** (8 + 2 * ((input[5]! >> 4) & 7));
  let from = 6 + (hasContentSize ? 8 : 0) + (hasDictionaryId ? 4 : 0) + 1;
  let output = new Uint8Array(Math.min(blockBytesMax, input.length * 4));
  let to = 0;
  for (;;) {
    if (from + 4 > input.length) throw damaged('the frame is cut');
    const head = view.getUint32(from, true);
    from += 4;
    if (head === 0) return output.subarray(0, to);
    const length = head & 0x7fffffff;
    if (from + length > input.length) throw damaged('a block of the frame is cut');
    const block = input.subarray(from, from + length);
    if (to + blockBytesMax > output.length) {
      const grown = new Uint8Array(Math.max(output.length * 2, to + blockBytesMax));
      grown.set(output.subarray(0, to), 0);
      output = grown;
    }
    if (head >>> 31 === 1) {
      if (to + length > output.length) throw damaged('a block overruns');
      output.set(block, to);
      to += length;
    } else {
      to = decompressLz4Block(block, output, to);
    }
    from += length + (hasBlockChecksum ? 4 : 0);
  }
}

function damaged(what: string): AnteroomError {
  return new AnteroomError('bad-record', `damaged LZ4 data: ${what}`);
}
