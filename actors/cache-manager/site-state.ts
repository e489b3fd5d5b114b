/** What the parts of a site with a prefetcher share: its caches, tables and books, and where in the log and in time it stands. */

import { assert } from '../../engine/assert.ts';
import type { Prefetcher } from '../prefetcher.ts';
import type { BenefitAccount } from './benefit-account.ts';
import type { Eviction } from './eviction.ts';
import type { ExpertTrust } from './expert-trust.ts';
import { FetchLog } from './fetch-log.ts';
import { FlightTable } from './flight-table.ts';
import type { Where } from './ghost.ts';
import type { Holdout } from './holdout.ts';
import { Ledger } from './ledger.ts';
import { MissBound } from './miss-bound.ts';
import { MissClasses } from './miss-classes.ts';
import type { Origin } from './origin.ts';
import type { PrefetchAdmission } from './prefetch-admission.ts';
import { PrefetchQueue } from './prefetch-queue.ts';
import { PrefetchTable } from './prefetch-table.ts';
import { SampledGuard } from './sampled-guard.ts';
import { SegmentFifo } from './segment-fifo.ts';
import { SegmentSizes } from './segment-sizes.ts';
import type { OnDecision, SiteOptions } from './site.ts';
import type { SiteGuard } from './site-guard.ts';
import { StagingShare } from './staging-share.ts';
import { TrafficBudget } from './traffic-budget.ts';
import { TrafficGuard } from './traffic-guard.ts';

/** Segments that the prefetch cache may always hold, and those that it may hold at first: at least so many, or that share. */
const STAGED_LEAST = 2;
const STAGED_FIRST = 8;
const STAGED_FIRST_SHARE = 0.02;

/** Public for the sake of the parts, which are this site's and nobody else's; only they and the site hold one. */
export class SiteState {
  readonly options: SiteOptions;
  readonly capacity: number;
  readonly ledger: Ledger;
  readonly origin: Origin;
  readonly reactive: Eviction;
  readonly budget: TrafficBudget;
  readonly missBound: MissBound;
  readonly guard: SiteGuard;
  /** The guard where its ghosts are whole, so that there is one to follow; null where they are sampled. */
  readonly whole: TrafficGuard | null;
  readonly staging: SegmentFifo;
  readonly stagingMax: number;
  readonly share: StagingShare;
  readonly flights = new FlightTable();
  readonly queue: PrefetchQueue;
  readonly fetches = new FetchLog();
  readonly table: PrefetchTable;
  readonly sizes: SegmentSizes;
  readonly classes: MissClasses;
  readonly holdout: Holdout | null;
  readonly admission: PrefetchAdmission | null;
  readonly benefit: BenefitAccount | null;
  readonly expertTrust: ExpertTrust | null;
  readonly onSettled: SiteOptions['onSettled'] | null;
  readonly onDecision: OnDecision | null;
  readonly isBytes: boolean;
  readonly isTimed: boolean;
  /** Of the prefetcher, which is set once the site can be looked at. */
  isShared = false;
  prefetcher!: Prefetcher;
  /** Model time of the latest access, and its log position. */
  now = 0;
  position = 0;

  /** `onEvict` is told what the eviction gives up. */
  constructor(options: SiteOptions, onEvict: (segment: number) => void) {
    assert(options.capacity >= 1, `a cache holds at least 1 unit, not ${options.capacity}`);
    const hint = options.segmentCountHint ?? 1024;
    this.options = options;
    this.capacity = options.capacity;
    this.ledger = new Ledger(options);
    this.origin = options.origin;
    this.isBytes = options.unit === 'bytes';
    this.isTimed = options.modelTime === 'ms';
    this.sizes = new SegmentSizes(hint);
    this.reactive = options.makeEviction(options.capacity, onEvict);
    this.budget = options.budget ?? new TrafficBudget(Infinity, 0);
    this.missBound = options.missBound ?? new MissBound(Infinity, 0);
    const beside = {
      unitsOf: (segment: number) => this.unitsOf(segment),
      copyUnitsOf: (segment: number) => this.copyUnitsOf(segment),
      reactiveUsed: () => this.reactive.used,
    };
    const books = [this.budget, this.missBound, this.sizes, beside] as const;
    const onLead = (expert: number) => this.reactive.advise?.(expert);
    this.whole = options.ghost?.kind === 'sampled' ? null : new TrafficGuard(options, ...books, onLead);
    this.guard = this.whole ?? new SampledGuard(options, options.ghost!, ...books);
    this.staging = new SegmentFifo(hint);
    this.queue = new PrefetchQueue(options.queueLengthMax ?? 1024);
    const share = options.stagingShareMax ?? 0.5;
    assert(share >= 0 && share <= 1, `a share is in 0..1, not ${share}`);
    this.stagingMax = Math.min(options.capacity - 1, Math.floor(share * options.capacity));
    this.share = new StagingShare({
      capacity: options.capacity,
      least: Math.min(STAGED_LEAST * this.#firstUnits(), this.stagingMax),
      most: this.stagingMax,
      first: Math.max(STAGED_FIRST_SHARE * options.capacity, STAGED_FIRST * this.#firstUnits()),
      meanUnits: () => this.#meanUnits(),
      segmentCountHint: hint,
    });
    this.table = new PrefetchTable(hint);
    this.classes = new MissClasses(hint);
    this.holdout = options.holdout ?? null;
    this.admission = options.admission ?? null;
    this.benefit = options.benefit ?? null;
    this.expertTrust = options.expertTrust ?? null;
    this.onSettled = options.onSettled ?? null;
    this.onDecision = options.onDecision ?? null;
  }

  /** Units resident now, reactive and staged. */
  get used(): number {
    return this.reactive.used + this.staging.used;
  }

  /** Segments that may have to be fetched again: as many as the baseline holds more, and one for each prefetch on its way. */
  get lentCount(): number {
    return this.guard.lentCount(this.reactive.count, this.staging.count) + this.flights.count;
  }

  /** Whether all bounds are far: see `SiteGuard.isFar`. */
  get isFar(): boolean {
    return this.guard.isKnownFar || this.guard.isFar(this.reactive.count, this.flights.count);
  }

  /** Each prefetch takes a fetch and lends space that may have to be fetched again. */
  get trafficHeadroom(): number {
    if (!this.guard.isTrafficBounded) return Infinity;
    return Math.min(this.guard.headroom(this.lentCount) - 2, this.guard.trafficSlack);
  }

  /** See `FetchWorth`, for caches of bytes: traffic is bounded in these too. */
  costOf(segment: number, sizeBytes: number): number {
    return this.#bytesOf(segment, sizeBytes) / Math.max(1, this.sizes.mean);
  }

  gainOf(segment: number, sizeBytes: number): number {
    const bytes = Math.max(1, this.#bytesOf(segment, sizeBytes));
    const mean = Math.max(1, this.sizes.mean);
    const wait = this.fetches.waitOf(mean);
    return ((wait > 0 ? this.fetches.waitOf(bytes) / wait : 1) * mean) / bytes;
  }

  whereIs(segment: number): Where {
    if (this.reactive.has(segment)) return 'reactive';
    return this.staging.has(segment) ? 'staged' : 'nowhere';
  }

  unitsOf(segment: number): number {
    return this.isBytes ? Math.max(1, this.sizes.of(segment)) : 1;
  }

  /** Units that the copy of a segment takes that is here. */
  copyUnitsOf(segment: number): number {
    return this.reactive.has(segment) ? this.reactive.sizeOf(segment) : this.staging.sizeOf(segment);
  }

  /** Whether a segment may never be prefetched for its size. */
  isTooLarge(segment: number): boolean {
    return this.unitsOf(segment) > (this.isShared ? this.capacity : this.stagingMax);
  }

  #bytesOf(segment: number, sizeBytes: number): number {
    return sizeBytes >= 0 && !this.sizes.isKnown(segment) ? sizeBytes : this.sizes.of(segment);
  }

  /** What one segment takes, in the mean over the reactive cache. */
  #meanUnits(): number {
    if (!this.isBytes) return 1;
    return this.reactive.count > 0 ? this.reactive.used / this.reactive.count : this.#firstUnits();
  }

  /** What one segment is taken to take before any was seen. */
  #firstUnits(): number {
    return this.isBytes ? this.capacity / 1024 : 1;
  }
}
