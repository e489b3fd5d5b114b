/** How a prefetch ends, in a site's kernel: what the ledger counts and the expert is trusted by. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Outcome } from '../prefetcher.ts';
import { Decision } from './decision-digest.ts';
import { STAY_MEMORY } from './holdout.ts';
import { Note } from './miss-classes.ts';
import { Row } from './prefetch-table.ts';
import {
  addTo,
  addToDoubleAt,
  digested,
  doubleAt,
  inRow,
  noted,
  number,
  putNumber,
  putWordAt,
  rowOf,
  told,
  word,
  wordAt,
} from './site-code.ts';
import { type SiteAddresses, SiteNumber, SiteWord } from './site-layout.ts';

const { get, set, i32, add, shiftLeft, loadByte, storeByte, equal, isLess, isZero, ifElse, wholeOf, double } = wasm;
const { storeDouble, addDouble, subDouble, multiplyDouble, divideDouble, atLeastDouble, equalDouble } = wasm;

/** `settle(segment, outcome, position)`: `Settlement.settle` of what was used or wasted, but for those who are told. */
export function settleCode(at: SiteAddresses, calibrationBins: number): WasmFunction {
  const [segment, outcome, position, row, expert, k, off] = [0, 1, 2, 3, 4, 5, 6];
  const [probability, issuedAt, hit, expected, used] = [7, 8, 9, 10, 11];
  const isWasted = equal(get(outcome), i32(Outcome.wasted));
  const difference = subDouble(get(probability), get(hit));
  /** `CalibrationStats.observe`. */
  const calibrated: Code = [
    set(k, wholeOf(multiplyDouble(get(probability), double(calibrationBins)))),
    ifElse(isLess(get(k), i32(calibrationBins)), [], set(k, i32(calibrationBins - 1))),
    addToDoubleAt(at.calibrationCount, get(k), double(1)),
    addToDoubleAt(at.calibrationForecast, get(k), get(probability)),
    addToDoubleAt(at.calibrationHits, get(k), get(hit)),
    putNumber(
      SiteNumber.calibrationSquared,
      addDouble(number(SiteNumber.calibrationSquared), multiplyDouble(difference, difference)),
    ),
    addTo(SiteNumber.calibrationTotal, 1),
  ];
  /** `ExpertTrust.ended`; its ratio is left in `expected`. */
  const trusted: Code = [
    set(
      expected,
      addDouble(
        multiplyDouble(doubleAt(at.trustExpected, get(expert)), number(SiteNumber.trustKept)),
        get(probability),
      ),
    ),
    set(used, addDouble(multiplyDouble(doubleAt(at.trustUsed, get(expert)), number(SiteNumber.trustKept)), get(hit))),
    storeDouble(shiftLeft(get(expert), i32(3)), at.trustExpected, get(expected)),
    storeDouble(shiftLeft(get(expert), i32(3)), at.trustUsed, get(used)),
    set(
      expected,
      divideDouble(
        addDouble(get(used), number(SiteNumber.trustPrior)),
        addDouble(get(expected), number(SiteNumber.trustPrior)),
      ),
    ),
    set(off, loadByte(get(expert), at.trustOff)),
    ifElse(
      isZero(get(off)),
      ifElse(
        atLeastDouble(get(expected), number(SiteNumber.trustMin)),
        [],
        [
          storeByte(get(expert), at.trustOff, i32(1)),
          putWordAt(at.trustTurnedOff, get(expert), add(wordAt(at.trustTurnedOff, get(expert)), i32(1))),
        ],
      ),
      ifElse(
        atLeastDouble(get(expected), number(SiteNumber.trustOnAgain)),
        [
          storeByte(get(expert), at.trustOff, i32(0)),
          putWordAt(at.trustTurnedOn, get(expert), add(wordAt(at.trustTurnedOn, get(expert)), i32(1))),
        ],
        [],
      ),
    ),
  ];
  const isStated = equalDouble(get(probability), get(probability));
  return {
    parameterCount: 2,
    doubleCount: 1,
    hasResult: false,
    locals: [
      [4, I32],
      [5, F64],
    ],
    body: [
      set(row, rowOf(get(segment))),
      set(expert, loadByte(get(segment), at.expert)),
      set(probability, inRow(at, get(row), Row.probability)),
      set(issuedAt, inRow(at, get(row), Row.issuedAt)),
      set(hit, double(1)),
      ifElse(
        isWasted,
        [
          set(hit, double(0)),
          noted(at, segment, position, Note.evicted),
          putNumber(
            SiteNumber.stay,
            addDouble(
              number(SiteNumber.stay),
              divideDouble(
                subDouble(subDouble(get(position), get(issuedAt)), number(SiteNumber.stay)),
                double(STAY_MEMORY),
              ),
            ),
          ),
        ],
        [],
      ),
      digested(add(get(outcome), i32(Decision.outcome)), segment, k),
      ifElse(
        atLeastDouble(get(issuedAt), number(SiteNumber.warmup)),
        [
          addToDoubleAt(at.outcomes, get(outcome), double(1)),
          ifElse(isWasted, [], addToDoubleAt(at.usedByExpert, get(expert), double(1))),
          ifElse(isStated, calibrated, []),
        ],
        [],
      ),
      ifElse(word(SiteWord.isTrusting), ifElse(isStated, trusted, []), []),
      told(at, segment, get(outcome)),
    ],
  };
}
