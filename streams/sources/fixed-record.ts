/** The push decoder that binary formats of records of one length share. */

import { assert } from '../../engine/assert.ts';
import type { AccessSink } from '../access-sink.ts';
import type { StreamDecoder } from '../format.ts';

/**
 * Reads `count` whole records that start at `offset` of `view`. `byte` is the offset of the first of them in the input,
 * which is what a rejection names. One call handles many records, so the reader's loop is the hot loop.
 */
export type FixedRecordReader = (view: DataView, offset: number, count: number, byte: number, sink: AccessSink) => void;

/** Cuts pushed bytes into records of `recordBytes`, keeping at most one unfinished record. Cost: one copy of the bytes that straddle chunks. */
export class FixedRecordDecoder implements StreamDecoder {
  readonly #recordBytes: number;
  readonly #read: FixedRecordReader;
  readonly #expected: string;
  readonly #carry: Uint8Array;
  readonly #carryView: DataView;
  #carried = 0;
  #position = 0;

  /** `expected` says what a whole record is, for the message about a truncated one. */
  constructor(recordBytes: number, read: FixedRecordReader, expected: string) {
    assert(Number.isInteger(recordBytes) && recordBytes > 0, `a record has a positive length, not ${recordBytes}`);
    this.#recordBytes = recordBytes;
    this.#read = read;
    this.#expected = expected;
    this.#carry = new Uint8Array(recordBytes);
    this.#carryView = new DataView(this.#carry.buffer);
  }

  write(chunk: Uint8Array, sink: AccessSink): void {
    const recordBytes = this.#recordBytes;
    let offset = 0;
    if (this.#carried > 0) {
      const taken = Math.min(recordBytes - this.#carried, chunk.length);
      this.#carry.set(chunk.subarray(0, taken), this.#carried);
      this.#carried += taken;
      offset = taken;
      if (this.#carried < recordBytes) return;
      const byte = this.#position;
      this.#carried = 0;
      this.#position += recordBytes;
      this.#read(this.#carryView, 0, 1, byte, sink);
    }
    const count = Math.floor((chunk.length - offset) / recordBytes);
    if (count > 0) {
      const byte = this.#position;
      this.#position += count * recordBytes;
      this.#read(new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength), offset, count, byte, sink);
      offset += count * recordBytes;
    }
    if (offset < chunk.length) {
      this.#carry.set(chunk.subarray(offset), 0);
      this.#carried = chunk.length - offset;
    }
  }

  end(sink: AccessSink): void {
    if (this.#carried === 0) return;
    const found = this.#carried;
    this.#carried = 0;
    sink.truncated({ byte: this.#position }, `${this.#expected} (${this.#recordBytes} bytes, only ${found} are there)`);
  }
}
