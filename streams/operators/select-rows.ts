/** Some rows of a batch as a batch of its own. */

import { AccessBatch, newColumns } from '../access-batch.ts';

/**
 * Copies the rows whose numbers are `rows[0..count)`, ascending; the new batch starts at `position`.
 * The caller numbers what it keeps as a log of its own, since the rows of a batch are consecutive. Cost: O(count).
 */
export function selectRows(batch: AccessBatch, rows: Uint32Array, count: number, position: number): AccessBatch {
  const columns = newColumns(count);
  const { timeMs, segment, consumer, site, op, size, weight } = columns;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    timeMs[i] = batch.timeMs[row]!;
    segment[i] = batch.segment[row]!;
    consumer[i] = batch.consumer[row]!;
    site[i] = batch.site[row]!;
    op[i] = batch.op[row]!;
    size[i] = batch.size[row]!;
    weight[i] = batch.weight[row]!;
  }
  return new AccessBatch(position, columns);
}
