/** The logistic function and its inverse by table, from + - * / alone, so that every platform computes the same bits. */

/** Log-odds are cut to this and its opposite. */
export const STRETCH_MAX = 8;
/** Steps of {@link squashTable} up to there, and of {@link stretchTable} from 0 to 1. */
export const SQUASH_STEPS = 4096;
export const STRETCH_STEPS = 4096;

/** e^x for x in 0..8 by repeated squaring of a short Taylor sum: exact arithmetic only. */
function exponential(x: number): number {
  const y = x / 256;
  let sum = 1;
  for (let k = 8; k >= 1; k--) sum = 1 + (sum * y) / k;
  for (let i = 0; i < 8; i++) sum *= sum;
  return sum;
}

/** `squash` at each step, for whoever reads it in place; to be read only. */
export const squashTable: Float64Array = new Float64Array(SQUASH_STEPS + 2);
for (let i = 0; i < squashTable.length; i++) {
  const x = (i / SQUASH_STEPS) * STRETCH_MAX;
  squashTable[i] = 1 / (1 + 1 / exponential(x));
}

/** Probability of log-odds x: 1 / (1 + e^-x), with x cut to -8..8. */
export function squash(x: number): number {
  const magnitude = x < 0 ? -x : x;
  if (magnitude >= STRETCH_MAX) return x < 0 ? 1 - squashTable[SQUASH_STEPS]! : squashTable[SQUASH_STEPS]!;
  const at = (magnitude * SQUASH_STEPS) / STRETCH_MAX;
  const i = at | 0;
  const low = squashTable[i]!;
  const p = low + (squashTable[i + 1]! - low) * (at - i);
  return x < 0 ? 1 - p : p;
}

/** `stretch` at each step, for whoever reads it in place; to be read only. */
export const stretchTable: Float64Array = new Float64Array(STRETCH_STEPS + 1);
for (let i = 0; i <= STRETCH_STEPS; i++) {
  // Bisection of the monotone squash: slow, done once, and consistent with it by construction.
  const p = i / STRETCH_STEPS;
  let low = -STRETCH_MAX;
  let high = STRETCH_MAX;
  for (let round = 0; round < 40; round++) {
    const middle = (low + high) / 2;
    if (squash(middle) < p) low = middle;
    else high = middle;
  }
  stretchTable[i] = (low + high) / 2;
}

/** Log-odds of probability p, cut to -8..8, to the nearest 1/4096 of p. */
export function stretch(p: number): number {
  return stretchTable[(p * STRETCH_STEPS + 0.5) | 0]!;
}
