/** How many inputs fuzz tests draw, and how long they may take. */

import { drawnWhole } from './law-share.ts';

/** Inputs of a fuzz test: few in an ordinary run, `ANTEROOM_FUZZ_INPUTS=100000` in a full one. */
export function fuzzInputs(ordinarily: number): number {
  const asked = process.env.ANTEROOM_FUZZ_INPUTS;
  if (asked === undefined) return drawnWhole(ordinarily);
  const count = Number(asked);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`ANTEROOM_FUZZ_INPUTS is a count, not ${asked}`);
  return drawnWhole(count);
}

/** Milliseconds that so many inputs may take at most: a hang fails, a slow machine does not. */
export const fuzzTimeoutMs = (inputs: number): number => 30_000 + inputs * 30;
