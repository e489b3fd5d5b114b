/** Names of a table as two typed arrays: millions of them as strings would fill the heap, and as one text pass the longest string that there may be. */

import { Interner } from '../../streams/interner.ts';
import type { NameInterner } from '../../streams/name-table.ts';

export interface PackedNames {
  /** Bytes of each name, in the order of ids. */
  readonly lengths: Uint32Array;
  /** The names, one after the other. */
  readonly bytes: Uint8Array;
}

export function packNames(names: NameInterner): PackedNames {
  const { count } = names;
  const encoder = new TextEncoder();
  const bytesOf = (id: number): Uint8Array =>
    names instanceof Interner ? names.bytesOf(id) : encoder.encode(names.nameOf(id));
  const lengths = new Uint32Array(count);
  let bytes = new Uint8Array(Math.max(1024, count * 24));
  let at = 0;
  for (let id = 0; id < count; id++) {
    const name = bytesOf(id);
    if (at + name.length > bytes.length) {
      const grown = new Uint8Array(Math.max(bytes.length * 2, at + name.length));
      grown.set(bytes);
      bytes = grown;
    }
    bytes.set(name, at);
    lengths[id] = name.length;
    at += name.length;
  }
  return { lengths, bytes: bytes.subarray(0, at) };
}

/** Gives the names the ids that they had; false where the table knows others already. */
export function unpackNames({ lengths, bytes }: PackedNames, table: NameInterner): boolean {
  let at = 0;
  for (let id = 0; id < lengths.length; id++) {
    const end = at + lengths[id]!;
    if (table.internBytes(bytes, at, end) !== id) return false;
    at = end;
  }
  return true;
}
