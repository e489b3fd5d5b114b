/** One access batch as the bytes of an Arrow IPC stream, and back: what a batch is on the way between processes. */

import { type RecordBatch, RecordBatchReader } from 'apache-arrow';
import { AnteroomError } from '../../engine/errors.ts';
import type { AccessBatch } from '../access-batch.ts';
import { AccessArrowWriter, concatBytes } from './access-arrow-writer.ts';
import { fromRecordBatch } from './record-batch.ts';

/** Ids as they are: they mean something only beside the name tables of the sender. The bytes are a copy. */
export function encodeAccessBatch(batch: AccessBatch): Uint8Array {
  const writer = new AccessArrowWriter({ layout: 'stream', names: null });
  return concatBytes([...writer.write(batch), ...writer.end()]);
}

/**
 * The columns share memory with `bytes` where these are aligned.
 * @throws AnteroomError 'bad-record' for bytes that are not exactly one batch
 */
export function decodeAccessBatch(bytes: Uint8Array): AccessBatch {
  // Arrow's views need eight-byte alignment, which a network does not promise.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  const records: RecordBatch[] = [];
  try {
    for (const record of RecordBatchReader.from(aligned)) records.push(record);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new AnteroomError('bad-record', `access batch: ${message}`, { cause });
  }
  const [record] = records;
  if (record === undefined || records.length !== 1) {
    throw new AnteroomError('bad-record', `access batch: expected one record batch, found ${records.length}`);
  }
  return fromRecordBatch(record);
}
