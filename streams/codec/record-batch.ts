/** An access batch as an Arrow record batch and back, sharing memory wherever the types agree. */

import { type Data, type DataType, makeData, RecordBatch, type Schema, Struct, Type } from 'apache-arrow';
import { AnteroomError } from '../../engine/errors.ts';
import { AccessBatch, type AccessColumns } from '../access-batch.ts';
import { Operation } from '../operation.ts';
import { ACCESS_SCHEMA_VERSION, internedSchema, metadataKeys } from './access-schema.ts';

/** The batch with its ids as they are, without copying: the record batch is valid as long as the batch is. */
export function toRecordBatch(batch: AccessBatch): RecordBatch {
  return assembled(internedSchema, batch, [
    makeData({ type: internedSchema.fields[1]!.type, length: batch.length, nullCount: 0, data: batch.segment }),
    makeData({ type: internedSchema.fields[2]!.type, length: batch.length, nullCount: 0, data: batch.consumer }),
    makeData({ type: internedSchema.fields[3]!.type, length: batch.length, nullCount: 0, data: batch.site }),
  ]);
}

/** A record batch of `schema` with the given columns for segment, consumer and site, and the plain columns of `batch`. */
export function assembled(schema: Schema, batch: AccessBatch, ids: readonly Data[]): RecordBatch {
  const { length } = batch;
  const plain = (field: number, data: Float64Array | Uint8Array): Data =>
    makeData({ type: schema.fields[field]!.type, length, nullCount: 0, data });
  const children = [plain(0, batch.timeMs), ...ids, plain(4, batch.op), plain(5, batch.size), plain(6, batch.weight)];
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length, nullCount: 0, children }),
    new Map([[metadataKeys.position, String(batch.position)]]),
  );
}

/**
 * The rows of a record batch. Columns are found by the names of `internedSchema`; all but `segment` may be missing and are
 * then absent (weight 1, op read). A column of the right type without nulls is shared, any other number column is converted,
 * a null becomes the column's value for absent. Of a dictionary column the indices are taken: `AccessArrowReader` maps them.
 *
 * @param position log position of the first row, where the record batch does not say.
 * @throws AnteroomError('bad-record') for a missing or null segment, a column that is no number, a number outside its column,
 *   'unsupported' for a layout of a later version.
 */
export function fromRecordBatch(record: RecordBatch, position = 0): AccessBatch {
  checkVersion(record.schema);
  const rows = record.numRows;
  const said = record.metadata.get(metadataKeys.position);
  const columns: AccessColumns = {
    timeMs: column(record, 'time', Float64Array, Number.NaN),
    segment: column(record, 'segment', Uint32Array, null),
    consumer: column(record, 'consumer', Int32Array, -1),
    site: column(record, 'site', Int32Array, -1),
    op: column(record, 'op', Uint8Array, 0),
    size: column(record, 'size', Float64Array, -1),
    weight: column(record, 'weight', Float64Array, 1),
  };
  const { op } = columns;
  for (let row = 0; row < rows; row++)
    if (op[row]! > Operation.other) throw badColumn('op', `an operation code 0..3, found ${op[row]} in row ${row}`);
  const at = said === undefined ? position : Number(said);
  if (!Number.isSafeInteger(at) || at < 0)
    throw badColumn(metadataKeys.position, `a log position, found ${JSON.stringify(said)}`);
  return new AccessBatch(at, columns);
}

/** Refuses a layout later than this code; a foreign schema says nothing and passes. */
export function checkVersion(schema: Schema): void {
  const layout = schema.metadata.get(metadataKeys.schema);
  if (layout === undefined) return;
  const match = /^access\/(\d+)$/.exec(layout);
  if (match === null || Number(match[1]) > ACCESS_SCHEMA_VERSION)
    throw new AnteroomError('unsupported', `layout ${layout} is not known here: expected access/1`, {
      context: { layout },
    });
}

/** Typed arrays that hold a column of a batch. */
type ColumnArray = Float64Array | Uint32Array | Int32Array | Uint8Array;
interface ColumnType<T extends ColumnArray> {
  new (length: number): T;
  readonly name: string;
}

function column<T extends ColumnArray>(
  record: RecordBatch,
  name: string,
  arrayType: ColumnType<T>,
  absent: number | null,
): T {
  const index = record.schema.fields.findIndex((field) => field.name === name);
  const rows = record.numRows;
  if (index < 0) {
    if (absent === null) throw badColumn(name, 'such a column, found none');
    const filled = new arrayType(rows);
    filled.fill(absent);
    return filled;
  }
  const data = record.data.children[index]!;
  const isDictionary = data.typeId === Type.Dictionary;
  const type: DataType = isDictionary ? (data.type as unknown as { readonly indices: DataType }).indices : data.type;
  if (type.typeId !== Type.Int && type.typeId !== Type.Float)
    throw badColumn(name, `a column of numbers, found ${type.toString()}`);
  const values = data.values as ColumnArray | BigInt64Array | BigUint64Array | Uint16Array;
  if (type.typeId === Type.Float && values instanceof Uint16Array)
    throw badColumn(name, 'a column of at least 32-bit floats, found Float16');
  // An empty column may come without any buffer.
  if (values instanceof arrayType && data.nullCount === 0 && values.length >= rows)
    return values.length === rows ? values : (values.subarray(0, rows) as T);

  const copy = new arrayType(rows);
  const valid = data.nullCount > 0 ? data.nullBitmap : null;
  for (let row = 0; row < rows; row++) {
    const bit = data.offset + row;
    if (valid !== null && (valid[bit >> 3]! & (1 << (bit & 7))) === 0) {
      if (absent === null) throw badColumn(name, `a value, found null in row ${row}`);
      copy[row] = absent;
      continue;
    }
    const value = Number(values[row]);
    copy[row] = value;
    if (copy[row] !== value && !Number.isNaN(value))
      throw badColumn(name, `a number that fits ${arrayType.name}, found ${value} in row ${row}`);
  }
  return copy;
}

function badColumn(name: string, expected: string): AnteroomError {
  return new AnteroomError('bad-record', `Arrow column ${name}: expected ${expected}`, { context: { column: name } });
}
