/** A site in thirty lines for tests of the near loop: LRU, first-in first-out staging, fetches that land at once or after some accesses. */

import {
  type AccessCursor,
  Outcome,
  type Prefetcher,
  ProposalBuffer,
  Served,
  type SiteView,
} from '../../../actors/prefetcher.ts';

export interface ModelSiteOptions {
  readonly capacity: number;
  readonly stagedMax: number;
  /** Wasted fetches allowed per access; Infinity = no bound. */
  readonly headroomPerAccess?: number;
  readonly leadAccesses?: number;
}

export interface ModelAccess {
  readonly segment: number;
  readonly consumer?: number;
  readonly timeMs?: number;
  readonly sizeBytes?: number;
}

/** What became of the proposals, for tests to judge. */
export class ModelSite implements SiteView {
  trafficHeadroom: number;
  readonly leadAccesses: number;
  misses = 0;
  issued = 0;
  /** Used, and of these how many before they had landed. */
  useful = 0;
  late = 0;
  wasted = 0;
  /** FNV-1a over all proposals, in order. */
  digest = 0x811c9dc5;
  /** Forecasts of issued prefetches and how they ended, in order of ending. */
  readonly forecasts: { probability: number; isUseful: boolean }[] = [];
  readonly #options: ModelSiteOptions;
  readonly #resident = new Set<number>();
  readonly #staged = new Map<number, { probability: number; landsAt: number }>();
  readonly #proposals = new ProposalBuffer();
  #position = 0;

  constructor(options: ModelSiteOptions) {
    this.#options = options;
    this.trafficHeadroom = options.headroomPerAccess === undefined ? Infinity : 0;
    this.leadAccesses = options.leadAccesses ?? 0;
  }

  isResident(segment: number): boolean {
    return this.#resident.has(segment) || this.#staged.has(segment);
  }

  serve(accesses: readonly ModelAccess[], prefetcher: Prefetcher): void {
    for (const access of accesses) this.#serve(access, prefetcher);
  }

  #serve(access: ModelAccess, prefetcher: Prefetcher): void {
    const { segment } = access;
    this.trafficHeadroom += this.#options.headroomPerAccess ?? 0;
    let served: number = Served.miss;
    const staged = this.#staged.get(segment);
    if (staged !== undefined) {
      served = staged.landsAt <= this.#position ? Served.stagedHit : Served.late;
      this.#staged.delete(segment);
      this.useful++;
      if (served === Served.late) this.late++;
      this.trafficHeadroom++;
      this.forecasts.push({ probability: staged.probability, isUseful: true });
      prefetcher.onOutcome?.(segment, 0, Outcome.useful, staged.probability);
    } else if (this.#resident.has(segment)) {
      served = Served.hit;
    } else {
      this.misses++;
    }
    this.#resident.delete(segment);
    this.#resident.add(segment);
    this.#fit(prefetcher);
    const cursor: AccessCursor = {
      position: this.#position,
      timeMs: access.timeMs ?? Number.NaN,
      segment,
      consumer: access.consumer ?? -1,
      site: -1,
      op: 0,
      sizeBytes: access.sizeBytes ?? -1,
    };
    const proposals = this.#proposals;
    proposals.count = 0;
    prefetcher.onAccess(cursor, served, proposals);
    for (let i = 0; i < proposals.count; i++) this.#stage(proposals.segment[i]!, proposals.probability[i]!, prefetcher);
    this.#position++;
  }

  #stage(segment: number, probability: number, prefetcher: Prefetcher): void {
    for (const value of [segment, Math.round(probability * 1e9), this.#position]) {
      this.digest = Math.imul(this.digest ^ value, 0x01000193) >>> 0;
    }
    if (this.isResident(segment) || this.trafficHeadroom < 1) return;
    this.issued++;
    this.trafficHeadroom--;
    this.#staged.set(segment, { probability, landsAt: this.#position + 1 + this.leadAccesses });
    this.#fit(prefetcher);
  }

  #fit(prefetcher: Prefetcher): void {
    while (this.#staged.size > this.#options.stagedMax) {
      const [segment, { probability }] = this.#staged.entries().next().value!;
      this.#staged.delete(segment);
      this.wasted++;
      this.forecasts.push({ probability, isUseful: false });
      prefetcher.onOutcome?.(segment, 0, Outcome.wasted, probability);
    }
    while (this.#resident.size + this.#staged.size > this.#options.capacity) {
      const segment = this.#resident.values().next().value!;
      this.#resident.delete(segment);
      prefetcher.onEvict?.(segment, false);
    }
  }
}
