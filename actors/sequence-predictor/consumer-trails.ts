/** The latest segments of each consumer, in order, and which of them belong to one burst. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { INDEX_BYTES, RowIndex } from './row-index.ts';

/** Steps kept of each consumer; a power of two. */
export const TRAIL_LENGTH = 32;
const MASK = TRAIL_LENGTH - 1;

/** Words of a record before its segments and the bursts they belong to. */
const PUSHED = 0;
const GAP = 1;
const SEGMENTS = 2;
const BURSTS = SEGMENTS + TRAIL_LENGTH;
const STRIDE = BURSTS + TRAIL_LENGTH;
/** Bytes of a consumer. */
export const TRAIL_BYTES = 4 * STRIDE + 8 + INDEX_BYTES;

/** Upper edges, in ms, of the classes of time between two steps; equal times are a class of their own. */
const gapEdges = [1, 1000, 3000, 10_000, 60_000, 600_000, 7_200_000];
/** Classes of {@link ConsumerTrails.gapOf}: none before, one for each edge, longer. */
export const GAP_CLASS_COUNT = gapEdges.length + 2;

/**
 * A ring a consumer, found by its id; the consumer that was not heard of for longest, by the hand of `RowIndex`, yields its ring where there
 * are more than the bytes allow. Accesses of one consumer at one instant are a burst (a commit, a page with its parts). O(1) a call.
 */
export class ConsumerTrails {
  readonly #index: RowIndex;
  #words: Int32Array;
  #lastAt: Float64Array;

  constructor(options: { readonly consumerCountMax: number; readonly bytesMax: number }) {
    const rowCountMax = Math.min(options.consumerCountMax, Math.floor(options.bytesMax / TRAIL_BYTES));
    this.#index = new RowIndex(Math.max(1, rowCountMax));
    this.#words = new Int32Array(this.#index.capacity * STRIDE);
    this.#lastAt = new Float64Array(this.#index.capacity);
  }

  get bytes(): number {
    return this.#words.byteLength + this.#lastAt.byteLength + this.#index.bytes;
  }

  /** Consumers forgotten for others. */
  get evictedCount(): number {
    return this.#index.evictedCount;
  }

  /** The consumer's trail, or -1. */
  find(consumer: number): number {
    return this.#index.find(consumer + 1, 0);
  }

  /** The consumer's trail, made where there was none. */
  trailOf(consumer: number): number {
    const found = this.find(consumer);
    if (found >= 0) {
      this.#index.use(found);
      return found;
    }
    const trail = this.#index.claim(consumer + 1, 0);
    const { capacity } = this.#index;
    if (capacity > this.#lastAt.length) {
      const words = new Int32Array(capacity * STRIDE);
      words.set(this.#words);
      this.#words = words;
      const lastAt = new Float64Array(capacity);
      lastAt.set(this.#lastAt);
      this.#lastAt = lastAt;
    }
    this.#words.fill(0, trail * STRIDE, (trail + 1) * STRIDE);
    this.#lastAt[trail] = Number.NaN;
    return trail;
  }

  /** Steps ever pushed. */
  stepCount(trail: number): number {
    return this.#words[trail * STRIDE + PUSHED]!;
  }

  /** Segment `back` steps before the latest (0 = the latest); the caller guarantees that it is kept. */
  segmentAt(trail: number, back: number): number {
    const at = trail * STRIDE;
    return this.#words[at + SEGMENTS + ((this.#words[at + PUSHED]! - 1 - back) & MASK)]!;
  }

  /** Whether that step belongs to the burst of the latest. */
  isInBurst(trail: number, back: number): boolean {
    const at = trail * STRIDE + BURSTS;
    const latest = this.#words[trail * STRIDE + PUSHED]! - 1;
    return this.#words[at + ((latest - back) & MASK)] === this.#words[at + (latest & MASK)];
  }

  /** Class of the time between the latest two steps: 0..GAP_CLASS_COUNT - 1. */
  gapOf(trail: number): number {
    return this.#words[trail * STRIDE + GAP]!;
  }

  push(trail: number, segment: number, timeMs: number): void {
    const words = this.#words;
    const at = trail * STRIDE;
    const pushed = words[at + PUSHED]!;
    const gap = this.#gapClass(trail, timeMs);
    const burst = pushed === 0 ? 0 : words[at + BURSTS + ((pushed - 1) & MASK)]!;
    words[at + PUSHED] = pushed + 1;
    words[at + GAP] = gap;
    words[at + SEGMENTS + (pushed & MASK)] = segment;
    words[at + BURSTS + (pushed & MASK)] = gap === 1 ? burst : (burst + 1) | 0;
    this.#lastAt[trail] = timeMs;
  }

  /** The latest segment was accessed once more: its time moves on. */
  repeat(trail: number, timeMs: number): void {
    this.#lastAt[trail] = timeMs;
  }

  save(writer: SnapshotWriter): void {
    this.#index.save(writer);
    writer.array(this.#words);
    writer.array(this.#lastAt);
  }

  load(reader: SnapshotReader): void {
    this.#index.load(reader);
    this.#words = reader.array(this.#words);
    this.#lastAt = reader.array(this.#lastAt);
    assert(this.#lastAt.length === this.#index.capacity, 'a snapshot of another layout');
  }

  #gapClass(trail: number, timeMs: number): number {
    const gap = timeMs - this.#lastAt[trail]!;
    if (Number.isNaN(gap)) return 0;
    let edge = 0;
    while (edge < gapEdges.length && gap >= gapEdges[edge]!) edge++;
    return 1 + edge;
  }
}
