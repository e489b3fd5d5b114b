/** Draws from a log-normal distribution that are the same on every platform. */

import { exponential } from '../../engine/portable-math.ts';

/**
 * e^(sigma z) with z standard normal, drawn by hashing the arguments: the same arguments give the same draw.
 *
 * z is the sum of twelve hashed uniforms less six (the Irwin-Hall approximation: exact mean and variance, tails cut at 6 sigma),
 * and the exponential is the portable one, because landing instants decide what is late.
 */
export function logNormalFactor(sigma: number, seed: number, segment: number, key: number): number {
  let sum = 0;
  let state =
    Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(segment + 1, 0xc2b2ae35) ^ Math.imul(key + 1, 0x27d4eb2f);
  for (let i = 0; i < 12; i++) {
    state = (state + 0x9e3779b9) | 0;
    let z = state ^ (state >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    sum += ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  }
  return exponential(sigma * (sum - 6));
}
