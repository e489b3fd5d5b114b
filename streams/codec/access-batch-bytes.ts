/** One access batch as the bytes of an Arrow IPC stream, and back: what a batch is on the way between processes. */

import { RecordBatchReader } from 'apache-arrow';
import { assert } from '../../engine/assert.ts';
import { AnteroomError } from '../../engine/errors.ts';
import { AccessBatch, newColumns } from '../access-batch.ts';
import { Operation } from '../operation.ts';
import { AccessArrowWriter, concatBytes } from './access-arrow-writer.ts';
import { fromRecordBatch } from './record-batch.ts';

/** Bytes of a row, all columns together. */
const ROW_BYTES = 8 + 4 + 4 + 4 + 1 + 8 + 8;

/** Ids as they are: they mean something only beside the name tables of the sender. The bytes are a copy, and any Arrow reader takes them. */
export function encodeAccessBatch(batch: AccessBatch): Uint8Array {
  const writer = new AccessArrowWriter({ layout: 'stream', names: null });
  return concatBytes([...writer.write(batch), ...writer.end()]);
}

/**
 * Reads what `encodeAccessBatch` made of `rows` rows from `position` on, and nothing else, from bytes of anybody.
 *
 * Arrow's reader is not given them: damaged metadata makes it loop for ever. The same code that wrote them writes a batch of as many zeros instead,
 * the columns are copied into it, and then all must be equal. So everything but the columns is ours. O(bytes), twice.
 * @throws AnteroomError 'bad-record' for any other bytes
 */
export function decodeAccessBatch(bytes: Uint8Array, position: number, rows: number): AccessBatch {
  const isPossible =
    Number.isSafeInteger(position) &&
    position >= 0 &&
    Number.isSafeInteger(rows) &&
    rows >= 1 &&
    rows * ROW_BYTES <= bytes.length;
  if (!isPossible) throw refused(`${rows} rows from ${position} in ${bytes.length} bytes`);
  const ours = encodeAccessBatch(new AccessBatch(position, newColumns(rows)));
  if (ours.length !== bytes.length) throw refused(`${bytes.length} bytes, not ${ours.length}`);
  const [record] = [...RecordBatchReader.from(ours)];
  const batch = fromRecordBatch(record!);
  for (const column of [batch.timeMs, batch.segment, batch.consumer, batch.site, batch.op, batch.size, batch.weight]) {
    assert(column.buffer === ours.buffer, 'a column of our own bytes is a view of them');
    const { byteOffset, byteLength } = column;
    ours.set(bytes.subarray(byteOffset, byteOffset + byteLength), byteOffset);
  }
  for (let i = 0; i < bytes.length; i++)
    if (bytes[i] !== ours[i]) throw refused(`byte ${i} is not what was to be written there`);
  const { op } = batch;
  for (let row = 0; row < rows; row++)
    if (op[row]! > Operation.other) throw refused(`operation ${op[row]} in row ${row}`);
  return batch;
}

function refused(why: string): AnteroomError {
  return new AnteroomError('bad-record', `access batch: ${why}`);
}
