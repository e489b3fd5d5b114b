/** The rows of batches in windows of equal length, each with some rows of the next. */

import type { OrderColumns } from '../../streams/spool-rows.ts';

/** Rows of the next window that can be looked at. */
const BEHIND = 16;

/** Columns of a window, overwritten by the next; rows behind `count` are of the next, as far as there are any. */
export interface RowWindow {
  readonly segment: Uint32Array;
  readonly consumer: Int32Array;
  readonly count: number;
}

/** Windows of `rowCount` rows over batches cut anyhow; the last may be shorter. */
export class RowWindows {
  readonly #rowCount: number;
  readonly #segment: Uint32Array;
  readonly #consumer: Int32Array;

  constructor(rowCount: number) {
    this.#rowCount = rowCount;
    this.#segment = new Uint32Array(rowCount + BEHIND);
    this.#consumer = new Int32Array(rowCount + BEHIND);
  }

  *of(batches: Iterable<OrderColumns>): Generator<RowWindow> {
    const rowCount = this.#rowCount;
    const whole = rowCount + BEHIND;
    const segment = this.#segment;
    const consumer = this.#consumer;
    let filled = 0;
    for (const batch of batches) {
      for (let from = 0; from < batch.length; ) {
        const to = Math.min(batch.length, from + whole - filled);
        segment.set(batch.segment.subarray(from, to), filled);
        consumer.set(batch.consumer.subarray(from, to), filled);
        filled += to - from;
        from = to;
        if (filled < whole) continue;
        yield { segment, consumer, count: rowCount };
        segment.copyWithin(0, rowCount);
        consumer.copyWithin(0, rowCount);
        filled = BEHIND;
      }
    }
    for (; filled > 0; filled -= Math.min(filled, rowCount)) {
      yield { segment, consumer, count: Math.min(filled, rowCount) };
      segment.copyWithin(0, rowCount);
      consumer.copyWithin(0, rowCount);
    }
  }
}
