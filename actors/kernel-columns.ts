/** Tables that go on in the memory of a kernel, so that plain code and the kernel find what the other left. */

/** Typed arrays that can lie there. */
export type Column = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/** Moves a column to where it is to lie, in bytes, and gives it back from there. */
export type Place = <T extends Column>(column: T, at: number) => T;

/** Places columns in that memory; one that lies there already is given anew and not copied. */
export function placeIn(memory: ArrayBuffer): Place {
  return <T extends Column>(column: T, at: number): T => {
    const make = column.constructor as new (memory: ArrayBuffer, from: number, length: number) => T;
    const placed = new make(memory, at, column.length);
    if (column.buffer !== memory) placed.set(column);
    return placed;
  };
}
