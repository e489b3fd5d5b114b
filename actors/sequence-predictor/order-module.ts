/** The kernel of order compiled for a memory of its own, once for all who learn by the same settings. */

import {
  type CompiledModule,
  compiledOnce,
  compileModule,
  startModule,
  type WasmInstance,
} from '../../streams/sources/wasm-module.ts';
import { ownPlace } from './order-fields.ts';
import { learnRowsOf, stepOf } from './order-kernel.ts';

export type OrderKernel = WasmInstance<'step' | 'learnRows'>;

/** What the kernel's code depends on: successors kept in a row, and what those that come later weigh, by lag. */
export interface OrderCodeOptions {
  readonly degree: number;
  readonly weights: readonly number[];
}

const PAGE = 65_536;
/** Pages within which its words lie. */
const PAGES_MIN = 1;

/** By what their code depends on; null = there is no WebAssembly. */
const modules = new Map<string, CompiledModule | null>();

/** What a thread of the process can take over with {@link takeOrderModule}; null where there is no WebAssembly. */
export function orderModule({ degree, weights }: OrderCodeOptions): CompiledModule | null {
  const functions = () => ({
    step: stepOf(degree, weights, ownPlace),
    learnRows: learnRowsOf(degree, weights, ownPlace),
  });
  return compiledOnce(modules, keyOf({ degree, weights }), () => compileModule(functions(), PAGES_MIN));
}

/** From now on kernels of these settings are started from what another thread has compiled: its machine code is used here too, and what either improves. */
export function takeOrderModule(options: OrderCodeOptions, module: CompiledModule): void {
  compiledOnce(modules, keyOf(options), () => module);
}

/** A kernel over a memory of at least `bytes` bytes; null where there is no WebAssembly, or no memory for it. */
export function startKernel(options: OrderCodeOptions, bytes: number): OrderKernel | null {
  const module = orderModule(options);
  return module === null ? null : startModule(module, Math.max(PAGES_MIN, Math.ceil(bytes / PAGE)));
}

function keyOf({ degree, weights }: OrderCodeOptions): string {
  return [degree, ...weights].join();
}
