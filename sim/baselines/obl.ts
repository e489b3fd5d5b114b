/** One block lookahead: once a run of consecutive addresses is long enough, stage the next one. */

import { z } from 'zod';
import type { AccessCursor, AddressSpace, Prefetcher, ProposalBuffer } from '../../actors/prefetcher.ts';

/** Settings of `obl`, with the defaults of the published runs. */
export const oblParameters = z.strictObject({
  'sequential-confidence-k': z
    .int()
    .min(0)
    .max(1_000_000)
    .default(4)
    .describe('Consecutive steps that make a run; 0 stages the next address on every access.'),
  step: z
    .union([
      z.literal('size'),
      z
        .int()
        .min(1)
        .max(2 ** 31),
    ])
    .default(1)
    .describe('Address units between neighbours, or "size": the length of the access itself, in whole units.'),
});
export type OblParameters = z.output<typeof oblParameters>;

/**
 * Algorithm: A. J. Smith, "Sequential program prefetching in memory hierarchies", IEEE Computer 11(12), 1978. There the
 * next block is staged on every reference (`sequential-confidence-k=0` here); published trace replays wait for k
 * consecutive steps and follow a single stream, and so does the default here. It loses the run as soon as two streams
 * interleave. O(1) per access and in memory.
 *
 * Ids that are not addresses carry no adjacency: dense ids are numbered by first appearance, so that "the next id" would
 * be a segment of the future. Without an {@link AddressSpace} it therefore abstains.
 */
export class OblPrefetcher implements Prefetcher {
  readonly name = 'obl';
  readonly staging = 'shared';
  readonly experts: readonly string[] = ['obl'];
  readonly #addresses: AddressSpace | null;
  readonly #runMin: number;
  /** Units between neighbours; 0 = the length of the access. */
  readonly #step: number;
  #expectedAddress = -1;
  #runLength = 0;

  constructor(parameters: OblParameters, addresses: AddressSpace | null) {
    this.#addresses = addresses;
    this.#runMin = parameters['sequential-confidence-k'];
    this.#step = parameters.step === 'size' ? 0 : parameters.step;
  }

  onAccess(access: AccessCursor, _served: number, proposals: ProposalBuffer): void {
    const addresses = this.#addresses;
    if (addresses === null) return;
    const address = addresses.addressOf(access.segment);
    this.#runLength = address === this.#expectedAddress ? this.#runLength + 1 : 0;
    const step = this.#step > 0 ? this.#step : Math.max(1, Math.ceil(access.sizeBytes / addresses.unitBytes));
    const next = address + step;
    this.#expectedAddress = next;
    if (this.#runLength < this.#runMin) return;
    const segment = addresses.segmentAt(next);
    // A neighbour that was never seen has no known size; along a run it is that of the access before it.
    if (segment >= 0) proposals.propose(segment, access.sizeBytes, Number.NaN, 0);
  }
}
