/** The work of a site's kernel on one proposal: sends it, or refuses it for a reason that needs no look at the bounds. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Decision } from './decision-digest.ts';
import { FRESH_FOR, LEVEL } from './issue-desk.ts';
import { Refusal } from './ledger.ts';
import { Note, SEEN } from './miss-classes.ts';
import { Row, Stage } from './prefetch-table.ts';
import { LEFT } from './row-code.ts';
import {
  addTo,
  addToDoubleAt,
  addToWord,
  digested,
  inRow,
  linksOf,
  noted,
  number,
  oldestOf,
  putInRow,
  putNumber,
  rowOf,
  word,
} from './site-code.ts';
import { type SiteAddresses, SiteNumber, SiteWord } from './site-layout.ts';

const { get, set, i32, add, sub, and, or, xor, multiply, shiftLeft, shiftRight, load, loadByte, storeByte } = wasm;
const { loadShort, exceeds, atLeastUnsigned, isZero, ifElse, giveBack, equal, double, loadDouble, storeDouble } = wasm;
const { addDouble, subDouble, multiplyDouble, exceedsDouble, atLeastDouble, atMostDouble, isLessDouble } = wasm;
const { doubleOf, doubleOfUnsigned, wholeOf } = wasm;

/** What `consider` gives beside `LEFT`. */
export const ConsiderAnswer = { refused: 0, sent: 1 } as const;

const [segment, expert, probability, position, row, at, k, h, refusal, held] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const landsAt = 10;

const leaveIf = (condition: Code): Code => ifElse(condition, giveBack(i32(LEFT)), []);

/** `hash` of holdout.ts in `h`. */
const drawn: Code = [
  set(
    h,
    xor(
      add(multiply(xor(get(segment), word(SiteWord.holdoutSeed)), i32(0xcc9e2d51 | 0)), i32(0x9e3779b9 | 0)),
      multiply(wholeOf(get(position)), i32(0x1b873593)),
    ),
  ),
  set(h, multiply(xor(get(h), shiftRight(get(h), i32(16))), i32(0x85ebca6b | 0))),
  set(h, multiply(xor(get(h), shiftRight(get(h), i32(13))), i32(0xc2b2ae35 | 0))),
  set(h, xor(get(h), shiftRight(get(h), i32(16)))),
];

/** The code of `consider(segment, expert, probability, position)` over tables at these addresses: `IssueDesk.consider`, where all is far. */
export function considerCode(tables: SiteAddresses): WasmFunction {
  const lastAt = shiftLeft(
    and(sub(add(word(SiteWord.ringHead), word(SiteWord.ringCount)), i32(1)), word(SiteWord.ringMask)),
    i32(5),
  );
  const oldestRow = rowOf(oldestOf(tables.stagingLinks));
  const refused: Code = [
    addToDoubleAt(tables.refusals, get(refusal), double(1)),
    digested(add(get(refusal), i32(Decision.refused)), segment, k),
    giveBack(i32(ConsiderAnswer.refused)),
  ];
  const refuse = (reason: number): Code => [set(refusal, i32(reason)), refused];
  /** `IssueDesk.#isCrowded`: for one of several reasons it is not. */
  const crowded = wasm.block(
    wasm.branchIf(0, isZero(word(SiteWord.stagingCount))),
    wasm.branchIf(
      0,
      atMostDouble(
        doubleOf(add(add(word(SiteWord.stagingCount), word(SiteWord.flightCount)), i32(1))),
        number(SiteNumber.share),
      ),
    ),
    wasm.branchIf(
      0,
      exceedsDouble(
        subDouble(subDouble(get(position), inRow(tables, oldestRow, Row.issuedAt)), number(SiteNumber.lead)),
        double(FRESH_FOR),
      ),
    ),
    wasm.branchIf(
      0,
      // One that was not stated is no number.
      isZero(atLeastDouble(multiplyDouble(inRow(tables, oldestRow, Row.probability), double(LEVEL)), get(probability))),
    ),
    noted(tables, segment, position, Note.evicted),
    refuse(Refusal.crowded),
  );
  return {
    parameterCount: 2,
    doubleCount: 2,
    hasResult: true,
    locals: [
      [6, I32],
      [1, F64],
    ],
    body: [
      leaveIf(atLeastUnsigned(get(segment), word(SiteWord.prefetchLimit))),
      leaveIf(isZero(and(atLeastDouble(get(probability), double(0)), atMostDouble(get(probability), double(1))))),
      leaveIf(atMostDouble(number(SiteNumber.ease), double(2))),
      set(k, loadByte(get(segment), tables.stage)),
      ifElse(
        get(k),
        [
          set(refusal, i32(Refusal.inFlight)),
          ifElse(equal(get(k), i32(Stage.staged)), set(refusal, i32(Refusal.resident)), []),
          refused,
        ],
        [],
      ),
      set(at, load(linksOf(get(segment)), tables.reactiveLinks)),
      ifElse(
        isZero(get(at)),
        [
          ifElse(
            word(SiteWord.isHolding),
            [
              set(held, loadShort(shiftLeft(get(segment), i32(1)), tables.held)),
              ifElse(
                get(held),
                [],
                [drawn, leaveIf(isLessDouble(doubleOfUnsigned(get(h)), number(SiteNumber.holdoutThreshold)))],
              ),
            ],
            [],
          ),
          ifElse(word(SiteWord.isTrusting), leaveIf(loadByte(get(expert), tables.trustOff)), []),
          leaveIf(exceeds(word(SiteWord.ringCount), word(SiteWord.ringMask))),
          set(landsAt, addDouble(get(position), number(SiteNumber.fetchTime))),
          ifElse(word(SiteWord.ringCount), leaveIf(isLessDouble(get(landsAt), loadDouble(lastAt, tables.ring))), []),
        ],
        [],
      ),
      set(row, rowOf(get(segment))),
      storeByte(get(segment), tables.expert, get(expert)),
      putInRow(tables, get(row), Row.probability, get(probability)),
      ifElse(get(at), refuse(Refusal.resident), []),
      ifElse(
        get(held),
        [
          // `MissClasses.refused`.
          set(k, and(loadByte(get(segment), tables.note), i32(SEEN))),
          ifElse(
            equal(loadByte(get(segment), tables.note), or(get(k), i32(Note.evicted))),
            [],
            noted(tables, segment, position, Note.throttled),
          ),
          refuse(Refusal.heldOut),
        ],
        [],
      ),
      crowded,
      addTo(SiteNumber.fetches, 1),
      addTo(SiteNumber.ease, -2),
      putInRow(tables, get(row), Row.issuedAt, get(position)),
      putInRow(tables, get(row), Row.landsAt, get(landsAt)),
      putInRow(tables, get(row), Row.bytes, double(0)),
      addTo(SiteNumber.issued, 1),
      addToDoubleAt(tables.issuedByExpert, get(expert), double(1)),
      digested(i32(Decision.issued), segment, k),
      storeByte(get(segment), tables.stage, i32(Stage.inFlight)),
      addTo(SiteNumber.sequence, 1),
      storeDouble(shiftLeft(get(segment), i32(3)), tables.live, number(SiteNumber.sequence)),
      addToWord(SiteWord.flightCount, 1),
      set(at, shiftLeft(and(add(word(SiteWord.ringHead), word(SiteWord.ringCount)), word(SiteWord.ringMask)), i32(5))),
      storeDouble(get(at), tables.ring, get(landsAt)),
      storeDouble(get(at), tables.ring + 8, number(SiteNumber.sequence)),
      storeDouble(get(at), tables.ring + 16, doubleOf(get(segment))),
      addToWord(SiteWord.ringCount, 1),
      ifElse(isLessDouble(get(landsAt), number(SiteNumber.firstAt)), putNumber(SiteNumber.firstAt, get(landsAt)), []),
      i32(ConsiderAnswer.sent),
    ],
  };
}
