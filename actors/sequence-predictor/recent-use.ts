/** How often each segment was accessed, and when last, in bounded bytes. */

import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

const FIRST_CAPACITY = 1024;
/** Bytes of a segment. */
const USE_BYTES = 8;

/** Two words a segment, by its id. Segments beyond `bytesMax` share the words of others, by their id modulo the number kept; `sharedCount` counts their accesses. O(1). */
export class RecentUse {
  sharedCount = 0;
  readonly #countMax: number;
  /** Accesses, and log position of the latest + 1. */
  #words: Uint32Array;

  constructor(options: { readonly bytesMax: number }) {
    this.#countMax = Math.max(1, Math.floor(options.bytesMax / USE_BYTES));
    this.#words = new Uint32Array(2 * Math.min(FIRST_CAPACITY, this.#countMax));
  }

  get bytes(): number {
    return this.#words.byteLength;
  }

  countOf(segment: number): number {
    return this.#words[2 * (segment % this.#countMax)] ?? 0;
  }

  /** Log position of the latest access, or -1. */
  lastOf(segment: number): number {
    return (this.#words[2 * (segment % this.#countMax) + 1] ?? 0) - 1;
  }

  observe(segment: number, position: number): void {
    if (segment >= this.#countMax) this.sharedCount++;
    const at = 2 * (segment % this.#countMax);
    if (at >= this.#words.length) {
      const length = Math.min(2 * this.#countMax, Math.max(at + 2, 2 * this.#words.length));
      const words = new Uint32Array(length);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[at] = this.#words[at]! + 1;
    this.#words[at + 1] = position + 1;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.sharedCount);
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    this.sharedCount = reader.numbers()[0]!;
    this.#words = reader.array(this.#words);
  }
}
