/** Builds the columns of an expert's proposals. */

import { assert } from '../engine/assert.ts';
import type { ProposalColumns } from './messages.ts';

/** Steps of a score: coarse enough that the last bits of a transcendental function cannot decide anything. */
const steps = 2 ** 20;

/** Appends rows up to a known capacity and cuts the columns to what was added. */
export class ProposalRows {
  readonly #segment: Uint32Array;
  readonly #horizon: Uint8Array;
  readonly #score: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    this.#segment = new Uint32Array(capacity);
    this.#horizon = new Uint8Array(capacity);
    this.#score = new Float64Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** Adds a row; the score is clamped to 0..1 and rounded to 2^-20. */
  add(segment: number, horizon: number, score: number): void {
    assert(this.#count < this.#segment.length, 'no more rows than were asked for');
    assert(!Number.isNaN(score), 'a score is a number');
    const i = this.#count++;
    this.#segment[i] = segment;
    this.#horizon[i] = horizon;
    this.#score[i] = Math.round(Math.min(1, Math.max(0, score)) * steps) / steps;
  }

  columns(): ProposalColumns {
    return {
      segment: this.#segment.subarray(0, this.#count),
      horizon: this.#horizon.subarray(0, this.#count),
      score: this.#score.subarray(0, this.#count),
    };
  }
}
