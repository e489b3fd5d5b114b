/** Twitter's cache traces (Twemcache and Pelikan clusters, 2020): csv without a header, seven fields a request. */

import { ABSENT, isTime } from '../access-batch.ts';
import type { AccessSink } from '../access-sink.ts';
import type { FormatOptions, StreamFormat } from '../format.ts';
import { Operation, type OperationCode } from '../operation.ts';
import { refuseOtherOptions } from './format-options.ts';
import {
  Fields,
  type LineRecord,
  LineRecordDecoder,
  lookAtLines,
  refuseField,
  refuseLine,
  textOf,
  unsignedOf,
} from './line-records.ts';
import { WordCodes } from './word-codes.ts';

const fieldCount = 7;
const comma = 0x2c;
const linesLookedAt = 64;

const operations = new WordCodes<OperationCode>([
  ['get', Operation.read],
  ['gets', Operation.read],
  ['set', Operation.write],
  ['add', Operation.write],
  ['replace', Operation.write],
  ['cas', Operation.write],
  ['append', Operation.write],
  ['prepend', Operation.write],
  ['incr', Operation.write],
  ['decr', Operation.write],
  ['delete', Operation.delete],
]);

/**
 * Fields: timestamp in seconds, anonymized key, key size, value size, client id, operation, TTL.
 *
 * The size of an access is key plus value, which is what a cache stores; a read whose value size is 0 found nothing, so its
 * size is unknown. Keys may hold commas: the last five fields and the first are fixed, what lies between is the key.
 */
export const twitter: StreamFormat = {
  kind: 'stream',
  name: 'twitter',
  description: "Twitter's production cache traces (csv: time, key, key size, value size, client, operation, TTL)",
  reference: 'https://github.com/twitter/cache-trace, README.md',
  addressBytes: null,
  detect,
  decoder(options: FormatOptions) {
    refuseOtherOptions(twitter.name, options, []);
    const fields = new Fields(64);
    return new LineRecordDecoder((record, sink) => readLine(record, fields, sink));
  },
};

function readLine(record: LineRecord, fields: Fields, sink: AccessSink): boolean {
  const { bytes, start, end } = record;
  fields.splitAt(bytes, start, end, comma);
  const count = fields.count;
  if (count < fieldCount || count > fields.starts.length) {
    const expected = 'time,key,key size,value size,client,operation,TTL';
    return refuseLine(record, 1, expected, `${count} fields in ${textOf(bytes, start, end)}`, sink);
  }
  const { starts, ends } = fields;
  const timeMs = unsignedOf(bytes, starts[0]!, ends[0]!) * 1000;
  if (!isTime(timeMs)) return refuseField(record, fields, 0, 'a timestamp in whole seconds', sink);
  const keySize = unsignedOf(bytes, starts[count - 5]!, ends[count - 5]!);
  if (Number.isNaN(keySize)) return refuseField(record, fields, count - 5, 'the size of the key in bytes', sink);
  const valueSize = unsignedOf(bytes, starts[count - 4]!, ends[count - 4]!);
  if (Number.isNaN(valueSize)) return refuseField(record, fields, count - 4, 'the size of the value in bytes', sink);
  const op = operations.codeOf(bytes, starts[count - 2]!, ends[count - 2]!);
  if (op === null) return refuseField(record, fields, count - 2, `one of ${operations.words}`, sink);
  if (Number.isNaN(unsignedOf(bytes, starts[count - 1]!, ends[count - 1]!)))
    return refuseField(record, fields, count - 1, 'a TTL in seconds', sink);
  const segment = sink.segments.internBytes(bytes, starts[1]!, ends[count - 6]!);
  const consumer = sink.consumers.internBytes(bytes, starts[count - 3]!, ends[count - 3]!);
  const size = op === Operation.read && valueSize === 0 ? -1 : keySize + valueSize;
  sink.append(timeMs, segment, consumer, ABSENT, op, size, 1);
  return true;
}

function detect(head: Uint8Array, isWhole: boolean): number {
  const fields = new Fields(64);
  const { isEvery } = lookAtLines(head, isWhole, linesLookedAt, (bytes, start, end) => {
    fields.splitAt(bytes, start, end, comma);
    const { starts, ends, count } = fields;
    if (count < fieldCount || count > starts.length) return false;
    return (
      !Number.isNaN(unsignedOf(bytes, starts[0]!, ends[0]!)) &&
      !Number.isNaN(unsignedOf(bytes, starts[count - 5]!, ends[count - 5]!)) &&
      !Number.isNaN(unsignedOf(bytes, starts[count - 4]!, ends[count - 4]!)) &&
      operations.codeOf(bytes, starts[count - 2]!, ends[count - 2]!) !== null &&
      !Number.isNaN(unsignedOf(bytes, starts[count - 1]!, ends[count - 1]!))
    );
  });
  return isEvery ? 0.95 : 0;
}
