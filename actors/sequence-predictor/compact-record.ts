/** A segment's record in the compact memory of order: its words, and the counts that are packed into them. */

/** Words of a record: a head that belongs to the table but for the visits, four successors (id + 1), a byte of weight for each. */
export const RECORD = 6;
export const FIRST = 1;
const WEIGHTS = 5;
/** Successors kept in a record. */
export const COMPACT_DEGREE = 4;
/** Bits of a successor's word that are its id; of the two above, in a segment's record, the low bits of its age. */
export const ID_MASK = 2 ** 30 - 1;
const AGE_LOW = 30;

/** Visits, in the lowest bits of the head. */
export const VISITS_MASK = 63;
/** A byte of the last word: a weight of 7 bits, and the high bit of the age. */
export const WEIGHT_MASK = 127;
const AGE_HIGH = 7;
const AGE_MASK = 7;
/** A code of age above this stands for two visits and is passed at every second. */
const AGE_EXACT = 4;
/** What each code of age stands for, in visits ago: 1 = at the latest visit. */
const ageOfCode = [1, 2, 3, 4, 5, 7, 9, 11] as const;

/** Whether `id` stands in the record or finds a free place there. */
export function hasPlace(words: Int32Array, at: number, id: number): boolean {
  for (let place = 0; place < COMPACT_DEGREE; place++) {
    const there = idIn(words, at, place);
    if (there === id || there === 0) return true;
  }
  return false;
}

/** Whether `id` stands in the record. */
export function isKnown(words: Int32Array, at: number, id: number): boolean {
  for (let place = 0; place < COMPACT_DEGREE; place++) if (idIn(words, at, place) === id) return true;
  return false;
}

/** A successor `id` came, worth `weight`; false = it has no place in the record: others are stronger, or came in the same visit. */
export function confirm(words: Int32Array, at: number, id: number, weight: number): boolean {
  let place = 0;
  for (; place < COMPACT_DEGREE - 1; place++) {
    const there = idIn(words, at, place);
    if (there === id || there === 0) break;
  }
  const held = weightIn(words, at, place);
  const isKnown = idIn(words, at, place) === id;
  if (held > 0 && codeIn(words, at, place) === 0) return isKnown;
  if (!isKnown && held > weight) {
    words[at + WEIGHTS] = words[at + WEIGHTS]! - (weight << (8 * place));
    return false;
  }
  const raised = isKnown ? Math.min(WEIGHT_MASK, held + weight) : weight;
  for (; place > 0 && weightIn(words, at, place - 1) < raised; place--) {
    set(words, at, place, idIn(words, at, place - 1), weightIn(words, at, place - 1), codeIn(words, at, place - 1));
  }
  set(words, at, place, id, raised, 0);
  return true;
}

/** The strongest of the further successors changes places with the weakest of the first, where it is stronger. */
export function promote(words: Int32Array, at: number, further: number): void {
  const last = COMPACT_DEGREE - 1;
  if (weightIn(words, further, 0) <= weightIn(words, at, last)) return;
  exchange(words, at, last, further, 0);
  for (let place = last; place > 0; place--) order(words, at, place);
  for (let place = 1; place <= last; place++) order(words, further, place);
}

/** A record's successors one visit later, when `visits` are counted; `shift`: 1 = their weights are halved. */
export function age(words: Int32Array, at: number, visits: number, shift: number): void {
  for (let place = 0; place < COMPACT_DEGREE; place++) {
    const id = idIn(words, at, place);
    if (id === 0) return;
    let code = codeIn(words, at, place);
    if (code < AGE_EXACT || (code < AGE_MASK && (visits & 1) === 0)) code++;
    set(words, at, place, id, weightIn(words, at, place) >>> shift, code);
  }
}

/** Writes a place. */
export function set(words: Int32Array, at: number, place: number, id: number, weight: number, code: number): void {
  words[at + FIRST + place] = id | (code << AGE_LOW);
  const shift = 8 * place;
  words[at + WEIGHTS] = (words[at + WEIGHTS]! & ~(0xff << shift)) | ((weight | ((code >>> 2) << AGE_HIGH)) << shift);
}

/** Successor + 1 in a place, 0 = none. */
export function idIn(words: Int32Array, at: number, place: number): number {
  return words[at + FIRST + place]! & ID_MASK;
}

/** Weight of the successor in a place. */
export function weightIn(words: Int32Array, at: number, place: number): number {
  return (words[at + WEIGHTS]! >>> (8 * place)) & WEIGHT_MASK;
}

/** Visits ago that the successor in a place was confirmed: 1 = at the latest one; exact up to 4. */
export function ageIn(words: Int32Array, at: number, place: number): number {
  return ageOfCode[codeIn(words, at, place)]!;
}

/** The code for an age of so many visits, rounded down. */
export function codeOf(age: number): number {
  let code = 0;
  while (code < AGE_MASK && ageOfCode[code + 1]! <= age) code++;
  return code;
}

function codeIn(words: Int32Array, at: number, place: number): number {
  const high = (words[at + WEIGHTS]! >>> (8 * place + AGE_HIGH)) & 1;
  return (high << 2) | (words[at + FIRST + place]! >>> AGE_LOW);
}

/** Changes the places of a successor and the one before, where it is heavier. */
function order(words: Int32Array, at: number, place: number): void {
  if (weightIn(words, at, place) > weightIn(words, at, place - 1)) exchange(words, at, place, at, place - 1);
}

function exchange(words: Int32Array, a: number, placeA: number, b: number, placeB: number): void {
  const [id, weight, code] = [idIn(words, a, placeA), weightIn(words, a, placeA), codeIn(words, a, placeA)];
  set(words, a, placeA, idIn(words, b, placeB), weightIn(words, b, placeB), codeIn(words, b, placeB));
  set(words, b, placeB, id, weight, code);
}
