/** Segment -> the few segments mined as its associates: Mithril's prefetching table. */

import { grownInt32 } from './grown.ts';

/**
 * A list of at most `listSize` targets for each source, oldest first; a new target of a full list replaces the oldest.
 * Memory: `listSize` x 4 bytes for each source that has any. Adding and reading cost O(listSize).
 */
export class AssociationTable {
  readonly listSize: number;
  /** By source: its row, -1 none. */
  #row = new Int32Array(0);
  /** Rows of `listSize` targets, -1 from the first free place on. */
  #targets = new Int32Array(0);
  #rowCount = 0;

  constructor(listSize: number) {
    this.listSize = listSize;
  }

  /** Sources that have targets. */
  get sourceCount(): number {
    return this.#rowCount;
  }

  /** Adds source -> target unless it is there. */
  add(source: number, target: number): void {
    const size = this.listSize;
    if (source >= this.#row.length) this.#row = grownInt32(this.#row, source + 1, -1);
    let row = this.#row[source] as number;
    if (row < 0) {
      row = this.#rowCount++;
      this.#row[source] = row;
      this.#targets = grownInt32(this.#targets, this.#rowCount * size, -1);
    }
    const targets = this.#targets;
    const start = row * size;
    for (let i = start; i < start + size; i++) {
      if (targets[i] === target) return;
      if (targets[i] === -1) {
        targets[i] = target;
        return;
      }
    }
    targets.copyWithin(start, start + 1, start + size);
    targets[start + size - 1] = target;
  }

  /** The `i`-th target of `source`, oldest first; -1 when there is none. */
  targetOf(source: number, i: number): number {
    if (source >= this.#row.length) return -1;
    const row = this.#row[source] as number;
    return row < 0 ? -1 : (this.#targets[row * this.listSize + i] as number);
  }
}
