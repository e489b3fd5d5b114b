/** Which planned prefetches a site adopts: those whose expert has been right here, and a few to find out. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Calibrator } from '../forecaster/calibrator.ts';

/** Settings of the admission of plans. */
export interface PlanAdmissionOptions {
  /** Probability of use before it leaves, below which an entry is not adopted. */
  readonly probabilityMin: number;
  /**
   * Of an expert's refused entries one in at most that many is adopted all the same, so that it can show that it has learned. A new
   * expert's first is; each trial that was wasted doubles the distance to the next, each that was used halves it.
   */
  readonly trialEvery: number;
}

/** `try` = adopt, to find out. */
export type Verdict = 'adopt' | 'try' | 'refuse';

/** An expert's trials: the distance between them, entries refused since the last, and whether that has not ended. */
interface Trials {
  every: number;
  refused: number;
  isPending: boolean;
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
  readonly #trials = new Map<number, Trials>();
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

  /** What to do with an entry that is expected to be used with the given probability. */
  judge(expert: number, expected: number): Verdict {
    if (expected >= this.#options.probabilityMin) {
      this.#adoptedCount++;
      return 'adopt';
    }
    const trial = this.#trialOf(expert);
    trial.refused++;
    // One at a time, unless its end takes so long that it says nothing.
    if (trial.refused >= (trial.isPending ? this.#options.trialEvery : trial.every)) {
      trial.refused = 0;
      trial.isPending = true;
      this.#trialCount++;
      this.#adoptedCount++;
      return 'try';
    }
    this.#refusedCount++;
    return 'refuse';
  }

  /** An adopted entry was used, or left unused. */
  learn(expert: number, probability: number, isUsed: boolean, isTrial = false): void {
    this.#calibratorOf(expert).learn(probability, isUsed);
    const trial = this.#trialOf(expert);
    if (isTrial) trial.isPending = false;
    trial.every = isUsed ? Math.max(1, trial.every / 2) : Math.min(this.#options.trialEvery, trial.every * 2);
  }

  /** An adopted entry was never sent: it counts as refused, and for a trial the next entry is tried. */
  withdraw(expert: number, isTrial: boolean): void {
    this.#adoptedCount--;
    this.#refusedCount++;
    if (!isTrial) return;
    this.#trialCount--;
    const trial = this.#trialOf(expert);
    trial.isPending = false;
    trial.refused = trial.every;
  }

  /** A trial ended in a way that says nothing of the forecast: cancelled, stale, or with the log. */
  endTrial(expert: number): void {
    this.#trialOf(expert).isPending = false;
  }

  /** Everything but what the settings give: #options. */
  persist(fields: StateFields): void {
    for (const expert of fields.plain([...this.#calibrators.keys()])) this.#calibratorOf(expert).persist(fields);
    for (const [expert, trial] of fields.plain([...this.#trials])) this.#trials.set(expert, { ...trial });
    this.#adoptedCount = fields.number(this.#adoptedCount);
    this.#refusedCount = fields.number(this.#refusedCount);
    this.#trialCount = fields.number(this.#trialCount);
  }

  #trialOf(expert: number): Trials {
    let trial = this.#trials.get(expert);
    if (trial === undefined) {
      trial = { every: 1, refused: 0, isPending: false };
      this.#trials.set(expert, trial);
    }
    return trial;
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
