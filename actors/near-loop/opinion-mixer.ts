/** Weighs the opinions on one candidate: the logistic mixing of `LogisticMixer`, written out for the inputs that there are. */

import { Opinion } from './opinion-bins.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash } from './stretch.ts';

/** Input that never changes, so that a set can lean to one side by itself. */
export const BIAS = 0.5;
/** Weights of a set: seven inputs in the order of `Opinion`, and the bias. */
const STRIDE = 8;
export const BIAS_AT = 7;
/** The naming experts that seldom speak, as bits of a set. */
export const RARE = (1 << Opinion.missSuccessor) | (1 << Opinion.stream) | (1 << Opinion.nextItem);

/**
 * p = squash(w . x) where x are the experts' calibrated log-odds and w one of several weight sets; learning and source as in
 * `LogisticMixer`. It is asked several times an access, and a loop over typed arrays checks each of them anew at each turn; here
 * nothing is looped over, and who is silent is passed over. The low five bits of a set say which naming experts spoke.
 */
export class OpinionMixer {
  #weights: Float32Array;
  #updates: Uint32Array;
  readonly rateFirst: number;
  readonly rateLast: number;

  constructor(options: {
    readonly setCount: number;
    readonly weightFirst: number;
    readonly rateFirst: number;
    readonly rateLast: number;
  }) {
    this.#weights = new Float32Array(STRIDE * options.setCount).fill(options.weightFirst);
    this.#updates = new Uint32Array(options.setCount);
    this.rateFirst = options.rateFirst;
    this.rateLast = options.rateLast;
  }

  get bytes(): number {
    return this.#weights.byteLength + this.#updates.byteLength;
  }

  /** Eight a set, and how often each was moved; for whoever goes on with them in place. */
  get weights(): Float32Array {
    return this.#weights;
  }

  get updates(): Uint32Array {
    return this.#updates;
  }

  /** Goes on in these, which must hold what {@link weights} and {@link updates} do. */
  adopt(weights: Float32Array, updates: Uint32Array): void {
    this.#weights = weights;
    this.#updates = updates;
  }

  /** Mixed log-odds of the inputs that `bins` from `from` on name in `logOdds`. */
  mix(set: number, logOdds: Float32Array, bins: Uint16Array, from: number): number {
    return mixed(this.#weights, set, logOdds, bins, from);
  }

  /** Index of the input, among the first `count`, that argued most for the candidate; bin 0 is silent. */
  strongest(set: number, logOdds: Float32Array, bins: Uint16Array, from: number, count: number): number {
    const base = set * STRIDE;
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
    const w = this.#weights;
    const error = isTrue - squash(mixed(w, set, logOdds, bins, from));
    const n = this.#updates[set]!;
    this.#updates[set] = n + 1;
    const rate = this.rateLast + ((this.rateFirst - this.rateLast) * 256) / (256 + n);
    const step = rate * error;
    const base = (set * STRIDE) | 0;
    const at = from | 0;
    w[base] = w[base]! + step * logOdds[bins[at]!]!;
    w[base + 1] = w[base + 1]! + step * logOdds[bins[at + 1]!]!;
    if ((set & RARE) !== 0) {
      w[base + 2] = w[base + 2]! + step * logOdds[bins[at + 2]!]!;
      w[base + 3] = w[base + 3]! + step * logOdds[bins[at + 3]!]!;
      w[base + 4] = w[base + 4]! + step * logOdds[bins[at + 4]!]!;
    }
    w[base + 5] = w[base + 5]! + step * logOdds[bins[at + 5]!]!;
    w[base + 6] = w[base + 6]! + step * logOdds[bins[at + 6]!]!;
    w[base + BIAS_AT] = w[base + BIAS_AT]! + step * BIAS;
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

function mixed(w: Float32Array, set: number, logOdds: Float32Array, bins: Uint16Array, from: number): number {
  const base = (set * STRIDE) | 0;
  const at = from | 0;
  let sum = w[base + BIAS_AT]! * BIAS;
  sum += w[base]! * logOdds[bins[at]!]!;
  sum += w[base + 1]! * logOdds[bins[at + 1]!]!;
  if ((set & RARE) !== 0) {
    sum += w[base + 2]! * logOdds[bins[at + 2]!]!;
    sum += w[base + 3]! * logOdds[bins[at + 3]!]!;
    sum += w[base + 4]! * logOdds[bins[at + 4]!]!;
  }
  sum += w[base + 5]! * logOdds[bins[at + 5]!]!;
  sum += w[base + 6]! * logOdds[bins[at + 6]!]!;
  return sum;
}
