/** The cache manager: the actor that owns a site, serves its accesses, adopts plans, and reports how they ended. */

import type { Actor, ActorContext, ActorRef } from '../../engine/actor.ts';
import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { LogOrder } from '../log-order.ts';
import type {
  AccessesMessage,
  OutcomesMessage,
  PlanMessage,
  PrefetchPlan,
  SiteStatusMessage,
  TickMessage,
} from '../messages.ts';
import { Outcome } from '../prefetcher.ts';
import { type Prices, valueOfTime } from '../prices.ts';
import { PlanAdmission, type PlanAdmissionOptions } from './plan-admission.ts';
import { DELIVERED, type Site, WITHDRAWN } from './site.ts';

/** A plan's sizes are the scheduler's guesses where none was ever said; the site, which knows as much, takes none for a fact. */
const AS_LAST_SEEN = -1;
/** Joined entries whose delivery is awaited; of more the oldest are forgotten, as those are that failed. */
const JOINED_MAX = 1024;

export type CacheManagerMessage = AccessesMessage | TickMessage | PlanMessage;

export interface CacheManagerOptions {
  /** Makes the site; the actor tells it where to report the end of a prefetch. */
  readonly makeSite: (onSettled: (segment: number, expert: number, outcome: number) => void) => Site;
  /** Where status and outcomes go at each tick; without it ticks are passed over and no plan is awaited. */
  readonly farLoop?: {
    readonly scheduler: ActorRef<OutcomesMessage | SiteStatusMessage>;
    readonly forecaster: ActorRef<OutcomesMessage>;
  };
  /** Which planned prefetches are adopted. */
  readonly admission: PlanAdmissionOptions;
  /** Accesses that may wait for a plan; see `LogOrder`. */
  readonly heldAccessesMax: number;
  /** Bytes that one unit of the cache stands for, where it counts segments and the far loop counts bytes: a mean size. */
  readonly bytesPerUnit: () => number;
  readonly prices: Prices;
  /** Waiting of one miss in ms, where fetches are not timed; null = as measured. */
  readonly missPenaltyMs: number | null;
  /** Told of accesses in the order of the log, as they are served. */
  readonly onServe?: (batch: AccessBatch) => void;
  /** Told at a tick, before the site's report of it leaves: the site has served every access before `position` and none after. */
  readonly onReport?: (position: number) => void;
  /** Told when the plan of the tick at `position` is in force. */
  readonly onAdopted?: (position: number) => void;
}

/** An adopted entry of a plan. */
interface PlannedEntry {
  readonly id: number;
  readonly expert: number;
  readonly probability: number;
  readonly isTrial: boolean;
}

/**
 * Serves accesses and adopts plans in log order: at a tick it first reports what has ended and how full it is, then waits for
 * the plan made from that, adopts it, and goes on. So decisions depend on the log alone, wherever the far loop runs.
 */
export class CacheManagerActor implements Actor<CacheManagerMessage> {
  readonly site: Site;
  readonly #options: CacheManagerOptions;
  readonly #order: LogOrder;
  readonly #admission: PlanAdmission;
  readonly #plans = new Map<number, PrefetchPlan>();
  /** Plan entry of each segment that a plan asked for and whose end is not known. */
  readonly #planned = new Map<number, PlannedEntry>();
  /** Entries that a demand joined, by segment, until it is known whether their fetch delivers. */
  readonly #joined = new Map<number, PlannedEntry>();
  /** Planned segment of each entry id, for cancellations. */
  readonly #segmentOf = new Map<number, number>();
  /** Experts are numbered through: first those of the site's own prefetcher, then the far loop's. */
  readonly #firstPlannedExpert: number;
  #ended: { readonly id: number; readonly expert: number; readonly outcome: number }[] = [];
  #reportedTick = -1;
  #pollutionReported = 0;
  #meanFetchMs = 0;

  constructor(options: CacheManagerOptions) {
    this.#options = options;
    this.#admission = new PlanAdmission(options.admission);
    this.site = options.makeSite((segment, expert, outcome) => {
      // Most are the near loop's own, which no plan knows.
      if (expert < this.#firstPlannedExpert) return;
      if (outcome === DELIVERED) this.#delivered(segment, expert - this.#firstPlannedExpert);
      else this.#settled(segment, outcome);
    });
    this.#firstPlannedExpert = this.site.prefetcher?.experts.length ?? 0;
    this.#order = new LogOrder({
      accessesMax: options.heldAccessesMax,
      onBatch: (batch) => {
        options.onServe?.(batch);
        this.site.serve(batch);
      },
      onTick: (tick) => this.#tick(tick),
    });
  }

  /** Whether nothing waits for a plan. */
  get isIdle(): boolean {
    return this.#order.isIdle;
  }

  /** Plan entries adopted and refused, and trials among the adopted. */
  get planCounts(): PlanAdmission['counts'] {
    return this.#admission.counts;
  }

  receive(message: CacheManagerMessage, _context: ActorContext<CacheManagerMessage>): void {
    if (message.kind === 'plan') {
      this.#plans.set(message.plan.position, message.plan);
      this.#order.advance();
      return;
    }
    this.#order.push(message);
  }

  /** Everything but what the settings give: #options, #firstPlannedExpert. */
  persist(fields: StateFields): void {
    fields.section('cache-manager');
    this.site.persist(fields);
    this.#order.assertIdle();
    this.#admission.persist(fields);
    assert(this.#plans.size === 0, 'a state is saved when every plan was adopted');
    const planned = fields.plain([...this.#planned]);
    if (fields.isRestoring) {
      this.#planned.clear();
      for (const [segment, entry] of planned) this.#planned.set(segment, entry);
    }
    const joined = fields.plain([...this.#joined]);
    if (fields.isRestoring) {
      this.#joined.clear();
      for (const [segment, entry] of joined) this.#joined.set(segment, entry);
    }
    fields.map(this.#segmentOf);
    this.#ended = fields.plain(this.#ended);
    this.#reportedTick = fields.number(this.#reportedTick);
    this.#pollutionReported = fields.number(this.#pollutionReported);
    this.#meanFetchMs = fields.number(this.#meanFetchMs);
  }

  #tick(tick: TickMessage): boolean {
    if (this.#options.farLoop === undefined) return true;
    if (this.#reportedTick !== tick.position) {
      this.#reportedTick = tick.position;
      this.#options.onReport?.(tick.position);
      this.#report(tick.position);
    }
    const plan = this.#plans.get(tick.position);
    if (plan === undefined) return false;
    this.#plans.delete(tick.position);
    this.#adopt(plan);
    this.#options.onAdopted?.(tick.position);
    return true;
  }

  #report(position: number): void {
    const { scheduler, forecaster } = this.#options.farLoop!;
    const ended = this.#ended;
    this.#ended = [];
    const outcomes: OutcomesMessage = {
      kind: 'outcomes',
      position,
      id: Float64Array.from(ended, (entry) => entry.id),
      expert: Uint8Array.from(ended, (entry) => entry.expert),
      outcome: Uint8Array.from(ended, (entry) => entry.outcome),
    };
    scheduler.tell(outcomes);
    forecaster.tell(outcomes);
    const { site } = this;
    const bytesPerUnit = this.#options.bytesPerUnit();
    const pollution = site.pollutionCount - this.#pollutionReported;
    this.#pollutionReported = site.pollutionCount;
    const fetches = this.#fetches(bytesPerUnit);
    const stagedBytes = Math.max(1, site.stagingUsed * bytesPerUnit);
    scheduler.tell({
      kind: 'site-status',
      position,
      freeBytes: Math.max(0, site.stagingCapacity - site.stagingUsed) * bytesPerUnit,
      capacityBytes: site.stagingCapacity * bytesPerUnit,
      inFlightCount: site.inFlightCount,
      residence: site.unusedResidence,
      // What staging cost the reactive cache since the last tick, laid on the bytes that are staged.
      displacedValuePerByte: (pollution * valueOfTime(this.#options.prices, fetches.meanMs)) / stagedBytes,
      fetchBytes: fetches.bytes,
      fetchMs: fetches.ms,
    });
  }

  /** Fetches measured since the last tick; where they are not timed, one of the penalty that a miss is taken to cost. */
  #fetches(bytesPerUnit: number): { readonly bytes: Float64Array; readonly ms: Float64Array; readonly meanMs: number } {
    const { missPenaltyMs } = this.#options;
    if (missPenaltyMs !== null) {
      return { bytes: Float64Array.of(bytesPerUnit), ms: Float64Array.of(missPenaltyMs), meanMs: missPenaltyMs };
    }
    const { bytes, waits } = this.site.takeFetches();
    let sum = 0;
    for (const wait of waits) sum += wait;
    if (waits.length > 0) this.#meanFetchMs = sum / waits.length;
    return { bytes, ms: waits, meanMs: this.#meanFetchMs };
  }

  #adopt(plan: PrefetchPlan): void {
    for (const id of plan.cancelled) {
      const segment = this.#segmentOf.get(id);
      if (segment !== undefined) this.site.callBack(segment);
    }
    const { entries } = plan;
    for (let i = 0; i < entries.segment.length; i++) {
      const segment = entries.segment[i]!;
      const id = entries.id[i]!;
      const expert = entries.expert[i]!;
      const probability = entries.probability[i]!;
      const isWanted = !this.#planned.has(segment) && !this.site.isResident(segment);
      const expected = this.#admission.expect(expert, probability);
      const verdict = isWanted ? this.#admission.judge(expert, expected) : 'refuse';
      if (verdict === 'refuse') {
        this.#ended.push({ id, expert, outcome: WITHDRAWN });
        continue;
      }
      this.#planned.set(segment, { id, expert, probability, isTrial: verdict === 'try' });
      this.#segmentOf.set(id, segment);
      const isTaken = this.site.stage(segment, AS_LAST_SEEN, expected, this.#firstPlannedExpert + expert);
      if (!isTaken) this.#settled(segment, WITHDRAWN);
    }
  }

  #settled(segment: number, outcome: number): void {
    const planned = this.#planned.get(segment);
    if (planned === undefined) return;
    this.#planned.delete(segment);
    this.#segmentOf.delete(planned.id);
    this.#ended.push({ id: planned.id, expert: planned.expert, outcome });
    if (outcome === Outcome.useful || outcome === Outcome.wasted) {
      this.#admission.learn(planned.expert, planned.probability, outcome === Outcome.useful, planned.isTrial);
    } else if (outcome === WITHDRAWN) {
      this.#admission.withdraw(planned.expert, planned.isTrial);
    } else if (planned.isTrial) {
      this.#admission.endTrial(planned.expert);
    }
    // A demand joined it: whether it was of use is known once it was delivered.
    if (outcome !== Outcome.late) return;
    this.#joined.delete(segment);
    this.#joined.set(segment, planned);
    if (this.#joined.size > JOINED_MAX) this.#joined.delete(this.#joined.keys().next().value!);
  }

  #delivered(segment: number, expert: number): void {
    const joined = this.#joined.get(segment);
    if (joined === undefined || joined.expert !== expert) return;
    this.#joined.delete(segment);
    this.#admission.learn(joined.expert, joined.probability, true);
  }
}
