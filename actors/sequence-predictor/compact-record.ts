/** A record of the compact memory of order: its words, and the counts that are packed into one of them. */

/** Words of a record: key, the successors (id + 1), packed counts. */
export const FIELDS = 5;
export const FIRST = 1;
export const PACKED = 4;
/** Successors kept in a record. */
export const COMPACT_DEGREE = 3;
/** Bits of a successor's word that are its id; what is above belongs to the table. */
export const ID_MASK = 2 ** 30 - 1;

/** Packed counts, from the lowest bit: visits of 5 bits, three weights of 6, three ages of 3. */
export const VISITS_MASK = 31;
const WEIGHTS = 5;
const WEIGHT_BITS = 6;
export const WEIGHT_MASK = 63;
const AGES = 23;
const AGE_BITS = 3;
const AGE_MASK = 7;
export const OLDEST = 0o777 << AGES;
/** A code of age above this stands for two visits and is passed at every second. */
const AGE_EXACT = 4;
/** What each code of age stands for, in visits ago: 1 = at the latest visit. */
const ageOfCode = [1, 2, 3, 4, 5, 7, 9, 11] as const;

/** A successor `id` came, worth `weight`; false = it has no place in the record: others are stronger, or came in the same visit. */
export function confirm(words: Uint32Array, at: number, id: number, weight: number): boolean {
  const packed = words[at + PACKED]!;
  let place = 0;
  for (; place < COMPACT_DEGREE - 1; place++) {
    const there = words[at + FIRST + place]! & ID_MASK;
    if (there === id || there === 0) break;
  }
  const held = weightIn(packed, place);
  const isKnown = (words[at + FIRST + place]! & ID_MASK) === id;
  if (codeIn(packed, place) === 0 && held > 0) return isKnown;
  if (!isKnown && held > weight) {
    words[at + PACKED] = packed - (weight << (WEIGHTS + WEIGHT_BITS * place));
    return false;
  }
  const raised = isKnown ? Math.min(WEIGHT_MASK, held + weight) : weight;
  let next = packed;
  for (; place > 0 && weightIn(next, place - 1) < raised; place--) {
    put(words, at + FIRST + place, words[at + FIRST + place - 1]!);
    next = without(next, place) | placed(place, weightIn(next, place - 1), codeIn(next, place - 1));
  }
  put(words, at + FIRST + place, id);
  words[at + PACKED] = without(next, place) | placed(place, raised, 0);
  return true;
}

/** The strongest of the further successors changes places with the weakest of the first three, where it is stronger. */
export function promote(words: Uint32Array, at: number, further: number): void {
  const last = COMPACT_DEGREE - 1;
  const here = words[at + PACKED]!;
  const there = words[further + PACKED]!;
  if (weightIn(there, 0) <= weightIn(here, last)) return;
  const id = words[at + FIRST + last]! & ID_MASK;
  put(words, at + FIRST + last, words[further + FIRST]!);
  put(words, further + FIRST, id);
  words[at + PACKED] = without(here, last) | placed(last, weightIn(there, 0), codeIn(there, 0));
  words[further + PACKED] = without(there, 0) | placed(0, weightIn(here, last), codeIn(here, last));
  for (let place = last; place > 0; place--) order(words, at, place);
  for (let place = 1; place <= last; place++) order(words, further, place);
}

/** Counts of a record one visit later. */
export function aged(packed: number, visits: number, shift: number): number {
  let next = visits;
  for (let place = 0; place < COMPACT_DEGREE; place++) {
    let code = codeIn(packed, place);
    if (code < AGE_EXACT || (code < AGE_MASK && (visits & 1) === 0)) code++;
    next |= placed(place, weightIn(packed, place) >>> shift, code);
  }
  return next;
}

/** Changes the places of a successor and the one before, where it is heavier. */
function order(words: Uint32Array, at: number, place: number): void {
  const packed = words[at + PACKED]!;
  const weight = weightIn(packed, place);
  const before = weightIn(packed, place - 1);
  if (weight <= before) return;
  const id = words[at + FIRST + place]! & ID_MASK;
  put(words, at + FIRST + place, words[at + FIRST + place - 1]!);
  put(words, at + FIRST + place - 1, id);
  words[at + PACKED] =
    without(without(packed, place), place - 1) |
    placed(place - 1, weight, codeIn(packed, place)) |
    placed(place, before, codeIn(packed, place - 1));
}

/** Writes a successor and leaves the bits above it as they are. */
function put(words: Uint32Array, at: number, id: number): void {
  words[at] = (words[at]! & ~ID_MASK) | (id & ID_MASK);
}

/** Visits ago that the successor in a place was confirmed: 1 = at the latest one; exact up to 4. */
export function ageIn(packed: number, place: number): number {
  return ageOfCode[codeIn(packed, place)]!;
}

/** The code for an age of so many visits, rounded down. */
export function codeOf(age: number): number {
  let code = 0;
  while (code < AGE_MASK && ageOfCode[code + 1]! <= age) code++;
  return code;
}

/** Weight of the successor in a place. */
export function weightIn(packed: number, place: number): number {
  return (packed >>> (WEIGHTS + WEIGHT_BITS * place)) & WEIGHT_MASK;
}

function codeIn(packed: number, place: number): number {
  return (packed >>> (AGES + AGE_BITS * place)) & AGE_MASK;
}

/** Weight and code of age of one place, the rest 0. */
export function placed(place: number, weight: number, code: number): number {
  return (weight << (WEIGHTS + WEIGHT_BITS * place)) | (code << (AGES + AGE_BITS * place));
}

/** The counts with a place emptied. */
export function without(packed: number, place: number): number {
  return packed & ~placed(place, WEIGHT_MASK, AGE_MASK);
}
