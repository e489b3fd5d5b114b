/** Access times of segments that are not yet frequent enough to be mined, the oldest forgotten first. */

import { grownFloat64, grownInt32 } from './grown.ts';

/**
 * At most `capacity` rows of at most `width` times, in order of arrival; opening a row in a full table forgets the oldest.
 * Memory follows the rows in use, at most min(capacity, distinct segments) x (8 x width + 16) bytes. O(1) per call.
 */
export class RecordingTable {
  readonly capacity: number;
  readonly width: number;
  #rowCount = 0;
  #segment = new Int32Array(0);
  #support = new Int32Array(0);
  #times = new Float64Array(0);
  /** Order of arrival; a free row links to the next free one through `#newer`. */
  #older = new Int32Array(0);
  #newer = new Int32Array(0);
  #oldest = -1;
  #newest = -1;
  #free = -1;
  #allocatedCount = 0;

  constructor(capacity: number, width: number) {
    this.capacity = capacity;
    this.width = width;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  /** Segment of the row that {@link open} is about to forget, -1 when there is room. */
  get forgottenNext(): number {
    return this.#rowCount === this.capacity ? (this.#segment[this.#oldest] as number) : -1;
  }

  /** A new row for `segment`, empty of times. */
  open(segment: number): number {
    if (this.#rowCount === this.capacity) this.close(this.#oldest);
    let row = this.#free;
    if (row >= 0) this.#free = this.#newer[row] as number;
    else row = this.#allocate();
    this.#rowCount++;
    this.#segment[row] = segment;
    this.#support[row] = 0;
    this.#older[row] = this.#newest;
    this.#newer[row] = -1;
    if (this.#newest >= 0) this.#newer[this.#newest] = row;
    else this.#oldest = row;
    this.#newest = row;
    return row;
  }

  /** How many times a row holds. */
  supportOf(row: number): number {
    return this.#support[row] as number;
  }

  timeOf(row: number, i: number): number {
    return this.#times[row * this.width + i] as number;
  }

  /** Appends a time. The caller guarantees that the row holds fewer than `width`. */
  append(row: number, time: number): void {
    const support = this.#support[row] as number;
    this.#times[row * this.width + support] = time;
    this.#support[row] = support + 1;
  }

  /** Frees a row. */
  close(row: number): void {
    const older = this.#older[row] as number;
    const newer = this.#newer[row] as number;
    if (older >= 0) this.#newer[older] = newer;
    else this.#oldest = newer;
    if (newer >= 0) this.#older[newer] = older;
    else this.#newest = older;
    this.#newer[row] = this.#free;
    this.#free = row;
    this.#rowCount--;
  }

  #allocate(): number {
    const row = this.#allocatedCount++;
    const needed = this.#allocatedCount;
    this.#segment = grownInt32(this.#segment, needed, 0);
    this.#support = grownInt32(this.#support, needed, 0);
    this.#older = grownInt32(this.#older, needed, 0);
    this.#newer = grownInt32(this.#newer, needed, 0);
    this.#times = grownFloat64(this.#times, needed * this.width);
    return row;
  }
}
