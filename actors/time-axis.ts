/** Which axis the far loop counts along: event time where a trace has it, log position where it has not. */

import type { StateFields } from '../engine/state-fields.ts';
import type { AccessBatch } from '../streams/access-batch.ts';

/**
 * Turns (event time, log position) into one non-decreasing instant.
 *
 * The first access decides: with a time, instants are milliseconds of event time for good, and an access without one
 * takes the latest; without, instants are log positions. So decay, lags and horizons never depend on how batches are cut.
 */
export class TimeAxis {
  #usesTime: boolean | null = null;
  #latest = -Infinity;
  #instants = new Float64Array(0);

  /** null until the first access. */
  get usesTime(): boolean | null {
    return this.#usesTime;
  }

  /** The latest instant seen; -Infinity before the first. */
  get latest(): number {
    return this.#latest;
  }

  /** Instant of the access at `position`; `timeMs` is NaN where it has no time. */
  instantOf(timeMs: number, position: number): number {
    if (this.#usesTime === null) this.#usesTime = !Number.isNaN(timeMs);
    const instant = this.#usesTime ? timeMs : position;
    // A NaN compares false, so an access without a time falls through to the latest instant.
    if (instant > this.#latest) this.#latest = instant;
    return this.#latest;
  }

  /** The same for every row of a batch; valid until the next call, and at least as long as the batch. */
  instantsOf(batch: AccessBatch): Float64Array {
    const { length, position, timeMs } = batch;
    if (this.#instants.length < length) this.#instants = new Float64Array(length);
    const instants = this.#instants;
    if (length > 0 && this.#usesTime === null) this.#usesTime = !Number.isNaN(timeMs[0]!);
    const usesTime = this.#usesTime === true;
    let latest = this.#latest;
    for (let i = 0; i < length; i++) {
      const instant = usesTime ? timeMs[i]! : position + i;
      if (instant > latest) latest = instant;
      instants[i] = latest;
    }
    this.#latest = latest;
    return instants;
  }

  /** The same for the rows [from, to) of a batch, where their instants do not matter. */
  advance(batch: AccessBatch, from: number, to: number): void {
    if (from >= to) return;
    if (this.#usesTime === null) this.#usesTime = !Number.isNaN(batch.timeMs[from]!);
    if (!this.#usesTime) {
      this.#latest = Math.max(this.#latest, batch.position + to - 1);
      return;
    }
    const { timeMs } = batch;
    let latest = this.#latest;
    for (let i = from; i < to; i++) if (timeMs[i]! > latest) latest = timeMs[i]!;
    this.#latest = latest;
  }

  /** Instant of a tick that stands before the access at `position`: reads the axis, never sets it. */
  instantAt(timeMs: number, position: number): number {
    const instant = this.#usesTime === false ? position : timeMs;
    // Not Math.max: a tick without a time is NaN and stands at the latest instant.
    if (instant > this.#latest) return instant;
    return this.#latest;
  }

  /** Carries an axis over a restart. */
  restore(usesTime: boolean | null, latest: number): void {
    this.#usesTime = usesTime;
    this.#latest = latest;
  }

  /** The state, to save or restore it (#instants is overwritten). */
  persist(fields: StateFields): void {
    this.#usesTime = fields.plain(this.#usesTime);
    this.#latest = fields.number(this.#latest);
  }
}
