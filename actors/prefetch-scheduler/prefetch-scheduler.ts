/** What to stage, by when, because: values forecasts in one currency and plans under budgets. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { TopK } from '../aggregator/top-k.ts';
import type { ForecastColumns, OutcomesMessage, PrefetchPlan, SiteStatus } from '../messages.ts';
import { TimeAxis } from '../time-axis.ts';
import { FetchTime } from './fetch-time.ts';
import { netBenefit } from './net-benefit.ts';
import { PlannedEntries, type PlannedEntry } from './planned-entries.ts';
import { type PrefetchSchedulerConfig, prefetchSchedulerConfigSchema } from './prefetch-scheduler-config.ts';
import { TokenBucket } from './token-bucket.ts';

/** What the site holds, where the scheduler can look; without it the site itself drops what it holds. */
export interface SiteView {
  isResident(segment: number): boolean;
  isInFlight(segment: number): boolean;
}

/** Why candidates (segments with a forecast) did not become entries, and what became of earlier entries. */
export interface ScheduleCounts {
  /** Segments with a forecast, of all plans. Equals planned + the refusals below. */
  candidates: number;
  planned: number;
  belowThreshold: number;
  /** Planned before and not ended. */
  duplicate: number;
  resident: number;
  /** In flight already: a demand's fetch, which the forecast joins. */
  joined: number;
  overBytes: number;
  overRequests: number;
  overConcurrency: number;
  overSpace: number;
  /** Beyond `entriesMax` or `liveMax`. */
  overEntries: number;
  /** Earlier entries that were called back because their reason is gone. */
  cancelled: number;
  /** Earlier entries whose reason had passed before their end was known. */
  expired: number;
}

const emptySite: SiteStatus = {
  freeBytes: Infinity,
  capacityBytes: Infinity,
  inFlightCount: 0,
  residence: Number.NaN,
  displacedValuePerByte: 0,
  fetchBytes: new Float64Array(0),
  fetchMs: new Float64Array(0),
};

interface Valued {
  readonly segment: number;
  readonly sizeBytes: number;
  readonly probability: number;
  readonly expert: number;
  readonly horizon: number;
  readonly fetchMs: number;
  readonly benefit: number;
}

/**
 * Of each segment the horizon of the largest net benefit is a candidate. Candidates are taken greedily by benefit for the
 * scarcest budget they use (the usual bound for knapsacks: Dantzig 1957), through a bounded heap, ties by the smaller segment
 * id, each only if every budget still has room; then they are ordered by the instant at which they must start.
 * Budgets are live: bytes and requests per time, requests per access (token buckets), fetch time of the free slots until the
 * next tick, and space. Entries planned before and not ended are neither planned again nor forgotten: those whose segment is
 * no longer worth its price are cancelled. O(forecasts x log entriesMax) at a tick.
 */
export class PrefetchScheduler {
  readonly config: PrefetchSchedulerConfig;
  readonly axis = new TimeAxis();
  readonly fetchTime: FetchTime;
  readonly #horizonsMs: readonly number[];
  readonly #horizonsAccesses: readonly number[];
  readonly #site: SiteView | null;
  readonly #live = new PlannedEntries();
  readonly #bytes: TokenBucket;
  readonly #requests: TokenBucket;
  readonly #perAccess: TokenBucket;
  readonly #counts: ScheduleCounts = {
    candidates: 0,
    planned: 0,
    belowThreshold: 0,
    duplicate: 0,
    resident: 0,
    joined: 0,
    overBytes: 0,
    overRequests: 0,
    overConcurrency: 0,
    overSpace: 0,
    overEntries: 0,
    cancelled: 0,
    expired: 0,
  };
  #sizes = new Float64Array(1024).fill(-1);
  #sizeSum = 0;
  #sizeCount = 0;
  #nextId = 1;
  #lastTickMs = Number.NaN;
  #lastPosition = 0;

  constructor(options: {
    readonly config?: PrefetchSchedulerConfig;
    readonly horizonsMs: readonly number[];
    readonly horizonsAccesses: readonly number[];
    readonly site?: SiteView;
  }) {
    this.config = options.config ?? prefetchSchedulerConfigSchema.parse({});
    this.#horizonsMs = options.horizonsMs;
    this.#horizonsAccesses = options.horizonsAccesses;
    this.#site = options.site ?? null;
    this.fetchTime = new FetchTime(this.config);
    this.#bytes = new TokenBucket(this.config.bytesPerSecondMax / 1000, this.config.burstMs);
    this.#requests = new TokenBucket(this.config.requestsPerSecondMax / 1000, this.config.burstMs, 1);
    this.#perAccess = new TokenBucket(this.config.requestsPerAccessMax, this.config.burstAccesses, 1);
  }

  get counts(): Readonly<ScheduleCounts> {
    return this.#counts;
  }

  /** Entries whose end is not known. */
  get liveCount(): number {
    return this.#live.count;
  }

  /** They, in order of planning. */
  planned(): readonly PlannedEntry[] {
    return this.#live.all();
  }

  /** Learns sizes; the last one known counts. */
  observe(batch: AccessBatch): void {
    this.axis.advance(batch, 0, batch.length);
    for (let i = 0; i < batch.length; i++) {
      const size = batch.size[i]!;
      if (size < 0) continue;
      const segment = batch.segment[i]!;
      if (segment >= this.#sizes.length) {
        const longer = new Float64Array(Math.max(segment + 1, this.#sizes.length * 2)).fill(-1);
        longer.set(this.#sizes);
        this.#sizes = longer;
      }
      this.#sizes[segment] = size;
      this.#sizeSum += size;
      this.#sizeCount++;
    }
  }

  /** Entries that ended are no longer live. */
  finish(outcomes: OutcomesMessage): void {
    for (const id of outcomes.id) this.#live.remove(id);
  }

  /** Bytes of `segment`: as last seen, else the mean of all accesses, else as configured. */
  sizeOf(segment: number): number {
    const known = segment < this.#sizes.length ? this.#sizes[segment]! : -1;
    if (known >= 0) return Math.max(1, known);
    return this.#sizeCount > 0 ? Math.max(1, this.#sizeSum / this.#sizeCount) : this.config.sizeBytes;
  }

  /** Plans at a tick. `status` is the site's state; without one its space is taken to be free and its slots idle. */
  plan(position: number, timeMs: number, forecasts: ForecastColumns, status: SiteStatus = emptySite): PrefetchPlan {
    const { config } = this;
    for (let i = 0; i < status.fetchMs.length; i++) this.fetchTime.observe(status.fetchBytes[i]!, status.fetchMs[i]!);
    const now = this.axis.instantAt(timeMs, position);
    const unitMs = this.axis.usesTime === false ? config.msPerAccess : 1;
    const intervalMs = this.#passTime(now * unitMs, position);

    const valued = this.#value(forecasts, status, unitMs);
    const cancelled = this.#review(now, valued);
    const chosen = this.#choose(valued, status, intervalMs);

    const startBy = (entry: Valued): number => {
      const slackMs = this.fetchTime.sufficient(entry.sizeBytes, config.deadlineDeviations);
      return Math.max(now, now + entry.horizon * config.dueShare - slackMs / unitMs);
    };
    const entries = chosen.map((entry) => ({ ...entry, id: 0, startBy: startBy(entry) }));
    // Chosen best first, and the sort is stable: of equal deadlines the better comes first.
    entries.sort((a, b) => a.startBy - b.startBy);
    for (const entry of entries) {
      entry.id = this.#nextId++;
      const { id, segment, sizeBytes, probability, expert, benefit } = entry;
      const expiresAt = now + entry.horizon;
      this.#live.add({
        id,
        segment,
        sizeBytes,
        expiresAt,
        startBy: entry.startBy,
        probability,
        expert,
        netBenefit: benefit,
      });
    }
    return {
      position,
      timeMs,
      entries: {
        id: Float64Array.from(entries, ({ id }) => id),
        segment: Uint32Array.from(entries, ({ segment }) => segment),
        sizeBytes: Float64Array.from(entries, ({ sizeBytes }) => sizeBytes),
        probability: Float64Array.from(entries, ({ probability }) => probability),
        expert: Uint8Array.from(entries, ({ expert }) => expert),
        startBy: Float64Array.from(entries, (entry) => entry.startBy),
        expiresAt: Float64Array.from(entries, ({ horizon }) => now + horizon),
        netBenefit: Float64Array.from(entries, ({ benefit }) => benefit),
      },
      cancelled,
    };
  }

  /** Everything but what the settings give: #horizonsMs, #horizonsAccesses, #site. */
  persist(fields: StateFields): void {
    fields.section('scheduler');
    this.axis.persist(fields);
    this.fetchTime.persist(fields);
    this.#live.persist(fields);
    this.#bytes.persist(fields);
    this.#requests.persist(fields);
    this.#perAccess.persist(fields);
    Object.assign(this.#counts, fields.plain(this.#counts));
    this.#sizes = fields.array(this.#sizes);
    this.#sizeSum = fields.number(this.#sizeSum);
    this.#sizeCount = fields.number(this.#sizeCount);
    this.#nextId = fields.number(this.#nextId);
    this.#lastTickMs = fields.number(this.#lastTickMs);
    this.#lastPosition = fields.number(this.#lastPosition);
  }

  /** Fills the budgets; returns the ms since the last tick, which the next one is expected to take too. */
  #passTime(nowMs: number, position: number): number {
    const elapsedMs = Number.isFinite(this.#lastTickMs) && Number.isFinite(nowMs) ? nowMs - this.#lastTickMs : 0;
    this.#bytes.fill(elapsedMs);
    this.#requests.fill(elapsedMs);
    this.#perAccess.fill(Math.max(0, position - this.#lastPosition));
    this.#lastTickMs = nowMs;
    this.#lastPosition = position;
    return elapsedMs;
  }

  /** The best horizon of each segment, in the forecasts' order. */
  #value(forecasts: ForecastColumns, status: SiteStatus, unitMs: number): Map<number, Valued> {
    const horizons = this.axis.usesTime === false ? this.#horizonsAccesses : this.#horizonsMs;
    const best = new Map<number, Valued>();
    for (let i = 0; i < forecasts.segment.length; i++) {
      const segment = forecasts.segment[i]!;
      const horizon = horizons[forecasts.horizon[i]!]!;
      const sizeBytes = this.sizeOf(segment);
      const fetchMs = this.fetchTime.expected(sizeBytes);
      const probability = forecasts.probability[i]!;
      const benefit = netBenefit(this.config.prices, {
        probability,
        horizonMs: horizon * unitMs,
        sizeBytes,
        fetchMs,
        residenceMs: status.residence * unitMs,
        displacedBytes: Math.max(0, sizeBytes - status.freeBytes),
        displacedValuePerByte: status.displacedValuePerByte,
      });
      const known = best.get(segment);
      // Of equal benefits the nearer horizon counts, so the forecasts' order does not.
      if (known !== undefined && (known.benefit > benefit || (known.benefit === benefit && known.horizon <= horizon)))
        continue;
      best.set(segment, { segment, sizeBytes, probability, expert: forecasts.expert[i]!, horizon, fetchMs, benefit });
    }
    return best;
  }

  /** Drops live entries whose reason has passed; returns the ids of those whose reason is gone. */
  #review(now: number, valued: ReadonlyMap<number, Valued>): Float64Array {
    const cancelled: number[] = [];
    for (const entry of this.#live.all()) {
      if (entry.expiresAt < now) {
        this.#live.remove(entry.id);
        this.#counts.expired++;
        continue;
      }
      const benefit = valued.get(entry.segment)?.benefit ?? -Infinity;
      // What is in flight is paid for: calling it back would save little and lose the chance of its use.
      if (benefit > this.config.netBenefitMin || this.#site?.isInFlight(entry.segment) === true) continue;
      this.#live.remove(entry.id);
      cancelled.push(entry.id);
      this.#counts.cancelled++;
    }
    return Float64Array.from(cancelled);
  }

  #choose(valued: ReadonlyMap<number, Valued>, status: SiteStatus, intervalMs: number): Valued[] {
    const { config } = this;
    const counts = this.#counts;
    const slots = Math.max(0, config.concurrencyMax - status.inFlightCount);
    let fetchMsLeft = slots * intervalMs;
    let freeLeft = status.freeBytes;
    // Room that has to be made is paid for in the benefit; where nothing may be displaced only free room counts.
    let spaceLeft = Math.min(
      config.spaceBytesMax - this.#live.bytes,
      status.displacedValuePerByte === Infinity ? status.freeBytes : status.capacityBytes,
    );
    const top = new TopK(Math.min(config.entriesMax, valued.size));
    let worthwhile = 0;
    for (const { segment, benefit, sizeBytes, fetchMs } of valued.values()) {
      counts.candidates++;
      if (this.#site?.isResident(segment) === true) counts.resident++;
      else if (this.#live.has(segment)) counts.duplicate++;
      else if (this.#site?.isInFlight(segment) === true) counts.joined++;
      else if (!(benefit > config.netBenefitMin)) counts.belowThreshold++;
      else {
        worthwhile++;
        const scarcest = Math.max(
          sizeBytes / Math.max(1, this.#bytes.tokens),
          1 / Math.max(1, Math.min(this.#requests.tokens, this.#perAccess.tokens)),
          fetchMs / Math.max(1, fetchMsLeft),
        );
        top.offer(segment, benefit / scarcest);
      }
    }
    counts.overEntries += worthwhile - top.count;
    const chosen: Valued[] = [];
    for (const segment of top.takeIds()) {
      const candidate = valued.get(segment)!;
      if (this.#live.count + chosen.length >= config.liveMax) counts.overEntries++;
      else if (!this.#requests.has(1) || !this.#perAccess.has(1)) counts.overRequests++;
      else if (!this.#bytes.has(candidate.sizeBytes)) counts.overBytes++;
      else if (candidate.fetchMs > fetchMsLeft) counts.overConcurrency++;
      else if (candidate.sizeBytes > spaceLeft || !this.#isWorthRoom(candidate, freeLeft, status)) counts.overSpace++;
      else {
        this.#requests.spend(1);
        this.#perAccess.spend(1);
        this.#bytes.spend(candidate.sizeBytes);
        fetchMsLeft -= candidate.fetchMs;
        spaceLeft -= candidate.sizeBytes;
        freeLeft = Math.max(0, freeLeft - candidate.sizeBytes);
        counts.planned++;
        chosen.push(candidate);
      }
    }
    return chosen;
  }

  /** Whether a candidate is still worth it when those chosen before it have taken the free room. */
  #isWorthRoom({ sizeBytes, benefit }: Valued, freeLeft: number, status: SiteStatus): boolean {
    const more = Math.max(0, sizeBytes - freeLeft) - Math.max(0, sizeBytes - status.freeBytes);
    return more === 0 || benefit - more * status.displacedValuePerByte > this.config.netBenefitMin;
  }
}
