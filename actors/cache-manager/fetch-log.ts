/** The latest fetches as they were measured, kept until someone takes them. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { FetchSample } from './site.ts';

/** Beyond that many, later fetches replace earlier ones. */
const KEPT_MAX = 64;

/** A ring over two columns, and a decayed straight line through them; O(1) to add. */
export class FetchLog {
  readonly #bytes = new Float64Array(KEPT_MAX);
  readonly #waits = new Float64Array(KEPT_MAX);
  #count = 0;
  #waitMean = 0;
  #bytesMean = 0;
  /** Variance of the bytes, and covariance of bytes and waits. */
  #bytesVariance = 0;
  #covariance = 0;
  #seen = 0;

  /** Mean wait of a fetch: plain over the first 128, then exponential. */
  get waitMean(): number {
    return this.#waitMean;
  }

  /** What a fetch of so many bytes waits, by least squares over the fetches that `waitMean` is of; a larger one never less. */
  waitOf(bytes: number): number {
    if (!(this.#covariance > 0)) return this.#waitMean;
    return Math.max(0, this.#waitMean + (this.#covariance / this.#bytesVariance) * (bytes - this.#bytesMean));
  }

  add(bytes: number, wait: number): void {
    const i = this.#count++ % KEPT_MAX;
    this.#bytes[i] = bytes;
    this.#waits[i] = wait;
    if (this.#seen < 128) this.#seen++;
    // West, "Updating mean and variance estimates", CACM 22 (9), 1979, with a weight that stops falling.
    const share = 1 / this.#seen;
    const beyond = bytes - this.#bytesMean;
    const longer = wait - this.#waitMean;
    this.#bytesMean += share * beyond;
    this.#waitMean += share * longer;
    this.#bytesVariance = (1 - share) * (this.#bytesVariance + share * beyond * beyond);
    this.#covariance = (1 - share) * (this.#covariance + share * beyond * longer);
  }

  /** What was added since the last call, in the order of the ring. */
  take(): FetchSample {
    const count = Math.min(this.#count, KEPT_MAX);
    this.#count = 0;
    return { bytes: this.#bytes.slice(0, count), waits: this.#waits.slice(0, count) };
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    fields.into(this.#bytes);
    fields.into(this.#waits);
    this.#count = fields.number(this.#count);
    this.#waitMean = fields.number(this.#waitMean);
    this.#bytesMean = fields.number(this.#bytesMean);
    this.#bytesVariance = fields.number(this.#bytesVariance);
    this.#covariance = fields.number(this.#covariance);
    this.#seen = fields.number(this.#seen);
  }
}
