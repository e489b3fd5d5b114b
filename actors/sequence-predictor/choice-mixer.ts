/** Chooses among candidates by their bins of evidence: a conditional logit whose parameters are all learned online. */

import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { quickExponential, softLogOdds } from './choice-math.ts';
import type { RankedCandidates } from './ranked-candidates.ts';

/** What a bin is taken to mean before anything was learned. */
const PRIOR = 0.05;
/** Outcomes that a bin's frequency remembers. */
const MEMORY = 1000;
/** Gradients smaller than this move nothing that matters. */
const GRADIENT_MIN = 1e-4;

export interface ChoiceMixerOptions {
  /** First bin of each feature. */
  readonly bins: { readonly base: readonly number[]; readonly count: number };
  /** Weight sets of each selector; their weights are added up. */
  readonly setCounts: readonly number[];
  readonly weightRate: number;
  readonly biasRate: number;
}

/**
 * score(c) = sum over features f of (w_f + w'_f + ...) x logOdds(bin_f(c)) + bias(bin_f(c)), and P(c) = softmax of the scores.
 *
 * Three things are learned from each step: how often a candidate in a bin came true (a frequency, at once useful and never far off), how far to
 * trust each feature in this situation (weights of the sets that the selectors name, one each), and a correction a bin, which also makes up for
 * features that say the same twice. Weights and corrections follow the gradient of log-loss with steps of their own size, so that no rate has to
 * be tuned to a trace. Sources: McFadden, "Conditional logit analysis" (1974); Duchi, Hazan and Singer, "Adaptive subgradient
 * methods" (JMLR 2011); sets chosen by context as in Mahoney's PAQ (2005). O(candidates x features) a call.
 */
export class ChoiceMixer {
  /** After {@link rank}: scores, then the probabilities among the candidates. */
  readonly probability: Float64Array;
  readonly #featureCount: number;
  readonly #setBase: Int32Array;
  readonly #weightRate: number;
  readonly #biasRate: number;
  readonly #frequency: Float32Array;
  readonly #trials: Uint16Array;
  readonly #logOdds: Float32Array;
  readonly #bias: Float32Array;
  readonly #biasSquares: Float32Array;
  readonly #weights: Float32Array;
  readonly #weightSquares: Float32Array;
  /** Weights of this step: the sum over selectors. */
  readonly #summed: Float64Array;
  readonly #gradient: Float64Array;

  constructor(options: ChoiceMixerOptions, candidateCountMax: number) {
    const featureCount = options.bins.base.length;
    const binCount = options.bins.count;
    this.#featureCount = featureCount;
    this.#weightRate = options.weightRate;
    this.#biasRate = options.biasRate;
    this.probability = new Float64Array(candidateCountMax);
    this.#frequency = new Float32Array(binCount).fill(PRIOR);
    this.#logOdds = new Float32Array(binCount).fill(softLogOdds(PRIOR));
    this.#trials = new Uint16Array(binCount);
    this.#bias = new Float32Array(binCount);
    this.#biasSquares = new Float32Array(binCount).fill(0.01);
    this.#setBase = new Int32Array(options.setCounts.length);
    let setCount = 0;
    for (const [selector, count] of options.setCounts.entries()) {
      this.#setBase[selector] = setCount * featureCount;
      setCount += count;
    }
    this.#weights = new Float32Array(setCount * featureCount);
    // Equal shares of the features, in the sets of the first selector; the others start as no correction.
    this.#weights.fill(Math.min(1, 3.5 / featureCount), 0, options.setCounts[0]! * featureCount);
    this.#weightSquares = new Float32Array(setCount * featureCount).fill(1);
    this.#summed = new Float64Array(featureCount);
    this.#gradient = new Float64Array(featureCount);
  }

  get bytes(): number {
    const tables = [this.#frequency, this.#logOdds, this.#trials, this.#bias, this.#biasSquares];
    return [...tables, this.#weights, this.#weightSquares].reduce((sum, table) => sum + table.byteLength, 0);
  }

  /** Fills {@link probability}; `sets` = the set that each selector names. */
  rank(candidates: RankedCandidates, sets: Int32Array): void {
    const { count, bins } = candidates;
    const featureCount = this.#featureCount;
    const { probability } = this;
    const summed = this.#summed;
    const logOdds = this.#logOdds;
    const bias = this.#bias;
    summed.fill(0);
    for (let selector = 0; selector < sets.length; selector++) {
      const base = this.#setBase[selector]! + sets[selector]! * featureCount;
      for (let f = 0; f < featureCount; f++) summed[f] = summed[f]! + this.#weights[base + f]!;
    }
    let best = -Infinity;
    for (let slot = 0, at = 0; slot < count; slot++) {
      let score = 0;
      for (let f = 0; f < featureCount; f++, at++) {
        const bin = bins[at]!;
        score += summed[f]! * logOdds[bin]! + bias[bin]!;
      }
      probability[slot] = score;
      if (score > best) best = score;
    }
    let sum = 0;
    for (let slot = 0; slot < count; slot++) {
      const e = quickExponential(probability[slot]! - best);
      probability[slot] = e;
      sum += e;
    }
    for (let slot = 0; slot < count; slot++) probability[slot] = probability[slot]! / sum;
  }

  /** Learns from the step that was ranked last: the candidate in `chosen` came, -1 = none of them. */
  learn(candidates: RankedCandidates, sets: Int32Array, chosen: number): void {
    if (chosen >= 0) this.#descend(candidates, sets, chosen);
    const { count, bins } = candidates;
    const featureCount = this.#featureCount;
    for (let slot = 0, at = 0; slot < count; slot++) {
      const isTrue = slot === chosen ? 1 : 0;
      for (let f = 0; f < featureCount; f++, at++) this.#observe(bins[at]!, isTrue);
    }
  }

  save(writer: SnapshotWriter): void {
    for (const table of this.#tables()) writer.array(table);
  }

  load(reader: SnapshotReader): void {
    for (const table of this.#tables()) reader.into(table);
  }

  #tables() {
    const bins = [this.#frequency, this.#logOdds, this.#trials, this.#bias, this.#biasSquares];
    return [...bins, this.#weights, this.#weightSquares];
  }

  #observe(bin: number, isTrue: number): void {
    const n = this.#trials[bin]!;
    const p = this.#frequency[bin]!;
    const moved = p + (isTrue - p) / (n + 2);
    this.#frequency[bin] = moved;
    this.#logOdds[bin] = softLogOdds(moved);
    if (n < MEMORY) this.#trials[bin] = n + 1;
  }

  #descend(candidates: RankedCandidates, sets: Int32Array, chosen: number): void {
    const { count, bins } = candidates;
    const featureCount = this.#featureCount;
    const gradient = this.#gradient.fill(0);
    const logOdds = this.#logOdds;
    for (let slot = 0; slot < count; slot++) {
      const error = (slot === chosen ? 1 : 0) - this.probability[slot]!;
      if (error < GRADIENT_MIN && error > -GRADIENT_MIN) continue;
      const from = slot * featureCount;
      for (let f = 0; f < featureCount; f++) {
        const bin = bins[from + f]!;
        gradient[f] = gradient[f]! + error * logOdds[bin]!;
        const squares = this.#biasSquares[bin]! + error * error;
        this.#biasSquares[bin] = squares;
        this.#bias[bin] = this.#bias[bin]! + (this.#biasRate * error) / Math.sqrt(squares);
      }
    }
    for (let selector = 0; selector < sets.length; selector++) {
      const base = this.#setBase[selector]! + sets[selector]! * featureCount;
      for (let f = 0; f < featureCount; f++) {
        const squares = this.#weightSquares[base + f]! + gradient[f]! * gradient[f]!;
        this.#weightSquares[base + f] = squares;
        this.#weights[base + f] = this.#weights[base + f]! + (this.#weightRate * gradient[f]!) / Math.sqrt(squares);
      }
    }
  }
}
