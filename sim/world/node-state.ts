/** What the simulated node knows: a function of its log, entry by entry. */

import { KeyedAggregate } from '../../actors/aggregator/keyed-aggregate.ts';
import { assert } from '../../engine/assert.ts';
import { sha256Hex } from '../../engine/host/digest.ts';
import type { LogEntry } from '../../engine/state/log-store.ts';
import { decodeFrame } from './frames.ts';

export const SEGMENTS = 64;
/** Of so many accesses one has a request made for it. */
const ACCESSES_PER_REQUEST = 48;
const HALF_LIFE_MS = 3_600_000;
const FACTS = 8;

export interface NodeStateFlaws {
  /** The watermark follows the last access instead of the latest. */
  readonly hasFallingWatermark?: boolean;
  /** Answers count whether or not their request is open. */
  readonly countsEveryAnswer?: boolean;
}

/**
 * Counts, bytes and last instants by segment, through the aggregator's kernel; the watermark; a chain over the order of entries; and
 * the requests that are open, decided by log position, each ended by the first answer to it.
 */
export class NodeState {
  readonly #flaws: NodeStateFlaws;
  readonly #table = new KeyedAggregate({ layout: 'dense', keysMax: SEGMENTS });
  readonly counts = new Float64Array(SEGMENTS);
  readonly bytes = new Float64Array(SEGMENTS);
  readonly #last = new Float64Array(SEGMENTS);
  /** Ids of open requests with their segments. */
  readonly open = new Map<number, number>();
  position = 0;
  watermarkMs = 0;
  requested = 0;
  answered = 0;
  #ignored = 0;
  #clamped = 0;
  #chain = 0;

  constructor(flaws: NodeStateFlaws = {}) {
    this.#flaws = flaws;
  }

  apply(entry: LogEntry): void {
    const frame = decodeFrame(entry.bytes);
    this.position = entry.position + entry.units;
    if (frame.kind === 'answer') {
      this.#mix(frame.id);
      this.#answer(frame.id);
      return;
    }
    const { producer, sequence, timeMs, segment, size } = frame.batch;
    this.#mix(producer * 65_536 + sequence);
    const { length } = segment;
    for (let i = 0; i < length; i++) {
      if (this.#flaws.hasFallingWatermark !== true && timeMs[i]! < this.watermarkMs) {
        this.#clamped++;
        timeMs[i] = this.watermarkMs;
      }
      this.watermarkMs = timeMs[i]!;
      const position = entry.position + i;
      if (position % ACCESSES_PER_REQUEST !== 0) continue;
      this.open.set(position, segment[i]!);
      this.requested++;
    }
    const weight = new Float64Array(length).fill(1);
    this.#table.observe(segment, timeMs, size, weight, 0, length, this.watermarkMs, HALF_LIFE_MS);
    const { key, count, bytes, last } = this.#table.columns();
    this.#table.clear();
    for (let i = 0; i < key.length; i++) {
      const k = key[i]!;
      this.counts[k] = this.counts[k]! + count[i]!;
      this.bytes[k] = this.bytes[k]! + bytes[i]!;
      this.#last[k] = last[i]!;
    }
  }

  /** All of it as bytes. */
  snapshot(): Uint8Array {
    const open = [...this.open].sort((a, b) => a[0] - b[0]);
    const numbers = new Float64Array(FACTS + 3 * SEGMENTS + 2 * open.length);
    const { position, watermarkMs, requested, answered } = this;
    numbers.set([position, watermarkMs, requested, answered, this.#ignored, this.#clamped, this.#chain, open.length]);
    numbers.set(this.counts, FACTS);
    numbers.set(this.bytes, FACTS + SEGMENTS);
    numbers.set(this.#last, FACTS + 2 * SEGMENTS);
    numbers.set(open.flat(), FACTS + 3 * SEGMENTS);
    return new Uint8Array(numbers.buffer);
  }

  static restore(bytes: Uint8Array, flaws: NodeStateFlaws = {}): NodeState {
    const state = new NodeState(flaws);
    const numbers = new Float64Array(bytes.slice().buffer);
    assert(numbers.length >= FACTS + 3 * SEGMENTS, 'a snapshot holds all columns');
    state.position = numbers[0]!;
    state.watermarkMs = numbers[1]!;
    state.requested = numbers[2]!;
    state.answered = numbers[3]!;
    state.#ignored = numbers[4]!;
    state.#clamped = numbers[5]!;
    state.#chain = numbers[6]!;
    state.counts.set(numbers.subarray(FACTS, FACTS + SEGMENTS));
    state.bytes.set(numbers.subarray(FACTS + SEGMENTS, FACTS + 2 * SEGMENTS));
    state.#last.set(numbers.subarray(FACTS + 2 * SEGMENTS, FACTS + 3 * SEGMENTS));
    for (let i = 0, at = FACTS + 3 * SEGMENTS; i < numbers[7]!; i++, at += 2)
      state.open.set(numbers[at]!, numbers[at + 1]!);
    return state;
  }

  digest(): string {
    return sha256Hex([this.snapshot()]);
  }

  #answer(id: number): void {
    const isOpen = this.open.delete(id);
    if (isOpen || this.#flaws.countsEveryAnswer === true) this.answered++;
    else this.#ignored++;
  }

  #mix(value: number): void {
    this.#chain = (Math.imul(this.#chain ^ value, 0x85eb_ca6b) + 0x9e37_79b1) >>> 0;
  }
}
