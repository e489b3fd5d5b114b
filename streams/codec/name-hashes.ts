/** Hashes of a run of names by WebAssembly, which spares the checks of types and bounds at every word. */

import { fieldScanFunctions } from '../sources/field-scan-wasm.ts';
import { compileWasm, type WasmInstance } from '../sources/wasm-module.ts';
import type { NameRun } from './named-rows.ts';

/** What there is room for: the names of a frame of a node's log by default, of 64 bytes each. */
const TEXT_BYTES_MAX = 1 << 19;
const NAMES_MAX = 8192;
/** The memory. Words may be loaded that begin within the text. */
const OFFSETS_AT = TEXT_BYTES_MAX + 16;
const HASHES_AT = OFFSETS_AT + (NAMES_MAX + 1) * 4;
const PAGE_COUNT = Math.ceil((HASHES_AT + NAMES_MAX * 4) / 65_536);

let instance: WasmInstance<'hash'> | null | undefined;

/** The hash of each name, as `hashBytes` gives it; null where there is no WebAssembly or no room. Valid until the next call. Names lie within their bytes. */
export function hashesOf({ bytes, offsets, count }: NameRun, seed: number): Int32Array | null {
  const length = offsets[count]!;
  if (count > NAMES_MAX || length > TEXT_BYTES_MAX) return null;
  if (instance === undefined) instance = compileWasm({ hash: fieldScanFunctions.hash }, PAGE_COUNT)?.() ?? null;
  if (instance === null) return null;
  const { memory, run } = instance;
  new Uint8Array(memory, 0, length).set(bytes.subarray(0, length));
  new Int32Array(memory, OFFSETS_AT, count + 1).set(offsets.subarray(0, count + 1));
  run.hash(count, OFFSETS_AT, OFFSETS_AT + 4, seed, HASHES_AT);
  return new Int32Array(memory, HASHES_AT, count);
}
