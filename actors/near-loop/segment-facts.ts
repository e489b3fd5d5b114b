/** What the near loop keeps of each segment beside its successors: one row of four words. */

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
} as const;

export const FACT_STRIDE = 4;

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
