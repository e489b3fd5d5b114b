/** CacheLib's block traces (Meta's bulk storage): csv with a header, an input or output on part of a block a row. */

import { ABSENT } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import { HeaderColumns } from './header-columns.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  refuseField,
  refuseLine,
  textOf,
  timeMsOf,
  unsignedOf,
} from './line-records.ts';
import { WordCodes } from './word-codes.ts';

const comma = 0x2c;
const fieldsMax = 32;
const verbs = new WordCodes<OperationCode>([
  ['get', Operation.read],
  ['put', Operation.write],
  ['delete', Operation.delete],
]);

/**
 * Columns by name: op_time, block_id, block_id_size, io_size, io_offset, user_name, user_namespace, op_name, op_count,
 * host_name, rs_shard_id.
 *
 * A segment is a block, whole: parts of it are asked for at any offset and length, so parts are no stable unit. The size is that
 * of the part (io_size), the consumer the user, the site the storage host, the weight op_count.
 */
export const cachelibBlock: StreamFormat = {
  kind: 'stream',
  name: 'cachelib-block',
  description: 'CacheLib block trace (csv with header op_time,block_id,block_id_size,io_size,io_offset,...)',
  reference:
    'https://cachelib.org/docs/Cache_Library_User_Guides/Cachebench_FB_HW_eval/ and https://ftp.pdl.cmu.edu/pub/datasets/Baleen24',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(cachelibBlock.name, options, []);
    return new LineRecordDecoder(new CachelibBlockReader().read);
  },
};

class CachelibBlockReader {
  readonly #fields = new Fields(fieldsMax);
  #columnCount = 0;
  #time = -1;
  #block = -1;
  #size = -1;
  #op = -1;
  #opCount = -1;
  #user = -1;
  #host = -1;

  readonly read = (record: LineRecord, sink: AccessSink): boolean => {
    const { bytes, start, end } = record;
    const fields = this.#fields;
    fields.splitAt(bytes, start, end, comma);
    if (this.#columnCount === 0) return this.#readHeader(record, sink);
    const { starts, ends } = fields;
    if (fields.count !== this.#columnCount) {
      const found = `${fields.count} fields in ${textOf(bytes, start, end)}`;
      return refuseLine(record, 1, `${this.#columnCount} fields, as the header has`, found, sink);
    }
    const timeMs = timeMsOf(bytes, starts[this.#time]!, ends[this.#time]!, 1000);
    if (Number.isNaN(timeMs)) return refuseField(record, fields, this.#time, 'a time in seconds', sink);
    const size = unsignedOf(bytes, starts[this.#size]!, ends[this.#size]!);
    if (Number.isNaN(size)) return refuseField(record, fields, this.#size, 'a size in bytes', sink);
    const op = operationOf(bytes, starts[this.#op]!, ends[this.#op]!);
    if (op === null)
      return refuseField(record, fields, this.#op, 'an operation that begins with get, put or delete', sink);
    const opCount = this.#opCount < 0 ? 1 : unsignedOf(bytes, starts[this.#opCount]!, ends[this.#opCount]!);
    if (!(opCount >= 1)) return refuseField(record, fields, this.#opCount, 'a count of operations, at least 1', sink);
    const segment = sink.segments.internBytes(bytes, starts[this.#block]!, ends[this.#block]!);
    const user = this.#user;
    const consumer = user < 0 ? ABSENT : sink.consumers.internBytes(bytes, starts[user]!, ends[user]!);
    const host = this.#host;
    const site = host < 0 ? ABSENT : sink.sites.internBytes(bytes, starts[host]!, ends[host]!);
    sink.append(timeMs, segment, consumer, site, op, size, opCount);
    return true;
  };

  #readHeader(record: LineRecord, sink: AccessSink): boolean {
    const columns = new HeaderColumns(record.bytes, this.#fields);
    this.#time = columns.indexOf('op_time');
    this.#block = columns.indexOf('block_id');
    this.#size = columns.indexOf('io_size');
    this.#op = columns.indexOf('op_name');
    this.#opCount = columns.indexOf('op_count');
    this.#user = columns.indexOf('user_name');
    this.#host = columns.indexOf('host_name');
    if (columns.count > fieldsMax || this.#time < 0 || this.#block < 0 || this.#size < 0 || this.#op < 0) {
      const found = textOf(record.bytes, record.start, record.end);
      return refuseLine(record, 1, 'a header that names op_time, block_id, io_size and op_name', found, sink);
    }
    this.#columnCount = columns.count;
    return false;
  }
}

/** `getChunkData.Permanent`, `putChunk.NotInitialized`: the verb, which ends at the first capital, says what happened to the block. */
function operationOf(bytes: Uint8Array, start: number, end: number): OperationCode | null {
  let verbEnd = start;
  while (verbEnd < end && bytes[verbEnd]! >= 0x61 && bytes[verbEnd]! <= 0x7a) verbEnd++;
  return verbs.codeOf(bytes, start, verbEnd);
}

function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldsMax);
  let score = 0;
  lookAtLines(head, isWhole, 1, (bytes, start, end) => {
    fields.splitAt(bytes, start, end, comma);
    const columns = new HeaderColumns(bytes, fields);
    const isNamed = ['op_time', 'block_id', 'io_size', 'io_offset', 'op_name'].every(
      (name) => columns.indexOf(name) >= 0,
    );
    score = isNamed ? 0.98 : 0;
    return true;
  });
  return score;
}
