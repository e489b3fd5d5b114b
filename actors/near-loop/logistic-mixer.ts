/** Weighs the experts' opinions on one candidate: logistic mixing with weights learned from outcomes. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash } from './stretch.ts';

/** Input that never changes, so that a set can lean to one side by itself. */
const BIAS = 0.5;

/**
 * p = squash(w . x) where x are the experts' calibrated log-odds and w one of several weight sets chosen by context.
 *
 * Weights follow the gradient of coding loss, w += rate x error x input: an online logistic regression. Its regret is
 * small against the best fixed weights of each set. Source: Mattern, "Mixing Strategies in Data Compression", DCC 2012;
 * Mahoney's PAQ7 (2005). The rate falls from `rateFirst` to `rateLast` by outcomes of the set.
 */
export class LogisticMixer {
  readonly inputCount: number;
  /** Weights of a set: one an input, and one for the bias. */
  readonly #stride: number;
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
    this.#stride = options.inputCount + 1;
    this.#weights = new Float32Array(this.#stride * options.setCount).fill(options.weightFirst);
    this.#updates = new Uint32Array(options.setCount);
    this.#rateFirst = options.rateFirst;
    this.#rateLast = options.rateLast;
  }

  get bytes(): number {
    return this.#weights.byteLength + this.#updates.byteLength;
  }

  /** Mixed log-odds of the inputs that `bins` from `from` on name in `logOdds`. */
  mix(set: number, logOdds: Float32Array, bins: Uint16Array, from: number): number {
    const weights = this.#weights;
    const { inputCount } = this;
    const base = set * this.#stride;
    let sum = weights[base + inputCount]! * BIAS;
    for (let i = 0; i < inputCount; i++) sum += weights[base + i]! * logOdds[bins[from + i]!]!;
    return sum;
  }

  /** Index of the input, among the first `count`, that argued most for the candidate; bin 0 is silent. */
  strongest(set: number, logOdds: Float32Array, bins: Uint16Array, from: number, count: number): number {
    const base = set * this.#stride;
    let best = 0;
    let bestShare = -Infinity;
    for (let i = 0; i < count; i++) {
      if (bins[from + i] === 0) continue;
      const share = this.#weights[base + i]! * logOdds[bins[from + i]!]!;
      if (share > bestShare) {
        bestShare = share;
        best = i;
      }
    }
    return best;
  }

  /** Learns from an outcome (1 true, 0 false) of a candidate with these inputs. */
  learn(set: number, logOdds: Float32Array, bins: Uint16Array, from: number, isTrue: number): void {
    const error = isTrue - squash(this.mix(set, logOdds, bins, from));
    const n = this.#updates[set]!++;
    const rate = this.#rateLast + ((this.#rateFirst - this.#rateLast) * 256) / (256 + n);
    const step = rate * error;
    const weights = this.#weights;
    const { inputCount } = this;
    const base = set * this.#stride;
    for (let i = 0; i < inputCount; i++) weights[base + i] = weights[base + i]! + step * logOdds[bins[from + i]!]!;
    weights[base + inputCount] = weights[base + inputCount]! + step * BIAS;
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
