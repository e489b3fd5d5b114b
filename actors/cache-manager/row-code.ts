/** The work of a site's kernel on one row: what has landed, the demand, and what is counted of it. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Outcome, Served } from '../prefetcher.ts';
import { RowEnd } from './eviction.ts';
import { AT_STAGED, IS_THERE } from './ghost.ts';
import { SEEN } from './miss-classes.ts';
import { Row, Stage } from './prefetch-table.ts';
import {
  addTo,
  addToWord,
  callOf,
  compared,
  digested,
  inRow,
  linksOf,
  newerThan,
  number,
  oldestOf,
  overdueNow,
  push,
  putInRow,
  putNumber,
  putWord,
  rowOf,
  unstaged,
  waited,
  word,
  wordAt,
} from './site-code.ts';
import { ENDS_MAX, latenessPlace, type SiteAddresses, SiteNumber, SiteWord, waitsPlace } from './site-layout.ts';

const { get, set, i32, add, sub, and, or, shiftLeft, load, storeAt, loadByte, storeByte, loadShort } = wasm;
const { equal, notEqual, isLess, exceeds, atLeastUnsigned, isZero, block, loop, branch, branchIf, ifElse, giveBack } =
  wasm;
const { double, loadDouble, storeDouble, addDouble, subDouble, divideDouble, least, greatest, doubleOf, wholeOf } =
  wasm;
const { isLessDouble, exceedsDouble, atLeastDouble, atMostDouble, notEqualDouble } = wasm;

/** What `row` and `consider` give where they did not begin, or not finish: plain code goes on from where they stopped. */
export const LEFT = -1;
/** What `row` gives beside how the demand was served: whether the baseline hit, whether there is more to be done, and whether the holdout is to be told. */
export const RowAnswer = { served: 3, baselineHit: 4, more: 8, held: 16 } as const;

/** Changes that are told to the bounds while a demand is served, or while a landing makes room, at most, but for what is wasted. */
const EASE_SERVED = 12;
const EASE_LANDED = 12;
/** Overdue segments that are wasted at once, at most. */
const OVERDUE_MAX = 8;

const [segment, position, ended, stage, at, newer, older, newest] = [0, 1, 2, 3, 4, 5, 6, 7];
const [served, isHit, x, n, row, other] = [8, 9, 10, 11, 12, 13];
const [wait, room, joinedAt, overdue] = [14, 15, 16, 17];

const leave = giveBack(i32(LEFT));
const leaveIf = (condition: Code): Code => ifElse(condition, leave, []);
const leaveIfEaseWithin = (ease: Code): Code => leaveIf(atMostDouble(number(SiteNumber.ease), ease));
const isFull = exceeds(word(SiteWord.endCount), i32(ENDS_MAX - 2 * OVERDUE_MAX));
/** Whether a segment is one that no table has a row for. */
const isBeyond = (limit: number, other: Code): Code => atLeastUnsigned(other, word(limit));

/** `Landings.observeLead`, by so many accesses. */
const leadObserved = (accesses: Code): Code => [
  ifElse(isLess(word(SiteWord.leadCount), i32(128)), addToWord(SiteWord.leadCount, 1), []),
  putNumber(
    SiteNumber.lead,
    addDouble(
      number(SiteNumber.lead),
      divideDouble(subDouble(accesses, number(SiteNumber.lead)), doubleOf(word(SiteWord.leadCount))),
    ),
  ),
];

/** Takes the first of the ring, whose byte is in `at`. */
const headRemoved = (tables: SiteAddresses): Code => [
  putWord(SiteWord.ringHead, and(add(word(SiteWord.ringHead), i32(1)), word(SiteWord.ringMask))),
  addToWord(SiteWord.ringCount, -1),
  ifElse(
    isZero(word(SiteWord.ringCount)),
    putNumber(SiteNumber.firstAt, double(Infinity)),
    putNumber(SiteNumber.firstAt, loadDouble(shiftLeft(word(SiteWord.ringHead), i32(5)), tables.ring)),
  ),
];

/** `IssueDesk.advance`: what lands before this access. What is wasted for it is wasted before it is taken off its flight. */
function advanced(tables: SiteAddresses): Code {
  const live = (value: Code): Code => loadDouble(shiftLeft(value, i32(3)), tables.live);
  return block(
    loop(
      branchIf(1, atLeastDouble(number(SiteNumber.firstAt), get(position))),
      set(at, shiftLeft(word(SiteWord.ringHead), i32(5))),
      set(other, wholeOf(loadDouble(get(at), tables.ring + 16))),
      ifElse(
        notEqualDouble(live(get(other)), loadDouble(get(at), tables.ring + 8)),
        [headRemoved(tables), branch(1)],
        [],
      ),
      leaveIf(isBeyond(SiteWord.prefetchLimit, get(other))),
      leaveIf(isBeyond(SiteWord.demandLimit, oldestOf(tables.reactiveLinks))),
      set(room, greatest(double(1), number(SiteNumber.share))),
      block(
        loop(
          leaveIfEaseWithin(double(EASE_LANDED)),
          leaveIf(isFull),
          branchIf(1, isZero(word(SiteWord.stagingCount))),
          branchIf(1, atMostDouble(doubleOf(add(word(SiteWord.stagingCount), i32(1))), get(room))),
          leaveIf(isBeyond(SiteWord.prefetchLimit, oldestOf(tables.stagingLinks))),
          callOf('waste', get(position)),
          branch(0),
        ),
      ),
      headRemoved(tables),
      storeDouble(shiftLeft(get(other), i32(3)), tables.live, double(0)),
      addToWord(SiteWord.flightCount, -1),
      leadObserved(subDouble(subDouble(get(position), inRow(tables, rowOf(get(other)), Row.issuedAt)), double(1))),
      storeByte(get(other), tables.stage, i32(Stage.staged)),
      push(tables.stagingLinks, other, at, newest),
      addToWord(SiteWord.stagingCount, 1),
      putWord(SiteWord.reactiveCapacity, sub(word(SiteWord.capacity), word(SiteWord.stagingCount))),
      ifElse(exceeds(word(SiteWord.reactiveCount), word(SiteWord.reactiveCapacity)), callOf('evict'), []),
      compared(tables, get(other), AT_STAGED),
      branch(0),
    ),
  );
}

/** `TrafficGuard.demand`, of a row that the ghost has had. */
function demanded(tables: SiteAddresses): Code {
  const known = (of: number): Code => loadByte(get(of), tables.known);
  return [
    set(isHit, equal(get(ended), i32(RowEnd.hit))),
    addToWord(SiteWord.rowNext, 1),
    ifElse(
      get(isHit),
      [],
      [
        ifElse(
          isLess(get(ended), i32(0)),
          [],
          ifElse(
            and(known(ended), i32(IS_THERE)),
            [addToWord(SiteWord.ghostCount, -1), callOf('know', get(ended), and(known(ended), i32(~IS_THERE)))],
            [],
          ),
        ),
        addTo(SiteNumber.ghostMisses, 1),
        ifElse(
          and(known(segment), i32(IS_THERE)),
          [],
          [addToWord(SiteWord.ghostCount, 1), callOf('know', get(segment), or(known(segment), i32(IS_THERE)))],
        ),
        addTo(SiteNumber.ease, -2),
      ],
    ),
  ];
}

/** Leaves in `n` whether the holdout is to be told of the demand. */
const heldOut = (tables: SiteAddresses): Code => [
  set(n, i32(0)),
  ifElse(
    word(SiteWord.isHolding),
    set(
      n,
      or(
        isLessDouble(number(SiteNumber.oldestAt), subDouble(get(position), number(SiteNumber.stay))),
        loadShort(shiftLeft(get(segment), i32(1)), tables.held),
      ),
    ),
    [],
  ),
];

/** `Ledger.hit`, but for the wait. */
const hitCounted: Code = [
  addTo(SiteNumber.accesses, 1),
  ifElse(
    get(isHit),
    [],
    [addTo(SiteNumber.referenceMisses, 1), addTo(SiteNumber.baselineMisses, 1), addTo(SiteNumber.coveredMisses, 1)],
  ),
];

/** `DemandDesk`'s count of a miss, `TrafficGuard.missed` and `Ledger.miss`. `room` is overwritten. */
const missCounted: Code = [
  addTo(SiteNumber.siteMisses, 1),
  addTo(SiteNumber.ease, -2),
  ifElse(
    word(SiteWord.isMissBounded),
    [
      set(room, subDouble(number(SiteNumber.siteMisses), number(SiteNumber.ghostMisses))),
      ifElse(exceedsDouble(get(room), number(SiteNumber.excess)), putNumber(SiteNumber.excess, get(room)), []),
    ],
    [],
  ),
  addTo(SiteNumber.accesses, 1),
  ifElse(
    get(isHit),
    [addTo(SiteNumber.pollution, 1), addTo(SiteNumber.pollutionMisses, 1)],
    [addTo(SiteNumber.referenceMisses, 1), addTo(SiteNumber.baselineMisses, 1)],
  ),
  addTo(SiteNumber.misses, 1),
  ifElse(
    atLeastDouble(get(joinedAt), number(SiteNumber.warmup)),
    addTo(SiteNumber.late, 1),
    addTo(SiteNumber.demandFetches, 1),
  ),
];

/** `Departures.takeSince`, as a double in `into`; Infinity where it is not known. `x` is overwritten. */
const takenSince = (table: number, field: number, into: number): Code => [
  set(x, wordAt(table, get(segment))),
  set(into, double(Infinity)),
  ifElse(
    get(x),
    [
      storeAt(shiftLeft(get(segment), i32(2)), table, i32(0)),
      set(into, wasm.doubleOfUnsigned(sub(word(field), get(x)))),
    ],
    [],
  ),
];

/** `StagingShare.missed`. `room` and `overdue` are overwritten. */
const regretted = (tables: SiteAddresses): Code => [
  takenSince(tables.wastedAt, SiteWord.wastedCount, room),
  takenSince(tables.evictedAt, SiteWord.evictedCount, overdue),
  ifElse(
    isLessDouble(get(room), number(SiteNumber.shareWindow)),
    putNumber(
      SiteNumber.share,
      least(number(SiteNumber.shareMost), addDouble(number(SiteNumber.share), number(SiteNumber.shareStep))),
    ),
    [],
  ),
  ifElse(
    isLessDouble(get(overdue), number(SiteNumber.shareWindow)),
    putNumber(
      SiteNumber.share,
      greatest(number(SiteNumber.shareLeast), subDouble(number(SiteNumber.share), number(SiteNumber.shareStep))),
    ),
    [],
  ),
];

/** The `RowAnswer`; `more`: whether there is, but for the holdout. */
const answered = (code: Code, more: Code): Code => {
  const isTold = shiftLeft(isSome(get(n)), i32(1));
  return or(code, or(shiftLeft(get(isHit), i32(2)), shiftLeft(or(isTold, isSome(or(more, get(n)))), i32(3))));
};
const isSome = (value: Code): Code => isZero(isZero(value));

/** A demand for what is in the reactive cache, whose links are at `at`. */
const residentServed = (tables: SiteAddresses): Code => {
  const links = tables.reactiveLinks;
  return [
    // It takes no fetch and is no miss, so it may be served beside a bound that was not broken.
    leaveIf(and(atMostDouble(number(SiteNumber.ease), double(2)), isZero(word(SiteWord.isSound)))),
    demanded(tables),
    // `SegmentLists.renew`.
    ifElse(
      equal(get(newer), i32(1)),
      [],
      [
        set(older, load(get(at), links + 4)),
        storeAt(shiftLeft(get(newer), i32(3)), links + 4, get(older)),
        storeAt(shiftLeft(get(older), i32(3)), links, get(newer)),
        push(links, segment, at, newest),
      ],
    ),
    storeByte(get(segment), tables.note, i32(SEEN)),
    heldOut(tables),
    digested(i32(Served.hit), segment, x),
    set(wait, greatest(double(0), subDouble(inRow(tables, rowOf(get(segment)), Row.landsAt), get(position)))),
    waited(tables, waitsPlace, wait, x),
    hitCounted,
    giveBack(answered(i32(Served.hit), word(SiteWord.endCount))),
  ];
};

/** Leaves what cannot be served for certain: more that is overdue than is wasted at once, or what some table has no row for. */
const otherChecked = (tables: SiteAddresses): Code => [
  leaveIf(isFull),
  leaveIf(isBeyond(SiteWord.demandLimit, oldestOf(tables.reactiveLinks))),
  set(n, i32(0)),
  ifElse(
    word(SiteWord.stagingCount),
    [
      set(overdue, overdueNow(position)),
      set(other, oldestOf(tables.stagingLinks)),
      block(
        loop(
          // The sentinel's node stands below that of segment 0.
          branchIf(1, isLess(get(other), i32(0))),
          branchIf(1, atLeastDouble(inRow(tables, rowOf(get(other)), Row.issuedAt), get(overdue))),
          leaveIf(isBeyond(SiteWord.prefetchLimit, get(other))),
          set(n, add(get(n), i32(1))),
          leaveIf(exceeds(get(n), i32(OVERDUE_MAX))),
          set(other, newerThan(tables.stagingLinks, get(other))),
          branch(0),
        ),
      ),
    ],
    [],
  ),
  leaveIfEaseWithin(doubleOf(add(i32(EASE_SERVED), shiftLeft(get(n), i32(1))))),
];

/** A demand for what is staged, on its way or not there: `DemandDesk`. */
const otherServed = (tables: SiteAddresses): Code => [
  // Staged or on its way and resident: nobody knows how.
  leaveIf(get(newer)),
  otherChecked(tables),
  demanded(tables),
  set(row, rowOf(get(segment))),
  set(joinedAt, double(-1)),
  ifElse(get(stage), storeByte(get(segment), tables.stage, i32(Stage.none)), []),
  ifElse(
    equal(get(stage), i32(Stage.staged)),
    [
      set(served, i32(Served.stagedHit)),
      unstaged(tables, word(SiteWord.capacity), segment, at, newer, older),
      callOf('admit', get(segment), get(position)),
      callOf('settle', get(segment), i32(Outcome.useful), get(position)),
      storeByte(get(segment), tables.note, i32(SEEN)),
    ],
    ifElse(
      get(stage),
      [
        set(served, i32(Served.late)),
        storeDouble(shiftLeft(get(segment), i32(3)), tables.live, double(0)),
        addToWord(SiteWord.flightCount, -1),
        set(joinedAt, inRow(tables, get(row), Row.issuedAt)),
        set(wait, subDouble(inRow(tables, get(row), Row.landsAt), get(position))),
        leadObserved(greatest(number(SiteNumber.lead), subDouble(get(position), get(joinedAt)))),
        callOf('admit', get(segment), get(position)),
        callOf('settle', get(segment), i32(Outcome.late), get(position)),
        ifElse(atLeastDouble(get(joinedAt), number(SiteNumber.warmup)), waited(tables, latenessPlace, wait, x), []),
      ],
      [
        set(served, i32(Served.miss)),
        callOf('admit', get(segment), get(position)),
        addTo(SiteNumber.fetches, 1),
        addTo(SiteNumber.ease, -2),
        regretted(tables),
        set(wait, number(SiteNumber.fetchTime)),
        putInRow(tables, get(row), Row.landsAt, addDouble(get(position), get(wait))),
        // As it comes out of the sum, which may be rounded.
        set(wait, subDouble(inRow(tables, get(row), Row.landsAt), get(position))),
      ],
    ),
  ),
  heldOut(tables),
  digested(get(served), segment, x),
  ifElse(
    equal(get(served), i32(Served.stagedHit)),
    [addTo(SiteNumber.waitsZero, 1), hitCounted],
    [missCounted, waited(tables, waitsPlace, wait, x)],
  ),
  answered(get(served), or(word(SiteWord.endCount), notEqual(get(served), i32(Served.stagedHit)))),
];

/** The code of `row(segment, position)` over tables at these addresses. Nothing before `demanded` is done twice when plain code takes the row up. */
export function rowCode(tables: SiteAddresses): WasmFunction {
  return {
    parameterCount: 1,
    doubleCount: 1,
    hasResult: true,
    locals: [
      [12, I32],
      [4, F64],
    ],
    body: [
      leaveIf(isBeyond(SiteWord.demandLimit, get(segment))),
      leaveIf(atLeastUnsigned(word(SiteWord.rowNext), word(SiteWord.rowEnd))),
      set(ended, wordAt(tables.rowEnds, word(SiteWord.rowNext))),
      leaveIf(equal(get(ended), i32(RowEnd.other))),
      // Below zero no segment left.
      leaveIf(and(atLeastUnsigned(get(ended), word(SiteWord.demandLimit)), exceeds(get(ended), i32(-1)))),
      advanced(tables),
      set(stage, loadByte(get(segment), tables.stage)),
      leaveIf(equal(get(stage), i32(Stage.queued))),
      set(at, linksOf(get(segment))),
      set(newer, load(get(at), tables.reactiveLinks)),
      ifElse(isZero(get(stage)), ifElse(get(newer), residentServed(tables), []), []),
      otherServed(tables),
    ],
  };
}
