/** Which planned prefetches a site adopts: those whose expert has been right here, and a few to find out. */

import { Calibrator } from '../forecaster/calibrator.ts';

/** Settings of the admission of plans. */
export interface PlanAdmissionOptions {
  /** Probability of use before it leaves, below which an entry is not adopted. */
  readonly probabilityMin: number;
  /** One entry in that many is adopted though it is below, so that an expert that was wrong can show that it has learned. */
  readonly trialEvery: number;
}

/**
 * A forecast says P(accessed within a horizon); a site wants P(used before it leaves this cache), which depends on how full and
 * how fast the cache is, and on what is resident anyway. So each far-loop expert's probabilities are calibrated once more
 * against what became of the entries adopted here.
 *
 * It starts with what the forecaster says halved: an expert must earn its place, since the near loop has usually been there
 * first. O(1) an entry; decisions depend on the order of entries and outcomes alone.
 */
export class PlanAdmission {
  readonly #options: PlanAdmissionOptions;
  readonly #calibrators = new Map<number, Calibrator>();
  #refusedSinceTrial = 0;
  #adoptedCount = 0;
  #refusedCount = 0;
  #trialCount = 0;

  constructor(options: PlanAdmissionOptions) {
    this.#options = options;
  }

  /** Adopted (trials among them), refused, and trials. */
  get counts(): { readonly adopted: number; readonly refused: number; readonly trials: number } {
    return { adopted: this.#adoptedCount, refused: this.#refusedCount, trials: this.#trialCount };
  }

  /** P(used before it leaves), for an entry whose forecast is `probability`. */
  expect(expert: number, probability: number): number {
    return this.#calibratorOf(expert).calibrate(probability);
  }

  /** Whether to adopt an entry that is expected to be used with the given probability. */
  admits(expected: number): boolean {
    if (expected >= this.#options.probabilityMin) {
      this.#adoptedCount++;
      return true;
    }
    if (++this.#refusedSinceTrial >= this.#options.trialEvery) {
      this.#refusedSinceTrial = 0;
      this.#trialCount++;
      this.#adoptedCount++;
      return true;
    }
    this.#refusedCount++;
    return false;
  }

  /** An adopted entry ended: it was used, or left unused. */
  learn(expert: number, probability: number, isUsed: boolean): void {
    this.#calibratorOf(expert).learn(probability, isUsed);
  }

  #calibratorOf(expert: number): Calibrator {
    let calibrator = this.#calibrators.get(expert);
    if (calibrator === undefined) {
      calibrator = new Calibrator({ binCount: 8, priorOutcomes: 4, outcomesMax: 512 });
      // Four wastes in each bin against the prior's four at face value: half of what is stated.
      for (let bin = 0; bin < 8; bin++) {
        const score = ((bin + 0.5) / 8) * ((bin + 0.5) / 8);
        for (let i = 0; i < 4; i++) calibrator.learn(score, false);
      }
      this.#calibrators.set(expert, calibrator);
    }
    return calibrator;
  }
}
