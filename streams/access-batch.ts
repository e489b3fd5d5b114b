/** Many accesses as columns: the unit in which access events move. */

import { assert } from '../engine/assert.ts';

/** Consumer or site of an access that names none. */
export const ABSENT = -1;

/**
 * The farthest that a time may lie from the epoch, in ms. Below 2^53, so that hours and intervals can be counted exactly: further out
 * `time + interval` may be `time`, and whoever goes on by intervals never arrives. And within the dates of ECMAScript, hours around included.
 */
export const TIME_MS_MAX = 8e15;

/** Whether `timeMs` is a time that an access may have; NaN, which says that it has none, is not. */
export function isTime(timeMs: number): boolean {
  return timeMs <= TIME_MS_MAX && timeMs >= -TIME_MS_MAX;
}

/** The columns of a batch; all of one length. */
export interface AccessColumns {
  /** Milliseconds, at most `TIME_MS_MAX` from the epoch, fractions allowed; NaN where the source has no time. Never decreases within a trace. */
  readonly timeMs: Float64Array;
  /** Dense segment id, by first appearance at the edge: a handle only, its order means nothing (see streams/README.md). */
  readonly segment: Uint32Array;
  /** Dense consumer id, or -1. */
  readonly consumer: Int32Array;
  /** Dense site (region) id, or -1. */
  readonly site: Int32Array;
  /** `Operation` code. */
  readonly op: Uint8Array;
  /** Bytes, or -1 where unknown. */
  readonly size: Float64Array;
  /** How many accesses a counted row stands for; 1 where the source does not count. */
  readonly weight: Float64Array;
}

/** Columns of `rows` rows for whoever fills them before they become a batch; zero until then. */
export function newColumns(rows: number): AccessColumns {
  return {
    timeMs: new Float64Array(rows),
    segment: new Uint32Array(rows),
    consumer: new Int32Array(rows),
    site: new Int32Array(rows),
    op: new Uint8Array(rows),
    size: new Float64Array(rows),
    weight: new Float64Array(rows),
  };
}

/**
 * An immutable run of consecutive accesses of one trace or stream.
 *
 * Rows are columns over typed arrays so that a hot loop reads them without objects; `slice` shares memory.
 */
export class AccessBatch implements AccessColumns {
  /** Log position of the first row: the count of accesses before it. */
  readonly position: number;
  readonly length: number;
  readonly timeMs: Float64Array;
  readonly segment: Uint32Array;
  readonly consumer: Int32Array;
  readonly site: Int32Array;
  readonly op: Uint8Array;
  readonly size: Float64Array;
  readonly weight: Float64Array;

  constructor(position: number, columns: AccessColumns) {
    const length = columns.segment.length;
    for (const column of [columns.timeMs, columns.consumer, columns.site, columns.op, columns.size, columns.weight]) {
      assert(column.length === length, `every column has ${length} rows, one has ${column.length}`);
    }
    this.position = position;
    this.length = length;
    this.timeMs = columns.timeMs;
    this.segment = columns.segment;
    this.consumer = columns.consumer;
    this.site = columns.site;
    this.op = columns.op;
    this.size = columns.size;
    this.weight = columns.weight;
  }

  /** The same rows with other columns in the place of some, or at another log position. Columns are shared, not copied. */
  with(columns: Partial<AccessColumns>, position = this.position): AccessBatch {
    const { timeMs, segment, consumer, site, op, size, weight } = this;
    return new AccessBatch(position, { timeMs, segment, consumer, site, op, size, weight, ...columns });
  }

  /** Rows [start, end) without copying. */
  slice(start: number, end: number): AccessBatch {
    assert(start >= 0 && start <= end && end <= this.length, `slice ${start}..${end} of ${this.length} rows`);
    if (start === 0 && end === this.length) return this;
    return new AccessBatch(this.position + start, {
      timeMs: this.timeMs.subarray(start, end),
      segment: this.segment.subarray(start, end),
      consumer: this.consumer.subarray(start, end),
      site: this.site.subarray(start, end),
      op: this.op.subarray(start, end),
      size: this.size.subarray(start, end),
      weight: this.weight.subarray(start, end),
    });
  }
}
