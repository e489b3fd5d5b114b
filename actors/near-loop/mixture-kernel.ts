/** The near loop's work on one access beside its order, as WebAssembly over the tables of `MixtureTables`. */

import { compiledOnce, compileWasm, type WasmInstance } from '../../streams/sources/wasm-module.ts';
import type { MixtureAddresses, MixtureLayout } from './mixture-layout.ts';
import { endedCode, proposeCode, refreshCode } from './proposal-code.ts';
import { serveCode } from './serve-code.ts';

/**
 * `serve(segment, position, count, how, consumer)` settles what the access decides, notes it, and weighs the candidates that it gave rise to; gives
 * how many of them pass. `propose(allowed, passing, how, position, consumer)` makes proposals of the best of these, at least one.
 * `ended(segment, how, position)` learns from the end of a prefetch, and `refresh()` makes that count. `how`: class of `servedClassOf` with `ServeMode`; `EndMode`.
 */
export type MixtureKernel = WasmInstance<'serve' | 'propose' | 'ended' | 'refresh'>;

/** Modules by the layout: what was compiled once is compiled for all. */
const starters = new Map<string, (() => MixtureKernel | null) | null>();

/** A kernel over a memory for that layout; null where there is no WebAssembly, or no memory for it. */
export function startMixtureKernel({ at, bytes }: MixtureLayout): MixtureKernel | null {
  const key = [...Object.values(at), bytes].join();
  return compiledOnce(starters, key, () => compileWasm(code(at), Math.ceil(bytes / 65_536)))?.() ?? null;
}

function code(at: MixtureAddresses) {
  return { serve: serveCode(at), propose: proposeCode(at), ended: endedCode(at), refresh: refreshCode(at) };
}
