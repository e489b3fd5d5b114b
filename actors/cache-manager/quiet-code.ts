/** Rows served and weighed without leaving the kernel, as long as plain code need not look at them. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Served } from '../prefetcher.ts';
import { EVICTED, type QuietCall, quietCallNames } from '../quiet-calls.ts';
import { headroomLeft } from './bounds-code.ts';
import { ConsiderAnswer } from './consider-code.ts';
import { MissClass, Note, SEEN } from './miss-classes.ts';
import { Row } from './prefetch-table.ts';
import { RowAnswer } from './row-code.ts';
import {
  addToWord,
  callOf,
  inRow,
  number,
  putWord,
  putWordAt,
  rowOf,
  siteFunctions,
  word,
  wordAt,
} from './site-code.ts';
import { EASE_LEAST, ENDS_MAX, SETTLED_MAX, type SiteAddresses, SiteNumber, SiteWord } from './site-layout.ts';

const { get, set, i32, add, sub, and, select, isLess, atLeast, exceeds, equal, isZero, giveBack, loadByte } = wasm;
const { block, loop, branch, branchIf, ifElse, load, storeAt, storeByte, shiftLeft, callBorrowed, wholeOf } = wasm;
const { double, doubleOf, addDouble, least, atLeastDouble, isLessDouble } = wasm;

/** Why `quiet` ended at a row: plain code is to serve it; the demand was served, and what the answer says is still to be done; it was weighed too, and proposals are to be considered. */
export const QuietEnd = { unserved: 0, served: 1, weighed: 2 } as const;
/** What `QuietCalls.weigh` gives where nothing can come of an access. */
const NOTHING = -2;
/** Of an answer, how many pass. */
const PASSING = 255;

const [i, last, step, fourth, before] = [0, 1, 2, 3, 4];
const position = 5;
const [segment, answer, served, how, weighed, k, other, code, sent, allowed, note] = [
  6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
];
const [room, excess, slack, x, r, b] = [17, 18, 19, 20, 21, 22];

const borrowed = (name: QuietCall, ...parameters: readonly Code[]): Code =>
  callBorrowed(siteFunctions.length, quietCallNames.indexOf(name), ...parameters);
const ended = (why: number): Code => [
  putWord(SiteWord.quietEnd, i32(why)),
  putWord(SiteWord.quietAnswer, get(answer)),
  giveBack(get(i)),
];
const bump = (local: number): Code => set(local, add(get(local), i32(1)));

/** Tells the prefetcher how prefetches have ended and who has left, in order; what others are to be told is kept for them. Where it does not take one, plain code goes on from there. */
const endsTold = (at: SiteAddresses): Code => {
  const end = shiftLeft(get(k), i32(3));
  const kept = shiftLeft(word(SiteWord.settledCount), i32(4));
  return [
    set(k, i32(0)),
    block(
      loop(
        branchIf(1, atLeast(get(k), word(SiteWord.endCount))),
        set(other, load(end, at.ends)),
        set(code, load(end, at.ends + 4)),
        ifElse(
          borrowed('endedFor', get(other), loadByte(get(other), at.expert), get(code), get(before)),
          [],
          [putWord(SiteWord.endsTold, get(k)), ended(QuietEnd.served)],
        ),
        ifElse(
          equal(get(code), i32(EVICTED)),
          [],
          [
            storeAt(kept, at.settled, get(other)),
            storeAt(kept, at.settled + 4, loadByte(get(other), at.expert)),
            storeAt(kept, at.settled + 8, get(code)),
            storeAt(kept, at.settled + 12, wholeOf(inRow(at, rowOf(get(other)), Row.issuedAt))),
            addToWord(SiteWord.settledCount, 1),
          ],
        ),
        bump(k),
        branch(0),
      ),
    ),
    putWord(SiteWord.endCount, i32(0)),
  ];
};

/** `DemandDesk.classify` of what the baseline misses too, `MissClasses.demanded`, and how many were fetched. */
const missNoted = (at: SiteAddresses): Code => {
  const age = sub(wholeOf(get(position)), wordAt(at.notedAt, get(segment)));
  const is = (missClass: number): Code => set(k, i32(missClass));
  const isForeseen = and(get(code), i32(1));
  return [
    ifElse(
      and(get(answer), i32(RowAnswer.baselineHit)),
      [],
      [
        set(note, loadByte(get(segment), at.note)),
        set(other, and(get(note), i32(~SEEN))),
        set(code, borrowed('foreseen', get(segment), wholeOf(get(position)), age, number(SiteNumber.lead))),
        ifElse(isForeseen, is(MissClass.overBudget), [
          ifElse(and(get(note), i32(SEEN)), is(MissClass.unpredicted), is(MissClass.unseen)),
        ]),
        ifElse(
          and(exceeds(get(other), i32(Note.evicted)), wasm.shiftRight(get(code), i32(1))),
          ifElse(equal(get(other), i32(Note.throttled)), is(MissClass.throttled), is(MissClass.overBudget)),
          [],
        ),
        ifElse(equal(get(other), i32(Note.evicted)), is(MissClass.evicted), []),
        ifElse(get(served), is(MissClass.late), []),
        putWordAt(at.missed, get(k), add(wordAt(at.missed, get(k)), i32(1))),
      ],
    ),
    storeByte(get(segment), at.note, i32(SEEN | Note.none)),
    ifElse(get(served), [], addToWord(SiteWord.fetchedCount, 1)),
  ];
};

/** Chooses of those that pass what there is headroom for, and considers it as `IssueDesk.considerAll`. What `consider` leaves, plain code goes on from. */
const proposed = (at: SiteAddresses, consumer: Code): Code => {
  const handedOver: Code = [
    putWord(SiteWord.quietNext, get(k)),
    putWord(SiteWord.quietSent, get(sent)),
    putWord(SiteWord.quietChosen, get(allowed)),
    ended(QuietEnd.weighed),
  ];
  return [
    headroomLeft(at, { excess, slack, x, r, b }),
    set(slack, least(get(slack), doubleOf(and(get(weighed), i32(PASSING))))),
    ifElse(
      atLeastDouble(get(slack), double(1)),
      [
        set(allowed, wholeOf(get(slack))),
        set(k, i32(0)),
        set(sent, i32(0)),
        // They are in the order in which they are considered, but for what rounding does.
        ifElse(
          borrowed(
            'propose',
            get(allowed),
            and(get(weighed), i32(PASSING)),
            get(how),
            wholeOf(get(position)),
            consumer,
          ),
          [],
          handedOver,
        ),
        set(room, number(SiteNumber.share)),
        loop(
          ifElse(get(sent), ifElse(atLeastDouble(doubleOf(get(sent)), get(room)), handedOver, []), []),
          set(other, borrowed('proposedSegment', get(k))),
          set(
            code,
            callOf(
              'consider',
              get(other),
              borrowed('proposedExpert', get(k)),
              borrowed('proposedStated', get(k)),
              get(position),
            ),
          ),
          ifElse(isLess(get(code), i32(0)), handedOver, []),
          ifElse(equal(get(code), i32(ConsiderAnswer.sent)), [borrowed('held', get(other)), bump(sent)], []),
          bump(k),
          branchIf(0, isLess(get(k), get(allowed))),
        ),
      ],
      [],
    ),
  ];
};

/**
 * The code of `quiet(first, last, step, fourth, before, position)`: rows [first, last) of those that the ghosts have had, the first of them at that log position, as `row` and then the borrowed `QuietCalls` have them. `fourth`: what
 * `weigh` is told beside the row, the first time, and by `step` more each time; 0 = the segment of the next row. `before`: log position of the access before. Gives the row at which it ended, or `last`; why, and with which answer
 * of `row`, is left in `quietEnd` and `quietAnswer`, and where proposals are left, how many were chosen, considered and sent in `quietChosen`, `quietNext` and `quietSent`.
 * Of what has ended, who is not the prefetcher is to be told `settledCount` times, see `settled`; of misses how many were fetched, and how many were of each class, in `fetchedCount` and `missed`.
 */
export function quietCode(at: SiteAddresses): WasmFunction {
  const consumer = wordAt(at.rowConsumers, get(i));
  return {
    parameterCount: 5,
    doubleCount: 1,
    hasResult: true,
    locals: [
      [11, I32],
      [6, F64],
    ],
    body: [
      putWord(SiteWord.quietEnd, i32(QuietEnd.unserved)),
      block(
        loop(
          branchIf(1, atLeast(get(i), get(last))),
          branchIf(1, exceeds(word(SiteWord.settledCount), i32(SETTLED_MAX - ENDS_MAX))),
          ifElse(isLessDouble(number(SiteNumber.ease), double(EASE_LEAST)), callOf('look'), []),
          set(segment, wordAt(at.rowSegments, get(i))),
          set(answer, callOf('row', get(segment), get(position))),
          branchIf(1, isLess(get(answer), i32(0))),
          set(served, and(get(answer), i32(RowAnswer.served))),
          ifElse(
            and(get(answer), i32(RowAnswer.more)),
            [
              endsTold(at),
              ifElse(and(get(answer), i32(RowAnswer.held)), ended(QuietEnd.served), []),
              ifElse(isMissed, missNoted(at), []),
              set(answer, get(served)),
            ],
            [],
          ),
          // `servedClassOf`.
          set(how, select(exceeds(get(served), i32(Served.stagedHit)), i32(Served.stagedHit), get(served))),
          set(
            weighed,
            borrowed(
              'weigh',
              get(segment),
              consumer,
              get(how),
              select(get(step), get(fourth), wordAt(at.rowSegments, add(get(i), i32(1)))),
              get(position),
              number(SiteNumber.lead),
            ),
          ),
          ifElse(
            isLess(get(weighed), i32(0)),
            ifElse(equal(get(weighed), i32(NOTHING)), [], ended(QuietEnd.served)),
            ifElse(and(get(weighed), i32(PASSING)), proposed(at, consumer), []),
          ),
          set(before, wholeOf(get(position))),
          set(fourth, add(get(fourth), get(step))),
          bump(i),
          set(position, addDouble(get(position), double(1))),
          branch(0),
        ),
      ),
      get(i),
    ],
  };
}

/** Whether the demand was a miss, or joined what was on its way. */
const isMissed = and(isZero(equal(get(served), i32(Served.hit))), isZero(equal(get(served), i32(Served.stagedHit))));
