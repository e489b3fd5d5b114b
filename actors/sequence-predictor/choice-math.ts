/** Exponential and logarithm by table, from + - * / alone and quick enough for every candidate of every step. */

import { exponential, logarithm } from '../../engine/portable-math.ts';

const MANTISSA_BITS = 11;
const MANTISSA_COUNT = 1 << MANTISSA_BITS;
const logOfMantissa = new Float64Array(MANTISSA_COUNT);
for (let i = 0; i < MANTISSA_COUNT; i++) logOfMantissa[i] = logarithm(1 + (i + 0.5) / MANTISSA_COUNT);
const single = new Float32Array(1);
const bits = new Uint32Array(single.buffer);

/** Natural logarithm of x > 0, absolute error below 0.0003. */
export function quickLogarithm(x: number): number {
  single[0] = x;
  const word = bits[0]!;
  return ((word >>> 23) - 127) * Math.LN2 + logOfMantissa[(word >>> (23 - MANTISSA_BITS)) & (MANTISSA_COUNT - 1)]!;
}

const PROBABILITY_FLOOR = 0.0001;

/** Log-odds of p in 0..1, drawn in at both ends so that nothing is ever certain: within -9.3..9.3. */
export function softLogOdds(p: number): number {
  return quickLogarithm(p + PROBABILITY_FLOOR) - quickLogarithm(1 - p + PROBABILITY_FLOOR);
}

const EXPONENT_MIN = -24;
const STEPS = 64;
const powers = new Float64Array(-EXPONENT_MIN * STEPS + 2);
for (let i = 0; i < powers.length; i++) powers[i] = exponential(-i / STEPS);

/** e^x for x <= 0, relative error below 0.0001; 0 below -24. */
export function quickExponential(x: number): number {
  if (!(x > EXPONENT_MIN)) return 0;
  const at = -x * STEPS;
  const i = at | 0;
  const high = powers[i]!;
  return high + (powers[i + 1]! - high) * (at - i);
}
