/** Zstandard decompression (RFC 8878) by fzstd, pushed chunk by chunk: frames that follow one another are one content. */

import { Decompress, ZstdErrorCode } from 'fzstd';
import type { DecompressionFault } from '../../engine/host/gunzip.ts';

/** fzstd calls itself once for each frame in a chunk: pieces keep many tiny frames from exhausting the stack. */
const INPUT_BYTES = 16 * 1024;

/** Content checksums are passed over, not verified: fzstd does not compute them. Dictionaries are not supported. */
export class ZstdDecompressor {
  readonly #stream: Decompress;
  #output: Uint8Array[] = [];
  fault: DecompressionFault | null = null;

  constructor() {
    this.#stream = new Decompress((bytes) => {
      if (bytes.length > 0) this.#output.push(bytes);
    });
  }

  /** What `chunk` decompresses to. `chunk` may be reused at once: fzstd keeps references, so it is given copies. */
  write(chunk: Uint8Array): Promise<Uint8Array[]> {
    for (let at = 0; at < chunk.length && this.fault === null; at += INPUT_BYTES)
      this.#push(chunk.slice(at, at + INPUT_BYTES), false);
    return Promise.resolve(this.#take());
  }

  /** What is left. Look at `fault` afterwards. */
  end(): Promise<Uint8Array[]> {
    if (this.fault === null) this.#push(new Uint8Array(0), true);
    return Promise.resolve(this.#take());
  }

  close(): void {
    this.#output = [];
  }

  #push(piece: Uint8Array, isFinal: boolean): void {
    try {
      this.#stream.push(piece, isFinal);
    } catch (error) {
      const isTruncated =
        isFinal && error instanceof Error && 'code' in error && error.code === ZstdErrorCode.UnexpectedEOF;
      this.fault = {
        kind: isTruncated ? 'truncated' : 'corrupt',
        reason: error instanceof Error ? error.message : String(error),
      };
    }
  }

  #take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}
