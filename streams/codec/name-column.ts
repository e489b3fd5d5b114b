/** Ids as a dictionary column whose dictionary grows by what was named since the last batch. */

import { type Data, type Dictionary, makeData, Utf8, Vector } from 'apache-arrow';
import { ABSENT } from '../access-batch.ts';
import type { NameTable } from '../name-table.ts';

/**
 * Writes the ids of one column. The ids themselves are the dictionary's indices and are not copied; each call appends the
 * names given out since the last as one more chunk, which the writers send as a delta dictionary.
 */
export class NameColumn {
  readonly #names: NameTable;
  readonly #type: Dictionary;
  #chunks: Data<Utf8>[] = [];
  #namedCount = 0;

  constructor(names: NameTable, type: Dictionary) {
    this.#names = names;
    this.#type = type;
  }

  /** The column of `ids`; -1 becomes null. */
  column(ids: Uint32Array | Int32Array): Data {
    this.#extend();
    const { length } = ids;
    const valid = new Uint8Array(((length + 63) >> 6) << 3);
    let nullCount = 0;
    for (let row = 0; row < length; row++) {
      if (ids[row] === ABSENT) nullCount++;
      else valid[row >> 3]! |= 1 << (row & 7);
    }
    return makeData({
      type: this.#type,
      length,
      nullCount,
      nullBitmap: nullCount === 0 ? null : valid,
      data: ids,
      dictionary: new Vector(this.#chunks),
    });
  }

  #extend(): void {
    const { count } = this.#names;
    // An empty first chunk says that there are no names; readers require a dictionary even then.
    if (count === this.#namedCount && this.#chunks.length > 0) return;
    const encoder = new TextEncoder();
    const names: Uint8Array[] = [];
    const valueOffsets = new Int32Array(count - this.#namedCount + 1);
    let bytes = 0;
    for (let id = this.#namedCount; id < count; id++) {
      const name = encoder.encode(this.#names.nameOf(id));
      names.push(name);
      bytes += name.length;
      valueOffsets[names.length] = bytes;
    }
    const data = new Uint8Array(bytes);
    for (let i = 0; i < names.length; i++) data.set(names[i]!, valueOffsets[i]!);
    const chunk = makeData({ type: new Utf8(), length: names.length, nullCount: 0, valueOffsets, data });
    // A new array each time: the writer compares the dictionaries of two batches by their chunks.
    this.#chunks = [...this.#chunks, chunk];
    this.#namedCount = count;
  }
}
