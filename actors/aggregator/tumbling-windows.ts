/** Aggregates by segment over tumbling windows of event time (or log position). */

import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { KeyedAggregate, type KeyedAggregateColumns } from './keyed-aggregate.ts';

/** One closed window: accesses with an instant in [start, end). */
export interface WindowAggregates {
  readonly start: number;
  readonly end: number;
  readonly aggregates: KeyedAggregateColumns;
}

/**
 * Cuts accesses into windows [n x width, (n + 1) x width) and hands over each when the first access beyond it arrives.
 *
 * A batch is cut by binary search, since times never decrease, so rows pay nothing for the windows. A window without
 * accesses is not handed over. An access without a time belongs to its log position on a trace that has none; the axis is
 * chosen by the first access, and a time missing afterwards is the latest one.
 */
export class TumblingWindows {
  readonly #width: number;
  readonly #halfLife: number;
  readonly #onWindow: (window: WindowAggregates) => void;
  readonly #table: KeyedAggregate;
  #index = Number.NaN;
  #usesTime: boolean | null = null;
  #latest = -Infinity;

  /** `width`, `halfLife`: ms of event time, or accesses on a trace without time. */
  constructor(options: {
    readonly width: number;
    readonly halfLife: number;
    readonly layout?: 'hashed' | 'dense';
    readonly keysMax?: number;
    readonly onWindow: (window: WindowAggregates) => void;
  }) {
    assert(options.width > 0 && options.halfLife > 0, 'width and half-life of a window are positive');
    this.#width = options.width;
    this.#halfLife = options.halfLife;
    this.#onWindow = options.onWindow;
    this.#table = new KeyedAggregate({
      layout: options.layout ?? 'dense',
      ...(options.keysMax === undefined ? {} : { keysMax: options.keysMax }),
    });
  }

  /** Adds the accesses of `batch`, handing over every window that it closes. */
  observe(batch: AccessBatch): void {
    const instant = this.#instants(batch);
    let from = 0;
    while (from < batch.length) {
      const index = Math.floor(instant[from]! / this.#width);
      if (index !== this.#index) {
        this.flush();
        this.#index = index;
      }
      const to = firstAtOrAfter(instant, from, batch.length, (index + 1) * this.#width);
      const end = (index + 1) * this.#width;
      this.#table.observe(batch.segment, instant, batch.size, batch.weight, from, to, end, this.#halfLife);
      from = to;
    }
  }

  /** Hands over the open window, if it holds anything. Call at the end of the log. */
  flush(): void {
    if (this.#table.keyCount === 0) return;
    const start = this.#index * this.#width;
    this.#onWindow({ start, end: start + this.#width, aggregates: this.#table.columns() });
    this.#table.clear();
  }

  /** The batch's times where it has all of them, in order; else a repaired copy. */
  #instants(batch: AccessBatch): Float64Array {
    if (batch.length === 0) return batch.timeMs;
    if (this.#usesTime === null) this.#usesTime = !Number.isNaN(batch.timeMs[0]!);
    let latest = this.#latest;
    let isClean = this.#usesTime;
    const { timeMs } = batch;
    const length = batch.length | 0;
    for (let i = 0; isClean && i < length; i++) {
      const t = timeMs[i]!;
      if (!(t >= latest)) isClean = false;
      latest = t;
    }
    if (isClean) {
      this.#latest = latest;
      return batch.timeMs;
    }
    const usesTime = this.#usesTime;
    latest = this.#latest;
    const repaired = Float64Array.from(batch.timeMs, (t, i) => {
      const own = usesTime ? t : batch.position + i;
      if (own > latest) latest = own;
      return latest;
    });
    this.#latest = latest;
    return repaired;
  }
}

function firstAtOrAfter(instant: Float64Array, from: number, to: number, limit: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (instant[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  // A width so small that the window's end rounds to its start still has to move on.
  return low > from ? low : from + 1;
}
