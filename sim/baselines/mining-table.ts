/** Rows of access times that are ripe for mining, and the pairwise check that finds which segments keep pace. */

import { assert } from '../../engine/assert.ts';
import type { AssociationTable } from './association-table.ts';

/** When two rows of times are called associated. */
export interface AssociationRule {
  /** How far apart two times of a pair may lie, in accesses. */
  readonly lookaheadRange: number;
  /** How many pairs of times may lie further apart, and by how many times the supports may differ. */
  readonly confidence: number;
}

/**
 * At most `capacity` rows of at most `supportMax` access times, in the order in which the rows came.
 * Fixed memory: capacity x (supportMax + 2) x 8 bytes and a little.
 */
export class MiningTable {
  readonly capacity: number;
  readonly supportMax: number;
  #rowCount = 0;
  readonly #segment: Int32Array;
  readonly #support: Uint8Array;
  readonly #times: Float64Array;
  readonly #order: Float64Array;

  constructor(capacity: number, supportMax: number) {
    this.capacity = capacity;
    this.supportMax = supportMax;
    this.#segment = new Int32Array(capacity);
    this.#support = new Uint8Array(capacity);
    this.#times = new Float64Array(capacity * supportMax);
    this.#order = new Float64Array(capacity);
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  get isFull(): boolean {
    return this.#rowCount === this.capacity;
  }

  segmentOf(row: number): number {
    return this.#segment[row] as number;
  }

  /** A new row for `segment`, empty of times. The caller guarantees that the table is not full. */
  open(segment: number): number {
    assert(this.#rowCount < this.capacity, 'the mining table has room');
    const row = this.#rowCount++;
    this.#segment[row] = segment;
    this.#support[row] = 0;
    return row;
  }

  /** Appends a time; false when the row holds `supportMax` times already, then nothing changes. */
  append(row: number, time: number): boolean {
    const support = this.#support[row] as number;
    if (support === this.supportMax) return false;
    this.#times[row * this.supportMax + support] = time;
    this.#support[row] = support + 1;
    return true;
  }

  /** Takes a row out. The last row moves into its place; returns that row's segment, or -1 when it was the last itself. */
  drop(row: number): number {
    const last = --this.#rowCount;
    if (row === last) return -1;
    const width = this.supportMax;
    this.#segment[row] = this.#segment[last] as number;
    this.#support[row] = this.#support[last] as number;
    this.#times.copyWithin(row * width, last * width, last * width + width);
    return this.#segment[row] as number;
  }

  /**
   * Adds every associated pair to `into`, the earlier segment as the source, and empties the table.
   *
   * Rows are ordered by their first time; a row is compared with those whose first time is at most the lookahead later.
   * Cost: O(rows x rows that start within a lookahead of each other x supportMax).
   */
  mineInto(into: AssociationTable, rule: AssociationRule): void {
    const width = this.supportMax;
    const count = this.#rowCount;
    const times = this.#times;
    // Times are log positions below 2^53 / capacity, so a time and its row fit one exact number and sort without a callback.
    const order = this.#order.subarray(0, count);
    for (let row = 0; row < count; row++) order[row] = (times[row * width] as number) * this.capacity + row;
    order.sort();
    for (let i = 0; i < count - 1; i++) {
      const a = (order[i] as number) % this.capacity;
      const firstMax = (times[a * width] as number) + rule.lookaheadRange;
      let isFirst = true;
      for (let j = i + 1; j < count; j++) {
        const b = (order[j] as number) % this.capacity;
        if ((times[b * width] as number) > firstMax) break;
        if (Math.abs((this.#support[a] as number) - (this.#support[b] as number)) > rule.confidence) continue;
        const isAssociated = this.#keepPace(a, b, rule, isFirst);
        isFirst = false;
        if (isAssociated) into.add(this.#segment[a] as number, this.#segment[b] as number);
      }
    }
    this.#rowCount = 0;
  }

  /**
   * Whether the times of two rows lie within the lookahead of each other, pair by pair. The nearest such row after `a`
   * is taken as it is; a later one only if it once came directly before or after.
   */
  #keepPace(a: number, b: number, rule: AssociationRule, isNearest: boolean): boolean {
    const times = this.#times;
    const support = Math.min(this.#support[a] as number, this.#support[b] as number);
    const startA = a * this.supportMax;
    const startB = b * this.supportMax;
    let isAdjacent = isNearest;
    let farCount = 0;
    for (let k = 0; k < support; k++) {
      const distance = Math.abs((times[startA + k] as number) - (times[startB + k] as number));
      if (distance > rule.lookaheadRange && ++farCount > rule.confidence) return false;
      if (distance === 1) isAdjacent = true;
    }
    return isAdjacent;
  }
}
