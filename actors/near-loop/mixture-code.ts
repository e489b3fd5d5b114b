/** Pieces of the near loop's kernel: tables at fixed addresses, mixing, the logistic function and its inverse. */

import { type Code, wasm } from '../../streams/sources/wasm-module.ts';
import { TRUST_PRIOR } from './consumer-trust.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { BIAS, BIAS_AT } from './opinion-mixer.ts';
import { FACT_ROW_LOG } from './segment-facts.ts';
import { SQUASH_STEPS, STRETCH_MAX, STRETCH_STEPS } from './stretch.ts';

const { get, set, i32, add, sub, shiftLeft, load, storeAt, ifElse, loadShort, leadingZeros } = wasm;
const { loadDouble, storeDouble, loadFloat, storeFloat, double, addDouble, subDouble, multiplyDouble } = wasm;
const { divideDouble, isLessDouble, atLeastDouble, doubleOf, magnitude, wholeOf } = wasm;
const { atLeastUnsigned, remainderUnsigned } = wasm;

/** A word, or a double, of the first bytes of the memory. */
export const field = (at: number): Code => load(i32(0), at);
export const number = (at: number): Code => loadDouble(i32(0), at);
export const bump = (local: number, by: number): Code => set(local, add(get(local), i32(by)));
export const bitLength = (value: Code): Code => sub(i32(32), leadingZeros(value));

/** Entries of tables that begin at `at`. */
export const wordAt = (at: number, index: Code): Code => load(shiftLeft(index, i32(2)), at);
export const putWord = (at: number, index: Code, value: Code): Code => storeAt(shiftLeft(index, i32(2)), at, value);
export const floatAt = (at: number, index: Code): Code => loadFloat(shiftLeft(index, i32(2)), at);
export const putFloat = (at: number, index: Code, value: Code): Code => storeFloat(shiftLeft(index, i32(2)), at, value);
export const shortAt = (at: number, index: Code): Code => loadShort(shiftLeft(index, i32(1)), at);
export const doubleAt = (at: number, index: Code): Code => loadDouble(shiftLeft(index, i32(3)), at);
export const putDouble = (at: number, index: Code, value: Code): Code =>
  storeDouble(shiftLeft(index, i32(3)), at, value);

/** Byte at which the facts of a segment begin, from where all facts do; and one of them. */
export const rowOf = (segment: Code): Code => shiftLeft(segment, i32(FACT_ROW_LOG));
export const factOf = (at: MixtureAddresses, row: number, fact: number): Code => load(get(row), at.facts + 4 * fact);
export const putFact = (at: MixtureAddresses, row: number, fact: number, value: Code): Code =>
  storeAt(get(row), at.facts + 4 * fact, value);

/** `stretch` of stretch.ts. */
export const stretched = (at: MixtureAddresses, probability: Code): Code =>
  doubleAt(at.stretch, wholeOf(addDouble(multiplyDouble(probability, double(STRETCH_STEPS)), double(0.5))));

/** `squash` of stretch.ts: turns the log-odds in `x` into a probability. `y` and `low` are doubles to be overwritten, `i` a word. */
export function squashed(at: MixtureAddresses, x: number, y: number, low: number, i: number): Code {
  return [
    set(y, magnitude(get(x))),
    ifElse(atLeastDouble(get(y), double(STRETCH_MAX)), set(low, loadDouble(i32(0), at.squash + 8 * SQUASH_STEPS)), [
      // A power of two: as exact as multiplying first and dividing then.
      set(y, multiplyDouble(get(y), double(SQUASH_STEPS / STRETCH_MAX))),
      set(i, wholeOf(get(y))),
      set(y, subDouble(get(y), doubleOf(get(i)))),
      set(i, shiftLeft(get(i), i32(3))),
      set(low, loadDouble(get(i), at.squash)),
      set(low, addDouble(get(low), multiplyDouble(subDouble(loadDouble(get(i), at.squash + 8), get(low)), get(y)))),
    ]),
    ifElse(isLessDouble(get(x), double(0)), set(x, subDouble(double(1), get(low))), set(x, get(low))),
  ];
}

/** Where the weights and the inputs of a mixture are, and what comes of it. */
export interface MixLocals {
  /** Bytes at which its bins and, from the start of the weights, its set begin. */
  readonly bins: number;
  readonly weights: number;
  /** A double. */
  readonly sum: number;
}

export const logOddsOf = (at: MixtureAddresses, bins: number, opinion: number): Code =>
  floatAt(at.binLogOdds, loadShort(get(bins), 2 * opinion));
export const weightOf = (at: MixtureAddresses, weights: number, opinion: number): Code =>
  loadFloat(get(weights), at.weights + 4 * opinion);

/** `mixed` of opinion-mixer.ts: leaves in `sum` the weighted log-odds, added up in the same order. */
export function mix(at: MixtureAddresses, locals: MixLocals, rare: Code): Code {
  const { bins, weights, sum } = locals;
  const term = (opinion: number): Code =>
    set(sum, addDouble(get(sum), multiplyDouble(weightOf(at, weights, opinion), logOddsOf(at, bins, opinion))));
  return [
    set(sum, multiplyDouble(weightOf(at, weights, BIAS_AT), double(BIAS))),
    term(0),
    term(1),
    ifElse(rare, [term(2), term(3), term(4)], []),
    term(5),
    term(6),
  ];
}

/** Leaves in `account` the place of a consumer among the accounts of `ConsumerTrust`. */
export function accountOf(account: number, consumer: number): Code {
  return [
    set(account, add(get(consumer), i32(1))),
    // Without a sign: one more than the largest id is 2^31.
    ifElse(
      atLeastUnsigned(get(account), field(MixtureField.accountMax)),
      set(account, remainderUnsigned(get(account), field(MixtureField.accountMax))),
      [],
    ),
  ];
}

/** Used as a ratio of what was forecast with the prefetches of an account. */
export function trustOf(at: MixtureAddresses, account: number): Code {
  const grown = (table: number): Code => addDouble(floatAt(table, get(account)), double(TRUST_PRIOR));
  return divideDouble(grown(at.trustUsed), grown(at.trustExpected));
}
