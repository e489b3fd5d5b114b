/** Exponential variates by comparisons alone, so that they are the same on every engine. */

import type { RandomSource } from '../../engine/random.ts';

/**
 * An exponential variate of mean 1.
 *
 * Von Neumann, "Various techniques used in connection with random digits" (1951): a run of falling uniforms of odd length
 * accepts the first of them as the fraction; each run of even length adds 1. Chosen over -log(u) because a logarithm's last bit
 * may differ between engines. Costs about 4.3 draws.
 */
export function exponential(random: RandomSource): number {
  for (let whole = 0; ; whole++) {
    const first = random.next();
    let previous = first;
    let length = 1;
    for (let next = random.next(); next < previous; next = random.next()) {
      previous = next;
      length++;
    }
    if (length % 2 === 1) return whole + first;
  }
}
