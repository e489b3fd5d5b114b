/** The hash of a name: 32 bits that filter, never decide. */

/** Factors and rotations, for whoever computes the same elsewhere (`sources/field-scan-wasm.ts`). */
export const nameHash = {
  length: 0x9e3779b1 | 0,
  even: 0x85ebca6b | 0,
  odd: 0xc2b2ae35 | 0,
  rotation: 13,
  fold: 16,
} as const;

/** The finalizer of MurmurHash3 (Appleby, public domain), as int32. */
export function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Of the number `high * 2^32 + low`. */
export function hashNumber(high: number, low: number, seed: number): number {
  return mixed(Math.imul(mixed(high ^ seed), nameHash.length) ^ low);
}

/**
 * Of bytes [start, end). Multiply and rotate over little-endian words in two lanes, so that two products are under way at a time;
 * the last eight (or four) bytes overlap those before, so there is no tail. Bijective in a lane's state at every step, so only
 * the end can collide.
 */
export function hashBytes(bytes: DataView, start: number, end: number, seed: number): number {
  // An integer for the compiler too, or what comes in as a parameter would be unboxed at every step.
  let at = start | 0;
  const length = (end - at) | 0;
  let even = seed ^ Math.imul(length, nameHash.length);
  let odd = even;
  if (length >= 8) {
    const last = (end - 8) | 0;
    while (at < last) {
      even = Math.imul(rotated(even) ^ bytes.getInt32(at, true), nameHash.even);
      odd = Math.imul(rotated(odd) ^ bytes.getInt32(at + 4, true), nameHash.odd);
      at = (at + 8) | 0;
    }
    even = Math.imul(rotated(even) ^ bytes.getInt32(last, true), nameHash.even);
    odd = Math.imul(rotated(odd) ^ bytes.getInt32(last + 4, true), nameHash.odd);
  } else if (length >= 4) {
    even = Math.imul(even ^ bytes.getInt32(at, true), nameHash.even);
    odd = Math.imul(odd ^ bytes.getInt32(end - 4, true), nameHash.odd);
  } else {
    let short = 0;
    for (let i = 0; i < length; i++) short = (short << 8) | bytes.getUint8(at + i);
    even = Math.imul(even ^ short, nameHash.even);
  }
  return mixed(even ^ ((odd << nameHash.fold) | (odd >>> (32 - nameHash.fold))));
}

function rotated(lane: number): number {
  return (lane << nameHash.rotation) | (lane >>> (32 - nameHash.rotation));
}
