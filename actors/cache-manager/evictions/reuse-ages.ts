/** Ages since the last access, told apart by half octaves. */

/** How many there are, up to 2^28 accesses. (What a module exports is looked up and checked at each use; its own constants are not.) */
const AGES = 56;
export const ageCount = AGES;

/** Half octave of an age in accesses: 1, 2, 3, 4 to 5, 6 to 7, 8 to 11, ... */
export function ageOf(accesses: number): number {
  if (accesses < 2) return 0;
  const age = accesses > MAX_AGE ? MAX_AGE : accesses | 0;
  const octave = 31 - Math.clz32(age);
  return 2 * octave + ((age >>> (octave - 1)) & 1);
}
const MAX_AGE = 2 ** (AGES / 2) - 1;

/** Least age, in accesses, of each half octave; one more than there are, so that the last has an end. Half octave 1 is empty. */
const AGE_START = Float64Array.from({ length: AGES + 1 }, (_, age) =>
  age === 1 ? 2 : age & 1 ? 1.5 * 2 ** (age >> 1) : 2 ** (age >> 1),
);
export const ageStart = AGE_START;
