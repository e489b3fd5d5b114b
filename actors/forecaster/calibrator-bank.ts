/** Calibrators that forget at different speeds, one that follows the hour, and which of them to believe. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Calibrator } from './calibrator.ts';
import { ExpertMixture } from './expert-mixture.ts';
import { PeriodFactor } from './period-factor.ts';

/** What the memories of the calibrators are to the longest. */
const memoryShares = [1, 1 / 8, 1 / 64] as const;
/** Part of the shares that is spread evenly at each outcome. */
export const bankShareRate = 1e-3;
/** No memory is shorter than this, in outcomes of a bin. */
const memoryMin = 16;

/** Parts of a horizon by which outcomes are learnt. */
export const outcomeParts = 8;

/** The voice that scales the longest memory. */
const scaledVoice = memoryShares.length;
/** Voices of a bank, and so numbers that each forecast says: one a memory, and the longest as scaled for the hour. */
export const bankSize = memoryShares.length + 1;

/**
 * A long memory is right while nothing changes, a short one after a change, and where it is busier or quieter than it was for all segments alike the long
 * one with all of its hazards scaled (period-factor.ts); which it is now is learned from what each of them stated, by the same mixture that weighs experts. What was stated is judged as it stood when it was stated: judged afterwards, a short memory would
 * be praised for outcomes of which it had just seen the neighbours.
 *
 * What a score means is learnt by parts of the horizon, each when it is over, not at the deadline: at an hour, what has changed is known after
 * minutes. Who comes true early is no more likely to be heard of than who does not, so nothing is biased. O(calibrators) per forecast and part of an outcome.
 */
export class CalibratorBank {
  readonly #calibrators: readonly Calibrator[];
  readonly #period: PeriodFactor;
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
    this.#period = new PeriodFactor(options.priorOutcomes);
    this.#mixture = new ExpertMixture(bankSize, bankShareRate);
  }

  /** Outcomes learnt. */
  get outcomeCount(): number {
    return this.#outcomeCount;
  }

  /** Share of each voice, the longest memory first. */
  get shares(): Float64Array {
    return this.#mixture.weight.slice();
  }

  /** The probability that `score` in 0..1 stands for; what each voice says of it is left in `said[from..]`. */
  state(score: number, said: Float64Array, from: number): number {
    const calibrators = this.#calibrators;
    for (let i = 0; i < scaledVoice; i++) said[from + i] = calibrators[i]!.calibrate(score);
    said[from + scaledVoice] = calibrators[0]!.calibrateScaled(score, this.#period.factor);
    return this.#mixture.mix(said, from);
  }

  /** Parts that are over are about to be {@link expect}ed, then {@link observe}d: it is `instant`, and a horizon is as long as `length`. */
  advance(instant: number, length: number): void {
    this.#period.advance(instant, length);
  }

  /** What {@link observe} will be told, before anything of this tick was learnt. */
  expect(score: number, part: number, isHit: boolean): void {
    this.#period.observe(this.#calibrators[0]!.hazardOf(score, part), isHit);
  }

  /** All of this tick was expected; each outcome counts for `rate`, 0..1. */
  settle(rate: number): void {
    this.#period.settle(rate);
  }

  /** A forecast that would be scored `score` today had not come true before this part of its horizon, and did in it or not. */
  observe(score: number, part: number, isHit: boolean): void {
    for (const calibrator of this.#calibrators) calibrator.learn(score, isHit, part);
  }

  /** The outcome of a forecast of which the voices said `said[from..]`, once its whole horizon is over; it counts for `rate`, 0..1. */
  learn(said: Float64Array, from: number, isHit: boolean, rate = 1): void {
    this.#mixture.learn(said, from, isHit, rate);
    this.#outcomeCount++;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    for (const calibrator of this.#calibrators) calibrator.persist(fields);
    this.#period.persist(fields);
    this.#mixture.persist(fields);
    this.#outcomeCount = fields.number(this.#outcomeCount);
  }
}
