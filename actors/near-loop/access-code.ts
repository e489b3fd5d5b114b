/** The kernel's work on one access from end to end: who is at the site, what order learns and names, and what is served. */

import { type Code, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { KernelAnswer, KernelField, type OrderPlace, stepCode, touchCode } from '../sequence-predictor/order-kernel.ts';
import type { OrderTablesOptions } from '../sequence-predictor/order-tables.ts';
import { HISTORY_BYTES } from '../sequence-predictor/recent-history.ts';
import { field, putFact, rowOf } from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { RESIDENT } from './resident-flags.ts';
import { Fact } from './segment-facts.ts';
import { ServeLocal, ServeMode, servedCode, serveLocals } from './serve-code.ts';

const { get, set, i32, add, and, or, multiply, shiftLeft, shiftRight, sub, isLess, exceeds, notEqual, atLeast } = wasm;
const { atLeastUnsigned, remainderUnsigned, select, storeAt, storeByte, wholeOf, ifElse, block, branch, giveBack } =
  wasm;
const { segment, consumer, how, count, now, lead, x, row, admitted, position, free } = ServeLocal;
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
      touchCode(order.successors.degree, place, segment, count, x),
      ifElse(
        isLess(get(consumer), i32(0)),
        [],
        [
          set(record, get(consumer)),
          ifElse(
            atLeast(get(record), orderField(KernelField.consumerMax)),
            set(record, remainderUnsigned(get(record), orderField(KernelField.consumerMax))),
            [],
          ),
          set(record, multiply(add(get(record), i32(1)), i32(HISTORY_BYTES))),
        ],
      ),
      ifElse(atLeastUnsigned(get(record), orderField(KernelField.historyBytes)), leave, []),
      set(record, add(get(record), orderField(KernelField.history))),
      set(accesses, wholeOf(get(lead))),
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
