/** Decides which points of the log are ticks of the far loop, so that planning costs in proportion to what there is to plan from. */

import type { StateFields } from '../engine/state-fields.ts';

export interface TickGateOptions {
  /** Accesses since the last tick from which on the next point is one. */
  readonly accessesPerTickMin: number;
  /** Event time since the last tick from which on the next point is one, whatever came. */
  readonly intervalMaxMs: number;
}

/**
 * Whoever drives a pipeline asks at each boundary of its interval, in log order; all actors then see the same ticks. The answers
 * depend on log positions and event times alone. O(1).
 */
export class TickGate {
  readonly #options: TickGateOptions;
  #position = 0;
  #timeMs = Number.NaN;
  #skippedCount = 0;

  constructor(options: TickGateOptions) {
    this.#options = options;
  }

  /** Boundaries that were no tick. */
  get skippedCount(): number {
    return this.#skippedCount;
  }

  /** Whether the point before `position` is a tick; `timeMs` is NaN where the log has no time. */
  passes(position: number, timeMs: number): boolean {
    if (Number.isNaN(this.#timeMs)) this.#timeMs = timeMs;
    const { accessesPerTickMin, intervalMaxMs } = this.#options;
    // A NaN compares false: without time accesses alone count.
    if (position - this.#position < accessesPerTickMin && !(timeMs - this.#timeMs >= intervalMaxMs)) {
      this.#skippedCount++;
      return false;
    }
    this.#position = position;
    this.#timeMs = timeMs;
    return true;
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    this.#position = fields.number(this.#position);
    this.#timeMs = fields.number(this.#timeMs);
    this.#skippedCount = fields.number(this.#skippedCount);
  }
}
