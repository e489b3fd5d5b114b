/** Weighs the experts' opinions on one candidate: logistic mixing with weights learned from outcomes. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash } from './stretch.ts';

/**
 * p = squash(w . x) where x are the experts' calibrated log-odds and w one of several weight sets chosen by context.
 *
 * Weights follow the gradient of coding loss, w += rate x error x input: an online logistic regression. Its regret is
 * small against the best fixed weights of each set. Source: Mattern, "Mixing Strategies in Data Compression", DCC 2012;
 * Mahoney's PAQ7 (2005). The rate falls from `rateFirst` to `rateLast` by outcomes of the set.
 */
export class LogisticMixer {
  readonly inputCount: number;
  readonly #weights: Float32Array;
  readonly #updates: Uint32Array;
  readonly #rateFirst: number;
  readonly #rateLast: number;

  constructor(options: {
    readonly inputCount: number;
    readonly setCount: number;
    readonly weightFirst: number;
    readonly rateFirst: number;
    readonly rateLast: number;
  }) {
    this.inputCount = options.inputCount;
    this.#weights = new Float32Array(options.inputCount * options.setCount).fill(options.weightFirst);
    this.#updates = new Uint32Array(options.setCount);
    this.#rateFirst = options.rateFirst;
    this.#rateLast = options.rateLast;
  }

  /** Mixed log-odds of the inputs at `offset` in `inputs`. */
  mix(set: number, inputs: Float32Array, offset: number): number {
    const weights = this.#weights;
    const base = set * this.inputCount;
    let sum = 0;
    for (let i = 0; i < this.inputCount; i++) sum += weights[base + i]! * inputs[offset + i]!;
    return sum;
  }

  /** Index of the input, among the first `inputCount`, that argued most for the candidate; an input of 0 is silent. */
  strongest(set: number, inputs: Float32Array, offset: number, inputCount: number): number {
    const base = set * this.inputCount;
    let best = 0;
    let bestShare = -Infinity;
    for (let i = 0; i < inputCount; i++) {
      const input = inputs[offset + i]!;
      if (input === 0) continue;
      const share = this.#weights[base + i]! * input;
      if (share > bestShare) {
        bestShare = share;
        best = i;
      }
    }
    return best;
  }

  /** Learns from an outcome (1 true, 0 false) of a candidate whose mixed log-odds were `logOdds`. */
  learn(set: number, inputs: Float32Array, offset: number, logOdds: number, isTrue: number): void {
    const error = isTrue - squash(logOdds);
    const n = this.#updates[set]!++;
    const rate = this.#rateLast + ((this.#rateFirst - this.#rateLast) * 256) / (256 + n);
    const step = rate * error;
    const weights = this.#weights;
    const base = set * this.inputCount;
    for (let i = 0; i < this.inputCount; i++) weights[base + i] = weights[base + i]! + step * inputs[offset + i]!;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#weights);
    writer.array(this.#updates);
  }

  load(reader: SnapshotReader): void {
    reader.into(this.#weights);
    reader.into(this.#updates);
  }
}
