/** Which proposals a site sends, queues or refuses, and when what waits is sent. */

import type { ProposalBuffer } from '../prefetcher.ts';
import type { Landings } from './landings.ts';
import { Refusal as refusals } from './ledger.ts';
import { PrefetchAdmission } from './prefetch-admission.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import { sortByProbability } from './proposal-order.ts';
import type { Settlement } from './settlement.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Refusal = refusals;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;

/** Accesses after it landed for which a staged segment is given its chance: as far ahead as successors are looked for. */
export const FRESH_FOR = 3;
/** Probabilities closer than that ratio are taken to be level. */
export const LEVEL = 1.1;

/** The best first, each within what policy, caps, bounds and prices leave. O(1) a proposal where no slot is waited for. */
export class IssueDesk {
  readonly #state: SiteState;
  readonly #landings: Landings;
  readonly #settlement: Settlement;

  constructor(state: SiteState, landings: Landings, settlement: Settlement) {
    this.#state = state;
    this.#landings = landings;
    this.#settlement = settlement;
  }

  /** Lands what is due by `now` and sends what was waiting for a slot, in the order of the instants at which it happens. */
  advance(now: number): void {
    const { flights, isTimed, origin, position, table, queue } = this.#state;
    // A fetch that takes N requests lands after the N-th further access, hence not yet when that one is served.
    for (let segment = flights.takeDue(now, isTimed); segment >= 0; segment = flights.takeDue(now, isTimed)) {
      if (origin.isAnswered === true) {
        origin.givenUp?.(segment);
        this.#landings.lapse(segment);
        // Nobody noticed before now: what takes the slot is asked for now, not at the instant that has passed.
        continue;
      }
      const landsAt = flights.landedAt;
      // Those between the two, not this access, which finds it landed.
      this.#landings.observeLead(position - table.rows[(segment << ROW_SHIFT) | Row.issuedAt]! - 1);
      this.#landings.land(segment);
      if (queue.count > 0) this.sendQueued(landsAt);
    }
    if (queue.count > 0) this.sendQueued(now);
  }

  /** Sends what waits for a slot, the most valuable first, as far as it may be sent at `now`. */
  sendQueued(now: number): void {
    const state = this.#state;
    const { queue, sizes, admission, guard, origin, flights } = state;
    while (queue.count > 0) {
      const segment = queue.peek();
      if (state.isTooLarge(segment)) {
        // What an unsized segment is taken to be has grown since.
        this.#settlement.unqueue(segment);
        continue;
      }
      const bytes = sizes.of(segment);
      const barred = admission?.refusal(segment, bytes, now, flights.count) ?? -1;
      if (barred >= 0) {
        if (PrefetchAdmission.isPassing(barred)) return;
        this.#settlement.unqueue(segment);
        continue;
      }
      if (!guard.canSend(bytes, state.lentCount) || !guard.canLose(flights.count)) return;
      const landsAt = origin.prefetch(segment, bytes, now, state.position);
      if (landsAt < 0) return;
      queue.shift();
      this.#issue(segment, landsAt);
    }
  }

  /** Considers each proposal of an access, the likeliest first. */
  considerAll(p: ProposalBuffer): void {
    if (p.count === 1) {
      this.consider(p.segment[0]! | 0, p.sizeBytes[0]!, p.probability[0]!, p.expert[0]!);
      return;
    }
    sortByProbability(p);
    const state = this.#state;
    // What one access sends must fit beside each other, or its last would push out its best.
    const room = state.isShared ? Infinity : state.share.units;
    let sent = 0;
    for (let i = 0; i < p.count; i++) {
      const segment = p.segment[i]! | 0;
      if (sent >= room && sent > 0) this.#settlement.refuse(segment, Refusal.crowded, p.expert[i]!, p.probability[i]!);
      else if (this.consider(segment, p.sizeBytes[i]!, p.probability[i]!, p.expert[i]!)) sent += state.unitsOf(segment);
    }
  }

  /** Sends, queues or refuses one prefetch; false = refused. */
  consider(segment: number, sizeBytes: number, probability: number, expert: number): boolean {
    const state = this.#state;
    const { table } = state;
    if (segment >= table.limit) table.grow(segment);
    const stage = table.stage[segment]!;
    if (stage !== Stage.none) {
      const refusal = stage === Stage.staged ? Refusal.resident : Refusal.inFlight;
      return this.#settlement.refuse(segment, refusal, expert, probability);
    }
    table.expert[segment] = expert;
    table.rows[(segment << ROW_SHIFT) | Row.probability] = probability;
    const refusal = this.#refusal(segment, sizeBytes, probability, expert);
    if (refusal >= 0) return this.#settlement.refuse(segment, refusal, expert, probability);
    const { origin, queue, now } = state;
    state.prefetcher.onHeld?.(segment, true);
    if (origin.isInstant) {
      this.#issue(segment, now);
      return true;
    }
    const landsAt = queue.count > 0 ? -1 : origin.prefetch(segment, state.sizes.of(segment), now, state.position);
    if (landsAt >= 0) {
      this.#issue(segment, landsAt);
      return true;
    }
    table.stage[segment] = Stage.queued;
    const refused = queue.add(segment, Number.isNaN(probability) ? 0 : probability);
    if (refused < 0) return true;
    table.stage[refused] = Stage.none;
    this.#settlement.withdraw(refused);
    return refused !== segment;
  }

  /** Why a prefetch of what has none may not be sent now; -1 = it may. */
  #refusal(segment: number, sizeBytes: number, probability: number, expert: number): number {
    const state = this.#state;
    const { holdout, sizes, guard, admission, benefit, expertTrust } = state;
    if (state.reactive.has(segment)) return Refusal.resident;
    if (holdout?.isHeld(segment) === true) return Refusal.heldOut;
    if (sizeBytes >= 0) sizes.guess(segment, sizeBytes);
    if (state.isTooLarge(segment)) return Refusal.tooLarge;
    const bytes = sizes.of(segment);
    const inFlight = state.flights.count;
    const barred = admission?.refusal(segment, bytes, state.now, inFlight) ?? -1;
    if (barred >= 0) return barred;
    if (!state.isFar) {
      if (!guard.canSend(bytes, state.lentCount)) return Refusal.budget;
      if (!guard.canLose(inFlight)) return Refusal.throttled;
    }
    if (this.#isCrowded(segment, probability)) return Refusal.crowded;
    if (benefit !== null && !benefit.isWorth(probability, state.fetches.waitOf(bytes), bytes)) return Refusal.price;
    if (expertTrust?.allows(expert) === false) return Refusal.distrusted;
    return holdout?.withholds(segment, state.position, probability) === true ? Refusal.heldOut : -1;
  }

  /**
   * Whether it would push out what has only just landed and is about as likely: in a prefetch cache of a few segments each access would otherwise stage
   * what comes later in the place of what comes next.
   */
  #isCrowded(segment: number, probability: number): boolean {
    const { isShared, staging, share, table, position, flights } = this.#state;
    const { oldest } = staging;
    if (isShared || oldest < 0) return false;
    if (staging.used + (flights.count + 1) * this.#state.unitsOf(segment) <= share.units) return false;
    if (position - table.rows[(oldest << ROW_SHIFT) | Row.issuedAt]! - this.#landings.leadAccesses > FRESH_FOR)
      return false;
    return table.rows[(oldest << ROW_SHIFT) | Row.probability]! * LEVEL >= probability;
  }

  #issue(segment: number, landsAt: number): void {
    const { table, sizes, guard, admission, ledger, position, now, flights } = this.#state;
    const { rows } = table;
    const row = segment << ROW_SHIFT;
    const bytes = sizes.of(segment);
    const expert = table.expert[segment]!;
    guard.fetched(segment, bytes, true);
    admission?.caps?.sent(bytes);
    rows[row | Row.issuedAt] = position;
    rows[row | Row.landsAt] = landsAt;
    rows[row | Row.bytes] = bytes;
    ledger.sent(expert, bytes);
    this.#settlement.issued(segment);
    if (landsAt <= now) {
      this.#landings.land(segment);
      return;
    }
    table.stage[segment] = Stage.inFlight;
    flights.add(segment, landsAt);
  }
}
