/** How much busier it is than what was learnt: one factor for all forecasts, from the latest parts of their horizons. */

import { exponential } from '../../engine/portable-math.ts';
import type { StateFields } from '../../engine/state-fields.ts';

/** Share of a horizon after which a part counts for 1 / e. */
const MEMORY_SHARE = 1 / 2;

/**
 * Traffic rises and falls for all segments alike, and faster than bins of score can learn, each from its own few outcomes. So the hits of the parts that
 * are just over are set against what the life table expected of them, over all bins together (a standardized ratio: hazards are proportional, Cox, JRSS B
 * 34, 1972; its estimate shrunk to 1 as by a gamma prior: Clayton and Kaldor, Biometrics 43, 1987). Whether the factor of the last half
 * horizon will hold for the next whole one nobody knows; so it is one voice of a mixture, not the last word. O(1) a part of an outcome.
 */
export class PeriodFactor {
  readonly #priorOutcomes: number;
  #expected = 0;
  #came = 0;
  #latest = Number.NEGATIVE_INFINITY;
  #factor = 1;

  /** @param priorOutcomes hits that a factor of 1 counts for. */
  constructor(priorOutcomes: number) {
    this.#priorOutcomes = priorOutcomes;
  }

  /** Hazards by now over those that were learnt; 1 before anything came. */
  get factor(): number {
    return this.#factor;
  }

  /** A part of a horizon is over that was to bring a hit with probability `hazard`. */
  observe(hazard: number, isHit: boolean): void {
    this.#expected += hazard;
    if (isHit) this.#came++;
  }

  /** It is `instant`, before its parts are observed; `length`: of the horizon. */
  advance(instant: number, length: number): void {
    if (instant > this.#latest) {
      const keep = exponential(-(instant - this.#latest) / (MEMORY_SHARE * length));
      this.#expected *= keep;
      this.#came *= keep;
      this.#latest = instant;
    }
  }

  /** All parts that are over were observed; each hit counts for `rate` outcomes, 0..1. */
  settle(rate: number): void {
    this.#factor = (this.#came * rate + this.#priorOutcomes) / (this.#expected * rate + this.#priorOutcomes);
  }

  /** Everything but what the settings give: #priorOutcomes. */
  persist(fields: StateFields): void {
    this.#expected = fields.number(this.#expected);
    this.#came = fields.number(this.#came);
    this.#latest = fields.number(this.#latest);
    this.#factor = fields.number(this.#factor);
  }
}
