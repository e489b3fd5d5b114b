/** Weighs experts against each other by how well their probabilities came true. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/** Probabilities are kept this far from 0 and 1, so that one surprise does not silence an expert for good. */
const margin = 1e-4;

/**
 * The Bayesian mixture of sleeping experts (Freund, Schapire, Singer and Warmuth, STOC 1997: under log loss the weights of
 * those awake are multiplied by the likelihood that they gave the outcome, keeping their sum) with fixed share (Herbster and
 * Warmuth, Machine Learning 1998), which lets the best expert change. An abstaining expert neither speaks nor is judged.
 * An outcome that shares its fate with others is learnt at a rate below 1, as a part of the Bayesian step and of the share: w x (1 - rate + rate x
 * likelihood / mean likelihood) (Soft-Bayes: Orseau, Lattimore and Legg, ALT 2017). Only + - x /, so weights are the same on every engine. O(experts) per forecast and outcome.
 */
export class ExpertMixture {
  readonly weight: Float64Array;
  readonly #shareRate: number;

  constructor(expertCount: number, shareRate: number) {
    assert(expertCount >= 1 && shareRate >= 0 && shareRate < 1, 'a mixture has experts, and shares less than all');
    this.weight = new Float64Array(expertCount).fill(1 / expertCount);
    this.#shareRate = shareRate;
  }

  /** Mixture of `probability[from..]`, one for each expert; NaN = asleep. NaN when all are. */
  mix(probability: Float64Array, from: number): number {
    let total = 0;
    let sum = 0;
    for (let e = 0; e < this.weight.length; e++) {
      const p = probability[from + e]!;
      if (Number.isNaN(p)) continue;
      total += this.weight[e]!;
      sum += this.weight[e]! * p;
    }
    return total > 0 ? sum / total : Number.NaN;
  }

  /** The awake expert with the largest part in the mixture; ties go to the first. */
  leader(probability: Float64Array, from: number): number {
    let leader = 0;
    let largest = -1;
    for (let e = 0; e < this.weight.length; e++) {
      const part = this.weight[e]! * probability[from + e]!;
      if (part > largest) {
        largest = part;
        leader = e;
      }
    }
    return leader;
  }

  /** Learns the outcome of a forecast that was mixed of `probability[from..]`; `rate` in 0..1: what it counts for, 1 = an outcome of its own. */
  learn(probability: Float64Array, from: number, isHit: boolean, rate = 1): void {
    const n = this.weight.length;
    let before = 0;
    let after = 0;
    for (let e = 0; e < n; e++) {
      const p = probability[from + e]!;
      if (Number.isNaN(p)) continue;
      before += this.weight[e]!;
      after += this.weight[e]! * likelihood(p, isHit);
    }
    if (!(before > 0)) return;
    for (let e = 0; e < n; e++) {
      const p = probability[from + e]!;
      if (!Number.isNaN(p)) this.weight[e]! *= 1 - rate + rate * (likelihood(p, isHit) * (before / after));
    }
    const share = this.#shareRate * rate;
    // Sharing also keeps the sum at one against rounding.
    let total = 0;
    for (let e = 0; e < n; e++) total += this.weight[e]!;
    for (let e = 0; e < n; e++) {
      this.weight[e] = (this.weight[e]! / total) * (1 - share) + share / n;
    }
  }

  /** Everything but what the settings give: #shareRate. */
  persist(fields: StateFields): void {
    fields.into(this.weight);
  }
}

function likelihood(p: number, isHit: boolean): number {
  const bounded = Math.min(1 - margin, Math.max(margin, p));
  return isHit ? bounded : 1 - bounded;
}
