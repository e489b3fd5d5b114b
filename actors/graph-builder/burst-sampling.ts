/** Which accesses are learnt from where there are too many: bursts of consecutive ones. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import type { TimeAxis } from '../time-axis.ts';

export interface BurstSamplingOptions {
  /** Accesses from the first on that are all sampled. */
  readonly sampleAfter: number;
  /** Log positions from the end of one burst to that of the next. */
  readonly samplePeriod: number;
  /** Accesses of a burst. */
  readonly sampleBurst: number;
  /** Accesses a second of event time below which all are sampled. */
  readonly sampleRateMin: number;
}

/**
 * Bursty tracing (Hirzel and Chilimbi, FDDO 2001; for prefetching: Chilimbi and Hirzel, PLDI 2002) by log position: order is
 * seen within a burst, and the cost is that of its share. A burst ends with its period, so what was learnt is fresh at
 * a tick that stands at a multiple of the period. Whether a period is sparse is known from the one before, at its first
 * access: decisions depend on the log alone, never on how batches are cut. O(1) a run of accesses.
 */
export class BurstSampling {
  readonly #options: BurstSamplingOptions;
  readonly #run = { isSampled: true, to: 0 };
  #seen = 0;
  #isSparse = false;
  #periodInstant = Number.NaN;

  constructor(options: BurstSamplingOptions) {
    this.#options = options;
  }

  /** The longest run of rows from `from` on that are treated alike; valid until the next call. Every row is asked for once, in order. */
  next(axis: TimeAxis, batch: AccessBatch, from: number): { readonly isSampled: boolean; readonly to: number } {
    const { sampleAfter, samplePeriod, sampleBurst } = this.#options;
    const position = batch.position + from;
    const offset = position % samplePeriod;
    if (offset === 0) this.#startPeriod(axis, batch, from, position);
    const gap = Math.max(0, samplePeriod - sampleBurst);
    const isEarly = this.#seen < sampleAfter;
    const isSampled = isEarly || this.#isSparse || offset >= gap;
    let end = offset < gap ? gap - offset : samplePeriod - offset;
    if (isEarly) end = Math.min(end, sampleAfter - this.#seen);
    this.#run.isSampled = isSampled;
    this.#run.to = Math.min(batch.length, from + end);
    this.#seen += this.#run.to - from;
    return this.#run;
  }

  /** Everything but what the settings give: #options, #run. */
  persist(fields: StateFields): void {
    this.#seen = fields.number(this.#seen);
    this.#isSparse = fields.flag(this.#isSparse);
    this.#periodInstant = fields.number(this.#periodInstant);
  }

  #startPeriod(axis: TimeAxis, batch: AccessBatch, from: number, position: number): void {
    const instant = axis.instantOf(batch.timeMs[from]!, position);
    const { samplePeriod, sampleRateMin } = this.#options;
    // A NaN, before the first whole period, compares false.
    this.#isSparse = axis.usesTime === true && (instant - this.#periodInstant) * sampleRateMin > samplePeriod * 1000;
    this.#periodInstant = instant;
  }
}
