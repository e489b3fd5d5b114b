/** Calibrators that forget at different speeds, and which of them to believe. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Calibrator } from './calibrator.ts';
import { ExpertMixture } from './expert-mixture.ts';

/** What the memories of the calibrators are to the longest. */
const memoryShares = [1, 1 / 8, 1 / 64] as const;
/** Part of the shares that is spread evenly at each outcome: what changes is seldom, and neighbours come true together. */
const shareRate = 1e-5;
/** No memory is shorter than this, in outcomes of a bin. */
const memoryMin = 16;

/** Parts of a horizon by which outcomes are learnt. */
export const outcomeParts = 8;

/** Calibrators in a bank, and so numbers that each forecast says. */
export const bankSize = memoryShares.length;

/**
 * A long memory is right while nothing changes, a short one after a change; which it is now is learned from what each of them stated, by the
 * same mixture that weighs experts. What was stated is judged as it stood when it was stated: judged afterwards, a short memory would
 * be praised for outcomes of which it had just seen the neighbours.
 *
 * What a score means is learnt by parts of the horizon, each when it is over, not at the deadline: at an hour, what has changed is known after
 * minutes. Who comes true early is no more likely to be heard of than who does not, so nothing is biased. O(calibrators) per forecast and part of an outcome.
 */
export class CalibratorBank {
  readonly #calibrators: readonly Calibrator[];
  readonly #mixture: ExpertMixture;
  #outcomeCount = 0;

  constructor(options: {
    readonly binCount: number;
    readonly priorOutcomes: number;
    readonly outcomesMax: number;
  }) {
    this.#calibrators = memoryShares.map(
      (share) =>
        new Calibrator({
          ...options,
          outcomesMax: Math.max(memoryMin, options.outcomesMax * share),
          partCount: outcomeParts,
        }),
    );
    this.#mixture = new ExpertMixture(bankSize, shareRate);
  }

  /** Outcomes learnt. */
  get outcomeCount(): number {
    return this.#outcomeCount;
  }

  /** Share of each calibrator, the longest memory first. */
  get shares(): Float64Array {
    return this.#mixture.weight.slice();
  }

  /** The probability that `score` in 0..1 stands for; what each calibrator says of it is left in `said[from..]`. */
  state(score: number, said: Float64Array, from: number): number {
    for (let i = 0; i < bankSize; i++) said[from + i] = this.#calibrators[i]!.calibrate(score);
    return this.#mixture.mix(said, from);
  }

  /** A forecast that would be scored `score` today had not come true before this part of its horizon, and did in it or not. */
  observe(score: number, part: number, isHit: boolean): void {
    for (const calibrator of this.#calibrators) calibrator.learn(score, isHit, part);
  }

  /** The outcome of a forecast of which the calibrators said `said[from..]`, once its whole horizon is over. */
  learn(said: Float64Array, from: number, isHit: boolean): void {
    this.#mixture.learn(said, from, isHit);
    this.#outcomeCount++;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    for (const calibrator of this.#calibrators) calibrator.persist(fields);
    this.#mixture.persist(fields);
    this.#outcomeCount = fields.number(this.#outcomeCount);
  }
}
