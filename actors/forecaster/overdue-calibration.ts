/** What a forecast means of a segment that has been forecast before, and did not come. */

import type { StateFields } from '../../engine/state-fields.ts';
import { Calibrator } from './calibrator.ts';
import { outcomeParts } from './calibrator-bank.ts';

/** Classes by how long a segment has been forecast in vain, in horizons: at first, up to a sixteenth, ..., up to 2, longer. */
const bounds = [0, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2] as const;

/**
 * Forecasts are repeated from tick to tick, and experts state the same whether or not the last one came true. So a score is calibrated
 * apart for how long the segment has been forecast without an access: who is late may be about to come (a queue) or never to come again (a
 * session that ended), and this learns which. Until it has seen outcomes it leaves everything as it was. O(1) a forecast and part of an outcome.
 */
export class OverdueCalibration {
  readonly #calibrators: readonly Calibrator[];

  constructor(options: { readonly binCount: number; readonly priorOutcomes: number; readonly outcomesMax: number }) {
    this.#calibrators = Array.from(
      { length: bounds.length + 1 },
      () => new Calibrator({ ...options, partCount: outcomeParts }),
    );
  }

  /** The class of a segment that was first forecast `elapsed` ago and has not been accessed since; `length`: of the horizon. */
  classOf(elapsed: number, length: number): number {
    let at = 0;
    while (at < bounds.length && elapsed > bounds[at]! * length) at++;
    return at;
  }

  /** The probability that `score` stands for in a class; non-decreasing in it. */
  state(score: number, kind: number): number {
    return Math.min(1, Math.max(0, this.#calibrators[kind]!.calibrate(score)));
  }

  /** What would be scored `score` today, in a class, had not come true before this part of its horizon, and did in it or not. */
  observe(score: number, kind: number, part: number, isHit: boolean): void {
    this.#calibrators[kind]!.learn(score, isHit, part);
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    for (const calibrator of this.#calibrators) calibrator.persist(fields);
  }
}
