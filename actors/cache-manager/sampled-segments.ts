/** Which segments are in a sample, and the dense slot of each. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

const EMPTY = -1;

/**
 * A segment is in the sample where a hash of it lies below a threshold (SHARDS, Waldspurger et al., FAST'15). When there are more than
 * `countMax`, the threshold is halved and those above it leave, so what is left is what a smaller threshold would have chosen from the
 * start. Slots are reused. O(1) a call, amortised; 12 bytes a slot and 8 a bucket.
 */
export class SampledSegments {
  readonly #seed: number;
  readonly #countMax: number;
  readonly #onLeave: (slot: number) => void;
  #threshold: number;
  #count = 0;
  #halvings = 0;
  /** By slot: the segment, EMPTY where the slot is free. */
  #segment = new Int32Array(64).fill(EMPTY);
  #slotsUsed = 0;
  #free: number[] = [];
  /** Open addressing with linear probing over slots; at most half full. */
  #bucket = new Int32Array(128).fill(EMPTY);

  /** @param rate share of the segments, 0..1. @param onLeave told of each slot that leaves when the threshold is halved. */
  constructor(rate: number, countMax: number, seed: number, onLeave: (slot: number) => void) {
    this.#threshold = rate >= 1 ? 2 ** 32 : Math.max(1, Math.floor(rate * 2 ** 32));
    this.#countMax = countMax;
    this.#seed = seed | 0;
    this.#onLeave = onLeave;
  }

  /** Share of the segments that are in the sample now. */
  get rate(): number {
    return this.#threshold / 2 ** 32;
  }

  get count(): number {
    return this.#count;
  }

  /** How often the share was halved. */
  get halvings(): number {
    return this.#halvings;
  }

  get bytes(): number {
    return this.#segment.byteLength + this.#bucket.byteLength;
  }

  segmentOf(slot: number): number {
    return this.#segment[slot]!;
  }

  /** The slot of `segment`, which is in the sample from now on; -1 where it is not chosen. */
  slotOf(segment: number): number {
    const hash = hashOf(segment, this.#seed);
    if (hash >= this.#threshold) return -1;
    for (;;) {
      const mask = this.#bucket.length - 1;
      let at = bucketHash(segment) & mask;
      for (let slot = this.#bucket[at]!; slot !== EMPTY; slot = this.#bucket[at]!) {
        if (this.#segment[slot] === segment) return slot;
        at = (at + 1) & mask;
      }
      if (this.#count < this.#countMax) return this.#add(segment, at);
      this.#halve();
      if (hash >= this.#threshold) return -1;
    }
  }

  /** Everything but what the settings give: #seed, #countMax, #onLeave. */
  persist(fields: StateFields): void {
    this.#threshold = fields.number(this.#threshold);
    this.#count = fields.number(this.#count);
    this.#halvings = fields.number(this.#halvings);
    this.#segment = fields.array(this.#segment);
    this.#slotsUsed = fields.number(this.#slotsUsed);
    fields.list(this.#free);
    this.#bucket = fields.array(this.#bucket);
  }

  #add(segment: number, at: number): number {
    const slot = this.#free.pop() ?? this.#slotsUsed++;
    if (slot >= this.#segment.length) {
      const { length } = this.#segment;
      this.#segment = grownTable(this.#segment, slot);
      this.#segment.fill(EMPTY, length);
    }
    this.#segment[slot] = segment;
    this.#bucket[at] = slot;
    this.#count++;
    if (this.#count * 2 > this.#bucket.length) this.#rehash(this.#bucket.length * 2);
    return slot;
  }

  #halve(): void {
    this.#threshold = Math.max(1, Math.floor(this.#threshold / 2));
    this.#halvings++;
    for (let slot = 0; slot < this.#slotsUsed; slot++) {
      const segment = this.#segment[slot]!;
      if (segment === EMPTY || hashOf(segment, this.#seed) < this.#threshold) continue;
      this.#onLeave(slot);
      this.#segment[slot] = EMPTY;
      this.#free.push(slot);
      this.#count--;
    }
    this.#rehash(this.#bucket.length);
  }

  #rehash(length: number): void {
    const bucket = new Int32Array(length).fill(EMPTY);
    const mask = length - 1;
    for (let slot = 0; slot < this.#slotsUsed; slot++) {
      const segment = this.#segment[slot]!;
      if (segment === EMPTY) continue;
      let at = bucketHash(segment) & mask;
      while (bucket[at] !== EMPTY) at = (at + 1) & mask;
      bucket[at] = slot;
    }
    this.#bucket = bucket;
  }
}

/** Spreads sampled segments over buckets by other bits than those that chose them. */
function bucketHash(segment: number): number {
  return hashOf(segment, 0x5bd1e995);
}

/** 32 bits of (segment, seed), finished as in MurmurHash3 (Appleby, public domain). */
function hashOf(segment: number, seed: number): number {
  let h = (Math.imul(segment ^ seed, 0xcc9e2d51) + 0x9e3779b9) ^ Math.imul(seed, 0x1b873593);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
