/** Streams under way, found by the address at which each is expected next. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

const WAYS = 4;
const RUN_MAX = 255;

/**
 * A set-associative table from expected address to stream (step, run length, log position of its latest access). A full set
 * forgets the stream that has been silent longest: many interleaved streams live side by side, noise only pushes out the old.
 * O(1) a call, 28 bytes a stream.
 */
export class StreamTable {
  readonly #setCount: number;
  readonly #expected: Float64Array;
  readonly #step: Float64Array;
  readonly #lastAt: Float64Array;
  readonly #run: Int32Array;

  constructor(streamCountMax: number) {
    assert(streamCountMax >= WAYS, `a table holds at least ${WAYS} streams`);
    let setCount = 1;
    while (setCount * WAYS * 2 <= streamCountMax) setCount *= 2;
    this.#setCount = setCount;
    const length = setCount * WAYS;
    this.#expected = new Float64Array(length).fill(-1);
    this.#step = new Float64Array(length);
    this.#lastAt = new Float64Array(length).fill(-1);
    this.#run = new Int32Array(length);
  }

  get bytes(): number {
    return this.#expected.length * 28;
  }

  /** The stream expected at `address`, or -1. */
  find(address: number): number {
    const first = this.#setOf(address);
    for (let i = first; i < first + WAYS; i++) if (this.#expected[i] === address) return i;
    return -1;
  }

  runAt(stream: number): number {
    return this.#run[stream]!;
  }

  stepAt(stream: number): number {
    return this.#step[stream]!;
  }

  lastAt(stream: number): number {
    return this.#lastAt[stream]!;
  }

  remove(stream: number): void {
    this.#expected[stream] = -1;
    this.#lastAt[stream] = -1;
  }

  /** Expects a stream at `address`; one already expected there keeps the longer run. */
  put(address: number, step: number, run: number, position: number): void {
    const first = this.#setOf(address);
    let place = first;
    for (let i = first; i < first + WAYS; i++) {
      if (this.#expected[i] === address) {
        if (this.#run[i]! > run) return;
        place = i;
        break;
      }
      if (this.#lastAt[i]! < this.#lastAt[place]!) place = i;
    }
    this.#expected[place] = address;
    this.#step[place] = step;
    this.#run[place] = Math.min(run, RUN_MAX);
    this.#lastAt[place] = position;
  }

  save(writer: SnapshotWriter): void {
    for (const a of [this.#expected, this.#step, this.#lastAt, this.#run]) writer.array(a);
  }

  load(reader: SnapshotReader): void {
    for (const a of [this.#expected, this.#step, this.#lastAt, this.#run]) reader.into(a);
  }

  #setOf(address: number): number {
    const high = (address / 4294967296) | 0;
    let h = Math.imul(address | 0, 0x9e3779b1) ^ Math.imul(high, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h ^= h >>> 13;
    return (h & (this.#setCount - 1)) * WAYS;
  }
}
