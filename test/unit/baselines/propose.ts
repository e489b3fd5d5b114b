/** Feeds accesses to a prefetcher by hand and returns what it proposed at each. */

import { type AccessCursor, type Prefetcher, ProposalBuffer, Served } from '../../../actors/prefetcher.ts';

export interface Proposal {
  readonly segment: number;
  readonly probability: number;
}

export class Feeder {
  readonly prefetcher: Prefetcher;
  readonly #proposals = new ProposalBuffer();
  readonly #cursor: AccessCursor = {
    position: -1,
    timeMs: Number.NaN,
    segment: 0,
    consumer: -1,
    site: -1,
    op: 0,
    sizeBytes: -1,
  };

  constructor(prefetcher: Prefetcher) {
    this.prefetcher = prefetcher;
  }

  access(segment: number, served: number = Served.miss, sizeBytes = -1): Proposal[] {
    this.#cursor.position++;
    this.#cursor.segment = segment;
    this.#cursor.sizeBytes = sizeBytes;
    this.#proposals.count = 0;
    this.prefetcher.onAccess(this.#cursor, served, this.#proposals);
    return Array.from({ length: this.#proposals.count }, (_, i) => ({
      segment: this.#proposals.segment[i] as number,
      probability: this.#proposals.probability[i] as number,
    }));
  }

  /** The segments proposed at the last of these accesses. */
  run(...segments: number[]): number[] {
    let last: Proposal[] = [];
    for (const segment of segments) last = this.access(segment);
    return last.map((proposal) => proposal.segment);
  }
}
