/** Predictions waiting to be proved: each comes true at the segment's next demand or false when its horizon passes. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

const NONE = -1;

/**
 * A bounded ring of trials in order of prediction, chained by segment, so that a demand finds its trials without a search.
 *
 * The payload of a trial lives in the caller's columns at the same slot. When the ring is full no trial is taken (counted):
 * dropping the oldest instead would leave more hits than misses on record and make every forecast too sure.
 * O(1) a call; 16 bytes a trial and 8 a segment.
 */
export class TrialRing {
  readonly capacity: number;
  refusedCount = 0;
  readonly #segment: Int32Array;
  readonly #at: Float64Array;
  readonly #next: Int32Array;
  #head: Int32Array;
  #tail: Int32Array;
  #first = 0;
  #count = 0;

  constructor(capacity: number, segmentCountHint = 1024) {
    assert(capacity >= 1, 'a ring holds at least one trial');
    this.capacity = capacity;
    this.#segment = new Int32Array(capacity).fill(NONE);
    this.#at = new Float64Array(capacity);
    this.#next = new Int32Array(capacity).fill(NONE);
    this.#head = new Int32Array(segmentCountHint).fill(NONE);
    this.#tail = new Int32Array(segmentCountHint).fill(NONE);
  }

  get bytes(): number {
    return this.capacity * 16 + this.#head.byteLength + this.#tail.byteLength;
  }

  get count(): number {
    return this.#count;
  }

  /** Starts a trial; returns its slot, or -1 when the ring is full. */
  start(segment: number, position: number): number {
    if (this.#count === this.capacity) {
      this.refusedCount++;
      return NONE;
    }
    if (segment >= this.#head.length) this.#grow(segment);
    let slot = this.#first + this.#count;
    if (slot >= this.capacity) slot -= this.capacity;
    this.#count++;
    this.#segment[slot] = segment;
    this.#at[slot] = position;
    this.#next[slot] = NONE;
    const tail = this.#tail[segment]!;
    if (tail === NONE) this.#head[segment] = slot;
    else this.#next[tail] = slot;
    this.#tail[segment] = slot;
    return slot;
  }

  /** Takes the segment's oldest open trial off its chain; returns its slot, or -1. Its place in the ring frees up in order. */
  takeDemanded(segment: number): number {
    if (segment >= this.#head.length) return NONE;
    const slot = this.#head[segment]!;
    if (slot === NONE) return NONE;
    this.#unchain(segment, slot);
    return slot;
  }

  /** Takes the oldest trial started before `position` that is still open; returns its slot, or -1 when there is none. */
  takeExpired(position: number): number {
    while (this.#count > 0) {
      const slot = this.#first;
      const segment = this.#segment[slot]!;
      if (segment !== NONE && this.#at[slot]! >= position) return NONE;
      this.#first = slot + 1 === this.capacity ? 0 : slot + 1;
      this.#count--;
      if (segment !== NONE) {
        this.#unchain(segment, slot);
        return slot;
      }
    }
    return NONE;
  }

  /** Where in the log the trial in `slot` started. */
  startedAt(slot: number): number {
    return this.#at[slot]!;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#first, this.#count, this.refusedCount);
    for (const a of [this.#segment, this.#at, this.#next, this.#head, this.#tail]) writer.array(a);
  }

  load(reader: SnapshotReader): void {
    const [first, count, refused] = reader.numbers();
    this.#first = first!;
    this.#count = count!;
    this.refusedCount = refused!;
    reader.into(this.#segment);
    reader.into(this.#at);
    reader.into(this.#next);
    this.#head = reader.array(this.#head);
    this.#tail = reader.array(this.#tail);
  }

  #unchain(segment: number, slot: number): void {
    const next = this.#next[slot]!;
    this.#head[segment] = next;
    if (next === NONE) this.#tail[segment] = NONE;
    this.#segment[slot] = NONE;
  }

  #grow(segment: number): void {
    const length = Math.max(this.#head.length * 2, segment + 1);
    const head = new Int32Array(length).fill(NONE);
    head.set(this.#head);
    this.#head = head;
    const tail = new Int32Array(length).fill(NONE);
    tail.set(this.#tail);
    this.#tail = tail;
  }
}
