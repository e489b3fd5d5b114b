/** Typed arrays that grow by doubling, so that tables indexed by segment follow the ids as they appear. */

/** The least power of two that is >= `needed`, at least twice `current`. */
function nextLength(current: number, needed: number): number {
  let length = Math.max(16, current * 2);
  while (length < needed) length *= 2;
  return length;
}

/** `array` or a longer copy that holds index `needed - 1`; new entries are `fill`. */
export function grownInt32(array: Int32Array<ArrayBuffer>, needed: number, fill: number): Int32Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const longer = new Int32Array(nextLength(array.length, needed));
  longer.set(array);
  if (fill !== 0) longer.fill(fill, array.length);
  return longer;
}

/** As {@link grownInt32}; new entries are 0. */
export function grownUint32(array: Uint32Array<ArrayBuffer>, needed: number): Uint32Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const longer = new Uint32Array(nextLength(array.length, needed));
  longer.set(array);
  return longer;
}

/** As {@link grownInt32}; new entries are 0. */
export function grownUint8(array: Uint8Array<ArrayBuffer>, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const longer = new Uint8Array(nextLength(array.length, needed));
  longer.set(array);
  return longer;
}

/** As {@link grownInt32}; new entries are 0. */
export function grownFloat64(array: Float64Array<ArrayBuffer>, needed: number): Float64Array<ArrayBuffer> {
  if (needed <= array.length) return array;
  const longer = new Float64Array(nextLength(array.length, needed));
  longer.set(array);
  return longer;
}
