/** The space of a site: what leaves for a demand or for a staged segment, and in which order. */

import { Outcome as outcomes } from '../prefetcher.ts';
import type { Ghost } from './ghost.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import type { Settlement } from './settlement.ts';
import type { SiteState } from './site-state.ts';
import type { TrafficGuard } from './traffic-guard.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;

/** Headroom of the traffic bound below which the site follows its baseline: fetches stand above the limit, see `trafficHeadroom`. */
const FOLLOW_BELOW = -3;
/** Slack that an eviction's own choices leave to prefetches: as much as the near loop keeps back for its best candidates. */
const SLACK_KEPT = 24;
/** Slack from which on what is staged goes before what a ghost holds: without any, a site follows the reference for good. */
const SLACK_LAST = 8;

/** Accesses for which what is staged is kept at least, where nothing else asks for its space: the longest horizon of the near loop by its defaults. */
export const HORIZON_LEAST = 64;

/** Reactive and prefetch cache share the capacity; the bounds decide who may be made to leave. O(1) a segment that leaves. */
export class SiteSpace {
  readonly #state: SiteState;
  readonly #settlement: Settlement;
  /** Shared staging only: what the prefetcher asked to keep, see `readmit`. */
  readonly readmissions: number[] = [];
  /** Mean model time that an unused segment stayed staged; NaN before the first. */
  unusedResidence = Number.NaN;

  constructor(state: SiteState, settlement: Settlement) {
    this.#state = state;
    this.#settlement = settlement;
  }

  /** Gives a demanded segment to the reactive cache, where it may be already; there anew if the baseline has just fetched a copy of another size. */
  admitDemanded(segment: number, demanded: number): void {
    const { guard, reactive, isBytes, whole } = this.#state;
    const isHere = reactive.has(segment);
    const units = isBytes ? this.unitsToKeep(segment, demanded) : demanded;
    if (isHere && (!isBytes || !this.#isInBaseline(segment) || units === reactive.sizeOf(segment))) {
      reactive.access(segment, demanded);
      return;
    }
    if (isHere) reactive.remove(segment);
    this.#wasteOverdue();
    if (!guard.isBounded) {
      reactive.access(segment, units);
      return;
    }
    // With slack to spare it need not be known that a ghost holds the segment a moment before the site does.
    if (
      !this.#state.isFar &&
      (isBytes || guard.slack <= SLACK_KEPT + 1 || this.#state.trafficHeadroom < FOLLOW_BELOW)
    ) {
      guard.compare(segment, 'nowhere');
      if (!this.#makeRoom(units) && isBytes && whole !== null) {
        // Nothing may leave for it. The eviction learns that it was asked for. Beside a sample it is the eviction that chooses.
        reactive.access(segment, Number.MAX_SAFE_INTEGER);
        return;
      }
    }
    reactive.access(segment, units);
    guard.compare(segment, this.#state.whereIs(segment));
  }

  /**
   * Units that a copy takes which is fetched for so many, where the cache counts bytes: what both this site and the baseline hold takes as much here as
   * there (see `MissBound`), and no more than in the ghost that is followed.
   */
  unitsToKeep(segment: number, units: number): number {
    const { whole } = this.#state;
    if (whole === null) return units;
    const kept = whole.baseline.copyUnits(segment, units);
    const followed = this.#followed(whole);
    return followed === whole.baseline ? kept : Math.min(kept, followed.copyUnits(segment, units));
  }

  #isInBaseline(segment: number): boolean {
    return this.#state.whole?.baseline.eviction.has(segment) === true;
  }

  /** The ghost to follow in a cache of bytes: the baseline, unless that is not enough. */
  #followed(guard: TrafficGuard): Ghost {
    return guard.mayGiveUp(SLACK_KEPT) ? guard.baseline : guard.followed;
  }

  /** A segment that was fetched enters the reactive cache; false = there is no room for it. */
  admitShared(segment: number, units: number): boolean {
    const { guard, reactive } = this.#state;
    const isRoom = this.#makeRoom(units);
    // It may also have been demanded while it was queued behind this landing, or the cache shrank below its size.
    const isAdmitted = isRoom && reactive.admit(segment, units);
    if (!isAdmitted) {
      this.#state.table.stage[segment] = Stage.none;
      this.#settlement.settle(segment, Outcome.wasted);
    }
    guard.compare(segment, this.#state.whereIs(segment));
    return isAdmitted;
  }

  /** A segment that was fetched enters the prefetch cache; false = nothing can leave for it that might not have to be fetched again. */
  stage(segment: number, units: number): boolean {
    const { share, staging, reactive, capacity, guard, table } = this.#state;
    const room = Math.max(units, share.units);
    if (!this.#makeStagingRoom(units, room) || !this.#makeRoom(units)) return false;
    table.stage[segment] = Stage.staged;
    staging.add(segment, units);
    reactive.resize(capacity - staging.used);
    guard.compare(segment, 'staged');
    return true;
  }

  /** Takes a segment out of the prefetch cache and gives its space back to the reactive cache. */
  unstage(segment: number): void {
    const { staging, reactive, capacity } = this.#state;
    staging.remove(segment);
    reactive.resize(capacity - staging.used);
    this.#settlement.chargeSpace(segment);
  }

  /** The eviction gave a segment up. */
  left(segment: number): void {
    const { guard, isShared, share, table, prefetcher } = this.#state;
    guard.departed();
    guard.compare(segment, 'nowhere');
    if (isShared && table.stageOf(segment) === Stage.staged) {
      if (prefetcher.onEvict?.(segment, true) === true) {
        // Not from inside the eviction: the policy is in the middle of making room.
        this.readmissions.push(segment);
        return;
      }
      table.stage[segment] = Stage.none;
      this.#settlement.settle(segment, Outcome.wasted);
      return;
    }
    if (!isShared) share.evicted(segment);
    prefetcher.onEvict?.(segment, false);
  }

  /** Admits once more what a prefetcher asked to keep; whoever leaves for it may ask in turn, but only once each. */
  readmit(): void {
    const { table, reactive } = this.#state;
    for (let segment = this.readmissions.pop(); segment !== undefined; segment = this.readmissions.pop()) {
      if (table.stage[segment] !== Stage.staged || reactive.has(segment)) continue;
      this.admitShared(segment, this.unitsToKeep(segment, this.#state.unitsOf(segment)));
    }
  }

  /** Slack that an eviction's own choices leave. */
  #slackKept(whole: TrafficGuard | null): number {
    return whole === null ? SLACK_KEPT : whole.slackKept(SLACK_KEPT);
  }

  /**
   * Sees to it that `units` more fit without breaking the traffic bound: where slack is short, or does not cover what the eviction might
   * give up for them, what a ghost gave up before goes first, the longest ago first, then what is staged. Where fetches stand above the limit,
   * so that nothing can be sent anyway, the baseline is followed too, to come back to its misses. True = they fit, or will.
   */
  #makeRoom(units: number): boolean {
    const state = this.#state;
    const { guard, reactive, staging, capacity, whole } = state;
    if (guard.isKnownFar || !guard.isBounded || state.used + units <= capacity || state.isFar) return true;
    const isCovered =
      guard.slack > this.#slackKept(whole) && guard.covers(state.used + units - capacity, reactive.count);
    if (isCovered && guard.headroom(state.lentCount) - 2 >= FOLLOW_BELOW) return true;
    if (state.isBytes && whole !== null) return this.#makeByteRoom(units, whole);
    if (whole === null) {
      // No ghost to follow: what is lent comes back first, and the eviction chooses the rest.
      while (state.used + units > capacity && staging.count > 0) this.#waste(staging.oldest);
      return isCovered || state.used + units <= capacity;
    }
    const { extras, stagedExtras } = isCovered ? whole.baseline : whole.followed;
    while (state.used + units > capacity && extras.count > 0) this.#giveUp(extras.oldest);
    for (;;) {
      const excess = state.used + units - capacity;
      if (excess <= 0) return true;
      const isPaid = guard.covers(excess, reactive.count);
      if (stagedExtras.count === 0 || (isPaid && guard.slack > SLACK_LAST)) return isPaid;
      this.#waste(stagedExtras.oldest);
    }
  }

  /**
   * The same where sizes differ, so that how many will have to leave is not known beforehand: one at a time, by the eviction's own choice while the slack
   * lasts. Then what a ghost gave up, what is staged, and what takes more here than there; these are enough (see `MissBound`).
   */
  #makeByteRoom(units: number, guard: TrafficGuard): boolean {
    const state = this.#state;
    const { reactive, capacity } = state;
    if (units > capacity) return false;
    while (state.used + units > capacity) {
      const isOwn = guard.mayGiveUp(SLACK_KEPT) && state.trafficHeadroom >= FOLLOW_BELOW;
      if (!isOwn && this.#giveUpSpare(this.#followed(guard))) continue;
      if (reactive.count === 0 || (!isOwn && !guard.mayGiveUp(2))) break;
      reactive.evictNext();
    }
    return state.used + units <= capacity;
  }

  /** Gives up something that no more is missed for than `ghost` allows; false = there is nothing of the kind. */
  #giveUpSpare({ extras, stagedExtras, larger }: Ghost): boolean {
    const list = [extras, stagedExtras, larger].find((each) => each.count > 0);
    if (list === undefined) return false;
    const segment = list.oldest;
    if (this.#state.staging.has(segment)) this.#waste(segment);
    else this.#giveUp(segment);
    return true;
  }

  /** Takes a segment out of the reactive cache that its eviction would have kept. */
  #giveUp(segment: number): void {
    const { table, reactive, guard, prefetcher } = this.#state;
    const stage = table.stage[segment];
    reactive.remove(segment);
    guard.compare(segment, 'nowhere');
    if (stage === Stage.staged) {
      table.stage[segment] = Stage.none;
      this.#settlement.settle(segment, Outcome.wasted);
    }
    prefetcher.onEvict?.(segment, stage === Stage.staged);
  }

  /** Wastes what was staged longest ago until `units` more fit into `room`. False = one that may have to be fetched again would have to go. */
  #makeStagingRoom(units: number, room: number): boolean {
    const { staging } = this.#state;
    while (staging.count > 0 && staging.used + units > room) {
      if (!this.#isDispensable(staging.oldest)) return false;
      this.#waste(staging.oldest);
    }
    return true;
  }

  /**
   * Wastes what was staged before all that the reactive cache held then had left it: a demanded segment would not have been kept for longer. Only what is
   * staged anew pushes out what is staged, so where little is, forecasts that failed would otherwise take space for good.
   */
  #wasteOverdue(): void {
    const { staging, table, reactive, position, share } = this.#state;
    if (staging.count === 0) return;
    const turned = share.overdueBefore(reactive.count, position);
    // Tiny caches turn over before what is forecast is due.
    const overdue = Math.min(turned, position - HORIZON_LEAST);
    while (staging.count > 0 && table.rows[(staging.oldest << ROW_SHIFT) | Row.issuedAt]! < overdue) {
      if (!this.#isDispensable(staging.oldest)) return;
      this.#waste(staging.oldest);
    }
  }

  /** Whether a staged segment may leave without endangering a bound. */
  #isDispensable(segment: number): boolean {
    const state = this.#state;
    const { guard } = state;
    if (guard.isKnownFar || !guard.isBounded || state.isFar) return true;
    const ghost = state.whole?.followed;
    if (ghost?.stagedExtras.has(segment) === true || ghost?.larger.has(segment) === true) return true;
    return guard.covers(state.unitsOf(segment), 1);
  }

  /** Ends a staged segment that nobody asked for. */
  #waste(segment: number): void {
    const { table, isTimed, now, position, guard, share, prefetcher } = this.#state;
    const stayed = isTimed
      ? now - table.rows[(segment << ROW_SHIFT) | Row.landsAt]!
      : position - table.rows[(segment << ROW_SHIFT) | Row.issuedAt]!;
    const mean = this.unusedResidence;
    this.unusedResidence = Number.isNaN(mean) ? stayed : mean + (stayed - mean) / 128;
    this.unstage(segment);
    guard.departed();
    guard.compare(segment, 'nowhere');
    share.wasted(segment);
    table.stage[segment] = Stage.none;
    this.#settlement.settle(segment, Outcome.wasted);
    prefetcher.onEvict?.(segment, true);
  }
}
