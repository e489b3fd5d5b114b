/** A seed from the operating system, for runs that were given none. */

import { randomBytes } from 'node:crypto';

/** A 32-bit unsigned seed. Print it: a run is reproduced by its seed. */
export function entropySeed(): number {
  return randomBytes(4).readUInt32LE(0);
}
