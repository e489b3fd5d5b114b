/** How well the latest forecasts came true, whether they were passed on or only on trial. */

import type { StateFields } from '../../engine/state-fields.ts';

const BIN_COUNT = 10;
/** Squared errors, in those of the base rate, up to which forecasts pass as no worse: near it chance decides. */
const slack = 1.05;
/** Mean squared error that passes whatever the base rate: where nearly all come true nothing beats saying so. */
const certainty = 0.01;

/**
 * Calibration error and Brier skill over about the last `memory` forecasts: sums that decay by 1 - 1 / memory an outcome, in ten equal-width bins
 * (see calibration-stats.ts for the two measures). O(1) an outcome, O(bins) to read.
 */
export class RecentCalibration {
  readonly #keep: number;
  readonly #forecasts = new Float64Array(BIN_COUNT);
  readonly #hits = new Float64Array(BIN_COUNT);
  #count = 0;
  #squares = 0;

  /** `memory` in outcomes, above 1. */
  constructor(memory: number) {
    this.#keep = 1 - 1 / memory;
  }

  observe(stated: number, isHit: boolean): void {
    const keep = this.#keep;
    for (let bin = 0; bin < BIN_COUNT; bin++) {
      this.#forecasts[bin]! *= keep;
      this.#hits[bin]! *= keep;
    }
    const hit = isHit ? 1 : 0;
    const bin = Math.min(BIN_COUNT - 1, Math.floor(stated * BIN_COUNT));
    this.#forecasts[bin]! += stated;
    this.#hits[bin]! += hit;
    this.#squares = this.#squares * keep + (stated - hit) * (stated - hit);
    this.#count = this.#count * keep + 1;
  }

  /** Expected calibration error; 0 before the first. */
  get ece(): number {
    if (this.#count === 0) return 0;
    let sum = 0;
    for (let bin = 0; bin < BIN_COUNT; bin++) sum += Math.abs(this.#forecasts[bin]! - this.#hits[bin]!);
    return sum / this.#count;
  }

  /** Whether the hit ratio, stated every time, would have erred about as much or more. */
  get hasSkill(): boolean {
    if (this.#count === 0) return true;
    const hits = this.#hits.reduce((sum, hit) => sum + hit, 0);
    return this.#squares <= slack * hits * (1 - hits / this.#count) + certainty * this.#count;
  }

  /** Everything but what the settings give: #keep. */
  persist(fields: StateFields): void {
    fields.into(this.#forecasts);
    fields.into(this.#hits);
    this.#count = fields.number(this.#count);
    this.#squares = fields.number(this.#squares);
  }
}
