/** What a score of the mixture means, by what became of such scores: as it is, and apart for how long the segment is overdue. */

import type { StateFields } from '../../engine/state-fields.ts';
import { bankShareRate, bankSize, CalibratorBank } from './calibrator-bank.ts';
import { ExpertMixture } from './expert-mixture.ts';
import { OverdueCalibration } from './overdue-calibration.ts';

/** What a forecast says: the voices of both banks, what each bank makes of them (side by side, as they are mixed), and the class of what is overdue. */
const bankAt = [0, bankSize] as const;
const mixedAt = 2 * bankSize;
const kindAt = mixedAt + 2;
/** Numbers that each forecast says. */
export const saidCount = kindAt + 1;

/** A part of a horizon that is over. */
interface PartOutcome {
  /** As the mixture would score the forecast today. */
  readonly score: number;
  readonly kind: number;
  readonly part: number;
  readonly isHit: boolean;
}

/**
 * Two banks of calibrators: one reads the score as it is, one what is left of it once it was calibrated apart for how long the segment has been forecast in
 * vain; they are mixed by their record. The classes come before a bank, never after: two calibrators in series that both learn the level correct
 * a past error twice, the second what the first has made good by now. And they are a voice, not the rule: their bins are eight times as many,
 * and where classes stand for hours of the day what they learnt is noise.
 */
export class OutcomeCalibration {
  readonly #plain: CalibratorBank;
  readonly #apart: CalibratorBank;
  readonly #overdue: OverdueCalibration;
  readonly #mixture = new ExpertMixture(2, bankShareRate);
  /** What was noted of this tick. */
  #noted: PartOutcome[] = [];

  constructor(options: { readonly binCount: number; readonly priorOutcomes: number; readonly outcomesMax: number }) {
    this.#plain = new CalibratorBank(options);
    this.#apart = new CalibratorBank(options);
    this.#overdue = new OverdueCalibration(options);
  }

  /** Outcomes learnt. */
  get outcomeCount(): number {
    return this.#plain.outcomeCount;
  }

  /**
   * The probability that `score` in 0..1 stands for where the segment was first forecast `elapsed` ago and has not been accessed since; `length`: of the
   * horizon. What led to it is left in `said`, `saidCount` long.
   */
  state(score: number, elapsed: number, length: number, said: Float64Array): number {
    const kind = this.#overdue.classOf(elapsed, length);
    // A mean of what calibrators say may lie above 1 by its last bit.
    const bounded = Math.min(1, score);
    said[kindAt] = kind;
    said[mixedAt] = this.#plain.state(bounded, said, bankAt[0]);
    said[mixedAt + 1] = this.#apart.state(this.#overdue.state(bounded, kind), said, bankAt[1]);
    return Math.min(1, Math.max(0, this.#mixture.mix(said, mixedAt)));
  }

  /** A forecast that said `said[from..]`, and would be scored `score` today, had not come true before this part of its horizon, and did in it or not. */
  note(score: number, said: Float64Array, from: number, part: number, isHit: boolean): void {
    this.#noted.push({ score: Math.min(1, score), kind: said[from + kindAt]!, part, isHit });
  }

  /** Learns what was noted since the last tick, now that it is `instant`; each outcome counts for `rate`, 0..1. `length`: of the horizon. */
  settle(instant: number, length: number, rate: number): void {
    const noted = this.#noted;
    // All that is expected is reckoned before anything of this tick is learnt: which forecast comes first means nothing.
    const apart = noted.map(({ score, kind }) => this.#overdue.state(score, kind));
    for (const bank of [this.#plain, this.#apart]) bank.advance(instant, length);
    noted.forEach(({ score, part, isHit }, i) => {
      this.#plain.expect(score, part, isHit);
      this.#apart.expect(apart[i]!, part, isHit);
    });
    for (const bank of [this.#plain, this.#apart]) bank.settle(rate);
    noted.forEach(({ score, kind, part, isHit }, i) => {
      this.#plain.observe(score, part, isHit);
      this.#apart.observe(apart[i]!, part, isHit);
      this.#overdue.observe(score, kind, part, isHit);
    });
    this.#noted = [];
  }

  /** The outcome of a forecast that said `said[from..]`, once its whole horizon is over; it counts for `rate`, 0..1. */
  learn(said: Float64Array, from: number, isHit: boolean, rate: number): void {
    this.#plain.learn(said, from + bankAt[0], isHit, rate);
    this.#apart.learn(said, from + bankAt[1], isHit, rate);
    this.#mixture.learn(said, from + mixedAt, isHit, rate);
  }

  /** The state between ticks, to save or restore it; then #noted is empty. */
  persist(fields: StateFields): void {
    for (const part of [this.#plain, this.#apart, this.#overdue, this.#mixture]) part.persist(fields);
  }
}
