/** The site without a prefetcher: an eviction alone, measured; what baselines and references are replayed on. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { Operation } from '../../streams/operation.ts';
import { Served } from '../prefetcher.ts';
import { Decision } from './decision-digest.ts';
import type { Eviction } from './eviction.ts';
import { Ledger } from './ledger.ts';
import type { Prospect } from './prospects.ts';
import { ResidualWaits } from './residual-waits.ts';
import { SegmentSizes } from './segment-sizes.ts';
import type { FetchSample, Site, SiteOptions } from './site.ts';

/** Rows that go through one pass after the other, few enough for their columns to stay in the processor's cache. */
const ROWS_PER_PASS = 4096;

/**
 * Rows of one slice, all counted or none, go through the eviction first, then through the digest, the counters and the waits:
 * nothing that is counted feeds back into the eviction, and each pass is a short loop over few columns. Where writes are no
 * accesses, rows are served in runs of one.
 */
export class BaselineSite implements Site {
  readonly ledger: Ledger;
  readonly prefetcher = null;
  readonly capacity: number;
  readonly trafficHeadroom = Infinity;
  readonly trafficBreaches = 0;
  readonly trafficOvershoot = 0;
  readonly missBreaches = 0;
  readonly missExcess = 0;
  readonly governor = null;
  readonly ghostBytes = null;
  readonly pollutionCount = 0;
  readonly leadAccesses = 0;
  readonly stagingCapacity = 0;
  readonly stagingUsed = 0;
  readonly inFlightCount = 0;
  readonly unusedResidence = Number.NaN;
  readonly #options: SiteOptions;
  readonly #eviction: Eviction;
  readonly #sizes: SegmentSizes;
  readonly #waits: ResidualWaits | null;
  readonly #isBytes: boolean;
  /** Whether eviction and waits share a loop; see `ResidualWaits.access`. */
  readonly #isFused: boolean;
  #rowCount = 0;
  #position = -1;
  /** How each row of a pass was served. */
  readonly #served = new Uint8Array(ROWS_PER_PASS);
  /** The bytes that each row of a pass is for, by the rule of `SegmentSizes`. */
  readonly #bytes = new Float64Array(ROWS_PER_PASS);

  constructor(options: SiteOptions) {
    assert(options.capacity >= 1, `a cache holds at least 1 unit, not ${options.capacity}`);
    const hint = options.segmentCountHint ?? 1024;
    this.#options = options;
    this.capacity = options.capacity;
    this.ledger = new Ledger(options);
    this.#eviction = options.makeEviction(options.capacity);
    this.#sizes = new SegmentSizes(hint);
    this.#isBytes = options.unit === 'bytes';
    this.#waits = options.origin.isInstant
      ? null
      : new ResidualWaits({ origin: options.origin, isTimed: options.modelTime === 'ms', segmentCountHint: hint });
    this.#isFused = this.#waits?.isCounted === true && options.future === undefined;
  }

  get used(): number {
    return this.#eviction.used;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  isResident(segment: number): boolean {
    return this.#eviction.has(segment);
  }

  holds(segment: number): boolean {
    return this.#eviction.has(segment);
  }

  serve(batch: AccessBatch): void {
    const writes = this.#options.writes ?? 'access';
    const { op } = batch;
    let from = 0;
    if (writes !== 'access') {
      for (let i = 0; i < batch.length; i++) {
        if (op[i] !== Operation.write && op[i] !== Operation.delete) continue;
        this.#serveDemands(batch, from, i);
        this.ledger.moveTo(batch.position + i);
        if (writes === 'ignore') this.ledger.ignoredWrite();
        else this.invalidate(batch.segment[i]!);
        this.#rowCount++;
        this.#position = batch.position + i;
        from = i + 1;
      }
    }
    this.#serveDemands(batch, from, batch.length);
  }

  finish(): void {
    this.ledger.finish(this.#position + 1);
  }

  stage(): boolean {
    return false;
  }

  callBack(): void {}
  land(): boolean {
    return false;
  }
  learnSize(): void {}
  confirm(): void {}

  fail(): boolean {
    return false;
  }

  invalidate(segment: number): void {
    this.ledger.invalidated();
    this.#eviction.remove(segment);
  }

  prospects(): readonly Prospect[] {
    return [];
  }

  takeFetches(): FetchSample {
    return { bytes: new Float64Array(0), waits: new Float64Array(0) };
  }

  /** Everything but what the settings give: #options, #isBytes, #isFused, #served, #bytes. */
  persist(fields: StateFields): void {
    fields.section('baseline-site');
    this.ledger.persist(fields);
    this.#eviction.persist(fields);
    this.#sizes.persist(fields);
    this.#waits?.persist(fields);
    this.#rowCount = fields.number(this.#rowCount);
    this.#position = fields.number(this.#position);
  }

  /** Rows [start, end), all of them demands. */
  #serveDemands(batch: AccessBatch, start: number, end: number): void {
    const { ledger } = this;
    for (let from = start; from < end; ) {
      const position = batch.position + from;
      ledger.moveTo(position);
      const to = Math.min(end, from + ROWS_PER_PASS, Math.ceil(ledger.turnsAt) - batch.position);
      const hasSizes = this.#resolveSizes(batch, from, to);
      const isFused = this.#isFused && !(this.#isBytes && hasSizes);
      let misses: number;
      if (isFused) misses = this.#waits!.access(this.#eviction, batch, from, to, this.#served, ledger);
      else if (this.#isBytes && hasSizes) misses = this.#accessBytes(batch, from, to);
      else misses = this.#accessSegments(batch, from, to);
      ledger.digest.addAll(this.#served, batch.segment, from, to);
      if (ledger.isCounting) this.#count(from, to, misses, hasSizes);
      if (!isFused) this.#waits?.pass(batch, from, to, this.#served, this.#bytes, misses, ledger);
      this.#rowCount += to - from;
      this.#position = batch.position + to - 1;
      from = to;
    }
  }

  /** Fills `#bytes`, unless nothing has a size so far; then it leaves zeros there. */
  #resolveSizes({ segment, size }: AccessBatch, from: number, to: number): boolean {
    const bytes = this.#bytes;
    const sizes = this.#sizes;
    if (!sizes.isAny && !hasAnySize(size, from, to)) return false;
    for (let i = from; i < to; i++) bytes[i - from] = sizes.observe(segment[i]!, size[i]!);
    return true;
  }

  /** Leaves how row i was served in `#served[i - from]`; gives the number of misses. Every segment is one unit. */
  #accessSegments(batch: AccessBatch, from: number, to: number): number {
    const { segment } = batch;
    const served = this.#served;
    const eviction = this.#eviction;
    const { future } = this.#options;
    let hits = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      if (future !== undefined) future.beforeAccess(batch.position + i, id);
      const isHit = eviction.access(id, 1) ? Served.hit : Served.miss;
      served[i - from] = isHit;
      hits += isHit;
    }
    return to - from - hits;
  }

  /** The same where a segment is as many units as it has bytes. */
  #accessBytes(batch: AccessBatch, from: number, to: number): number {
    const { segment } = batch;
    const served = this.#served;
    const bytes = this.#bytes;
    const eviction = this.#eviction;
    const { future } = this.#options;
    let hits = 0;
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      if (future !== undefined) future.beforeAccess(batch.position + i, id);
      const isHit = eviction.access(id, Math.max(1, bytes[i - from]!)) ? Served.hit : Served.miss;
      served[i - from] = isHit;
      hits += isHit;
    }
    return to - from - hits;
  }

  #count(from: number, to: number, misses: number, hasSizes: boolean): void {
    const served = this.#served;
    const bytes = this.#bytes;
    const { ledger } = this;
    ledger.accesses += to - from;
    ledger.misses += misses;
    ledger.demandFetches += misses;
    if (!hasSizes) return;
    let { bytesAccessed, bytesMissed } = ledger;
    for (let i = 0; i < to - from; i++) {
      bytesAccessed += bytes[i]!;
      if (served[i] === Decision.served + Served.miss) bytesMissed += bytes[i]!;
    }
    ledger.bytesAccessed = bytesAccessed;
    ledger.bytesMissed = bytesMissed;
    ledger.demandBytes = bytesMissed;
  }
}

function hasAnySize(size: Float64Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (size[i]! >= 0) return true;
  return false;
}
