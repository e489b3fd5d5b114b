/** Pieces of a site's kernel: lists, digest, histograms and how a prefetch ends, in the order of the plain code. */

import { type Code, F64, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { Outcome } from '../prefetcher.ts';
import { EVICTED } from '../quiet-calls.ts';
import { AT_REACTIVE, IS_THERE } from './ghost.ts';
import { BUCKET_SHIFT } from './latency-histogram.ts';
import { SEEN } from './miss-classes.ts';
import { ROW_SHIFT, Row, Stage } from './prefetch-table.ts';
import { type HistogramPlace, type SiteAddresses, SiteNumber, SiteWord, WORDS_AT } from './site-layout.ts';
import { HORIZON_LEAST } from './site-space.ts';
import { STEP } from './traffic-guard.ts';

const { get, set, i32, add, sub, multiply, and, or, xor, shiftLeft, shiftRight, rotateLeft, load, storeAt } = wasm;
const { loadByte, storeByte, equal, isLess, exceeds, isZero, block, loop, branch, branchIf, ifElse } = wasm;
const { double, loadDouble, storeDouble, addDouble, subDouble, divideDouble, least, select } = wasm;
const { atLeastDouble, equalDouble, notEqualDouble, wholeOf, call } = wasm;

/** Functions of the kernel; those before `row` are for the others. */
export const siteFunctions = ['know', 'settle', 'waste', 'evict', 'admit', 'look', 'row', 'consider', 'quiet'] as const;
export type SiteFunction = (typeof siteFunctions)[number];

/** The node of segment 0 in a `SegmentLists` of one list, whose sentinel is node 1; and in the lists of a ghost. */
const NODE = 2;
const SENTINEL = 1;
const GHOST_NODE = 5;
/** Lists of a ghost up to that one know only how many segments they have. */
const COUNTED = 1;

export const callOf = (name: SiteFunction, ...parameters: readonly Code[]): Code =>
  call(siteFunctions.indexOf(name), ...parameters);

export const number = (field: number): Code => loadDouble(i32(0), 8 * field);
export const putNumber = (field: number, value: Code): Code => storeDouble(i32(0), 8 * field, value);
export const addTo = (field: number, by: number): Code => putNumber(field, addDouble(number(field), double(by)));
export const word = (field: number): Code => load(i32(0), WORDS_AT + 4 * field);
export const putWord = (field: number, value: Code): Code => storeAt(i32(0), WORDS_AT + 4 * field, value);
export const addToWord = (field: number, by: number): Code => putWord(field, add(word(field), i32(by)));

/** Entries of tables, by a local that holds the index. */
export const doubleAt = (at: number, index: Code): Code => loadDouble(shiftLeft(index, i32(3)), at);
export const wordAt = (at: number, index: Code): Code => load(shiftLeft(index, i32(2)), at);
export const putWordAt = (at: number, index: Code, value: Code): Code => storeAt(shiftLeft(index, i32(2)), at, value);
export const addToDoubleAt = (at: number, index: Code, by: Code): Code =>
  storeDouble(shiftLeft(index, i32(3)), at, addDouble(doubleAt(at, index), by));
/** Byte at which a segment's row of the prefetch table begins, from where all do. */
export const rowOf = (segment: Code): Code => shiftLeft(segment, i32(ROW_SHIFT + 3));
export const inRow = (at: SiteAddresses, row: Code, column: number): Code => loadDouble(row, at.rows + 8 * column);
export const putInRow = (at: SiteAddresses, row: Code, column: number, value: Code): Code =>
  storeDouble(row, at.rows + 8 * column, value);

/** Byte at which a segment's links begin, from where all do: the newer, then the older neighbour. */
export const linksOf = (segment: Code): Code => shiftLeft(add(segment, i32(NODE)), i32(3));
/** The segment at the oldest end of a list; as large as can be, without a sign, where there is none. */
export const oldestOf = (links: number): Code => sub(load(i32(8 * SENTINEL), links), i32(NODE));
/** The one that is newer, of a node; and whether a node is a segment's. */
export const newerThan = (links: number, segment: Code): Code => sub(load(linksOf(segment), links), i32(NODE));

/** Puts a segment at the newest end. `at` and `newest` are words to be overwritten. */
export function push(links: number, segment: number, at: number, newest: number): Code {
  const node = add(get(segment), i32(NODE));
  return [
    set(at, linksOf(get(segment))),
    set(newest, load(i32(8 * SENTINEL), links + 4)),
    storeAt(get(at), links, i32(SENTINEL)),
    storeAt(get(at), links + 4, get(newest)),
    storeAt(shiftLeft(get(newest), i32(3)), links, node),
    storeAt(i32(8 * SENTINEL), links + 4, node),
  ];
}

/** Takes it out. `at`, `newer` and `older` are words to be overwritten. */
export function unlink(links: number, segment: number, at: number, newer: number, older: number): Code {
  return [
    set(at, linksOf(get(segment))),
    set(newer, load(get(at), links)),
    set(older, load(get(at), links + 4)),
    storeAt(shiftLeft(get(newer), i32(3)), links + 4, get(older)),
    storeAt(shiftLeft(get(older), i32(3)), links, get(newer)),
    storeAt(get(at), links, i32(0)),
  ];
}

/** `DecisionDigest.add`. `k` is a word to be overwritten. */
export function digested(code: Code, segment: number, k: number): Code {
  const [a, b] = [word(SiteWord.digestA), word(SiteWord.digestB)];
  const rotated = (value: Code, by: number): Code => rotateLeft(value, i32(by));
  return [
    set(k, multiply(xor(get(segment), shiftLeft(code, i32(28))), i32(0xcc9e2d51 | 0))),
    set(k, rotated(xor(a, rotated(get(k), 15)), 13)),
    putWord(SiteWord.digestA, add(multiply(get(k), i32(5)), i32(0xe6546b64 | 0))),
    set(
      k,
      multiply(
        xor(add(get(segment), i32(0x7f4a7c15)), multiply(add(code, i32(1)), i32(0x9e3779b1 | 0))),
        i32(0x1b873593),
      ),
    ),
    set(k, rotated(xor(b, rotated(get(k), 16)), 17)),
    putWord(SiteWord.digestB, add(multiply(get(k), i32(9)), xor(a, i32(0x38b34ae5)))),
    addTo(SiteNumber.digestLength, 1),
  ];
}

/** `LatencyHistogram.add` of the double in `wait`. `bucket` is a word to be overwritten. */
export function waited(at: SiteAddresses, place: HistogramPlace, wait: number, bucket: number): Code {
  const scratch = WORDS_AT + 4 * SiteWord.scratch;
  return ifElse(equalDouble(get(wait), double(0)), addTo(place.zeroCount, 1), [
    ifElse(
      notEqualDouble(get(wait), number(place.lastWait)),
      [
        putNumber(place.lastWait, get(wait)),
        wasm.storeFloat(i32(0), scratch, get(wait)),
        putWord(place.lastBucket, shiftRight(load(i32(0), scratch), i32(BUCKET_SHIFT))),
      ],
      [],
    ),
    set(bucket, word(place.lastBucket)),
    addToDoubleAt(at[place.counts], get(bucket), double(1)),
    addToDoubleAt(at[place.sums], get(bucket), get(wait)),
    addTo(place.count, 1),
    putNumber(place.sum, addDouble(number(place.sum), get(wait))),
  ]);
}

/** `TrafficGuard.compare`: the site has the segment there from now on. */
export const compared = (at: SiteAddresses, segment: Code, where: number): Code => [
  addTo(SiteNumber.ease, -STEP),
  callOf('know', segment, or(and(loadByte(segment, at.known), i32(IS_THERE)), i32(where))),
];

/** Takes note of what was decided about a segment, a `Note`, as `MissClasses` does. */
export const noted = (at: SiteAddresses, segment: number, position: number, note: number): Code => [
  storeByte(get(segment), at.note, or(and(loadByte(get(segment), at.note), i32(SEEN)), i32(note))),
  putWordAt(at.notedAt, get(segment), wholeOf(get(position))),
];

/** `Departures.left`. `count` is a word to be overwritten. */
const departed = (table: number, field: number, segment: number, count: number): Code => [
  set(count, add(word(field), i32(1))),
  ifElse(isZero(get(count)), set(count, i32(1)), []),
  putWord(field, get(count)),
  putWordAt(table, get(segment), get(count)),
];

/** Takes note of an end, for whoever is to be told. */
export const told = (at: SiteAddresses, segment: number, code: Code): Code => [
  storeAt(shiftLeft(word(SiteWord.endCount), i32(3)), at.ends, get(segment)),
  storeAt(shiftLeft(word(SiteWord.endCount), i32(3)), at.ends + 4, code),
  addToWord(SiteWord.endCount, 1),
];

/** `know(segment, known)`: what is known of a segment from now on, and the list that it is in by that (`Ghost`, `ExclusiveLists.move`). */
export function knowCode(at: SiteAddresses): WasmFunction {
  const [segment, known, before, list, from, node, newer, older, newest] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const links = at.listLinks;
  const ringAt = (index: number): Code => shiftLeft(get(index), i32(3));
  return {
    parameterCount: 2,
    hasResult: false,
    locals: [[7, I32]],
    body: block(
      set(before, loadByte(get(segment), at.known)),
      branchIf(0, equal(get(before), get(known))),
      storeByte(get(segment), at.known, get(known)),
      set(list, loadByte(get(known), at.listOfKnown)),
      // Where all copies are as large, the list follows from what is known.
      set(from, loadByte(get(before), at.listOfKnown)),
      branchIf(0, equal(get(from), get(list))),
      storeByte(get(segment), at.listOf, get(list)),
      putWordAt(at.listCounts, get(from), sub(wordAt(at.listCounts, get(from)), i32(1))),
      putWordAt(at.listCounts, get(list), add(wordAt(at.listCounts, get(list)), i32(1))),
      set(node, add(get(segment), i32(GHOST_NODE))),
      ifElse(
        exceeds(get(from), i32(COUNTED)),
        [
          set(newer, load(ringAt(node), links)),
          set(older, load(ringAt(node), links + 4)),
          storeAt(ringAt(newer), links + 4, get(older)),
          storeAt(ringAt(older), links, get(newer)),
        ],
        [],
      ),
      branchIf(0, isLess(get(list), i32(COUNTED + 1))),
      set(newest, load(ringAt(list), links + 4)),
      storeAt(ringAt(node), links, get(list)),
      storeAt(ringAt(node), links + 4, get(newest)),
      storeAt(ringAt(newest), links, get(node)),
      storeAt(ringAt(list), links + 4, get(node)),
    ),
  };
}

/** `waste(position)`: ends what was staged longest ago (`SiteSpace`); something is. */
export function wasteCode(at: SiteAddresses, capacity: Code): WasmFunction {
  const [position, segment, x, newer, older, stayed, mean] = [0, 1, 2, 3, 4, 5, 6];
  return {
    parameterCount: 0,
    doubleCount: 1,
    hasResult: false,
    locals: [
      [4, I32],
      [2, F64],
    ],
    body: [
      set(segment, oldestOf(at.stagingLinks)),
      set(stayed, subDouble(get(position), inRow(at, rowOf(get(segment)), Row.issuedAt))),
      set(mean, number(SiteNumber.residence)),
      ifElse(
        equalDouble(get(mean), get(mean)),
        set(stayed, addDouble(get(mean), divideDouble(subDouble(get(stayed), get(mean)), double(128)))),
        [],
      ),
      putNumber(SiteNumber.residence, get(stayed)),
      unstaged(at, capacity, segment, x, newer, older),
      compared(at, get(segment), 0),
      departed(at.wastedAt, SiteWord.wastedCount, segment, x),
      storeByte(get(segment), at.stage, i32(Stage.none)),
      callOf('settle', get(segment), i32(Outcome.wasted), get(position)),
    ],
  };
}

/** Takes a segment out of the prefetch cache, and gives its space back. The last three are words to be overwritten. */
export const unstaged = (
  at: SiteAddresses,
  capacity: Code,
  segment: number,
  x: number,
  newer: number,
  older: number,
): Code => [
  unlink(at.stagingLinks, segment, x, newer, older),
  addToWord(SiteWord.stagingCount, -1),
  putWord(SiteWord.reactiveCapacity, sub(capacity, word(SiteWord.stagingCount))),
];

/** `evict()`: the oldest of the reactive cache leaves, as `SiteSpace.left` has it; there is one. */
export function evictCode(at: SiteAddresses): WasmFunction {
  const [segment, x, newer, older] = [0, 1, 2, 3];
  return {
    parameterCount: 0,
    hasResult: false,
    locals: [[4, I32]],
    body: [
      set(segment, oldestOf(at.reactiveLinks)),
      unlink(at.reactiveLinks, segment, x, newer, older),
      addToWord(SiteWord.reactiveCount, -1),
      compared(at, get(segment), 0),
      departed(at.evictedAt, SiteWord.evictedCount, segment, x),
      addToWord(SiteWord.sinceTurned, 1),
      told(at, segment, i32(EVICTED)),
    ],
  };
}

/** `admit(segment, position)`: gives a demanded segment to the reactive cache, where it is not; the bounds are far. */
export function admitCode(at: SiteAddresses): WasmFunction {
  const [segment, position, x, newest, overdue] = [0, 1, 2, 3, 4];
  const oldestIssuedAt = inRow(at, rowOf(oldestOf(at.stagingLinks)), Row.issuedAt);
  return {
    parameterCount: 1,
    doubleCount: 1,
    hasResult: false,
    locals: [
      [2, I32],
      [1, F64],
    ],
    body: [
      ifElse(
        word(SiteWord.stagingCount),
        [
          ifElse(
            exceeds(word(SiteWord.sinceTurned), word(SiteWord.reactiveCount)),
            [
              putWord(SiteWord.sinceTurned, i32(0)),
              putNumber(SiteNumber.turnedBefore, number(SiteNumber.turnedAt)),
              putNumber(SiteNumber.turnedAt, get(position)),
            ],
            [],
          ),
          set(overdue, least(number(SiteNumber.turnedBefore), subDouble(get(position), double(HORIZON_LEAST)))),
          block(
            loop(
              branchIf(1, isZero(word(SiteWord.stagingCount))),
              branchIf(1, atLeastDouble(oldestIssuedAt, get(overdue))),
              callOf('waste', get(position)),
              branch(0),
            ),
          ),
        ],
        [],
      ),
      ifElse(exceeds(add(word(SiteWord.reactiveCount), i32(1)), word(SiteWord.reactiveCapacity)), callOf('evict'), []),
      addToWord(SiteWord.reactiveCount, 1),
      push(at.reactiveLinks, segment, x, newest),
      compared(at, get(segment), AT_REACTIVE),
    ],
  };
}

/** Log position before which what was sent is overdue, as `admit` will have it; nothing changes. */
export const overdueNow = (position: number): Code =>
  least(
    select(
      exceeds(word(SiteWord.sinceTurned), word(SiteWord.reactiveCount)),
      number(SiteNumber.turnedAt),
      number(SiteNumber.turnedBefore),
    ),
    subDouble(get(position), double(HORIZON_LEAST)),
  );
