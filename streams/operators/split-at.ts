/** Cuts a stream of batches at multiples of an interval of event time or log position, with a tick at each cut. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';

/** Where to cut; exactly one of the two, a whole number. */
export type SplitInterval = { readonly everyMs: number } | { readonly everyRows: number };

/** Rows between two ticks, or a tick: all rows before `at` have been seen, none from `at` on. */
export type SplitEvent =
  | { readonly kind: 'batch'; readonly batch: AccessBatch }
  | {
      readonly kind: 'tick';
      /** The boundary: ms of event time, or a log position; a multiple of the interval. */
      readonly at: number;
      /** Earlier boundaries since the last tick (or the first row) that no row lies between: one tick stands for them all. */
      readonly skippedCount: number;
    };

/**
 * Splits batches at boundaries, so that what happens per interval never depends on how rows were batched.
 *
 * A tick comes just before the first row at or past its boundary; none comes before the first row, and the end of the stream
 * is not a boundary. A gap gives one tick, for its last boundary. In event time a row without a time belongs to the row
 * before it; a stream without times never ticks. The caller guarantees that times do not decrease.
 * Cost: O(1) for a batch within one interval, else one pass over its times.
 */
export class BatchSplitter implements BatchStage<AccessBatch, SplitEvent> {
  readonly #isByTime: boolean;
  readonly #every: number;
  /** First boundary not yet ticked; NaN before the first row. */
  #next = Number.NaN;

  constructor(interval: SplitInterval) {
    this.#isByTime = 'everyMs' in interval;
    this.#every = 'everyMs' in interval ? interval.everyMs : interval.everyRows;
    // Whole milliseconds keep every boundary exact; fractions would put a row on the wrong side of its own tick.
    assert(
      Number.isSafeInteger(this.#every) && this.#every >= 1,
      `an interval is a whole number from 1 on, not ${this.#every}`,
    );
  }

  push(batch: AccessBatch): readonly SplitEvent[] {
    const events: SplitEvent[] = [];
    let start = 0;
    for (;;) {
      const cut = this.#isByTime ? this.#cutByTime(batch, start) : this.#cutByPosition(batch, start);
      if (cut > start) events.push({ kind: 'batch', batch: batch.slice(start, cut) });
      if (cut === batch.length) return events;
      const now = this.#isByTime ? batch.timeMs[cut]! : batch.position + cut;
      events.push(this.#tick(now));
      start = cut;
    }
  }

  end(): readonly SplitEvent[] {
    return [];
  }

  /** Everything but what the settings give: #isByTime, #every. */
  persist(fields: StateFields): void {
    this.#next = fields.number(this.#next);
  }

  #tick(now: number): SplitEvent {
    const at = boundaryAtOrBefore(now, this.#every);
    const skippedCount = (at - this.#next) / this.#every;
    this.#next = at + this.#every;
    return { kind: 'tick', at, skippedCount };
  }

  /** First row from `start` on at or past the next boundary, or the length. */
  #cutByTime(batch: AccessBatch, start: number): number {
    const { timeMs, length } = batch;
    let row = start;
    if (Number.isNaN(this.#next)) {
      while (row < length && Number.isNaN(timeMs[row]!)) row++;
      if (row === length) return length;
      this.#next = boundaryAtOrBefore(timeMs[row]!, this.#every) + this.#every;
    }
    if (timeMs[length - 1]! < this.#next) return length;
    while (row < length && !(timeMs[row]! >= this.#next)) row++;
    return row;
  }

  #cutByPosition(batch: AccessBatch, start: number): number {
    if (Number.isNaN(this.#next)) this.#next = boundaryAtOrBefore(batch.position, this.#every) + this.#every;
    return Math.max(start, Math.min(batch.length, this.#next - batch.position));
  }
}

/** The last multiple of `every` that is not after `now`; both below 2^53. */
export function boundaryAtOrBefore(now: number, every: number): number {
  const at = Math.floor(now / every) * every;
  return at > now ? at - every : at; // the quotient may have been rounded up to the next whole number
}

/** `BatchSplitter` as an operator. */
export function splitAt(interval: SplitInterval): OperatorFunction<AccessBatch, SplitEvent> {
  return runStage(() => new BatchSplitter(interval));
}
