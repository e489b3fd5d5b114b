/** The near loop's work on one access, as WebAssembly over the tables of `MixtureTables` and `OrderTables`. */

import { compiledOnce, compileWasm, type WasmFunction, type WasmInstance } from '../../streams/sources/wasm-module.ts';
import type { QuietCall } from '../quiet-calls.ts';
import type { OrderPlace } from '../sequence-predictor/order-fields.ts';
import { stepOf } from '../sequence-predictor/order-kernel.ts';
import type { OrderTablesOptions } from '../sequence-predictor/order-tables.ts';
import { accessCode, weighCode } from './access-code.ts';
import type { MixtureLayout } from './mixture-layout.ts';
import { endedCode, proposeCode, refreshCode } from './proposal-code.ts';
import { chosenCode, endedForCode, foreseenCode, heldCode, statedCode } from './quiet-code.ts';
import { serveCode } from './serve-code.ts';

/**
 * `serve(segment, consumer, how, count, position, lead)` settles what the access decides, notes it, and weighs the candidates that it gave rise to; gives
 * how many of them pass. `propose(allowed, passing, how, position, consumer)` makes proposals of the best of these, at least one; gives 1 where what is stated of each is no more than of the one before, else 0.
 * `ended(segment, how, position)` learns from the end of a prefetch, and `refresh()` makes that count. `how`: class of `servedClassOf` with `ServeMode`; `EndMode`.
 * Where order is in the same memory, `access(segment, consumer, how, next, position, lead)` asks memory for what an access of `next` will need, and does what `step` of order and then `serve` do, see `AccessAnswer`;
 * `weigh(segment, consumer, how, record, position, lead)` does the same where order was learned ahead, from the record of that. `access` learns by `MixtureField.learnedLead`. All of `QuietCalls` are there too.
 * Elsewhere there are only the first four.
 */
export type MixtureKernel = WasmInstance<FunctionName>;
type FunctionName = 'serve' | 'propose' | 'ended' | 'refresh' | 'step' | 'access' | QuietCall;
/** Place of `ended` among them. */
const ENDED = 2;

type Functions = Readonly<Record<FunctionName, WasmFunction>>;

/** Modules by the layout: what was compiled once is compiled for all. */
const starters = new Map<string, (() => MixtureKernel | null) | null>();

/** A kernel over a memory for that layout; null where there is no WebAssembly, or no memory for it. */
export function startMixtureKernel(
  layout: MixtureLayout,
  order: OrderTablesOptions | null,
  capacity: number,
): MixtureKernel | null {
  const { at, bytes, orderBytes } = layout;
  // In steps, so that tables that grew a little find what was compiled.
  const pageCount = Math.ceil(bytes / 65_536) + (order === null ? 0 : 2 ** Math.ceil(Math.log2(orderBytes / 65_536)));
  const key = [
    ...Object.values(at),
    bytes,
    capacity,
    pageCount,
    order?.successors.degree,
    ...(order?.weights ?? []),
  ].join();
  return (
    compiledOnce(starters, key, () => compileWasm<FunctionName>(codeOf(layout, order, capacity), pageCount))?.() ?? null
  );
}

/** Where order finds its words, behind the tables of the mixture, and names: in the candidates' columns. */
export function orderPlaceOf({ at, bytes }: MixtureLayout): OrderPlace {
  return { at: bytes, named: at.candidateSegment, bins: at.candidateBins };
}

function codeOf(layout: MixtureLayout, order: OrderTablesOptions | null, capacity: number): Functions {
  const { at } = layout;
  const serving = { serve: serveCode(at), propose: proposeCode(at), ended: endedCode(at), refresh: refreshCode(at) };
  if (order === null) return serving as Functions;
  const place = orderPlaceOf(layout);
  const step = stepOf(order.successors.degree, order.weights, place);
  return {
    ...serving,
    step,
    access: accessCode(at, place, order, capacity),
    weigh: weighCode(at, place, order, capacity),
    proposedSegment: chosenCode(at.proposed),
    proposedExpert: chosenCode(at.strongest),
    proposedStated: statedCode(at),
    held: heldCode(place),
    endedFor: endedForCode(place, ENDED),
    foreseen: foreseenCode(at),
  };
}
