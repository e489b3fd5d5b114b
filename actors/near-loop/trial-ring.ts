/** Predictions waiting to be proved: each comes true at the segment's next demand or false when its horizon passes. */

import { assert } from '../../engine/assert.ts';
import type { Place } from '../kernel-columns.ts';
import { FACT_STRIDE, Fact, SegmentFacts } from './segment-facts.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

const NONE = -1;

/** Where whoever reads a ring in place has its columns. */
export interface TrialFields {
  readonly trialSegment: number;
  readonly trialAt: number;
  readonly trialOlder: number;
  readonly trialState: number;
}

/**
 * A bounded ring of trials in order of prediction, chained by segment from the newest to the oldest, so that a demand finds its trials
 * without a search.
 *
 * A trial that expires is not taken off its chain: whoever comes to it along the chain sees that its place is no longer
 * the segment's and stops, for what lies behind is older still. The payload of a trial lives in the caller's columns at the
 * same slot. When the ring is full no trial is taken (counted): dropping the oldest instead would leave more hits than misses on
 * record and make every forecast too sure. O(1) a call; 16 bytes a trial.
 */
export class TrialRing {
  readonly capacity: number;
  #segment: Int32Array;
  #at: Float64Array;
  #older: Int32Array;
  readonly #facts: SegmentFacts;
  /** The oldest trial's slot, trials in the ring, and those that were not taken. */
  #state: Int32Array = new Int32Array(3);

  /** The newest trial of each segment stands in its facts. */
  constructor(capacity: number, facts = new SegmentFacts()) {
    assert(capacity >= 1, 'a ring holds at least one trial');
    this.capacity = capacity;
    this.#segment = new Int32Array(capacity).fill(NONE);
    this.#at = new Float64Array(capacity);
    this.#older = new Int32Array(capacity).fill(NONE);
    this.#facts = facts;
  }

  get bytes(): number {
    return this.capacity * 16;
  }

  get count(): number {
    return this.#state[1]!;
  }

  get refusedCount(): number {
    return this.#state[2]! >>> 0;
  }

  /** Goes on in what `place` gives for each of its columns, told where it is to lie. */
  adopt(place: Place, at: TrialFields): void {
    this.#segment = place(this.#segment, at.trialSegment);
    this.#at = place(this.#at, at.trialAt);
    this.#older = place(this.#older, at.trialOlder);
    this.#state = place(this.#state, at.trialState);
  }

  /** Starts a trial; returns its slot, or -1 when the ring is full. */
  start(segment: number, position: number): number {
    if (this.#state[1]! === this.capacity) {
      this.#state[2] = this.#state[2]! + 1;
      return NONE;
    }
    const row = this.#facts.rowOf(segment);
    const facts = this.#facts.words;
    let slot = this.#state[0]! + this.#state[1]!;
    if (slot >= this.capacity) slot -= this.capacity;
    this.#state[1] = this.#state[1]! + 1;
    this.#segment[slot] = segment;
    this.#at[slot] = position;
    const newest = facts[row + Fact.newestTrial]! - 1;
    // A link to its own place would be one to itself: what stood there has expired.
    this.#older[slot] = newest === slot ? NONE : newest;
    facts[row + Fact.newestTrial] = slot + 1;
    return slot;
  }

  /** Takes the segment's newest open trial off its chain; returns its slot, or -1. Its place in the ring frees up in order. */
  takeDemanded(segment: number): number {
    const facts = this.#facts.words;
    const at = segment * FACT_STRIDE + Fact.newestTrial;
    if (at >= facts.length) return NONE;
    const slot = facts[at]! - 1;
    if (slot === NONE) return NONE;
    if (this.#segment[slot] !== segment) {
      facts[at] = 0;
      return NONE;
    }
    facts[at] = this.#older[slot]! + 1;
    this.#segment[slot] = NONE;
    return slot;
  }

  /** Takes the oldest trial started before `position` that is still open; returns its slot, or -1 when there is none. */
  takeExpired(position: number): number {
    while (this.#state[1]! > 0) {
      const slot = this.#state[0]!;
      const isOpen = this.#segment[slot] !== NONE;
      if (isOpen && this.#at[slot]! >= position) return NONE;
      this.#state[0] = slot + 1 === this.capacity ? 0 : slot + 1;
      this.#state[1] = this.#state[1]! - 1;
      if (isOpen) {
        this.#segment[slot] = NONE;
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
    writer.numbers(...this.#state);
    for (const a of [this.#segment, this.#at, this.#older]) writer.array(a);
  }

  load(reader: SnapshotReader): void {
    const [first, count, refused] = reader.numbers();
    this.#state.set([first!, count!, refused!]);
    reader.into(this.#segment);
    reader.into(this.#at);
    reader.into(this.#older);
  }
}
