/** The last access of each consumer: where a question about a consumer starts from. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { grownTable } from '../cache-manager/grown-table.ts';

/** Columns by consumer, and one row for accesses of nobody: 16 bytes a consumer, O(1) a row. Instants are ms, or log positions where there is no time. */
export class LatestAccesses {
  #segment = new Int32Array(0);
  #instant = new Float64Array(0);

  observe(batch: AccessBatch): void {
    const { consumer, segment, timeMs, position, length } = batch;
    for (let i = 0; i < length; i++) {
      const row = consumer[i]! + 1;
      if (row >= this.#segment.length) this.#grow(row);
      this.#segment[row] = segment[i]! + 1;
      this.#instant[row] = Number.isNaN(timeMs[i]!) ? position + i : timeMs[i]!;
    }
  }

  /** The last access of a consumer (-1 = of nobody); null where there was none. */
  of(consumer: number): { readonly segment: number; readonly instant: number } | null {
    const row = consumer + 1;
    if (row >= this.#segment.length || this.#segment[row] === 0) return null;
    return { segment: this.#segment[row]! - 1, instant: this.#instant[row]! };
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.#segment = fields.array(this.#segment);
    this.#instant = fields.array(this.#instant);
  }

  #grow(row: number): void {
    this.#segment = grownTable(this.#segment, row);
    this.#instant = grownTable(this.#instant, row);
  }
}
