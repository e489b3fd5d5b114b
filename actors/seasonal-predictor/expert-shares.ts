/** Shares of experts that forecast a quantity, by how far each was off. */

import { exponential } from '../../engine/portable-math.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** An error of more than so many mean errors counts as this many: one surprise does not silence an expert. */
const lossMax = 8;

/**
 * Hedge (Freund and Schapire, JCSS 1997) with fixed share (Herbster and Warmuth, Machine Learning 1998): a share is multiplied
 * by exp(-rate x error / scale), then a part of all is spread evenly, so that who is best may change. Absolute error is convex, so the
 * mean forecast is never worse than the mean error of its experts. O(experts) a forecast and an outcome.
 */
export class ExpertShares {
  readonly share: Float64Array;
  readonly #rate: number;
  readonly #shareRate: number;

  constructor(options: { readonly expertCount: number; readonly rate: number; readonly shareRate: number }) {
    this.share = new Float64Array(options.expertCount).fill(1 / options.expertCount);
    this.#rate = options.rate;
    this.#shareRate = options.shareRate;
  }

  /** Index of the expert with the largest share; ties go to the first. */
  get leader(): number {
    let leader = 0;
    for (let e = 1; e < this.share.length; e++) if (this.share[e]! > this.share[leader]!) leader = e;
    return leader;
  }

  mix(forecasts: Float64Array): number {
    let sum = 0;
    for (let e = 0; e < this.share.length; e++) sum += this.share[e]! * forecasts[e]!;
    return sum;
  }

  /** `scale` > 0 is the size of a usual error, in the unit of the forecasts. */
  learn(forecasts: Float64Array, truth: number, scale: number): void {
    const { share } = this;
    let total = 0;
    for (let e = 0; e < share.length; e++) {
      const loss = Math.min(lossMax, Math.abs(forecasts[e]! - truth) / scale);
      share[e]! *= exponential(-this.#rate * loss);
      total += share[e]!;
    }
    for (let e = 0; e < share.length; e++) {
      share[e] = (share[e]! / total) * (1 - this.#shareRate) + this.#shareRate / share.length;
    }
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.share);
  }

  load(reader: SnapshotReader): void {
    reader.into(this.share);
  }
}
