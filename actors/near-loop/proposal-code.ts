/** The kernel's work on what passes the gate, and on the ends of what was proposed. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { TRUST_MEMORY } from './consumer-trust.ts';
import { ISSUED_MEMORY, ISSUED_PRIOR, ISSUED_STEPS, SLOPE_MAX, SLOPE_MIN } from './issued-calibration.ts';
import {
  accountOf,
  bump,
  doubleAt,
  factOf,
  field,
  floatAt,
  logOddsOf,
  number,
  putDouble,
  putFact,
  putFloat,
  putWord,
  rowOf,
  squashed,
  stretched,
  weightOf,
  wordAt,
} from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { NAMING_COUNT } from './opinion-bins.ts';
import { Fact } from './segment-facts.ts';
import { STRETCH_STEPS } from './stretch.ts';

const { get, set, i32, add, sub, and, shiftLeft, loadByte, loadShort, giveBack } = wasm;
const {
  isLess,
  atLeast,
  loop,
  block,
  branchIf,
  branch,
  ifElse,
  loadDouble,
  storeDouble,
  loadFloat,
  storeFloat,
  double,
} = wasm;
const { addDouble, subDouble, multiplyDouble, divideDouble, exceedsDouble, isLessDouble, atLeastDouble } = wasm;
const { doubleOf, wholeOf, least, greatest, negated, magnitude } = wasm;

/** The code of `propose` over tables at these addresses. */
export function proposeCode(at: MixtureAddresses): WasmFunction {
  const [allowed, passing, how, position, consumer] = [0, 1, 2, 3, 4];
  const [i, j, best, slot, bins, weights, expert, segment, x, row] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14];
  const isFalling = 15;
  const [most, y, low, believed, before] = [16, 17, 18, 19, 20];
  const rank = (index: number): Code => doubleAt(at.believed, wordAt(at.admitted, get(index)));

  const selected: Code = [
    set(best, get(i)),
    set(most, rank(i)),
    set(j, add(get(i), i32(1))),
    block(
      loop(
        branchIf(1, atLeast(get(j), get(passing))),
        set(y, rank(j)),
        ifElse(exceedsDouble(get(y), get(most)), [set(most, get(y)), set(best, get(j))], []),
        bump(j, 1),
        branch(0),
      ),
    ),
    set(slot, wordAt(at.admitted, get(best))),
    putWord(at.admitted, get(best), wordAt(at.admitted, get(i))),
    set(believed, get(most)),
    set(segment, wordAt(at.candidateSegment, get(slot))),
  ];
  /** `OpinionMixer.strongest`. */
  const argued: Code = [
    set(bins, add(shiftLeft(get(slot), i32(4)), i32(at.candidateBins))),
    set(
      weights,
      shiftLeft(add(shiftLeft(and(get(how), i32(3)), i32(5)), loadByte(get(slot), at.candidateSpoke)), i32(5)),
    ),
    set(expert, i32(0)),
    set(most, double(-Infinity)),
    Array.from({ length: NAMING_COUNT }, (_, opinion) =>
      ifElse(
        loadShort(get(bins), 2 * opinion),
        [
          set(y, multiplyDouble(weightOf(at, weights, opinion), logOddsOf(at, bins, opinion))),
          ifElse(exceedsDouble(get(y), get(most)), [set(most, get(y)), set(expert, i32(opinion))], []),
        ],
        [],
      ),
    ),
  ];
  /** `IssuedCalibration.state`. */
  const stated: Code = [
    set(y, multiplyDouble(get(believed), double(ISSUED_STEPS))),
    set(x, wholeOf(get(y))),
    set(y, subDouble(get(y), doubleOf(get(x)))),
    set(x, shiftLeft(get(x), i32(3))),
    set(low, loadDouble(get(x), at.issuedTable)),
    set(y, addDouble(get(low), multiplyDouble(subDouble(loadDouble(get(x), at.issuedTable + 8), get(low)), get(y)))),
    putDouble(at.stated, get(i), get(y)),
    // As rounding has it, a little less believed may be stated as a little more.
    ifElse(exceedsDouble(get(y), get(before)), set(isFalling, i32(0)), []),
    set(before, get(y)),
  ];
  const noted: Code = [
    putWord(at.proposed, get(i), get(segment)),
    putWord(at.strongest, get(i), get(expert)),
    storeDouble(i32(0), at.gateLive + 8, addDouble(number(at.gateLive + 8), subDouble(double(1), get(believed)))),
    set(row, rowOf(get(segment))),
    putFact(at, row, Fact.proposedAt, get(position)),
    putFact(at, row, Fact.proposedFor, get(consumer)),
    set(y, doubleAt(at.mixed, get(slot))),
    ifElse(isLessDouble(get(believed), get(y)), set(y, negated(get(y))), []),
    storeFloat(get(row), at.facts + 4 * Fact.proposedAs, get(y)),
  ];
  return {
    parameterCount: 5,
    hasResult: true,
    locals: [
      [11, I32],
      [5, F64],
    ],
    body: [
      set(isFalling, i32(1)),
      set(before, double(Infinity)),
      loop(selected, argued, stated, noted, bump(i, 1), branchIf(0, isLess(get(i), get(allowed)))),
      get(isFalling),
    ],
  };
}

/** Whether a prefetch is one that the near loop proposed, and whether it was used. */
export const EndMode = { proposed: 1, used: 2 } as const;

/** The code of `ended` over tables at these addresses; it gives 0, and changes nothing, where there is no account for the consumer yet. */
export function endedCode(at: MixtureAddresses): WasmFunction {
  const [segment, how, position] = [0, 1, 2];
  const [account, consumer, i, row] = [3, 4, 5, 6];
  const [forecast, used, x, p, weight, ones, cross, squares] = [7, 8, 9, 10, 11, 12, 13, 14];
  const [pullOfLevel, pullOfSlope, determinant, slope, level, y, low, horizon] = [15, 16, 17, 18, 19, 20, 21, 22];
  const keep = double(1 - 1 / TRUST_MEMORY);
  const prior = double(ISSUED_PRIOR / ISSUED_MEMORY);
  const keepIssued = double(1 - 1 / ISSUED_MEMORY);
  const line = (which: number): Code => number(at.issuedLine + 8 * which);
  const putLine = (which: number, value: Code): Code => storeDouble(i32(0), at.issuedLine + 8 * which, value);
  const moved = (table: number, by: Code): Code =>
    putFloat(table, get(account), addDouble(multiplyDouble(floatAt(table, get(account)), keep), by));

  /** `ConsumerTrust.ended`. */
  const judged: Code = ifElse(
    field(MixtureField.accountLimit),
    [
      set(consumer, factOf(at, row, Fact.proposedFor)),
      accountOf(account, consumer),
      ifElse(atLeast(get(account), field(MixtureField.accountLimit)), giveBack(i32(0)), []),
      moved(at.trustExpected, magnitude(get(forecast))),
      moved(at.trustUsed, get(used)),
    ],
    [],
  );
  /** `IssuedCalibration.learn`. */
  const learned: Code = [
    set(level, line(0)),
    set(slope, line(1)),
    set(x, stretched(at, get(forecast))),
    set(p, addDouble(get(level), multiplyDouble(get(slope), get(x)))),
    squashed(at, p, y, low, i),
    set(weight, multiplyDouble(get(p), subDouble(double(1), get(p)))),
    set(ones, addDouble(addDouble(multiplyDouble(line(2), keepIssued), get(weight)), prior)),
    set(weight, multiplyDouble(get(weight), get(x))),
    set(cross, addDouble(multiplyDouble(line(3), keepIssued), get(weight))),
    set(squares, addDouble(addDouble(multiplyDouble(line(4), keepIssued), multiplyDouble(get(weight), get(x))), prior)),
    set(y, subDouble(get(used), get(p))),
    set(pullOfLevel, subDouble(get(y), multiplyDouble(prior, get(level)))),
    set(
      pullOfSlope,
      subDouble(multiplyDouble(get(y), get(x)), multiplyDouble(prior, subDouble(get(slope), double(1)))),
    ),
    set(determinant, subDouble(multiplyDouble(get(ones), get(squares)), multiplyDouble(get(cross), get(cross)))),
    putLine(0, addDouble(get(level), newton(squares, pullOfLevel, cross, pullOfSlope, determinant))),
    putLine(
      1,
      least(
        greatest(addDouble(get(slope), newton(ones, pullOfSlope, cross, pullOfLevel, determinant)), double(SLOPE_MIN)),
        double(SLOPE_MAX),
      ),
    ),
    putLine(2, get(ones)),
    putLine(3, get(cross)),
    putLine(4, get(squares)),
  ];
  /** Who outstayed the horizon says only that there is room: look further ahead. */
  const wasted: Code = [
    set(horizon, number(MixtureField.horizon)),
    set(y, doubleOf(sub(get(position), factOf(at, row, Fact.proposedAt)))),
    ifElse(atLeastDouble(get(y), get(horizon)), set(y, multiplyDouble(get(horizon), double(2))), []),
    set(y, least(greatest(get(y), number(MixtureField.horizonMin)), number(MixtureField.horizonMax))),
    // A power of two: as exact as a division.
    set(y, multiplyDouble(subDouble(get(y), get(horizon)), double(1 / 64))),
    storeDouble(i32(0), MixtureField.horizon, addDouble(get(horizon), get(y))),
  ];
  return {
    parameterCount: 3,
    hasResult: true,
    locals: [
      [4, I32],
      [16, F64],
    ],
    body: [
      set(row, rowOf(get(segment))),
      ifElse(
        and(get(how), i32(EndMode.proposed)),
        [
          set(forecast, loadFloat(get(row), at.facts + 4 * Fact.proposedAs)),
          set(used, ifUsed(how)),
          judged,
          ifElse(exceedsDouble(get(forecast), double(0)), learned, []),
        ],
        [],
      ),
      ifElse(and(get(how), i32(EndMode.used)), [], wasted),
      i32(1),
    ],
  };
}

/** 1 as a double where it was used. */
function ifUsed(how: number): Code {
  return doubleOf(wasm.shiftRight(get(how), i32(1)));
}

function newton(a: number, pullA: number, b: number, pullB: number, determinant: number): Code {
  return divideDouble(
    subDouble(multiplyDouble(get(a), get(pullA)), multiplyDouble(get(b), get(pullB))),
    get(determinant),
  );
}

/** The code of `refresh`, `IssuedCalibration.refresh`, over tables at these addresses. */
export function refreshCode(at: MixtureAddresses): WasmFunction {
  const [i, j, level, slope, x, y, low] = [0, 1, 2, 3, 4, 5, 6];
  return {
    parameterCount: 0,
    hasResult: false,
    locals: [
      [2, I32],
      [5, F64],
    ],
    body: [
      set(level, number(at.issuedLine)),
      set(slope, number(at.issuedLine + 8)),
      loop(
        set(
          x,
          addDouble(
            get(level),
            multiplyDouble(
              get(slope),
              loadDouble(shiftLeft(get(i), i32(3 + Math.log2(STRETCH_STEPS / ISSUED_STEPS))), at.stretch),
            ),
          ),
        ),
        squashed(at, x, y, low, j),
        putDouble(at.issuedTable, get(i), get(x)),
        bump(i, 1),
        branchIf(0, isLess(get(i), i32(ISSUED_STEPS + 1))),
      ),
      putDouble(at.issuedTable, get(i), get(x)),
    ],
  };
}
