import {
  Dictionary,
  Field,
  Int32,
  Int64,
  makeVector,
  type RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Table,
  Uint32,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import type { AccessBatch } from '../../../streams/access-batch.ts';
import { type AccessInterners, readAccessArrow } from '../../../streams/codec/access-arrow-reader.ts';
import { ACCESS_SCHEMA_VERSION, internedSchema, metadataKeys } from '../../../streams/codec/access-schema.ts';
import { fromRecordBatch } from '../../../streams/codec/record-batch.ts';
import { Interner } from '../../../streams/interner.ts';
import { rowsOf } from '../../laws/streams-batches.ts';

const recordOf = (columns: Record<string, Vector>): RecordBatch => new Table(columns).batches[0]!;
const newNames = (): AccessInterners => ({
  segments: new Interner(),
  consumers: new Interner(),
  sites: new Interner(),
});
async function all(batches: AsyncIterable<AccessBatch>): Promise<AccessBatch[]> {
  const list: AccessBatch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

describe('record batch of strangers', () => {
  test('missing columns are absent values', () => {
    const batch = fromRecordBatch(recordOf({ segment: vectorFromArray([4, 2], new Uint32()) }), 70);
    expect(batch.position).toBe(70);
    const row = { timeMs: Number.NaN, consumer: -1, site: -1, op: 0, size: -1, weight: 1 };
    expect(rowsOf([batch])).toEqual([
      { segment: 4, ...row },
      { segment: 2, ...row },
    ]);
  });

  test('nulls are absent values, and other number types are converted', () => {
    const batch = fromRecordBatch(
      recordOf({
        segment: vectorFromArray([1n, 2n, 3n], new Int64()),
        time: vectorFromArray([5n, null, 7n], new Int64()),
        consumer: vectorFromArray([null, 9, null], new Int32()),
        size: vectorFromArray([null, null, null], new Int32()),
        weight: vectorFromArray([null, 3, 4], new Int32()),
      }),
    );
    expect(
      rowsOf([batch]).map(({ timeMs, segment, consumer, size, weight }) => [timeMs, segment, consumer, size, weight]),
    ).toEqual([
      [5, 1, -1, -1, 1],
      [Number.NaN, 2, 9, -1, 3],
      [7, 3, -1, -1, 4],
    ]);
  });

  test('nulls of a slice are those of its own rows', () => {
    const table = new Table({
      segment: vectorFromArray([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], new Uint32()),
      consumer: vectorFromArray([null, 1, null, 3, null, 5, null, 7, null, 9, null], new Int32()),
    });
    const batch = fromRecordBatch(table.batches[0]!.slice(3, 11));
    expect([...batch.segment]).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect([...batch.consumer]).toEqual([3, -1, 5, -1, 7, -1, 9, -1]);
  });

  test('what does not fit is refused with its column and row', () => {
    const segment = vectorFromArray([1, 2], new Uint32());
    for (const [columns, message] of [
      [{ time: segment }, 'Arrow column segment: expected such a column, found none'],
      [
        { segment: vectorFromArray([1, null], new Uint32()) },
        'Arrow column segment: expected a value, found null in row 1',
      ],
      [{ segment: vectorFromArray([1n, -2n], new Int64()) }, 'fits Uint32Array, found -2 in row 1'],
      [{ segment: vectorFromArray(['a', 'b'], new Utf8()) }, 'expected a column of numbers, found Utf8'],
      [{ segment, op: vectorFromArray([0, 4], new Int32()) }, 'an operation code 0..3, found 4 in row 1'],
      [{ segment, op: vectorFromArray([0, 256], new Int32()) }, 'fits Uint8Array, found 256 in row 1'],
    ] as const)
      expect(() => fromRecordBatch(recordOf(columns))).toThrow(message);
  });

  test('a layout of a later version is refused', () => {
    const schema = new Schema(
      internedSchema.fields,
      new Map([[metadataKeys.schema, `access/${ACCESS_SCHEMA_VERSION + 1}`]]),
    );
    const record = recordOf({ segment: makeVector(Uint32Array.of(1)) });
    Object.assign(record, { schema });
    expect(() => fromRecordBatch(record)).toThrow('layout access/2 is not known here');
  });

  test('dictionaries with repeated names, and dictionaries that are replaced, name the right segments', async () => {
    const type = new Dictionary(new Utf8(), new Int32(), 0);
    const schema = new Schema([new Field('segment', type, false)]);
    const part = (indices: readonly number[], names: readonly string[]): RecordBatch => {
      const vector = makeVector({
        type,
        length: indices.length,
        nullCount: 0,
        data: Int32Array.from(indices),
        dictionary: vectorFromArray(names, new Utf8()),
      });
      return new Table(schema, { segment: vector }).batches[0]!;
    };
    const writer = new RecordBatchStreamWriter();
    writer.write(part([0, 1, 2, 2], ['x', 'y', 'x']));
    writer.write(part([0, 1], ['\\xff', 'y']));
    writer.finish();
    const names = newNames();
    const batches = await all(readAccessArrow(await writer.toUint8Array(), names));
    expect(batches.map((batch) => batch.position)).toEqual([0, 4]);
    // A stranger's backslash is a backslash.
    expect(rowsOf(batches).map((row) => names.segments.nameOf(row.segment))).toEqual([
      'x',
      'y',
      'x',
      'x',
      '\\x5cxff',
      'y',
    ]);
  });

  test('an index beyond its dictionary is refused', async () => {
    const type = new Dictionary(new Utf8(), new Int32(), 0);
    const vector = makeVector({
      type,
      length: 1,
      nullCount: 0,
      data: Int32Array.of(7),
      dictionary: vectorFromArray(['x'], new Utf8()),
    });
    const writer = new RecordBatchStreamWriter();
    writer.write(new Table(new Schema([new Field('segment', type, false)]), { segment: vector }));
    writer.finish();
    const reading = all(readAccessArrow(await writer.toUint8Array(), newNames()));
    await expect(reading).rejects.toThrow('Arrow column segment: expected an index below 1, found 7 in row 0');
  });
});
