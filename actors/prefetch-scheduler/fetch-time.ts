/** How long a fetch takes, learnt from fetches. */

import { exp2 } from '../../engine/exp2.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/** Fetches that the configured guess counts for. */
const priorFetches = 4;
const priorBytes = 1e6;

/**
 * Duration = first byte + bytes / bandwidth, by least squares over measured fetches, the older weighing less; and the mean
 * deviation from it, as TCP keeps for its time-out (Jacobson, SIGCOMM 1988). O(1) per fetch.
 */
export class FetchTime {
  readonly #keep: number;
  #n = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;
  #deviation = 0;
  #deviationWeight = 0;

  constructor(options: {
    readonly firstByteMs: number;
    readonly bytesPerSecond: number;
    readonly measuredFetches: number;
  }) {
    this.#keep = exp2(-1 / options.measuredFetches);
    for (let i = 0; i < priorFetches; i++) {
      const bytes = i % 2 === 0 ? 0 : priorBytes;
      this.#add(bytes, options.firstByteMs + (bytes * 1000) / options.bytesPerSecond);
    }
  }

  observe(bytes: number, durationMs: number): void {
    const deviation = Math.abs(durationMs - this.expected(bytes));
    this.#deviation = this.#deviation * this.#keep + deviation;
    this.#deviationWeight = this.#deviationWeight * this.#keep + 1;
    this.#add(bytes, durationMs);
  }

  /** Expected milliseconds of a fetch of `bytes`. */
  expected(bytes: number): number {
    const spread = this.#n * this.#xx - this.#x * this.#x;
    const mean = this.#y / this.#n;
    if (!(spread > 0)) return mean;
    // Neither a longer fetch that is faster nor a first byte before the request can be: the mean is all that is known then.
    const perByte = Math.max(0, (this.#n * this.#xy - this.#x * this.#y) / spread);
    const first = mean - (perByte * this.#x) / this.#n;
    return first >= 0 ? first + perByte * bytes : Math.max((mean * bytes * this.#n) / this.#x, 0);
  }

  /** Milliseconds that suffice for most fetches of `bytes`: expected, plus `deviations` mean deviations. */
  sufficient(bytes: number, deviations: number): number {
    const deviation = this.#deviationWeight > 0 ? this.#deviation / this.#deviationWeight : 0;
    return this.expected(bytes) + deviations * deviation;
  }

  /** Everything but what the settings give: #keep. */
  persist(fields: StateFields): void {
    this.#n = fields.number(this.#n);
    this.#x = fields.number(this.#x);
    this.#y = fields.number(this.#y);
    this.#xx = fields.number(this.#xx);
    this.#xy = fields.number(this.#xy);
    this.#deviation = fields.number(this.#deviation);
    this.#deviationWeight = fields.number(this.#deviationWeight);
  }

  #add(bytes: number, durationMs: number): void {
    this.#n = this.#n * this.#keep + 1;
    this.#x = this.#x * this.#keep + bytes;
    this.#y = this.#y * this.#keep + durationMs;
    this.#xx = this.#xx * this.#keep + bytes * bytes;
    this.#xy = this.#xy * this.#keep + bytes * durationMs;
  }
}
