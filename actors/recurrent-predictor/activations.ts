/** Sigmoid and hyperbolic tangent whose last bit is the same everywhere. */

import { exponential } from '../../engine/portable-math.ts';

/** 1 / (1 + e^-x). */
export function sigmoid(x: number): number {
  if (x < -40) return 0;
  if (x > 40) return 1;
  return 1 / (1 + exponential(-x));
}

export function hyperbolicTangent(x: number): number {
  if (x < -20) return -1;
  if (x > 20) return 1;
  return 1 - 2 / (exponential(2 * x) + 1);
}
