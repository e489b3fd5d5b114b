/** How each proposal and each prefetch of a site ends, and who is told. */

import { type OutcomeCode, Outcome as outcomes } from '../prefetcher.ts';
import { Decision as decisions } from './decision-digest.ts';
import { Refusal as refusals } from './ledger.ts';
import { Stage as stages } from './prefetch-table.ts';
import { WITHDRAWN } from './site.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Decision = decisions;
const Refusal = refusals;
const Stage = stages;

/** Every decision passes here into the digest, the ledger, the experts' records and the prefetcher. O(1) a call. */
export class Settlement {
  readonly #state: SiteState;

  constructor(state: SiteState) {
    this.#state = state;
  }

  /** A prefetch that was sent has ended. Where it stood must have been cleared. */
  settle(segment: number, outcome: OutcomeCode): void {
    const { table, classes, ledger, position, prefetcher, options, holdout } = this.#state;
    const expert = table.expert[segment]!;
    const probability = table.probability[segment]!;
    if (outcome === Outcome.wasted) {
      classes.evicted(segment, position);
      holdout?.unused(position - table.issuedAt[segment]!);
    }
    this.decided(Decision.outcome + outcome, segment, expert, probability, table.bytes[segment]!);
    ledger.ended(table.issuedAt[segment]!, outcome, expert, probability);
    options.benefit?.ended(table.bytes[segment]!);
    if (outcome <= Outcome.wasted) options.expertTrust?.ended(expert, probability, outcome !== Outcome.wasted);
    prefetcher.onHeld?.(segment, false);
    prefetcher.onOutcome?.(segment, expert, outcome, probability);
    options.onSettled?.(segment, expert, outcome);
  }

  /** A proposal of `expert` at `probability` (NaN = not stated) is not followed, for this `Refusal`. */
  refuse(segment: number, refusal: number, expert: number, probability: number): false {
    const { classes, ledger, position, sizes } = this.#state;
    // Those of the policy, the caps and chance have the codes after it.
    const isThrottled = refusal >= Refusal.throttled && refusal !== Refusal.crowded;
    if (refusal === Refusal.crowded) classes.evicted(segment, position);
    else if (refusal === Refusal.budget || refusal === Refusal.price || isThrottled) {
      classes.refused(segment, position, isThrottled);
    }
    ledger.refused(refusal);
    this.decided(Decision.refused + refusal, segment, expert, probability, sizes.of(segment));
    return false;
  }

  /** Takes a segment out of the queue, unsent. */
  unqueue(segment: number): void {
    const { table, queue } = this.#state;
    table.stage[segment] = Stage.none;
    queue.remove(segment);
    this.withdraw(segment);
  }

  /** A prefetch that was queued ends unsent. */
  withdraw(segment: number): void {
    const { ledger, table, options, prefetcher } = this.#state;
    ledger.withdrew();
    prefetcher.onHeld?.(segment, false);
    const expert = table.expert[segment]!;
    this.decided(Decision.withdrawn, segment, expert, table.probability[segment]!, Number.NaN);
    options.onSettled?.(segment, expert, WITHDRAWN);
  }

  /** A `Decision` about a prefetch was made. */
  decided(code: number, segment: number, expert: number, probability: number, bytes: number): void {
    const { ledger, options, position, now } = this.#state;
    ledger.digest.add(code, segment);
    options.onDecision?.(code, segment, position, now, expert, probability, bytes);
  }

  /** Space costs by the byte, also where the cache counts segments: what a staged segment took until now. */
  chargeSpace(segment: number): void {
    const { isTimed, table, ledger, now } = this.#state;
    if (!isTimed) return;
    const { bytes, landsAt, issuedAt } = table;
    ledger.staged(issuedAt[segment]!, bytes[segment]! * Math.max(0, now - landsAt[segment]!));
  }

  /** The run is over: what is staged or in flight is pending, what waits is withdrawn. */
  finish(): void {
    const { table, isShared } = this.#state;
    const { stage } = table;
    for (let segment = 0; segment < stage.length; segment++) {
      if (stage[segment] === Stage.queued) this.withdraw(segment);
      else if (stage[segment] !== Stage.none) {
        if (stage[segment] === Stage.staged && !isShared) this.chargeSpace(segment);
        this.settle(segment, Outcome.pending);
      }
    }
  }
}
