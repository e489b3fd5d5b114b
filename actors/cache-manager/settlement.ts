/** How each proposal and each prefetch of a site ends, and who is told. */

import { type OutcomeCode, Outcome as outcomes } from '../prefetcher.ts';
import { Decision as decisions } from './decision-digest.ts';
import { Refusal as refusals } from './ledger.ts';
import { Row as columns, ROW_SHIFT as rowShift, Stage as stages } from './prefetch-table.ts';
import { DELIVERED, WITHDRAWN } from './site.ts';
import type { SiteState } from './site-state.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const Outcome = outcomes;
const Decision = decisions;
const Refusal = refusals;
const Stage = stages;
const Row = columns;
const ROW_SHIFT = rowShift;

/** Every decision passes here into the digest, the ledger, the experts' records and the prefetcher. O(1) a call. */
export class Settlement {
  readonly #state: SiteState;

  constructor(state: SiteState) {
    this.#state = state;
  }

  /** A prefetch that was sent has ended. Where it stood must have been cleared. */
  settle(segment: number, outcome: OutcomeCode): void {
    const { table, classes, ledger, position, prefetcher, benefit, onSettled, onDecision, holdout, origin } =
      this.#state;
    const { rows } = table;
    const row = segment << ROW_SHIFT;
    const expert = table.expert[segment]!;
    const probability = rows[row | Row.probability]!;
    const issuedAt = rows[row | Row.issuedAt]!;
    const bytes = rows[row | Row.bytes]!;
    if (outcome === Outcome.wasted) {
      classes.evicted(segment, position);
      holdout?.unused(position - issuedAt);
    }
    ledger.digest.add(Decision.outcome + outcome, segment);
    if (onDecision !== null) this.#tell(Decision.outcome + outcome, segment);
    ledger.ended(issuedAt, outcome, expert, probability);
    benefit?.ended(bytes);
    prefetcher.onHeld?.(segment, false);
    onSettled?.(segment, expert, outcome);
    // Of a fetch that someone else does it is not known yet whether it delivers; what fails unasked for counts for nothing either.
    if (outcome !== Outcome.late || origin.isAnswered !== true) this.judge(segment, expert, outcome, probability);
  }

  /** Whoever asked for a prefetch is judged by how it ended. */
  judge(segment: number, expert: number, outcome: OutcomeCode, probability: number): void {
    const { expertTrust, prefetcher, onSettled } = this.#state;
    if (outcome <= Outcome.wasted) expertTrust?.ended(expert, probability, outcome !== Outcome.wasted);
    prefetcher.onOutcome?.(segment, expert, outcome, probability);
    if (outcome === Outcome.late) onSettled?.(segment, expert, DELIVERED);
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
    const { ledger, table, onSettled, prefetcher } = this.#state;
    ledger.withdrew();
    prefetcher.onHeld?.(segment, false);
    const expert = table.expert[segment]!;
    this.decided(
      Decision.withdrawn,
      segment,
      expert,
      table.rows[(segment << ROW_SHIFT) | Row.probability]!,
      Number.NaN,
    );
    onSettled?.(segment, expert, WITHDRAWN);
  }

  /** A prefetch was sent. */
  issued(segment: number): void {
    const { ledger, onDecision } = this.#state;
    ledger.digest.add(Decision.issued, segment);
    if (onDecision !== null) this.#tell(Decision.issued, segment);
  }

  #tell(code: number, segment: number): void {
    const { onDecision, position, now, table } = this.#state;
    const { rows } = table;
    const row = segment << ROW_SHIFT;
    onDecision!(
      code,
      segment,
      position,
      now,
      table.expert[segment]!,
      rows[row | Row.probability]!,
      rows[row | Row.bytes]!,
    );
  }

  /** A `Decision` about a prefetch was made. */
  decided(code: number, segment: number, expert: number, probability: number, bytes: number): void {
    const { ledger, onDecision } = this.#state;
    ledger.digest.add(code, segment);
    if (onDecision === null) return;
    onDecision(code, segment, this.#state.position, this.#state.now, expert, probability, bytes);
  }

  /** Space costs by the byte, also where the cache counts segments: what a staged segment took until now. */
  chargeSpace(segment: number): void {
    const { isTimed, table, ledger, now } = this.#state;
    if (!isTimed) return;
    const { rows } = table;
    const row = segment << ROW_SHIFT;
    ledger.staged(rows[row | Row.issuedAt]!, rows[row | Row.bytes]! * Math.max(0, now - rows[row | Row.landsAt]!));
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
