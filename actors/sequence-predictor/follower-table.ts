/** What came after each context lately: decayed counts of the strongest followers, in bounded bytes. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { INDEX_BYTES, RowIndex } from './row-index.ts';

/** Words of a row before its followers: sightings, decayed total. */
const SEEN = 0;
const TOTAL = 1;
const HEADER = 2;
/** One sighting; weights and totals are fixed-point in these units. */
export const FOLLOWER_ONE = 256;
const AGE_MASK = 0xffff;

export interface FollowerTableOptions {
  /** Followers kept for each context. */
  readonly width: number;
  /** Sightings after which a context's weights are halved: 2..255. */
  readonly sightingsMax: number;
  readonly bytesMax: number;
}

/**
 * A context is a key of two words. Its row holds how often it was seen, the same decayed, and up to `width` followers in order of weight.
 * At `sightingsMax` the row is halved, so that what is true now outweighs what was. A newcomer at a full row wears the weakest
 * follower down and takes its place once that is worn out. O(width) a call.
 */
export class FollowerTable {
  readonly width: number;
  readonly #index: RowIndex;
  readonly #stride: number;
  readonly #totalMax: number;
  #words: Uint32Array;

  constructor(options: FollowerTableOptions) {
    assert(options.width >= 1 && options.width <= 64, `width ${options.width} is not in 1..64`);
    assert(
      options.sightingsMax >= 2 && options.sightingsMax <= 255,
      `sightingsMax ${options.sightingsMax} is not in 2..255`,
    );
    this.width = options.width;
    this.#stride = HEADER + 2 * options.width;
    this.#totalMax = options.sightingsMax * FOLLOWER_ONE;
    this.#index = new RowIndex(Math.max(1, Math.floor(options.bytesMax / (4 * this.#stride + INDEX_BYTES))));
    this.#words = new Uint32Array(this.#index.capacity * this.#stride);
  }

  get bytes(): number {
    return this.#words.byteLength + this.#index.bytes;
  }

  /** Contexts given up for others. */
  get evictedCount(): number {
    return this.#index.evictedCount;
  }

  /** First word of the context's row, to be handed to the other calls before anything is learned; -1 = unknown. */
  find(a: number, b: number): number {
    const row = this.#index.find(a, b);
    return row < 0 ? -1 : row * this.#stride;
  }

  /** Sightings ever; 0 for an unknown context. */
  seenAt(row: number): number {
    return row < 0 ? 0 : this.#words[row + SEEN]!;
  }

  /** Decayed sightings, in units of {@link FOLLOWER_ONE}. */
  totalAt(row: number): number {
    return this.#words[row + TOTAL]!;
  }

  /** The follower in place 0.. in order of weight, or -1. */
  followerAt(row: number, place: number): number {
    return this.#words[row + HEADER + 2 * place]! - 1;
  }

  weightAt(row: number, place: number): number {
    return this.#words[row + HEADER + 2 * place + 1]! >>> 16;
  }

  /** Sightings of the context since the follower came, from 0. */
  ageAt(row: number, place: number): number {
    return (this.#words[row + SEEN]! - this.#words[row + HEADER + 2 * place + 1]!) & AGE_MASK;
  }

  /** Counts a sighting of the context; gives its row, made where there was none. */
  see(a: number, b: number): number {
    let number = this.#index.find(a, b);
    if (number < 0) {
      number = this.#index.claim(a, b);
      const length = this.#index.capacity * this.#stride;
      if (length > this.#words.length) {
        const words = new Uint32Array(length);
        words.set(this.#words);
        this.#words = words;
      }
      const row = number * this.#stride;
      this.#words.fill(0, row, row + this.#stride);
    } else {
      this.#index.use(number);
    }
    const row = number * this.#stride;
    const words = this.#words;
    if (words[row + TOTAL]! + FOLLOWER_ONE > this.#totalMax) this.#halve(row);
    words[row + SEEN] = words[row + SEEN]! + 1;
    words[row + TOTAL] = words[row + TOTAL]! + FOLLOWER_ONE;
    return row;
  }

  /** `follower` came after the context in that row. */
  follow(row: number, follower: number): void {
    const words = this.#words;
    const stamp = words[row + SEEN]! & AGE_MASK;
    const first = row + HEADER;
    const last = first + 2 * (this.width - 1);
    let at = first;
    while (at < last && words[at] !== 0 && words[at] !== follower + 1) at += 2;
    let weight = words[at + 1]! >>> 16;
    if (words[at] === follower + 1) {
      weight = Math.min(weight + FOLLOWER_ONE, 0xffff);
    } else if (words[at] !== 0 && weight > FOLLOWER_ONE) {
      words[at + 1] = ((weight - FOLLOWER_ONE) << 16) | (words[at + 1]! & AGE_MASK);
      return;
    } else {
      weight = FOLLOWER_ONE;
    }
    for (; at > first && words[at - 1]! >>> 16 < weight; at -= 2) {
      words[at] = words[at - 2]!;
      words[at + 1] = words[at - 1]!;
    }
    words[at] = follower + 1;
    words[at + 1] = (weight << 16) | stamp;
  }

  save(writer: SnapshotWriter): void {
    this.#index.save(writer);
    writer.array(this.#words);
  }

  load(reader: SnapshotReader): void {
    this.#index.load(reader);
    this.#words = reader.array(this.#words);
    assert(this.#words.length === this.#index.capacity * this.#stride, 'a snapshot made with another width');
  }

  #halve(row: number): void {
    const words = this.#words;
    words[row + TOTAL] = words[row + TOTAL]! >>> 1;
    for (let at = row + HEADER; at < row + this.#stride && words[at] !== 0; at += 2) {
      const packed = words[at + 1]!;
      words[at + 1] = ((packed >>> 17) << 16) | (packed & AGE_MASK);
    }
  }
}
