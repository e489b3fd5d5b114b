/** The addresses of one run: those of the trace, and those that the run's prefetcher asked for beyond them. */

import type { AddressSpace } from '../../actors/prefetcher.ts';
import type { AddressTable } from '../../streams/address-table.ts';
import type { Interner } from '../../streams/interner.ts';

/**
 * Reads the trace's table and keeps new addresses to itself, so that what one run invents gets the same ids whatever ran
 * before it, and nothing that a later trace row names is an arithmetic neighbour by accident.
 */
export class RunAddressSpace implements AddressSpace {
  readonly unitBytes: number;
  readonly #table: AddressTable;
  readonly #segments: Interner;
  readonly #segmentCount: number;
  readonly #invented = new Map<number, number>();
  readonly #inventedAddresses: number[] = [];

  /** @param segments the trace's names, all of them known. */
  constructor(table: AddressTable, segments: Interner) {
    this.#table = table;
    this.#segments = segments;
    this.#segmentCount = segments.count;
    this.unitBytes = table.unitBytes;
  }

  addressOf(segment: number): number {
    const invented = segment - this.#segmentCount;
    return invented >= 0 ? this.#inventedAddresses[invented]! : this.#table.addressOf(segment);
  }

  segmentAt(address: number): number {
    if (!(address >= 0) || !Number.isSafeInteger(address)) return -1;
    const known = this.#segments.findU64(Math.floor(address / 2 ** 32), address >>> 0);
    if (known >= 0) return known;
    const again = this.#invented.get(address);
    if (again !== undefined) return again;
    const segment = this.#segmentCount + this.#inventedAddresses.length;
    this.#invented.set(address, segment);
    this.#inventedAddresses.push(address);
    return segment;
  }
}
