/** Tables indexed by dense segment id: how long they are and how they grow. */

import { assert } from '../../../engine/assert.ts';

type Table = Int32Array | Uint8Array | Float64Array;

/** Segments a table holds at first when nobody says how many to expect. */
export const tableLengthDefault = 1024;

/**
 * The length a table must have to hold `segment`: `length`, doubled as often as it takes, so that growing is O(1) amortised.
 * @throws InvariantError when `segment` is no dense id (an integer in 0..2^31-1).
 */
export function tableLengthFor(segment: number, length: number): number {
  if (!(Number.isInteger(segment) && segment >= 0 && segment < 2 ** 31)) {
    assert(false, `a segment id is an integer in 0..2^31-1, not ${segment}`);
  }
  let doubled = Math.max(1, length);
  while (doubled <= segment) doubled *= 2;
  return doubled;
}

/** A copy of `table` with `length` entries; the new ones are 0. */
export function grownTable<T extends Table>(table: T, length: number): T {
  const grown = new (table.constructor as new (length: number) => T)(length);
  grown.set(table);
  return grown;
}
