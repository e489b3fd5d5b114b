/** The Arrow schemas of access batches: the one place that says what a column is called, its type and its meaning of "absent". */

import { type DataType, Dictionary, Field, Float64, Int32, Schema, Uint8, Uint32, Utf8 } from 'apache-arrow';

/** Version of the layout; a reader refuses a later one. */
export const ACCESS_SCHEMA_VERSION = 1;

/** Keys of the schema's and the batches' metadata. */
export const metadataKeys = {
  /** Schema: `access/1`. */
  schema: 'anteroom.schema',
  /** Schema: `interned` = ids are handles of the sender; `named` = ids index the column's dictionary. */
  ids: 'anteroom.ids',
  /** Record batch: log position of its first row, in decimal. */
  position: 'anteroom.position',
} as const;

/**
 * Ids are dense handles that mean something only beside the sender's name tables: for hops between actors that share them.
 *
 * `time`: ms, NaN = none. `segment`: id. `consumer`, `site`: id or -1. `op`: `Operation` code. `size`: bytes or -1.
 * `weight`: accesses that the row stands for. No column has a validity bitmap, so that every column is the batch's own memory.
 */
export const internedSchema: Schema = accessSchema('interned', new Uint32(), new Int32(), new Int32());

/**
 * As `internedSchema`, but ids are indices into dictionaries of names, so a file or stream explains itself to any Arrow
 * reader; an absent consumer or site is null. Names new since the last batch go before it as delta dictionaries.
 */
export const namedSchema: Schema = accessSchema(
  'named',
  new Dictionary(new Utf8(), new Uint32(), 0),
  new Dictionary(new Utf8(), new Int32(), 1),
  new Dictionary(new Utf8(), new Int32(), 2),
);

function accessSchema(ids: 'interned' | 'named', segment: DataType, consumer: DataType, site: DataType): Schema {
  const isNamed = ids === 'named';
  return new Schema(
    [
      new Field('time', new Float64(), false),
      new Field('segment', segment, false),
      new Field('consumer', consumer, isNamed),
      new Field('site', site, isNamed),
      new Field('op', new Uint8(), false),
      new Field('size', new Float64(), false),
      new Field('weight', new Float64(), false),
    ],
    new Map([
      [metadataKeys.schema, `access/${ACCESS_SCHEMA_VERSION}`],
      [metadataKeys.ids, ids],
    ]),
  );
}
