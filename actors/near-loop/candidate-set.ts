/** The segments that some expert expects after one access, each once, with every expert's opinion as a bin. */

import { binBase, Opinion } from './opinion-bins.ts';
import type { ResidentFlags } from './resident-flags.ts';
import { Fact, type SegmentFacts } from './segment-facts.ts';

/** Words of {@link CandidateSet.bins} for each candidate: one an opinion, and one to spare. */
export const OPINION_STRIDE = 8;

/**
 * At most `capacity` candidates of one access; what comes beyond is passed over.
 *
 * A candidate is found again by looking through those named so far: there are seldom more than four, in one cache line,
 * while a mark kept with each segment would be somewhere else in memory.
 */
export class CandidateSet {
  readonly capacity: number;
  count = 0;
  segment: Int32Array;
  /** Bytes to ask for; -1 = as last seen. */
  readonly sizeBytes: Float64Array;
  /** Numbers of bins (`binBase` and on), OPINION_STRIDE a candidate; 0 = an expert that says nothing. */
  bins: Uint16Array;
  /** Bit i: naming expert i has spoken. */
  spoke: Uint8Array;
  readonly #facts: SegmentFacts;
  readonly #resident: ResidentFlags;
  readonly #isResident: (segment: number) => boolean;

  constructor(
    capacity: number,
    facts: SegmentFacts,
    resident: ResidentFlags,
    isResident: (segment: number) => boolean,
  ) {
    this.capacity = capacity;
    this.segment = new Int32Array(capacity);
    this.sizeBytes = new Float64Array(capacity).fill(-1);
    this.bins = new Uint16Array(capacity * OPINION_STRIDE);
    this.spoke = new Uint8Array(capacity);
    this.#facts = facts;
    this.#resident = resident;
    this.#isResident = isResident;
  }

  /** A byte a segment: not 0 = at the site for certain, so that {@link claim} would pass it over. */
  get residentFlags(): Uint8Array {
    return this.#resident.flags;
  }

  /** Goes on in these columns, which must hold what its own do. */
  adopt(segment: Int32Array, bins: Uint16Array, spoke: Uint8Array): void {
    this.segment = segment;
    this.bins = bins;
    this.spoke = spoke;
  }

  /** Empties the set for the next access. */
  begin(): void {
    this.count = 0;
  }

  /**
   * The segment's slot, made when it is new to the set; -1 = passed over (resident, or the set is full). Ask before working
   * out an opinion: most segments that experts name are resident.
   */
  claim(segment: number): number {
    if (this.#resident.has(segment)) return -1;
    const { count, segment: segments } = this;
    for (let slot = 0; slot < count; slot++) if (segments[slot] === segment) return slot;
    if (count === this.capacity || this.#isResident(segment)) return -1;
    this.count = count + 1;
    segments[count] = segment;
    this.sizeBytes[count] = -1;
    this.spoke[count] = 0;
    const at = count * OPINION_STRIDE;
    const bins = this.bins;
    bins[at] = 0;
    bins[at + 1] = 0;
    bins[at + 2] = 0;
    bins[at + 3] = 0;
    bins[at + 4] = 0;
    // A comment that is missing says something of its own: never seen, never forecast.
    bins[at + Opinion.earlierForecast] = binBase[Opinion.earlierForecast]!;
    bins[at + Opinion.popularity] = binBase[Opinion.popularity]!;
    return count;
  }

  /** Records a naming expert's opinion on the candidate in `slot`; its first one counts. */
  say(slot: number, opinion: number, bin: number): void {
    const at = slot * OPINION_STRIDE + opinion;
    if (this.bins[at] !== 0) return;
    this.bins[at] = binBase[opinion]! + bin;
    this.spoke[slot] = this.spoke[slot]! | (1 << opinion);
  }

  /** The size to ask for should the candidate never have been seen. */
  suggestSize(slot: number, sizeBytes: number): void {
    const row = this.#facts.rowOf(this.segment[slot]!);
    if (this.#facts.words[row + Fact.count] === 0) this.sizeBytes[slot] = sizeBytes;
  }
}
