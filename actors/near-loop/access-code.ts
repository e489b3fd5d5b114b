/** The kernel's work on one access from end to end: who is at the site, what order learns and names, and what is served. */

import { type Code, I32, type WasmFunction, wasm } from '../../streams/sources/wasm-module.ts';
import { KernelAnswer, KernelField } from '../sequence-predictor/order-kernel.ts';
import { HISTORY_BYTES } from '../sequence-predictor/recent-history.ts';
import { field, putFact, rowOf } from './mixture-code.ts';
import { type MixtureAddresses, MixtureField } from './mixture-layout.ts';
import { RESIDENT } from './resident-flags.ts';
import { Fact } from './segment-facts.ts';
import { ServeMode } from './serve-code.ts';

const { get, set, i32, add, and, or, multiply, shiftLeft, shiftRight, sub, isLess, exceeds, equal, atLeast } = wasm;
const { atLeastUnsigned, remainderUnsigned, storeAt, storeByte, storeDouble, wholeOf, ifElse, giveBack, call } = wasm;

/** What `access` gives instead of twice eight bits, how many candidates there are and how many of them pass: nothing was done; a repeat was served, which says nothing. */
export const AccessAnswer = { left: KernelAnswer.left, repeated: KernelAnswer.repeated } as const;
/** Class of an access that was served from the reactive cache. */
const HIT = 1;

/** Numbers of the functions that it calls. */
export interface AccessCalls {
  readonly step: number;
  readonly serve: number;
}

/** The code of `access` over tables at these addresses, and over those of order, whose words begin at `orderAt`. */
export function accessCode(at: MixtureAddresses, orderAt: number, capacity: number, calls: AccessCalls): WasmFunction {
  const [segment, consumer, how, position, lead] = [0, 1, 2, 3, 4];
  const [whole, record, count, row] = [5, 6, 7, 8];
  const order = (offset: number): Code => field(orderAt + offset);
  const leave = giveBack(i32(AccessAnswer.left));
  const served = (named: Code, mode: Code): Code =>
    call(calls.serve, get(segment), get(whole), named, mode, get(consumer));
  return {
    parameterCount: 3,
    doubleCount: 2,
    hasResult: true,
    locals: [[4, I32]],
    body: [
      ifElse(atLeastUnsigned(get(segment), field(MixtureField.segmentLimit)), leave, []),
      ifElse(
        // The flags end a byte before, and begin one behind, where these two point.
        atLeastUnsigned(get(segment), sub(order(KernelField.flagsEnd), i32(1))),
        leave,
        [],
      ),
      storeDouble(i32(0), MixtureField.position, get(position)),
      storeDouble(i32(0), MixtureField.lead, get(lead)),
      set(whole, wholeOf(get(position))),
      storeByte(add(get(segment), order(KernelField.flags)), 1, i32(RESIDENT)),
      // Nobody reads it before `serve` writes it too: it asks memory for the row.
      set(row, rowOf(get(segment))),
      putFact(at, row, Fact.lastAt, get(whole)),
      ifElse(
        isLess(get(consumer), i32(0)),
        [],
        [
          set(record, get(consumer)),
          ifElse(
            atLeast(get(record), order(KernelField.consumerMax)),
            set(record, remainderUnsigned(get(record), order(KernelField.consumerMax))),
            [],
          ),
          set(record, multiply(add(get(record), i32(1)), i32(HISTORY_BYTES))),
        ],
      ),
      ifElse(atLeastUnsigned(get(record), order(KernelField.historyBytes)), leave, []),
      set(
        count,
        call(calls.step, add(get(record), order(KernelField.history)), get(segment), get(whole), wholeOf(get(lead))),
      ),
      ifElse(
        isLess(get(count), i32(0)),
        [
          ifElse(
            and(equal(get(count), i32(KernelAnswer.repeated)), equal(and(get(how), i32(3)), i32(HIT))),
            [set(count, served(i32(0), i32(0))), giveBack(i32(AccessAnswer.repeated))],
            [],
          ),
          leave,
        ],
        [],
      ),
      storeAt(i32(0), orderAt + KernelField.latest + 4, shiftRight(get(record), i32(2))),
      ifElse(exceeds(get(count), i32(capacity)), set(count, i32(capacity)), []),
      or(shiftLeft(get(count), i32(8)), served(get(count), or(get(how), i32(ServeMode.named)))),
    ],
  };
}
