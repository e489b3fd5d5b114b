/** Learning by order for one access, as WebAssembly over the tables of `SuccessorTable`, `ContextTable` and `RecentHistory`. */

import { type Code, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { learningCode, type StepLocals } from './learning-code.ts';
import {
  COUNTS,
  INDEX,
  KernelAnswer,
  KernelField,
  NEXT,
  type OrderPlace,
  OTHER,
  orderField,
  SLOT,
} from './order-fields.ts';
import { namingCode } from './order-naming.ts';
import { RECORD_BYTES, RECORD_REPEATED, RecordField, ROWS_AHEAD } from './order-record.ts';
import { HISTORY_BYTES } from './recent-history.ts';

const { get, set, i32, add, multiply, and, or, xor, shiftLeft, shiftRight, select } = wasm;
const { equal, isLess, exceeds, atLeast, load, storeAt, block, loop, branch, branchIf, ifElse } = wasm;

/** `step(record, segment, position, lead)`: see `stepCode`. */
export function stepOf(degree: number, weights: readonly number[], place: OrderPlace): WasmFunction {
  const given = { record: 0, segment: 1, position: 2, lead: 3, own: 4 };
  const { locals, value } = stepCode(degree, weights, place, given, wasm.giveBack(i32(KernelAnswer.repeated)));
  return { parameterCount: 4, hasResult: true, locals, body: value };
}

/**
 * Given the byte of the consumer's record, a segment, a log position and accesses that a fetch takes, it does what `SequencePredictor` does with an access and then with its naming, to the last bit,
 * unless something would have to grow: then the function ends with `KernelAnswer.left`, and entries of the history that it made ripe stay so. A repeat of the
 * consumer's previous segment comes to `repeated`, two ifs deep. What it is worth is how many are named.
 */
export function stepCode(
  degree: number,
  weights: readonly number[],
  to: OrderPlace,
  given: StepLocals,
  repeated: Code,
): { readonly locals: WasmFunction['locals']; readonly value: Code } {
  const leave = wasm.giveBack(i32(KernelAnswer.left));
  const learning = learningCode(degree, weights, to.at, given, leave);
  const { row, entry, previous, segment, pushed } = learning;
  const own = learning.free;
  const source = { row, entry, own, next: NEXT, other: OTHER, counts: COUNTS };
  const naming = namingCode(degree, to, source, own + 1);
  return {
    locals: [...learning.locals, [1, I32], ...naming.locals],
    value: [
      learning.look,
      ifElse(get(pushed), ifElse(equal(get(previous), get(segment)), repeated, []), []),
      storeAt(i32(0), to.at + KernelField.latest, get(previous)),
      learning.touch,
      learning.ripen,
      learning.find,
      learning.hint,
      set(own, load(get(learning.ownAt), 4)),
      naming.choose,
      learning.follow,
      learning.push,
      naming.name,
      naming.count,
    ],
  };
}

/** `learnRows(from, to, position, lead)`: see `learnRowsOf`. */
const [fromRow, toRow, firstPosition, leadTold] = [0, 1, 2, 3];

/**
 * Learns waiting rows [from, to), the first of which is at that log position, as `step` does, and leaves after each a record (`order-record.ts`) of what naming would read, before anything
 * later is learned. Gives the first row that it has not learned: `to`, or one for which something would have to grow.
 */
export function learnRowsOf(degree: number, weights: readonly number[], place: OrderPlace): WasmFunction {
  const [i, record, segment, position, consumer, out, x, isRepeat, at] = [0, 4, 5, 6, 7, 8, 9, 10, 11];
  const home = place.at;
  const given = { record, segment, position, lead: leadTold, own: 12 };
  const learning = learningCode(degree, weights, home, given, wasm.giveBack(get(i)));
  const { row, entry, ownAt, previous, pushed } = learning;
  const consumersAt = COLUMN_BYTES;
  const leave = wasm.giveBack(get(i));
  const said: Code = [
    set(out, add(orderField(home, KernelField.said), multiply(get(i), i32(RECORD_BYTES)))),
    storeAt(get(out), RecordField.own, load(get(ownAt), 4)),
    storeAt(get(out), RecordField.next, load(get(entry), NEXT)),
    storeAt(get(out), RecordField.other, load(get(entry), OTHER)),
    storeAt(
      get(out),
      RecordField.counts,
      // Behind a pair that is not known there is something else.
      or(
        select(equal(get(entry), i32(home)), i32(0), load(get(entry), COUNTS)),
        select(get(isRepeat), i32(RECORD_REPEATED), i32(0)),
      ),
    ),
    [0, 16, 32, 48].map((offset) =>
      wasm.storeVector(get(out), RecordField.row + offset, wasm.loadVector(get(row), offset)),
    ),
  ];
  const rowAhead = (distance: number): Code =>
    load(add(orderField(home, KernelField.waiting), shiftLeft(get(i), i32(2))), 4 * distance);
  return {
    parameterCount: 4,
    hasResult: true,
    locals: [[8, I32], ...learning.locals],
    body: [
      set(position, get(firstPosition)),
      block(
        loop(
          branchIf(1, atLeast(get(fromRow), get(toRow))),
          set(at, add(orderField(home, KernelField.waiting), shiftLeft(get(i), i32(2)))),
          set(segment, load(get(at))),
          set(consumer, load(get(at), consumersAt)),
          // What a row some way on will need may come from far.
          set(record, rowAhead(TOUCHED_AHEAD - 1)),
          set(out, rowAhead(TOUCHED_AHEAD)),
          touchCode(degree, home, record, out, x),
          recordCode(home, record, consumer, leave),
          learning.look,
          set(isRepeat, and(exceeds(get(pushed), i32(0)), equal(get(previous), get(segment)))),
          ifElse(
            get(isRepeat),
            set(previous, select(exceeds(get(pushed), i32(1)), learning.segmentBefore(2), i32(-1))),
            [],
          ),
          learning.touch,
          ifElse(get(isRepeat), [], learning.ripen),
          learning.find,
          said,
          ifElse(get(isRepeat), [], [learning.hint, learning.follow, learning.push]),
          set(i, add(get(i), i32(1))),
          set(position, add(get(position), i32(1))),
          branch(0),
        ),
      ),
      get(i),
    ],
  };
}

/** How many rows ahead `learnRows` asks memory for what they will need: its columns go on for so many. */
const TOUCHED_AHEAD = 4;
/** Bytes of a column of waiting rows, which the next follows. */
export const COLUMN_BYTES = 4 * (ROWS_AHEAD + 16);

/** Leaves in `record` the byte at which the history of the consumer begins; ends by `leave` where it has none yet. */
export function recordCode(home: number, record: number, consumer: number, leave: Code): Code {
  const field = (offset: number): Code => orderField(home, offset);
  return [
    set(record, i32(0)),
    ifElse(
      isLess(get(consumer), i32(0)),
      [],
      [
        set(record, get(consumer)),
        ifElse(
          atLeast(get(record), field(KernelField.consumerMax)),
          set(record, wasm.remainderUnsigned(get(record), field(KernelField.consumerMax))),
          [],
        ),
        set(record, multiply(add(get(record), i32(1)), i32(HISTORY_BYTES))),
      ],
    ),
    ifElse(wasm.atLeastUnsigned(get(record), field(KernelField.historyBytes)), leave, []),
    set(record, add(get(record), field(KernelField.history))),
  ];
}

/** Asks memory for what an access of the segment in `next` after one of that in `segment` will need, as `touch` of `stepCode`; `x` is overwritten. */
export function touchCode(degree: number, home: number, segment: number, next: number, x: number): Code {
  const field = (offset: number): Code => load(i32(0), home + offset);
  const mixed = (shift: number): Code => xor(get(x), shiftRight(get(x), i32(shift)));
  const key = (local: number, factor: number): Code => multiply(add(get(local), i32(1)), i32(factor | 0));
  return [
    ifElse(
      wasm.atLeastUnsigned(get(next), field(KernelField.indexLength)),
      [],
      wasm.storeByte(
        add(
          field(KernelField.rows),
          multiply(load(add(field(KernelField.index), multiply(get(next), i32(INDEX)))), i32(SLOT * degree)),
        ),
        SLOT - 1,
        i32(0),
      ),
    ),
    set(x, xor(key(segment, 0x9e3779b1), key(next, 0x85ebca6b))),
    set(x, multiply(mixed(15), i32(0x2c1b3c6d))),
    set(x, mixed(13)),
    wasm.storeByte(
      add(field(KernelField.contexts), shiftLeft(and(get(x), field(KernelField.bucketMask)), i32(6))),
      COUNTS + 3,
      i32(0),
    ),
  ];
}
