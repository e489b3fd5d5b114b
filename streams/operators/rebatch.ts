/** Batches of one chosen size out of batches of any. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import { AccessBatch, newColumns } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';

/**
 * Hands on the same rows in batches of `rowsMax`; only the last is shorter, and one before a gap in log positions, since the
 * rows of a batch are consecutive. Slices where a batch is long enough, copies each row at most once where it must join.
 */
export class Rebatcher implements BatchStage<AccessBatch, AccessBatch> {
  readonly #rowsMax: number;
  #held: AccessBatch[] = [];
  #heldRows = 0;

  constructor(rowsMax: number) {
    assert(Number.isInteger(rowsMax) && rowsMax >= 1, `rowsMax ${rowsMax} is not a count of rows`);
    this.#rowsMax = rowsMax;
  }

  push(batch: AccessBatch): readonly AccessBatch[] {
    const out: AccessBatch[] = [];
    const last = this.#held.at(-1);
    if (last !== undefined && last.position + last.length !== batch.position) this.#flush(out);
    let start = 0;
    while (start < batch.length) {
      const end = Math.min(batch.length, start + this.#rowsMax - this.#heldRows);
      this.#held.push(batch.slice(start, end));
      this.#heldRows += end - start;
      start = end;
      if (this.#heldRows === this.#rowsMax) this.#flush(out);
    }
    return out;
  }

  end(): readonly AccessBatch[] {
    const out: AccessBatch[] = [];
    this.#flush(out);
    return out;
  }

  #flush(out: AccessBatch[]): void {
    if (this.#heldRows === 0) return;
    out.push(joined(this.#held, this.#heldRows));
    this.#held = [];
    this.#heldRows = 0;
  }
}

/** Consecutive batches as one; `rows` is the sum of their lengths. */
function joined(batches: readonly AccessBatch[], rows: number): AccessBatch {
  if (batches.length === 1) return batches[0]!;
  const columns = newColumns(rows);
  let at = 0;
  for (const batch of batches) {
    columns.timeMs.set(batch.timeMs, at);
    columns.segment.set(batch.segment, at);
    columns.consumer.set(batch.consumer, at);
    columns.site.set(batch.site, at);
    columns.op.set(batch.op, at);
    columns.size.set(batch.size, at);
    columns.weight.set(batch.weight, at);
    at += batch.length;
  }
  return new AccessBatch(batches[0]!.position, columns);
}

/** `Rebatcher` as an operator. */
export function rebatch(rowsMax: number): OperatorFunction<AccessBatch, AccessBatch> {
  return runStage(() => new Rebatcher(rowsMax));
}
