/** The last few distinct segments of each consumer, newest first. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/**
 * A short list per consumer over one typed array. Consumer -1 (absent) has a list of its own, so a trace without
 * consumers has one global order. Consumers beyond `consumerCountMax` share lists by their id modulo that number: memory is
 * bounded, and at the bound orders mix instead of failing. O(depth) a call.
 */
export class RecentHistory {
  readonly depth: number;
  /** Words of a consumer's list: its segments, and one for the caller, -1 after each push. */
  readonly #stride: number;
  readonly #consumerCountMax: number;
  #lists: Int32Array;

  constructor(options: { readonly depth: number; readonly consumerCountMax: number }) {
    assert(options.depth >= 1, 'a history holds at least one segment');
    assert(options.consumerCountMax >= 1, 'a history holds at least one consumer');
    this.depth = options.depth;
    this.#consumerCountMax = options.consumerCountMax;
    this.#stride = options.depth + 1;
    this.#lists = new Int32Array(64 * this.#stride).fill(-1);
  }

  get bytes(): number {
    return this.#lists.byteLength;
  }

  /** Segments in {@link offsetOf} order; -1 where there was none yet. */
  get words(): Int32Array {
    return this.#lists;
  }

  /** Where the consumer's list starts in {@link words}; makes room for it. */
  offsetOf(consumer: number): number {
    const list =
      consumer < 0 ? 0 : 1 + (consumer < this.#consumerCountMax ? consumer : consumer % this.#consumerCountMax);
    const offset = list * this.#stride;
    if (offset >= this.#lists.length) this.#grow(offset);
    return offset;
  }

  /** Puts `segment` first in the list at `offset`; the oldest falls off. */
  push(offset: number, segment: number): void {
    const lists = this.#lists;
    for (let i = offset + this.depth - 1; i > offset; i--) lists[i] = lists[i - 1]!;
    lists[offset] = segment;
    lists[offset + this.depth] = -1;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#lists);
  }

  load(reader: SnapshotReader): void {
    this.#lists = reader.array(this.#lists);
  }

  #grow(offset: number): void {
    const lists = new Int32Array(Math.max(this.#lists.length * 2, offset + this.#stride)).fill(-1);
    lists.set(this.#lists);
    this.#lists = lists;
  }
}
