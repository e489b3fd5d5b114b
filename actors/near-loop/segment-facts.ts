/** What the near loop keeps of each segment beside its successors: one row of eight words, so one cache line. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Fields of a row. */
export const Fact = {
  /** Round in which the segment was last a candidate, and its slot then. */
  round: 0,
  slot: 1,
  /** Log position + 1 of its latest forecast (0: never) and that forecast in sixteenths. */
  forecastAt: 2,
  forecast: 3,
  /** Accesses, up to 255, and log position of the latest. */
  count: 4,
  lastAt: 5,
  /** Log position of its latest proposal. */
  proposedAt: 6,
} as const;

export const FACT_STRIDE = 8;

/** Rows by dense segment id; grows by doubling. Positions are kept modulo 2^32: differences stay right over four billion accesses. */
export class SegmentFacts {
  /** Row of segment s starts at s * FACT_STRIDE. Replaced when the table grows: read it anew in each call. */
  words: Int32Array;

  constructor(segmentCountHint = 1024) {
    this.words = new Int32Array(segmentCountHint * FACT_STRIDE);
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  /** Makes room for a segment; returns where its row starts. */
  rowOf(segment: number): number {
    const row = segment * FACT_STRIDE;
    if (row >= this.words.length) {
      const words = new Int32Array(Math.max(this.words.length * 2, row + FACT_STRIDE));
      words.set(this.words);
      this.words = words;
    }
    return row;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.words);
  }

  load(reader: SnapshotReader): void {
    this.words = reader.array(this.words);
  }
}
