/** The segments that some expert expects after one access, each once, with every expert's opinion as a bin. */

import type { ResidentFlags } from './resident-flags.ts';
import { FACT_STRIDE, Fact, type SegmentFacts } from './segment-facts.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Who has an opinion on a candidate. The first five can name one, the others only comment on those named. */
export const Opinion = {
  consumerSuccessor: 0,
  context: 1,
  missSuccessor: 2,
  chain: 3,
  stream: 4,
  earlierForecast: 5,
  popularity: 6,
} as const;
export const NAMING_COUNT = 5;
export const OPINION_COUNT = 7;

/** Names in the order of {@link Opinion}; the first {@link NAMING_COUNT} are the experts of the report. */
export const opinionNames = [
  'consumer-successor',
  'context',
  'miss-successor',
  'chain',
  'stream',
  'earlier-forecast',
  'popularity',
] as const;

/** At most `capacity` candidates of one access; what comes beyond is passed over. Bin 0 = no opinion. */
export class CandidateSet {
  readonly capacity: number;
  count = 0;
  readonly segment: Uint32Array;
  /** Bytes to ask for; -1 = as last seen. */
  readonly sizeBytes: Float64Array;
  /** OPINION_COUNT bins a candidate. */
  readonly bins: Uint16Array;
  readonly #facts: SegmentFacts;
  readonly #resident: ResidentFlags;
  readonly #isResident: (segment: number) => boolean;
  #round = 0;

  constructor(
    capacity: number,
    facts: SegmentFacts,
    resident: ResidentFlags,
    isResident: (segment: number) => boolean,
  ) {
    this.capacity = capacity;
    this.segment = new Uint32Array(capacity);
    this.sizeBytes = new Float64Array(capacity);
    this.bins = new Uint16Array(capacity * OPINION_COUNT);
    this.#facts = facts;
    this.#resident = resident;
    this.#isResident = isResident;
  }

  /** Empties the set for the next access. */
  begin(): void {
    this.count = 0;
    this.#round = (this.#round + 1) | 0;
  }

  /**
   * The segment's slot, made when it is new to the set; -1 = passed over (resident, or the set is full). Ask before working
   * out an opinion: most segments that experts name are resident.
   */
  claim(segment: number): number {
    if (this.#resident.has(segment)) return -1;
    return this.#slotOf(segment);
  }

  /** Records an opinion on the candidate in `slot`; the first one of each expert counts. */
  say(slot: number, opinion: number, bin: number): void {
    const at = slot * OPINION_COUNT + opinion;
    if (this.bins[at] === 0) this.bins[at] = bin;
  }

  /** The size to ask for should the candidate never have been seen. */
  suggestSize(slot: number, sizeBytes: number): void {
    const row = this.segment[slot]! * FACT_STRIDE;
    if (this.#facts.words[row + Fact.count] === 0) this.sizeBytes[slot] = sizeBytes;
  }

  /** The round goes with the facts: restored apart, an old round would be taken for the current one. */
  save(writer: SnapshotWriter): void {
    writer.numbers(this.#round);
  }

  load(reader: SnapshotReader): void {
    this.#round = reader.numbers()[0]!;
  }

  #slotOf(segment: number): number {
    const row = this.#facts.rowOf(segment);
    const words = this.#facts.words;
    if (words[row + Fact.round] === this.#round) return words[row + Fact.slot]!;
    words[row + Fact.round] = this.#round;
    if (this.count === this.capacity || this.#isResident(segment)) {
      words[row + Fact.slot] = -1;
      return -1;
    }
    const slot = this.count++;
    words[row + Fact.slot] = slot;
    this.segment[slot] = segment;
    this.sizeBytes[slot] = -1;
    const at = slot * OPINION_COUNT;
    for (let i = at; i < at + OPINION_COUNT; i++) this.bins[i] = 0;
    return slot;
  }
}
