/** Segments and consumers of a spool that another thread has open, read by who may wait for the disk. */

import { readScratchNow } from '../engine/host/scratch-file.ts';
import { placeOfColumn, type SharedSpool } from './spool.ts';

/** Columns of the same rows, overwritten by the next. */
export interface OrderColumns {
  readonly segment: Uint32Array;
  readonly consumer: Int32Array;
  readonly length: number;
}

/** Rows from a log position on, in order, as many at once as were spooled together. Memory: the two columns of one batch. @throws AnteroomError 'io'. */
export function* orderColumns({ descriptor, entries }: SharedSpool, position: number): Generator<OrderColumns> {
  let room = new ArrayBuffer(0);
  for (const entry of entries) {
    const from = Math.max(0, position - entry.position);
    const rows = entry.rows - from;
    if (rows <= 0) continue;
    if (room.byteLength < 8 * rows) room = new ArrayBuffer(8 * rows);
    const segment = new Uint32Array(room, 0, rows);
    const consumer = new Int32Array(room, 4 * rows, rows);
    for (const [name, column] of [
      ['segment', segment],
      ['consumer', consumer],
    ] as const) {
      const place = placeOfColumn(entry, name);
      if (place.constant !== null) column.fill(place.constant);
      else readScratchNow(descriptor, place.offset + 4 * from, new Uint8Array(room, column.byteOffset, 4 * rows));
    }
    yield { segment, consumer, length: rows };
  }
}
