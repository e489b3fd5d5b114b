/** Rows of which nobody but the prefetcher need be told, served and weighed without leaving the kernel. */

import { type Code, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { RowAnswer } from './row-code.ts';
import { callOf, number, putWord, siteFunctions, wordAt } from './site-code.ts';
import { type SiteAddresses, SiteNumber, SiteWord } from './site-layout.ts';

const { get, set, i32, add, and, select, isLess, atLeast, equal, block, loop, branch, branchIf, ifElse } = wasm;
const { addDouble, double, callBorrowed } = wasm;

/** Why `quiet` ended at a row: plain code is to serve it; the demand was served and more is to be done of it; it was weighed too, and something passes. */
export const QuietEnd = { unserved: 0, served: 1, weighed: 2 } as const;
/** The least that `QuietRows.weigh` gives where it has weighed. */
export const WEIGHED_LEAST = -2;

const [i, last, step, fourth, segment, answer] = [0, 1, 2, 3, 5, 6];
const position = 4;

/**
 * The code of `quiet(first, last, step, fourth, position)`: rows [first, last) of those that the ghosts have had, the first of them at that log position, as `row` and then the borrowed `QuietRows.weigh` have them. `fourth`: what the latter
 * is told beside the row, the first time, and by `step` more each time; 0 = the segment of the next row. Gives the row at which it ended, or `last`; why, and with which answer of which of the two, is left in `quietEnd` and `quietAnswer`.
 */
export function quietCode(tables: SiteAddresses): WasmFunction {
  const ended = (why: number, depth: number): Code => [
    putWord(SiteWord.quietEnd, i32(why)),
    putWord(SiteWord.quietAnswer, get(answer)),
    branch(depth),
  ];
  return {
    parameterCount: 4,
    doubleCount: 1,
    hasResult: true,
    locals: [[2, I32]],
    body: [
      putWord(SiteWord.quietEnd, i32(QuietEnd.unserved)),
      block(
        loop(
          branchIf(1, atLeast(get(i), get(last))),
          set(segment, wordAt(tables.rowSegments, get(i))),
          set(answer, callOf('row', get(segment), get(position))),
          branchIf(1, isLess(get(answer), i32(0))),
          ifElse(and(get(answer), i32(RowAnswer.more)), ended(QuietEnd.served, 2), []),
          // Only a hit in the reactive cache ends without more.
          set(
            answer,
            callBorrowed(
              siteFunctions.length,
              get(segment),
              wordAt(tables.rowConsumers, get(i)),
              and(get(answer), i32(RowAnswer.served)),
              select(get(step), get(fourth), wordAt(tables.rowSegments, add(get(i), i32(1)))),
              get(position),
              number(SiteNumber.lead),
            ),
          ),
          ifElse(
            isLess(get(answer), i32(0)),
            ifElse(equal(get(answer), i32(WEIGHED_LEAST)), [], [set(answer, i32(1)), ended(QuietEnd.served, 3)]),
            ifElse(and(get(answer), i32(255)), ended(QuietEnd.weighed, 3), []),
          ),
          set(fourth, add(get(fourth), get(step))),
          set(i, add(get(i), i32(1))),
          set(position, addDouble(get(position), double(1))),
          branch(0),
        ),
      ),
      get(i),
    ],
  };
}
