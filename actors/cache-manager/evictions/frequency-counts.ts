/** How often each segment was demanded of late: TinyLFU's counters, exact because ids are dense. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';

const countMax = 15;
const countBits = 4;
const ageMask = 0xfffffff;

/**
 * Counts to 15; every `age` halves all of them, rounding down, in O(1): a segment's count is stored with the age in which it
 * was last written and halved for each age since when it is next read.
 */
export class FrequencyCounts {
  /** Age (28 bits) over count (4 bits). */
  #counts: Int32Array;
  #age = 0;

  constructor(segmentLimit: number) {
    this.#counts = new Int32Array(segmentLimit);
  }

  fit(segmentLimit: number): void {
    this.#counts = grownTable(this.#counts, segmentLimit);
  }

  of(segment: number): number {
    const stored = this.#counts[segment];
    const ages = (this.#age - (stored >>> countBits)) & ageMask;
    return ages > countBits ? 0 : (stored & countMax) >> ages;
  }

  increment(segment: number): void {
    const count = this.of(segment);
    this.#counts[segment] = (this.#age << countBits) | (count < countMax ? count + 1 : countMax);
  }

  /** Halves every count. The age wraps after 2^28 halvings, billions of accesses. */
  age(): void {
    this.#age = (this.#age + 1) & ageMask;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#counts = fields.array(this.#counts);
    this.#age = fields.number(this.#age);
  }
}
