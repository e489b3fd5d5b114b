/** The loops of `FieldScan` as WebAssembly, sixteen bytes at a time. */

import { nameHash } from '../name-hash.ts';
import { type Code, I32, I64, V128, type WasmFunction, wasm } from './wasm-module.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const ZERO = 48;

const { get, set, i32, add, sub, and, xor, equal, notEqual, atLeast, isZero, block, loop, branch, branchIf } = wasm;

/** Adds to a local. */
function step(local: number, by: number): Code {
  return set(local, add(get(local), i32(by)));
}

/** `scan(start, end, delimiter, columnCount, rowsMax, endsAt, rowStartsAt)`: the count of whole records. */
const scan: WasmFunction = (() => {
  const [start, end, delimiter, columnCount, rowsMax, fieldAt, rowAt] = [0, 1, 2, 3, 4, 5, 6];
  const [row, column, found, at, place, delimiters, feeds, word] = [7, 8, 9, 10, 11, 12, 13, 14];
  // A carriage return before the line feed is none of the field. There is a byte before: a record has two fields or more.
  const isReturn = equal(wasm.loadByte(sub(get(place), i32(1))), i32(CARRIAGE_RETURN));
  const endOfRecord: Code = [
    wasm.store(get(fieldAt), sub(get(place), isReturn)),
    step(fieldAt, 4),
    set(column, i32(0)),
    step(row, 1),
    step(rowAt, 4),
    wasm.store(get(rowAt), add(get(place), i32(1))),
  ];
  const isDelimiter = wasm.equalBytes(get(word), get(delimiters));
  const isFeed = wasm.equalBytes(get(word), get(feeds));
  return {
    parameterCount: 7,
    hasResult: true,
    locals: [
      [5, I32],
      [3, V128],
    ],
    body: [
      set(delimiters, wasm.splatByte(get(delimiter))),
      set(feeds, wasm.splatByte(i32(LINE_FEED))),
      wasm.store(get(rowAt), get(start)),
      set(at, get(start)),
      block(
        loop(
          branchIf(1, atLeast(get(at), get(end))),
          set(word, wasm.loadVector(get(at))),
          set(found, wasm.bitmask(wasm.orVector(isDelimiter, isFeed))),
          block(
            loop(
              branchIf(1, isZero(get(found))),
              set(place, add(get(at), wasm.trailingZeros(get(found)))),
              // Four out: the loop, its block, the loop around and the block that is the function.
              branchIf(3, atLeast(get(place), get(end))),
              set(found, and(get(found), sub(get(found), i32(1)))),
              step(column, 1),
              wasm.ifElse(
                equal(wasm.loadByte(get(place)), i32(LINE_FEED)),
                [
                  branchIf(4, notEqual(get(column), get(columnCount))),
                  endOfRecord,
                  branchIf(4, equal(get(row), get(rowsMax))),
                ],
                [
                  branchIf(4, equal(get(column), get(columnCount))),
                  wasm.store(get(fieldAt), get(place)),
                  step(fieldAt, 4),
                ],
              ),
              branch(0),
            ),
          ),
          step(at, 16),
          branch(0),
        ),
      ),
      get(row),
    ],
  };
})();

/** `column(index, rowCount, columnCount, endsAt, rowStartsAt, toStarts, toEnds)`: where the fields of a column begin and end. */
const column: WasmFunction = (() => {
  const [index, rowCount, columnCount, fieldAt, rowAt, startAt, endAt] = [0, 1, 2, 3, 4, 5, 6];
  const start = wasm.ifResult(get(index), add(wasm.load(sub(get(fieldAt), i32(4))), i32(1)), wasm.load(get(rowAt)));
  return {
    parameterCount: 7,
    hasResult: false,
    locals: [],
    body: [
      set(fieldAt, add(get(fieldAt), wasm.multiply(get(index), i32(4)))),
      block(
        loop(
          branchIf(1, isZero(get(rowCount))),
          wasm.store(get(startAt), start),
          wasm.store(get(endAt), wasm.load(get(fieldAt))),
          set(fieldAt, add(get(fieldAt), wasm.multiply(get(columnCount), i32(4)))),
          step(rowAt, 4),
          step(startAt, 4),
          step(endAt, 4),
          step(rowCount, -1),
          branch(0),
        ),
      ),
    ],
  };
})();

/** `digits(rowCount, startsAt, endsAt, toNumbers, digitsMax)`: what each field spells, -1 where that is not 1 to `digitsMax` digits. */
const digits: WasmFunction = (() => {
  const [rowCount, startAt, endAt, numberAt, digitsMax] = [0, 1, 2, 3, 4];
  const [at, end, digit, value] = [5, 6, 7, 8];
  const length = sub(get(end), get(at));
  return {
    parameterCount: 5,
    hasResult: false,
    locals: [
      [3, I32],
      [1, I64],
    ],
    body: [
      block(
        loop(
          branchIf(1, isZero(get(rowCount))),
          set(at, wasm.load(get(startAt))),
          set(end, wasm.load(get(endAt))),
          set(value, wasm.i64(-1)),
          block(
            // None at all wraps around to more than any.
            branchIf(0, wasm.exceedsUnsigned(sub(length, i32(1)), sub(get(digitsMax), i32(1)))),
            set(value, wasm.i64(0)),
            loop(
              set(digit, sub(wasm.loadByte(get(at)), i32(ZERO))),
              wasm.ifElse(wasm.exceedsUnsigned(get(digit), i32(9)), [set(value, wasm.i64(-1)), branch(2)], []),
              set(value, wasm.add64(wasm.multiply64(get(value), wasm.i64(10)), wasm.extend(get(digit)))),
              step(at, 1),
              branchIf(0, notEqual(get(at), get(end))),
            ),
          ),
          wasm.storeNumber(get(numberAt), get(value)),
          step(startAt, 4),
          step(endAt, 4),
          step(numberAt, 8),
          step(rowCount, -1),
          branch(0),
        ),
      ),
    ],
  };
})();

/** A 32-bit finalizer on a local, as `mixed`. */
function mix(local: number): Code {
  const shifted = (by: number): Code => xor(get(local), wasm.shiftRight(get(local), i32(by)));
  return [
    set(local, wasm.multiply(shifted(16), i32(nameHash.even))),
    set(local, wasm.multiply(shifted(13), i32(nameHash.odd))),
    set(local, shifted(16)),
  ];
}

/** `hash(rowCount, startsAt, endsAt, seed, toHashes)`: `hashBytes` of each field. */
const hash: WasmFunction = (() => {
  const [rowCount, startAt, endAt, seed, hashAt] = [0, 1, 2, 3, 4];
  const [at, last, length, even, odd] = [5, 6, 7, 8, 9];
  const turned = (lane: number): Code => wasm.rotateLeft(get(lane), i32(nameHash.rotation));
  const pairAt = (address: Code): Code => [
    set(even, wasm.multiply(xor(turned(even), wasm.load(address)), i32(nameHash.even))),
    set(odd, wasm.multiply(xor(turned(odd), wasm.load(address, 4)), i32(nameHash.odd))),
  ];
  return {
    parameterCount: 5,
    hasResult: false,
    locals: [[5, I32]],
    body: [
      block(
        loop(
          branchIf(1, isZero(get(rowCount))),
          set(at, wasm.load(get(startAt))),
          set(length, sub(wasm.load(get(endAt)), get(at))),
          set(even, xor(get(seed), wasm.multiply(get(length), i32(nameHash.length)))),
          set(odd, get(even)),
          wasm.ifElse(
            atLeast(get(length), i32(8)),
            [
              set(last, sub(add(get(at), get(length)), i32(8))),
              block(loop(branchIf(1, atLeast(get(at), get(last))), pairAt(get(at)), step(at, 8), branch(0))),
              pairAt(get(last)),
            ],
            wasm.ifElse(
              atLeast(get(length), i32(4)),
              [
                set(last, sub(add(get(at), get(length)), i32(4))),
                set(even, wasm.multiply(xor(get(even), wasm.load(get(at))), i32(nameHash.even))),
                set(odd, wasm.multiply(xor(get(odd), wasm.load(get(last))), i32(nameHash.odd))),
              ],
              [
                set(last, i32(0)),
                block(
                  loop(
                    branchIf(1, atLeast(i32(0), get(length))),
                    set(last, wasm.or(wasm.shiftLeft(get(last), i32(8)), wasm.loadByte(get(at)))),
                    step(at, 1),
                    step(length, -1),
                    branch(0),
                  ),
                ),
                set(even, wasm.multiply(xor(get(even), get(last)), i32(nameHash.even))),
              ],
            ),
          ),
          set(even, xor(get(even), wasm.rotateLeft(get(odd), i32(nameHash.fold)))),
          mix(even),
          wasm.store(get(hashAt), get(even)),
          step(startAt, 4),
          step(endAt, 4),
          step(hashAt, 4),
          step(rowCount, -1),
          branch(0),
        ),
      ),
    ],
  };
})();

export const fieldScanFunctions = { scan, column, digits, hash } as const;
