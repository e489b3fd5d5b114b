/** Rows of several sources in one order that does not depend on how they arrived. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { AccessBatch, newColumns } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';
import { FlowCounts } from './flow-counts.ts';
import type { WatermarkEvent } from './watermark.ts';

/** What an orderer may hold. */
export interface OrderByTimeOptions {
  /** Rows held while they wait for the watermark; beyond it, AnteroomError('limit'). Default 16 Mi. */
  readonly rowsMax?: number;
  /** Books to keep. Nothing is dropped: rows of the kind `late` are not taken in. */
  readonly counts?: FlowCounts;
}

/**
 * Holds rows until the watermark has passed them, then hands them on by time, ties by source, then by order within the source.
 *
 * So two interleavings of the same sources give the same log, as long as no row was late. A late row that was accepted goes
 * out with the next release, its time set to the latest handed on; a row without a time goes with the row before it in its
 * source, and with the first release when there is none.
 * Cost: O(n log n) in the rows released, O(n) where they came in order, and a look at every waiting row at each watermark.
 * Memory: the rows not yet passed, bounded by `rowsMax`.
 */
export class TimeOrderer implements BatchStage<WatermarkEvent, AccessBatch> {
  readonly #rowsMax: number;
  readonly #counts: FlowCounts;
  #held: HeldBatch[] = [];
  #heldRows = 0;
  #position = 0;
  #latestMs = Number.NEGATIVE_INFINITY;
  /** Latest time by source, for rows that have none. */
  readonly #sourceMs = new Map<number, number>();
  #clampedTimeCount = 0;

  constructor(options: OrderByTimeOptions = {}) {
    this.#rowsMax = options.rowsMax ?? 16 << 20;
    this.#counts = options.counts ?? new FlowCounts();
    assert(this.#rowsMax >= 1, `rowsMax ${this.#rowsMax} is not at least 1`);
  }

  /** Accepted late rows whose time was set forward. */
  get clampedTimeCount(): number {
    return this.#clampedTimeCount;
  }

  push(event: WatermarkEvent): readonly AccessBatch[] {
    if (event.kind === 'late') return [];
    if (event.kind === 'watermark') return this.#release(event.atMs);
    const { batch, source } = event;
    this.#counts.inCount += batch.length;
    this.#heldRows += batch.length;
    if (this.#heldRows > this.#rowsMax)
      throw new AnteroomError('limit', `more than ${this.#rowsMax} rows wait for the watermark`, {
        context: { rowsMax: this.#rowsMax },
      });
    let at = this.#sourceMs.get(source) ?? Number.NEGATIVE_INFINITY;
    const keyMs = new Float64Array(batch.length);
    for (let row = 0; row < batch.length; row++) {
      const time = batch.timeMs[row]!;
      if (!Number.isNaN(time)) at = time;
      keyMs[row] = at;
    }
    this.#sourceMs.set(source, at);
    this.#held.push({ source, batch, keyMs });
    return [];
  }

  end(): readonly AccessBatch[] {
    return this.#release(Number.POSITIVE_INFINITY);
  }

  #release(atMs: number): readonly AccessBatch[] {
    // Columns of what may go: its time, its batch and its row there, in order of arrival.
    const keyMs = new Float64Array(this.#heldRows);
    const from = new Uint32Array(this.#heldRows);
    const rows = new Uint32Array(this.#heldRows);
    const held = this.#held;
    let count = 0;
    let isOrdered = true;
    for (let b = 0; b < held.length; b++) {
      const keys = held[b]!.keyMs;
      for (let row = 0; row < keys.length; row++) {
        if (!(keys[row]! < atMs)) continue; // waiting, or NaN: handed on before
        keyMs[count] = keys[row]!;
        from[count] = b;
        // Equal times of two batches may be of two sources: leave those to the sort.
        if (
          count > 0 &&
          !(keyMs[count]! > keyMs[count - 1]! || (keyMs[count] === keyMs[count - 1] && from[count - 1] === b))
        )
          isOrdered = false;
        rows[count++] = row;
        keys[row] = Number.NaN;
      }
    }
    if (count === 0) return [];
    const order = new Uint32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    if (!isOrdered)
      order.sort(
        (a, b) => keyMs[a]! - keyMs[b]! || held[from[a]!]!.source - held[from[b]!]!.source || a - b, // NaN of two infinities is falsy
      );
    const batch = this.#gather(order, from, rows);
    this.#held = held.filter((some) => some.keyMs.some((key) => !Number.isNaN(key)));
    this.#heldRows -= count;
    this.#counts.outCount += count;
    this.#position += count;
    return [batch];
  }

  #gather(order: Uint32Array, from: Uint32Array, rows: Uint32Array): AccessBatch {
    const count = order.length;
    const columns = newColumns(count);
    const { timeMs, segment, consumer, site, op, size, weight } = columns;
    for (let i = 0; i < count; i++) {
      const { batch } = this.#held[from[order[i]!]!]!;
      const row = rows[order[i]!]!;
      let at = batch.timeMs[row]!;
      if (at > this.#latestMs) this.#latestMs = at;
      else if (at < this.#latestMs) {
        at = this.#latestMs;
        this.#clampedTimeCount++;
      }
      timeMs[i] = at;
      segment[i] = batch.segment[row]!;
      consumer[i] = batch.consumer[row]!;
      site[i] = batch.site[row]!;
      op[i] = batch.op[row]!;
      size[i] = batch.size[row]!;
      weight[i] = batch.weight[row]!;
    }
    return new AccessBatch(this.#position, columns);
  }
}

interface HeldBatch {
  readonly source: number;
  readonly batch: AccessBatch;
  /** Time to order by; NaN once handed on. */
  readonly keyMs: Float64Array;
}

/** `TimeOrderer` as an operator. */
export function orderByTime(options: OrderByTimeOptions = {}): OperatorFunction<WatermarkEvent, AccessBatch> {
  return runStage(() => new TimeOrderer(options));
}
