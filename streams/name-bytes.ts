/** Bytes of names compared where they lie. */

/** A view of the same memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Whether `length` bytes from `offset` are those from `start`.
 *
 * Eight bytes at a time as doubles, the last eight overlapping those before: V8 reads them from a DataView at any alignment in
 * one instruction. Doubles of other bytes can be equal only as 0 and -0, and those of the same bytes unequal only as NaN; both
 * are left to words. What comes in as a parameter is made an integer for the compiler too, or it would be unboxed at every step.
 */
export function isEqual(kept: DataView, offset: number, bytes: DataView, start: number, length: number): boolean {
  let a = offset | 0;
  let b = start | 0;
  if (length >= 8) {
    const last = (a + length - 8) | 0;
    while (a < last) {
      const eight = kept.getFloat64(a, true);
      if ((eight !== bytes.getFloat64(b, true) || eight === 0) && !isEqualPair(kept, a, bytes, b)) return false;
      a = (a + 8) | 0;
      b = (b + 8) | 0;
    }
    return isEqualPair(kept, last, bytes, (b + last - a) | 0);
  }
  if (length >= 4) {
    const first = kept.getInt32(a, true) ^ bytes.getInt32(b, true);
    return (first | (kept.getInt32(a + length - 4, true) ^ bytes.getInt32(b + length - 4, true))) === 0;
  }
  for (let i = 0; i < length; i++) if (kept.getUint8(a + i) !== bytes.getUint8(b + i)) return false;
  return true;
}

function isEqualPair(kept: DataView, a: number, bytes: DataView, b: number): boolean {
  const low = kept.getInt32(a, true) ^ bytes.getInt32(b, true);
  return (low | (kept.getInt32(a + 4, true) ^ bytes.getInt32(b + 4, true))) === 0;
}
