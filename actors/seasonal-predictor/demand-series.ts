/** Weight of all accesses by hour, and its forecast. */

import { exp2 } from '../aggregator/half-life.ts';
import type { SeasonalDesign } from './seasonal-design.ts';

/** A forecast of total demand and where it comes from. */
export interface DemandForecast {
  /** Expected weight of accesses in the hour. */
  readonly weight: number;
  /** `persistence`: the seasonal fit was no better of late than "as in the last hour", or there is none. */
  readonly by: 'seasonal' | 'persistence';
}

/** Mean absolute errors one hour ahead, decayed; null before any. */
export interface DemandErrors {
  readonly seasonal: number | null;
  readonly persistence: number | null;
}

/** Hourly counts over a bounded history with a seasonal fit that must beat persistence to be used. */
export class DemandSeries {
  readonly #counts: Float64Array;
  readonly #keep: number;
  readonly #margin: number;
  #design: SeasonalDesign | null = null;
  #coefficients = new Float64Array(0);
  #hour = Number.NaN;
  #hasLast = false;
  #seasonalError = 0;
  #persistenceError = 0;
  #errorHours = 0;

  constructor(historyHours: number, errorHalfLifeHours: number, margin: number) {
    this.#counts = new Float64Array(historyHours);
    this.#keep = exp2(-1 / errorHalfLifeHours);
    this.#margin = margin;
  }

  get errors(): DemandErrors {
    return this.#errorHours === 0
      ? { seasonal: null, persistence: null }
      : {
          seasonal: this.#seasonalError / this.#errorHours,
          persistence: this.#persistenceError / this.#errorHours,
        };
  }

  /** Whether the seasonal fit is used. */
  get isSeasonal(): boolean {
    return this.#errorHours > 0 && this.#seasonalError < this.#persistenceError * (1 - this.#margin);
  }

  open(hour: number): void {
    this.#hasLast = hour - 1 === this.#hour;
    this.#hour = hour;
    this.#counts[this.#at(hour)] = 0;
  }

  add(hour: number, weight: number): void {
    this.#counts[this.#at(hour)]! += weight;
  }

  /** Weight counted in `hour`, which lies in the history. */
  countOf(hour: number): number {
    return this.#counts[this.#at(hour)]!;
  }

  /** Judges the hour that ends. */
  close(hour: number): void {
    if (this.#design === null || !this.#hasLast) return;
    const truth = this.countOf(hour);
    this.#seasonalError = this.#seasonalError * this.#keep + Math.abs(this.#predict(hour) - truth);
    this.#persistenceError = this.#persistenceError * this.#keep + Math.abs(this.countOf(hour - 1) - truth);
    this.#errorHours = this.#errorHours * this.#keep + 1;
  }

  fit(design: SeasonalDesign): void {
    this.#design = design;
    this.#coefficients = new Float64Array(design.width);
    design.fit((hour) => this.countOf(hour), this.#coefficients, 0);
  }

  /** Demand of the hour `ahead` >= 1 hours after the last closed one (1 = the open hour). */
  forecast(ahead: number): DemandForecast {
    if (this.isSeasonal) return { weight: this.#predict(this.#hour + ahead - 1), by: 'seasonal' };
    return { weight: this.#hasLast ? this.countOf(this.#hour - 1) : 0, by: 'persistence' };
  }

  clear(): void {
    this.#counts.fill(0);
    this.#design = null;
    this.#hour = Number.NaN;
    this.#seasonalError = 0;
    this.#persistenceError = 0;
    this.#errorHours = 0;
  }

  #predict(hour: number): number {
    return Math.max(0, this.#design!.predict(this.#coefficients, 0, hour));
  }

  #at(hour: number): number {
    const at = hour % this.#counts.length;
    return at < 0 ? at + this.#counts.length : at;
  }
}
