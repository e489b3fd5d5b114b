/** The latest fetches as they were measured, kept until someone takes them. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { FetchSample } from './site.ts';

/** Beyond that many, later fetches replace earlier ones. */
const KEPT_MAX = 64;

/** A ring over two columns; O(1) to add. */
export class FetchLog {
  readonly #bytes = new Float64Array(KEPT_MAX);
  readonly #waits = new Float64Array(KEPT_MAX);
  #count = 0;
  #waitMean = 0;
  #seen = 0;

  /** Mean wait of a fetch: plain over the first 128, then exponential. */
  get waitMean(): number {
    return this.#waitMean;
  }

  add(bytes: number, wait: number): void {
    const i = this.#count++ % KEPT_MAX;
    this.#bytes[i] = bytes;
    this.#waits[i] = wait;
    if (this.#seen < 128) this.#seen++;
    this.#waitMean += (wait - this.#waitMean) / this.#seen;
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
    this.#seen = fields.number(this.#seen);
  }
}
