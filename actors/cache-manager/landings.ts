/** How prefetches come in at a site, or fail to. */

import type { Place } from '../kernel-columns.ts';
import { Outcome as outcomes } from '../prefetcher.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import type { Settlement } from './settlement.ts';
import { SiteNumber } from './site-layout.ts';
import type { SiteSpace } from './site-space.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;

/** What lands takes its place in the prefetch cache, or in the reactive one where staging is shared. O(1) a landing. */
export class Landings {
  readonly #state: SiteState;
  readonly #space: SiteSpace;
  readonly #settlement: Settlement;
  /** One entry, so that it can lie where a kernel has it. */
  #lead = new Float64Array(1);
  leadCount = 0;

  constructor(state: SiteState, space: SiteSpace, settlement: Settlement) {
    this.#state = state;
    this.#space = space;
    this.#settlement = settlement;
  }

  /** Accesses between sending and landing, as measured: an exponential mean over the last hundred or so. */
  get leadAccesses(): number {
    return this.#lead[0]!;
  }

  set leadAccesses(accesses: number) {
    this.#lead[0] = accesses;
  }

  /** Goes on in the memory of a kernel. */
  adopt(place: Place): void {
    this.#lead = place(this.#lead, 8 * SiteNumber.lead);
  }

  /** What was sent is there now. */
  land(segment: number): void {
    const { table, isBytes, isShared, prefetcher } = this.#state;
    const { stage } = table;
    const units = isBytes
      ? this.#space.unitsToKeep(segment, Math.max(1, table.rows[(segment << ROW_SHIFT) | Row.bytes]!))
      : 1;
    if (isShared) {
      stage[segment] = Stage.staged;
      this.#space.admitShared(segment, units);
      if (this.#space.readmissions.length > 0) this.#space.readmit();
      return;
    }
    if (this.#space.stage(segment, units)) return;
    stage[segment] = Stage.none;
    this.#settlement.settle(segment, Outcome.wasted);
    prefetcher.onEvict?.(segment, true);
  }

  /** An outside fetcher has the segment of a flight at `now`: see `Site.land`. */
  receive(segment: number, now: number, sizeBytes: number): void {
    const state = this.#state;
    const { table } = state;
    this.#answered(segment, now);
    this.observeLead(state.position - table.rows[(segment << ROW_SHIFT) | Row.issuedAt]!);
    table.rows[(segment << ROW_SHIFT) | Row.landsAt] = state.now;
    if (sizeBytes >= 0) table.rows[(segment << ROW_SHIFT) | Row.bytes] = state.sizes.observe(segment, sizeBytes);
    if (state.isTooLarge(segment)) {
      table.stage[segment] = Stage.none;
      this.#settlement.settle(segment, Outcome.wasted);
    } else {
      this.land(segment);
    }
  }

  /** An outside fetcher gave up on the segment of a flight at `now`. */
  fail(segment: number, now: number): void {
    this.#answered(segment, now);
    this.lapse(segment);
  }

  /** Ends a prefetch in flight that nobody answers, or that was answered with a failure. */
  lapse(segment: number): void {
    this.#state.table.stage[segment] = Stage.none;
    this.#settlement.settle(segment, Outcome.cancelled);
  }

  /** A plain mean until 128 fetches were seen, then an exponential one. */
  observeLead(accesses: number): void {
    if (this.leadCount < 128) this.leadCount++;
    this.leadAccesses += (accesses - this.leadAccesses) / this.leadCount;
  }

  #answered(segment: number, now: number): void {
    const state = this.#state;
    state.now = Math.max(state.now, now);
    state.flights.forget(segment);
    state.origin.answered?.(segment);
  }
}
