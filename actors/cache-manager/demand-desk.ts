/** How a site serves a demand: from where, after how long, and what is counted of it. */

import { Outcome as outcomes, Served as servedCodes } from '../prefetcher.ts';
import { Decision as decisions } from './decision-digest.ts';
import type { Holdout } from './holdout.ts';
import type { Landings } from './landings.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import type { Settlement } from './settlement.ts';
import type { SiteSpace } from './site-space.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Served = servedCodes;
const Decision = decisions;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;

/** Accesses for which a refused proposal is taken to have been meant, where the prefetcher does not say. */
const HORIZON_UNSTATED = 64;

/**
 * A segment that a demand fetches is resident from that instant, as every cache simulator has it, so miss counts compare with
 * published ones; whoever asks for it before the fetch lands is a hit that waits for the rest (a delayed hit). O(1) a demand.
 */
export class DemandDesk {
  readonly #state: SiteState;
  readonly #space: SiteSpace;
  readonly #landings: Landings;
  readonly #settlement: Settlement;
  /** Misses so far, counted or not, on segments that the baseline held. */
  pollutionCount = 0;

  constructor(state: SiteState, space: SiteSpace, landings: Landings, settlement: Settlement) {
    this.#state = state;
    this.#space = space;
    this.#landings = landings;
    this.#settlement = settlement;
  }

  /** Serves the demand at the state's instant for so many bytes; gives a `Served` code. */
  serve(segment: number, bytes: number): number {
    const { guard, table, isBytes } = this.#state;
    const units = isBytes ? Math.max(1, bytes) : 1;
    guard.demand(segment, units, bytes);
    const stage = table.stage[segment]!;
    // Most demands are: apart, because so little is compiled into one piece.
    if (stage === Stage.none && this.#touch(segment, units)) return this.#serveResident(segment, bytes);
    return this.#serveOther(segment, stage, units, bytes);
  }

  /** Tells the reactive cache of a demand for what it holds; false = it does not. */
  #touch(segment: number, units: number): boolean {
    const { reactive, isBytes, guard } = this.#state;
    if (!isBytes || guard.isBaselineHit) return reactive.touch(segment);
    if (!reactive.has(segment)) return false;
    this.#space.admitDemanded(segment, units);
    return true;
  }

  /** Serves what is in the reactive cache, which was told. */
  #serveResident(segment: number, bytes: number): number {
    const { origin, table, now } = this.#state;
    if (this.#space.readmissions.length > 0) this.#space.readmit();
    this.#note(segment, Served.hit);
    let wait = -1;
    if (!origin.isInstant) {
      // A demand may have fetched it a moment ago.
      const landsAt = table.rows[(segment << ROW_SHIFT) | Row.landsAt]!;
      wait = landsAt > now ? landsAt - now : 0;
    }
    this.#countHit(bytes, wait);
    return Served.hit;
  }

  /** Serves what is staged, on its way, queued or not there. */
  #serveOther(segment: number, stage: number, units: number, bytes: number): number {
    const state = this.#state;
    const { table, guard, origin, now } = state;
    const { isBaselineHit, weight } = guard;
    let served: number = Served.miss;
    let wait = 0;
    let joinedAt = -1;
    if (stage === Stage.staged) {
      served = Served.stagedHit;
      table.stage[segment] = Stage.none;
      if (!state.isShared) this.#space.unstage(segment);
      this.#space.admitDemanded(segment, units);
      this.#settlement.settle(segment, Outcome.useful);
    } else if (stage === Stage.inFlight) {
      served = Served.late;
      table.stage[segment] = Stage.none;
      state.flights.forget(segment);
      origin.join(segment, table.expert[segment]!, table.rows[(segment << ROW_SHIFT) | Row.probability]!);
      joinedAt = table.rows[(segment << ROW_SHIFT) | Row.issuedAt]!;
      wait = origin.remaining?.(segment, now) ?? table.rows[(segment << ROW_SHIFT) | Row.landsAt]! - now;
      // It takes at least that long, and says nothing where others took longer.
      this.#landings.observeLead(Math.max(this.#landings.leadAccesses, state.position - joinedAt));
      this.#space.admitDemanded(segment, units);
      this.#settlement.settle(segment, Outcome.late);
      state.ledger.joined(joinedAt, wait);
    } else {
      if (stage === Stage.queued) this.#settlement.unqueue(segment);
      if (this.#touch(segment, units)) return this.#serveResident(segment, bytes);
      this.#space.admitDemanded(segment, units);
      guard.fetched(segment, bytes, false);
      if (!state.isShared) state.share.missed(segment);
      if (!origin.isInstant) wait = this.#fetch(segment, bytes);
    }
    if (this.#space.readmissions.length > 0) this.#space.readmit();
    const isMiss = served === Served.miss || served === Served.late;
    if (!isBaselineHit && isMiss) this.classify(segment, stage, weight);
    this.#note(segment, served);
    if (!isMiss) {
      this.#countHit(bytes, origin.isInstant ? -1 : wait);
      return served;
    }
    this.#countMiss(segment, served, bytes, wait, joinedAt);
    if (!origin.isInstant) state.ledger.waited(wait);
    return served;
  }

  /** Tells whoever follows a segment that it was demanded. */
  #note(segment: number, served: number): void {
    const { classes, holdout, ledger } = this.#state;
    classes.demanded(segment);
    if (holdout !== null) this.tellHoldout(holdout, segment);
    ledger.digest.add(Decision.served + served, segment);
  }

  /** Tells the holdout of the demand at the state's position. */
  tellHoldout(holdout: Holdout, segment: number): void {
    const { position, prefetcher } = this.#state;
    if (holdout.mayExpire(position)) {
      holdout.observe(segment, position, prefetcher.horizonAccesses ?? HORIZON_UNSTATED);
    } else if (holdout.isHeld(segment)) {
      holdout.demanded(segment);
    }
  }

  /** Sends for a segment that nobody has sent for; gives how long that takes. */
  #fetch(segment: number, bytes: number): number {
    const { origin, table, flights, fetches, now, position } = this.#state;
    const landsAt = origin.demand(segment, bytes, now, position);
    table.rows[(segment << ROW_SHIFT) | Row.landsAt] = landsAt;
    const victim = origin.preempted;
    if (victim >= 0) {
      flights.forget(victim);
      table.stage[victim] = Stage.none;
      this.#settlement.settle(victim, Outcome.cancelled);
    }
    fetches.add(bytes, landsAt - now);
    return landsAt - now;
  }

  /** Says why a miss that the baseline has too was not avoided. */
  classify(segment: number, stage: number, weight: number): void {
    const { prefetcher, position, ledger, classes } = this.#state;
    const horizon = prefetcher.horizonAccesses ?? HORIZON_UNSTATED;
    const isForecast = (prefetcher.forecastOf?.(segment, position) ?? 0) > 0;
    const isLate = stage === Stage.inFlight || stage === Stage.queued;
    ledger.unavoided(classes.classOf(segment, position, horizon, isLate, isForecast), weight);
  }

  #countMiss(segment: number, served: number, bytes: number, wait: number, joinedAt: number): void {
    const { guard, benefit, ledger } = this.#state;
    const { isBaselineHit, isReferenceHit, weight } = guard;
    guard.missed(segment);
    if (isBaselineHit) this.pollutionCount += weight;
    ledger.miss(bytes, isBaselineHit, isReferenceHit, joinedAt, weight);
    if (isBaselineHit) benefit?.lost(wait, served === Served.miss ? bytes : -1, weight);
  }

  /** `wait`: -1 = nobody waits here. */
  #countHit(bytes: number, wait: number): void {
    const { guard, ledger } = this.#state;
    const { isBaselineHit, isReferenceHit, weight } = guard;
    ledger.hit(bytes, isBaselineHit, isReferenceHit, weight, wait);
  }
}
