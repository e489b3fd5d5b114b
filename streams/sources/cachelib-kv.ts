/** CacheLib's key-value traces: csv with a header, a row for `op_count` equal operations. */

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

const operations = new WordCodes<OperationCode>([
  ['GET', Operation.read],
  ['GETS', Operation.read],
  ['GET_LEASE', Operation.read],
  ['GET_METADATA', Operation.read],
  ['SET', Operation.write],
  ['SET_LEASE', Operation.write],
  ['ADD', Operation.write],
  ['REPLACE', Operation.write],
  ['CAS', Operation.write],
  ['APPEND', Operation.write],
  ['PREPEND', Operation.write],
  ['INCR', Operation.write],
  ['DECR', Operation.write],
  ['TOUCH', Operation.other],
  ['DELETE', Operation.delete],
]);

/**
 * Columns by name: op_time, key, key_size, op, op_count, size, cache_hits, ttl, usecase, sub_usecase; the older releases have
 * key, op, size, op_count, key_size and no time.
 *
 * A row becomes one access whose weight is its op_count: the operations share a second, so their order is not known, and
 * repeating the key at once would only invent hits. The consumer is the use case. The size is key plus value, which is what a
 * cache stores; a read of value size 0 found nothing, so its size is unknown.
 */
export const cachelibKv: StreamFormat = {
  kind: 'stream',
  name: 'cachelib-kv',
  description: 'CacheLib key-value trace (csv with header op_time,key,key_size,op,op_count,size,...)',
  reference: 'https://cachelib.org/docs/Cache_Library_User_Guides/Cachebench_FB_HW_eval/',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(cachelibKv.name, options, []);
    return new LineRecordDecoder(new CachelibKvReader().read);
  },
};

class CachelibKvReader {
  readonly #fields = new Fields(fieldsMax);
  #columnCount = 0;
  #time = -1;
  #key = -1;
  #keySize = -1;
  #op = -1;
  #opCount = -1;
  #size = -1;
  #usecase = -1;

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
    const time = this.#time;
    const timeMs = time < 0 ? Number.NaN : timeMsOf(bytes, starts[time]!, ends[time]!, 1000);
    if (time >= 0 && Number.isNaN(timeMs)) return refuseField(record, fields, time, 'a time in seconds', sink);
    const op = operations.codeOf(bytes, starts[this.#op]!, ends[this.#op]!);
    if (op === null) return refuseField(record, fields, this.#op, `one of ${operations.words}`, sink);
    const valueSize = unsignedOf(bytes, starts[this.#size]!, ends[this.#size]!);
    if (Number.isNaN(valueSize)) return refuseField(record, fields, this.#size, 'the size of the value in bytes', sink);
    const keySize = this.#keySize < 0 ? 0 : unsignedOf(bytes, starts[this.#keySize]!, ends[this.#keySize]!);
    if (Number.isNaN(keySize)) return refuseField(record, fields, this.#keySize, 'the size of the key in bytes', sink);
    const opCount = this.#opCount < 0 ? 1 : unsignedOf(bytes, starts[this.#opCount]!, ends[this.#opCount]!);
    if (!(opCount >= 1)) return refuseField(record, fields, this.#opCount, 'a count of operations, at least 1', sink);
    const segment = sink.segments.internBytes(bytes, starts[this.#key]!, ends[this.#key]!);
    const usecase = this.#usecase;
    const consumer = usecase < 0 ? ABSENT : sink.consumers.internBytes(bytes, starts[usecase]!, ends[usecase]!);
    const size = op === Operation.read && valueSize === 0 ? -1 : keySize + valueSize;
    sink.append(timeMs, segment, consumer, ABSENT, op, size, opCount);
    return true;
  };

  #readHeader(record: LineRecord, sink: AccessSink): boolean {
    const columns = new HeaderColumns(record.bytes, this.#fields);
    this.#time = columns.indexOf('op_time');
    this.#key = columns.indexOf('key');
    this.#keySize = columns.indexOf('key_size');
    this.#op = columns.indexOf('op');
    this.#opCount = columns.indexOf('op_count');
    this.#size = columns.indexOf('size');
    this.#usecase = columns.indexOf('usecase');
    if (columns.count > fieldsMax || this.#key < 0 || this.#op < 0 || this.#size < 0) {
      const found = textOf(record.bytes, record.start, record.end);
      return refuseLine(record, 1, 'a header that names key, op and size', found, sink);
    }
    this.#columnCount = columns.count;
    return false;
  }
}

function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(fieldsMax);
  let score = 0;
  lookAtLines(head, isWhole, 1, (bytes, start, end) => {
    fields.splitAt(bytes, start, end, comma);
    const columns = new HeaderColumns(bytes, fields);
    const isNamed = ['key', 'op', 'size', 'op_count', 'key_size'].every((name) => columns.indexOf(name) >= 0);
    score = isNamed ? 0.98 : 0;
    return true;
  });
  return score;
}
