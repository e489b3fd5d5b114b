/** Weight of all accesses by hour, and its forecast. */

import { exp2 } from '../aggregator/half-life.ts';
import type { SeasonalDesign } from './seasonal-design.ts';

/** Ways to forecast demand. `carried`: the seasonal fit plus what of the last hour's departure from it usually remains. */
export type DemandMethod = 'seasonal' | 'carried' | 'persistence';

/** A forecast of total demand and how it was made. */
export interface DemandForecast {
  /** Expected weight of accesses in the hour. */
  readonly weight: number;
  readonly by: DemandMethod;
}

/** Mean absolute errors one hour ahead, decayed; null before any. */
export type DemandErrors = Readonly<Record<DemandMethod, number>> | null;

/**
 * Hourly counts over a bounded history, and three ways to forecast them of which the one that erred least of late is used;
 * a seasonal one only if it beats "as in the last hour" by a margin. The share of a departure that remains is the decayed
 * regression of each hour's departure on that of the hour before.
 */
export class DemandSeries {
  readonly #counts: Float64Array;
  readonly #keep: number;
  readonly #margin: number;
  #design: SeasonalDesign | null = null;
  #coefficients = new Float64Array(0);
  #hour = Number.NaN;
  #hasLast = false;
  /** Decayed sums of absolute errors: seasonal, carried, persistence; and of hours. */
  readonly #errors = new Float64Array(3);
  #errorHours = 0;
  #departureProducts = 0;
  #departureSquares = 0;

  constructor(historyHours: number, errorHalfLifeHours: number, margin: number) {
    this.#counts = new Float64Array(historyHours);
    this.#keep = exp2(-1 / errorHalfLifeHours);
    this.#margin = margin;
  }

  get errors(): DemandErrors {
    if (this.#errorHours === 0) return null;
    const [seasonal, carried, persistence] = this.#errors.map((error) => error / this.#errorHours) as Float64Array;
    return { seasonal: seasonal!, carried: carried!, persistence: persistence! };
  }

  /** The method that is used now. */
  get method(): DemandMethod {
    const { errors } = this;
    if (errors === null) return 'persistence';
    const best = errors.seasonal < errors.carried ? 'seasonal' : 'carried';
    return errors[best] < errors.persistence * (1 - this.#margin) ? best : 'persistence';
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
    const last = this.countOf(hour - 1);
    const seasonal = this.#predict(hour);
    const departure = last - this.#predict(hour - 1);
    const carried = Math.max(0, seasonal + this.#remaining * departure);
    [seasonal, carried, last].forEach((forecast, i) => {
      this.#errors[i] = this.#errors[i]! * this.#keep + Math.abs(forecast - truth);
    });
    this.#errorHours = this.#errorHours * this.#keep + 1;
    this.#departureProducts = this.#departureProducts * this.#keep + (truth - seasonal) * departure;
    this.#departureSquares = this.#departureSquares * this.#keep + departure * departure;
  }

  fit(design: SeasonalDesign): void {
    this.#design = design;
    this.#coefficients = new Float64Array(design.width);
    const counts = Float64Array.from({ length: design.end - design.start }, (_, i) => this.countOf(design.start + i));
    design.fit(counts, this.#coefficients, 0);
  }

  /** Demand of the hour `ahead` >= 1 hours after the last closed one (1 = the open hour). */
  forecast(ahead: number): DemandForecast {
    const by = this.method;
    const last = this.#hasLast ? this.countOf(this.#hour - 1) : 0;
    if (by === 'persistence') return { weight: last, by };
    const seasonal = this.#predict(this.#hour + ahead - 1);
    if (by === 'seasonal') return { weight: seasonal, by };
    let departure = last - this.#predict(this.#hour - 1);
    for (let i = 0; i < ahead; i++) departure *= this.#remaining;
    return { weight: Math.max(0, seasonal + departure), by };
  }

  clear(): void {
    this.#counts.fill(0);
    this.#design = null;
    this.#hour = Number.NaN;
    this.#hasLast = false;
    this.#errors.fill(0);
    this.#errorHours = 0;
    this.#departureProducts = 0;
    this.#departureSquares = 0;
  }

  /** Share of a departure that is left an hour later, 0..1. */
  get #remaining(): number {
    return this.#departureSquares > 0 ? Math.min(1, Math.max(0, this.#departureProducts / this.#departureSquares)) : 0;
  }

  #predict(hour: number): number {
    return Math.max(0, this.#design!.predict(this.#coefficients, 0, hour));
  }

  #at(hour: number): number {
    const at = hour % this.#counts.length;
    return at < 0 ? at + this.#counts.length : at;
  }
}
