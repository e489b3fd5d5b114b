/** What the near loop keeps of each segment beside its successors: one row of eight words, so that one look into memory finds all of it. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Fields of a row. */
export const Fact = {
  /** Accesses, up to 255, and log position of the latest. */
  count: 0,
  lastAt: 1,
  /** Log position of its latest forecast times 16, plus that forecast in sixteenths; 0: never. */
  forecast: 2,
  /** Log position of its latest proposal. */
  proposedAt: 3,
  /** After whose access it was last proposed, and what the mixture said then, a 32-bit float; negative where the consumer was not believed. */
  proposedFor: 4,
  proposedAs: 5,
  /** Slot of its newest trial in the ring, plus one; 0: none. */
  newestTrial: 6,
  /** Nothing: written where a row will be needed soon and may come from far, since nothing waits for a write. */
  touched: 7,
} as const;

export const FACT_STRIDE = 8;
/** Log2 of a row's bytes. */
export const FACT_ROW_LOG = 5;

/** After whose access a segment was proposed, and what was said then; see `Fact.proposedFor`. */
export interface ProposalNote {
  readonly consumer: number;
  readonly forecast: number;
}

/** Rows by dense segment id; grows by doubling. Positions are kept modulo 2^32: differences stay right over four billion accesses. */
export class SegmentFacts {
  /** Row of segment s starts at s * FACT_STRIDE. Replaced when the table grows: read it anew in each call. */
  words: Int32Array;
  /** The same words, as floats. */
  floats: Float32Array;

  constructor(segmentCountHint = 1024) {
    this.words = new Int32Array(segmentCountHint * FACT_STRIDE);
    this.floats = new Float32Array(this.words.buffer);
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  /** Segments that there is room for. */
  get segmentLimit(): number {
    return this.words.length / FACT_STRIDE;
  }

  /** Makes room for a segment; returns where its row starts. */
  rowOf(segment: number): number {
    const row = segment * FACT_STRIDE;
    if (row >= this.words.length) {
      const words = new Int32Array(Math.max(this.words.length * 2, row + FACT_STRIDE));
      words.set(this.words);
      this.adopt(words);
    }
    return row;
  }

  /** Goes on in `words`, which must hold what {@link words} does. */
  adopt(words: Int32Array): void {
    this.words = words;
    this.floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  }

  /** The latest proposal of a segment; null where there is no row for it. */
  proposalOf(segment: number): ProposalNote | null {
    const row = segment * FACT_STRIDE;
    if (row >= this.words.length) return null;
    return { consumer: this.words[row + Fact.proposedFor]!, forecast: this.floats[row + Fact.proposedAs]! };
  }

  /** Makes an earlier proposal of a segment that has a row the latest. */
  recall(segment: number, { consumer, forecast }: ProposalNote): void {
    const row = segment * FACT_STRIDE;
    this.words[row + Fact.proposedFor] = consumer;
    this.floats[row + Fact.proposedAs] = forecast;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.words);
  }

  load(reader: SnapshotReader): void {
    this.adopt(reader.array(this.words));
  }
}
