/** The kernel's work on one access from end to end: who is at the site, what order learns and names, and what is served. */

import { type Code, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { KernelAnswer, KernelField, type OrderPlace } from '../sequence-predictor/order-fields.ts';
import { recordCode, stepCode, touchCode } from '../sequence-predictor/order-kernel.ts';
import { namingCode } from '../sequence-predictor/order-naming.ts';
import { RecordField } from '../sequence-predictor/order-record.ts';
import type { OrderTablesOptions } from '../sequence-predictor/order-tables.ts';
import { field, putFact, rowOf } from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { RESIDENT } from './resident-flags.ts';
import { Fact } from './segment-facts.ts';
import { ServeLocal, ServeMode, servedCode, serveLocals } from './serve-code.ts';

const { get, set, i32, add, and, or, shiftLeft, shiftRight, sub, isLess, exceeds, equal, notEqual, load } = wasm;
const { atLeastUnsigned, select, storeAt, storeByte, wholeOf, ifElse, block, branch, giveBack } = wasm;
const { segment, consumer, how, count, now, x, row, admitted, position, free } = ServeLocal;
const [record, accesses] = [free, free + 1];

/** What `access` gives instead of twice eight bits, how many candidates there are and how many of them pass: nothing was done; a repeat was served, which says nothing. */
export const AccessAnswer = { left: KernelAnswer.left, repeated: KernelAnswer.repeated } as const;
/** Class of an access that was served from the reactive cache. */
const HIT = 1;

/** The code of `access` over tables at these addresses, and over those of order at `place`. */
export function accessCode(
  at: MixtureAddresses,
  place: OrderPlace,
  order: OrderTablesOptions,
  capacity: number,
): WasmFunction {
  const orderField = (offset: number): Code => field(place.at + offset);
  const leave = giveBack(i32(AccessAnswer.left));
  const step = stepCode(
    order.successors.degree,
    order.weights,
    place,
    { record, segment, position, lead: accesses, own: free + 2 },
    // Served, it is settled and no more; else plain code names after it. Out of two ifs and the block.
    [ifElse(notEqual(and(get(how), i32(3)), i32(HIT)), leave, []), set(how, i32(-1)), set(count, i32(0)), branch(2)],
  );
  return {
    parameterCount: 4,
    doubleCount: 2,
    hasResult: true,
    locals: [...serveLocals, [2, I32], ...step.locals],
    body: [
      ifElse(atLeastUnsigned(get(segment), field(MixtureField.segmentLimit)), leave, []),
      // The flags end a byte before, and begin one behind, where these two point.
      ifElse(atLeastUnsigned(get(segment), sub(orderField(KernelField.flagsEnd), i32(1))), leave, []),
      set(position, wholeOf(get(now))),
      storeByte(add(get(segment), orderField(KernelField.flags)), 1, i32(RESIDENT)),
      // Nobody reads it before it is written again: it asks memory for the row.
      set(row, rowOf(get(segment))),
      putFact(at, row, Fact.lastAt, get(position)),
      // What the next access will need may come from far.
      touchCode(order.successors.degree, place.at, segment, count, x),
      recordCode(place.at, record, consumer, leave),
      set(accesses, field(MixtureField.learnedLead)),
      block(
        set(count, step.value),
        storeAt(
          i32(0),
          place.at + KernelField.latest + 4,
          shiftRight(sub(get(record), orderField(KernelField.history)), i32(2)),
        ),
        ifElse(exceeds(get(count), i32(capacity)), set(count, i32(capacity)), []),
        set(how, or(get(how), i32(ServeMode.named))),
      ),
      servedCode(at),
      select(isLess(get(how), i32(0)), i32(AccessAnswer.repeated), or(shiftLeft(get(count), i32(8)), get(admitted))),
    ],
  };
}

/**
 * The code of `weigh` over tables at these addresses: what `access` does after an access has been learned, with the record of that (`order-record.ts`), whose address is in the place of `count`.
 * It leaves nothing but segments that it does not know of.
 */
export function weighCode(
  at: MixtureAddresses,
  place: OrderPlace,
  order: OrderTablesOptions,
  capacity: number,
): WasmFunction {
  const [entry, successors, own] = [free, free + 1, free + 2];
  const leave = giveBack(i32(AccessAnswer.left));
  const source = {
    row: successors,
    entry,
    own,
    next: RecordField.next,
    other: RecordField.other,
    counts: RecordField.counts,
  };
  const naming = namingCode(order.successors.degree, place, source, free + 3);
  const isRepeated = isLess(load(get(entry), RecordField.counts), i32(0));
  return {
    parameterCount: 4,
    doubleCount: 2,
    hasResult: true,
    locals: [...serveLocals, [3, I32], ...naming.locals],
    body: [
      ifElse(atLeastUnsigned(get(segment), field(MixtureField.segmentLimit)), leave, []),
      ifElse(atLeastUnsigned(get(segment), sub(field(place.at + KernelField.flagsEnd), i32(1))), leave, []),
      set(position, wholeOf(get(now))),
      storeByte(add(get(segment), field(place.at + KernelField.flags)), 1, i32(RESIDENT)),
      // Nobody reads it before it is written again: it asks memory for the row.
      set(row, rowOf(get(segment))),
      putFact(at, row, Fact.lastAt, get(position)),
      set(entry, get(count)),
      set(successors, add(get(entry), i32(RecordField.row))),
      set(own, load(get(entry), RecordField.own)),
      ifElse(
        and(isRepeated, equal(and(get(how), i32(3)), i32(HIT))),
        [set(how, i32(-1)), set(count, i32(0))],
        [
          naming.choose,
          naming.name,
          set(count, naming.count),
          ifElse(exceeds(get(count), i32(capacity)), set(count, i32(capacity)), []),
          set(how, or(get(how), i32(ServeMode.named))),
        ],
      ),
      servedCode(at),
      select(isLess(get(how), i32(0)), i32(AccessAnswer.repeated), or(shiftLeft(get(count), i32(8)), get(admitted))),
    ],
  };
}
