/** Ids as a dictionary column whose dictionary grows by what was named since the last batch. */

import { type Data, type Dictionary, makeData, Utf8, Vector } from 'apache-arrow';
import { ABSENT } from '../access-batch.ts';
import { Interner } from '../interner.ts';
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
    const valid = ids instanceof Int32Array ? validity(ids) : null;
    const nullCount = valid === null ? 0 : length - setBits(valid);
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
    const interner = this.#names instanceof Interner ? this.#names : null;
    const names: Uint8Array[] = [];
    const valueOffsets = new Int32Array(count - this.#namedCount + 1);
    let bytes = 0;
    for (let id = this.#namedCount; id < count; id++) {
      // Most names are written as they were interned: with each decoded and encoded again a frame took four times as long.
      const kept = interner?.bytesOf(id);
      const name = kept !== undefined && isPlain(kept) ? kept : encoder.encode(this.#names.nameOf(id));
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

/** Whether a name is written as its bytes: ASCII, and no backslash, which may have to be escaped. */
function isPlain(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! >= 0x80 || bytes[i] === 0x5c) return false;
  return true;
}

/** A validity bitmap, least significant bit first, padded to 8 bytes: 0 where the id is -1. */
function validity(ids: Int32Array): Uint8Array {
  const { length } = ids;
  const valid = new Uint8Array(((length + 63) >> 6) << 3);
  for (let from = 0; from < length; from += 8) {
    const to = Math.min(length, from + 8);
    let byte = 0;
    for (let row = from; row < to; row++) if (ids[row] !== ABSENT) byte |= 1 << (row - from);
    valid[from >> 3] = byte;
  }
  return valid;
}

function setBits(bytes: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < bytes.length; i++) for (let byte = bytes[i]!; byte !== 0; byte &= byte - 1) count++;
  return count;
}
