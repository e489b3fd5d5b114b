/** Gzip decompression by zlib, pushed chunk by chunk: members that follow one another are one content. */

import { constants, createGunzip, type Gunzip } from 'node:zlib';

/** How a compressed stream ended, or failed to. */
export interface DecompressionFault {
  readonly kind: 'truncated' | 'corrupt';
  readonly reason: string;
}

/** Bytes of one decompressed chunk. */
const OUTPUT_BYTES = 256 * 1024;
/** Input goes in by pieces, so that what one piece can expand to (about a thousand times) stays bounded. */
const INPUT_BYTES = 32 * 1024;

/**
 * Decompresses on zlib's thread.
 *
 * What a stream that ends early held is all handed out, and `end` says that it was short: each write is waited for and the
 * end is written alone, because zlib drops the output of the call that fails. At corrupt data that output, up to 256 KiB, is lost.
 */
export class GzipDecompressor {
  readonly #gunzip: Gunzip;
  #output: Uint8Array[] = [];
  #failure: Error | null = null;
  #onFailure: (() => void) | null = null;
  #isEnded = false;
  #onEnded: (() => void) | null = null;

  constructor() {
    this.#gunzip = createGunzip({ chunkSize: OUTPUT_BYTES, finishFlush: constants.Z_FINISH });
    // As plain arrays: loops over bytes are compiled for one kind of array, and Buffer is another.
    this.#gunzip.on('data', (bytes: Buffer) =>
      this.#output.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    );
    this.#gunzip.on('error', (error: Error) => {
      this.#failure = error;
      this.#onFailure?.();
    });
    this.#gunzip.on('end', () => {
      this.#isEnded = true;
      this.#onEnded?.();
    });
  }

  /** Why decompression stopped, or null while it goes well. */
  get fault(): DecompressionFault | null {
    if (this.#failure === null) return null;
    const code = 'code' in this.#failure ? this.#failure.code : null;
    return { kind: code === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', reason: this.#failure.message };
  }

  /** What `chunk` decompresses to. `chunk` may be reused once the promise is fulfilled. */
  async write(chunk: Uint8Array): Promise<Uint8Array[]> {
    for (let at = 0; at < chunk.length && this.#failure === null && !this.#isEnded; at += INPUT_BYTES)
      await this.#writePiece(chunk.subarray(at, at + INPUT_BYTES));
    return this.#take();
  }

  /** What is left. Look at `fault` afterwards. */
  async end(): Promise<Uint8Array[]> {
    if (this.#failure === null && !this.#isEnded)
      await new Promise<void>((resolve) => {
        this.#onFailure = resolve;
        this.#onEnded = resolve;
        this.#gunzip.end();
      });
    return this.#take();
  }

  /** Frees zlib's memory. No write may be under way. */
  close(): void {
    this.#gunzip.destroy();
  }

  #writePiece(piece: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#onFailure = resolve;
      this.#onEnded = resolve;
      this.#gunzip.write(piece, () => resolve());
    });
  }

  #take(): Uint8Array[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }
}
