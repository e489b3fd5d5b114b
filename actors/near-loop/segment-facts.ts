/** What the near loop keeps of each segment beside its successors: one row of four words. */

import { grownTable } from '../cache-manager/grown-table.ts';
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
  /** Row of segment s starts at s * FACT_STRIDE. Replaced, as the others are, when the tables grow: read it anew in each call. */
  words: Int32Array;
  /** After whose access each segment was last proposed, and what the mixture said then; negative where the consumer was not believed. */
  proposedFor: Int32Array;
  proposedAs: Float32Array;

  constructor(segmentCountHint = 1024) {
    this.words = new Int32Array(segmentCountHint * FACT_STRIDE);
    this.proposedFor = new Int32Array(segmentCountHint);
    this.proposedAs = new Float32Array(segmentCountHint);
  }

  get bytes(): number {
    return this.words.byteLength + this.proposedFor.byteLength + this.proposedAs.byteLength;
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
      this.words = words;
      this.#fit();
    }
    return row;
  }

  /** Goes on in these, which must hold what its own do. */
  adopt(words: Int32Array, proposedFor: Int32Array, proposedAs: Float32Array): void {
    this.words = words;
    this.proposedFor = proposedFor;
    this.proposedAs = proposedAs;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.words);
  }

  load(reader: SnapshotReader): void {
    this.words = reader.array(this.words);
    this.#fit();
  }

  /** As many entries by segment as there are rows. */
  #fit(): void {
    const count = this.words.length / FACT_STRIDE;
    if (count <= this.proposedFor.length) return;
    this.proposedFor = grownTable(this.proposedFor, count - 1);
    this.proposedAs = grownTable(this.proposedAs, count - 1);
  }
}
