/** The decompressed content of an input, its head looked at before it is streamed. */

import type { DecompressionFault } from '../../engine/host/gunzip.ts';
import type { ByteSource } from '../../engine/host/source-file.ts';
import { HEAD_BYTES } from './auto-detect.ts';
import { type Compression, compressionOf, decompressor, MAGIC_BYTES } from './decompress.ts';

/**
 * Reads ahead until the head is known, then hands out everything once, in order. Memory: the head and one decompressed chunk.
 * A chunk is valid until the next one is asked for.
 */
export class Content {
  readonly input: ByteSource;
  compression: Compression = 'none';
  /** Up to 64 KiB of content, and whether that is all. */
  head = new Uint8Array(0);
  isWhole = false;
  /** Compressed bytes taken so far. */
  bytesRead = 0;
  /** Why the content stopped before the input did, known when `chunks` is through. */
  fault: DecompressionFault | null = null;
  readonly #stream: AsyncGenerator<Uint8Array>;
  #ahead: Uint8Array[] = [];
  #isClosed = false;

  constructor(input: ByteSource) {
    this.input = input;
    this.#stream = this.#read();
  }

  get file(): string {
    return this.input.name;
  }

  /** @throws AnteroomError 'unsupported' for a compression that is not read. */
  async begin(): Promise<void> {
    let length = 0;
    while (length < HEAD_BYTES) {
      const { value, done } = await this.#stream.next();
      if (done === true) {
        this.isWhole = this.fault === null;
        break;
      }
      this.#ahead.push(value.slice());
      length += value.length;
    }
    this.head = joined(this.#ahead).slice(0, HEAD_BYTES);
    if (length > HEAD_BYTES) this.isWhole = false;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    const ahead = this.#ahead;
    this.#ahead = [];
    yield* ahead;
    yield* this.#stream;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#stream.return(undefined);
    await this.input.close();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    const raw = this.input.chunks()[Symbol.asyncIterator]();
    try {
      let magic: Uint8Array<ArrayBufferLike> = new Uint8Array(0);
      let isOver = false;
      while (magic.length < MAGIC_BYTES && !isOver) {
        const { value, done } = await raw.next();
        if (done === true) isOver = true;
        else magic = magic.length === 0 ? value : joined([magic.slice(), value]);
      }
      this.compression = compressionOf(magic, this.input.name);
      if (this.compression === 'none') yield* this.#plain(magic, raw);
      else yield* this.#decompressed(this.compression, magic, raw);
    } finally {
      await raw.return?.();
    }
  }

  async *#plain(first: Uint8Array, raw: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
    for (let chunk = first; chunk.length > 0; ) {
      this.bytesRead += chunk.length;
      yield chunk;
      const { value, done } = await raw.next();
      if (done === true) return;
      chunk = value;
    }
  }

  /** Starts on the next chunk before handing out the last one's content, so that decompression and parsing overlap. */
  async *#decompressed(
    compression: 'gzip' | 'zstd',
    first: Uint8Array,
    raw: AsyncIterator<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const stream = decompressor(compression);
    const next = async (): Promise<Uint8Array[] | null> => {
      const { value, done } = await raw.next();
      if (done === true) return null;
      const output = await stream.write(value);
      this.bytesRead += value.length;
      return output;
    };
    try {
      let output: Uint8Array[] | null = await stream.write(first);
      this.bytesRead += first.length;
      while (output !== null && stream.fault === null) {
        const pending = next();
        // A failure is met when it is awaited; until then it must not count as unhandled.
        pending.catch(() => {});
        try {
          yield* output;
        } finally {
          await pending.catch(() => null);
        }
        output = await pending;
      }
      if (output !== null) yield* output;
      if (stream.fault === null) yield* await stream.end();
      this.fault = stream.fault;
    } finally {
      stream.close();
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
