/** A table indexed by segment that grows as ids do. */

/** The same table twice as long, or long enough for `index`; what is new is 0. */
export function grownTable<T extends Uint8Array | Uint16Array | Int32Array | Float32Array | Float64Array>(
  table: T,
  index: number,
): T {
  const length = Math.max(table.length * 2, index + 1);
  const larger = new (table.constructor as new (length: number) => T)(length);
  larger.set(table);
  return larger;
}
