/** An address space over an interner whose names are decimal numbers. */

import { assert } from '../engine/assert.ts';
import { AnteroomError } from '../engine/errors.ts';
import type { AddressSpace } from './address-space.ts';
import type { Interner } from './interner.ts';

const TWO_32 = 2 ** 32;

/**
 * Segments as addresses, by the numbers that their names are.
 *
 * To be built only where a format or the user says that ids are addresses: elsewhere the order of ids is the order of first
 * appearance, and arithmetic on it sees the future. Cost: O(1) a call, no memory of its own.
 */
export class AddressTable implements AddressSpace {
  readonly unitBytes: number;
  readonly #segments: Interner;

  constructor(segments: Interner, unitBytes: number) {
    assert(Number.isInteger(unitBytes) && unitBytes >= 1, `unitBytes ${unitBytes} is not a count of bytes`);
    this.#segments = segments;
    this.unitBytes = unitBytes;
  }

  /**
   * Address of a segment.
   * @throws AnteroomError('unsupported') naming the segment whose name is no number, or none that a double holds exactly.
   */
  addressOf(segment: number): number {
    const address = this.#segments.numberOf(segment);
    if (address <= Number.MAX_SAFE_INTEGER) return address;
    const name = this.#segments.nameOf(segment);
    throw new AnteroomError(
      'unsupported',
      `segment "${name}" is not an address: expected a decimal number up to 2^53-1`,
      {
        context: { segment: name },
      },
    );
  }

  /** Looks at all segments up to `count` that `isUsed`. @throws AnteroomError as `addressOf` for the first that is no address. */
  check(count: number, isUsed: (segment: number) => boolean): void {
    for (let segment = 0; segment < count; segment++) if (isUsed(segment)) this.addressOf(segment);
  }

  segmentAt(address: number): number {
    if (!(address >= 0) || !Number.isSafeInteger(address)) return -1;
    return this.#segments.internU64(Math.floor(address / TWO_32), address >>> 0);
  }
}
