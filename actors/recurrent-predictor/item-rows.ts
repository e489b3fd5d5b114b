/** Which row of the network stands for which segment, and whether the network that is in use was trained with it. */

import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { RowIndex } from '../sequence-predictor/row-index.ts';

/** Rows go to segments as they come; when all are taken, the segment not used for longest loses its row. O(1) a call, amortised. */
export class ItemRows {
  readonly #index: RowIndex;
  #segments: Int32Array;
  /** Request whose training is the first to know the row as it is; Infinity = not requested yet. */
  #knownFrom: Float64Array;
  #renewed: number[] = [];
  #adopted = 0;

  constructor(rowCountMax: number) {
    this.#index = new RowIndex(rowCountMax);
    this.#segments = new Int32Array(rowCountMax);
    this.#knownFrom = new Float64Array(rowCountMax).fill(Infinity);
  }

  get count(): number {
    return this.#index.rowCount;
  }

  get bytes(): number {
    return this.#index.bytes + this.#segments.byteLength + this.#knownFrom.byteLength;
  }

  get evictedCount(): number {
    return this.#index.evictedCount;
  }

  find(segment: number): number {
    return this.#index.find(segment, 0);
  }

  segmentOf(row: number): number {
    return this.#segments[row]!;
  }

  isTrained(row: number): boolean {
    return this.#knownFrom[row]! <= this.#adopted;
  }

  /** The segment's row, taken from another where it must be. */
  use(segment: number): number {
    const found = this.find(segment);
    if (found >= 0) {
      this.#index.use(found);
      return found;
    }
    const row = this.#index.claim(segment, 0);
    this.#segments[row] = segment;
    this.#knownFrom[row] = Infinity;
    this.#renewed.push(row);
    return row;
  }

  /** Rows that changed hands since the last call; training by request `id` and later will know them. */
  takeRenewed(id: number): Int32Array {
    const rows = Int32Array.from(new Set(this.#renewed));
    for (const row of rows) this.#knownFrom[row] = id;
    this.#renewed = [];
    return rows;
  }

  /** What request `id` trained is in use. */
  adopt(id: number): void {
    this.#adopted = id;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#adopted, this.#segments.length);
    this.#index.save(writer);
    writer.array(this.#segments);
    writer.array(this.#knownFrom);
  }

  load(reader: SnapshotReader): void {
    this.#adopted = reader.numbers()[0]!;
    this.#index.load(reader);
    reader.into(this.#segments);
    reader.into(this.#knownFrom);
    // What was being trained when the snapshot was made is lost.
    this.#renewed = [];
    for (let row = 0; row < this.count; row++) if (!this.isTrained(row)) this.#renewed.push(row);
  }
}
