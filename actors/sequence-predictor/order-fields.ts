/** Where the kernel of order finds its words and leaves its answers: what its tables and its pieces of code agree on. */

import { type Code, wasm } from '../../streams/sources/wasm-module.ts';

const { get, i32, add, and, load, shiftLeft, multiply } = wasm;

/** Where its words lie, in bytes from where they begin: what the tables are, and what one call leaves. */
export const KernelField = {
  /** A row before the first. */
  rows: 0,
  index: 4,
  /** Two words that stay 0: in the index, and behind a pair that is not known. */
  nobody: 8,
  contexts: 16,
  bucketMask: 20,
  visitsMax: 24,
  filledMax: 28,
  /** Segments in the index. */
  indexLength: 32,
  /** The consumer's segment before this one, or -1; and the word at which its record begins. */
  latest: 36,
  /** Byte at which rows wait to be learned, and at which what was said after each is left, where that is done ahead. */
  waiting: 44,
  /** Four times the same: where a byte lies that is not 0, and behind it the flags. */
  flags: 48,
  /** Four times the same: how far behind that byte another lies, which is 0; all flags are between them. */
  flagsEnd: 64,
  /** Byte at which the consumers' records begin, how many bytes they take, and how many consumers have one of their own. */
  history: 80,
  historyBytes: 84,
  consumerMax: 88,
  said: 92,
  /** Where who is named is left, and what is said of it, unless there is a better place. */
  named: 96,
  bins: 144,
  /** Bytes: `scoreBinOf`. */
  scoreBins: 320,
  /** By visits of a row, up to the most that there may be: what a successor must weigh to be named. */
  weightMin: 580,
} as const;

/** Where the kernel finds its words, and leaves who is named: a word each, and a row of bins as a `CandidateSet` has it, of which the first two are said. */
export interface OrderPlace {
  readonly at: number;
  readonly named: number;
  readonly bins: number;
}

/** In a memory of its own. */
export const ownPlace: OrderPlace = { at: 0, named: KernelField.named, bins: KernelField.bins };
/** At most so many are named: eight successors, and two that follow the pair. */
export const NAMED_MAX = 10;
/** What `step` gives instead of how many are named. */
export const KernelAnswer = { left: -1, repeated: -2 } as const;
/** Slots of a row that are looked at together, which is all that a row may have where there is to be a kernel: one cache line. */
export const KERNEL_DEGREE_MAX = 8;

/** A weight beside what else is in its word. */
export const WEIGHT = 0xffff;
/** Bytes of a slot, and of a segment in the index. */
export const [SLOT, INDEX] = [8, 8];
/** Bytes of a context's fields, and of a context. */
export const [NEXT, OTHER, COUNTS, ENTRY] = [8, 12, 16, 20];

/** One of its words. */
export const orderField = (home: number, offset: number): Code => load(i32(0), home + offset);
export const low = (code: Code): Code => and(code, i32(WEIGHT));
/** Of the row that begins at `base`, the four words at even places, from slots two by two, which are keys; and those at odd places: ticks and weights. */
export const evenWords = (base: number, offset: number): Code =>
  wasm.words(wasm.loadVector(get(base), offset), wasm.loadVector(get(base), offset + 16), [0, 2, 4, 6]);
export const oddWords = (base: number, offset: number): Code =>
  wasm.words(wasm.loadVector(get(base), offset), wasm.loadVector(get(base), offset + 16), [1, 3, 5, 7]);
/** Where a row begins, and where a segment stands in the index. */
export const rowAt = (home: number, number: Code, degree: number): Code =>
  add(orderField(home, KernelField.rows), multiply(number, i32(SLOT * degree)));
export const indexAt = (home: number, segment: Code): Code =>
  add(orderField(home, KernelField.index), shiftLeft(segment, i32(3)));
