/** What a site's kernel asks of the near loop's beside weighing and proposing: see `quietCallKinds`. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Outcome } from '../prefetcher.ts';
import { EVICTED, quietCallKinds } from '../quiet-calls.ts';
import { KernelField, type OrderPlace } from '../sequence-predictor/order-fields.ts';
import { doubleAt, factOf, field, number, rowOf, wordAt } from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { NAMING_COUNT } from './opinion-bins.ts';
import { EndMode } from './proposal-code.ts';
import { HELD } from './resident-flags.ts';
import { Fact } from './segment-facts.ts';
import { POSITION_MASK } from './serve-code.ts';

const { get, set, i32, add, sub, and, or, shiftLeft, shiftRight, loadByte, storeByte, call, giveBack, ifElse } = wasm;
const { equal, notEqual, isLess, isZero, atLeastUnsigned, isLessUnsigned } = wasm;
const { addDouble, multiplyDouble, atMostDouble, atLeastDouble, double, doubleOf } = wasm;

const segment = 0;

/** Whether a segment has no flag. */
const isUnflagged = (place: OrderPlace): Code =>
  atLeastUnsigned(get(segment), sub(field(place.at + KernelField.flagsEnd), i32(1)));
/** Byte before a segment's flag. */
const flagAt = (place: OrderPlace): Code => add(get(segment), field(place.at + KernelField.flags));

/** The code of `proposedSegment` and of `proposedExpert`: an entry of that column of words. */
export function chosenCode(column: number): WasmFunction {
  return { ...quietCallKinds.proposedSegment, locals: [], body: wordAt(column, get(0)) };
}

/** The code of `proposedStated`. */
export function statedCode(at: MixtureAddresses): WasmFunction {
  return { ...quietCallKinds.proposedStated, locals: [], body: doubleAt(at.stated, get(0)) };
}

/** The code of `held`: `ResidentFlags.hold`. */
export function heldCode(place: OrderPlace): WasmFunction {
  return {
    ...quietCallKinds.held,
    locals: [],
    body: ifElse(isUnflagged(place), [], storeByte(flagAt(place), 1, i32(HELD))),
  };
}

/** The code of `endedFor`; `ended`: the place of that function in the module. */
export function endedForCode(place: OrderPlace, ended: number): WasmFunction {
  const [expert, outcome, position, flag] = [1, 2, 3, 4];
  const isUsed = notEqual(get(outcome), i32(Outcome.wasted));
  const how = or(
    shiftLeft(isUsed, i32(Math.log2(EndMode.used))),
    shiftLeft(isLess(get(expert), i32(NAMING_COUNT)), i32(Math.log2(EndMode.proposed))),
  );
  const leaveIf = (condition: Code): Code => ifElse(condition, giveBack(i32(0)), []);
  return {
    ...quietCallKinds.endedFor,
    locals: [[1, I32]],
    body: [
      leaveIf(isUnflagged(place)),
      set(flag, flagAt(place)),
      ifElse(equal(get(outcome), i32(EVICTED)), [storeByte(get(flag), 1, i32(0)), giveBack(i32(1))], []),
      leaveIf(atLeastUnsigned(get(segment), field(MixtureField.segmentLimit))),
      leaveIf(isZero(call(ended, get(segment), how, get(position)))),
      // Wasted, it has left too.
      ifElse(
        or(equal(get(outcome), i32(Outcome.wasted)), equal(loadByte(get(flag), 1), i32(HELD))),
        storeByte(get(flag), 1, i32(0)),
        [],
      ),
      i32(1),
    ],
  };
}

/** The code of `foreseen` over tables at these addresses: `AnteroomPrefetcher.forecastOf` and `horizonAccesses`. */
export function foreseenCode(at: MixtureAddresses): WasmFunction {
  const [position, age] = [1, 2];
  const lead = 3;
  const [row, forecast, answer] = [4, 5, 6];
  const horizon = 7;
  const since = and(sub(add(get(position), i32(1)), shiftRight(get(forecast), i32(4))), i32(POSITION_MASK));
  const probability = multiplyDouble(doubleOf(and(get(forecast), i32(15))), double(1 / 16));
  return {
    ...quietCallKinds.foreseen,
    locals: [
      [3, I32],
      [1, F64],
    ],
    body: [
      set(horizon, addDouble(number(MixtureField.horizon), get(lead))),
      ifElse(
        isLessUnsigned(get(segment), field(MixtureField.segmentLimit)),
        [
          set(row, rowOf(get(segment))),
          set(forecast, factOf(at, row, Fact.forecast)),
          ifElse(
            get(forecast),
            set(
              answer,
              and(
                atMostDouble(doubleOf(since), get(horizon)),
                atLeastDouble(probability, number(MixtureField.forecastMin)),
              ),
            ),
            [],
          ),
        ],
        [],
      ),
      or(get(answer), shiftLeft(atMostDouble(doubleOf(get(age)), get(horizon)), i32(1))),
    ],
  };
}
