/** The regression that all seasonal profiles share: level, trend, hour of the day, hour of the week. */

import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { hourOfWeekOf, hoursPerWeek } from '../aggregator/hour-of-week.ts';

const dayColumn = 2;
/** Columns of level, trend and hours of the day. */
const head = dayColumn + 24;

/** Coefficients of a fit with hours of the week. */
export const seasonalWidthMax = head + hoursPerWeek;

/** What a design is made from: the same gives the same in every bit. */
export interface SeasonalDesignOptions {
  readonly start: number;
  readonly end: number;
  readonly hasWeek: boolean;
  readonly shrinkage: number;
  readonly trendShrinkage: number;
}

/**
 * Ridge regression on the hours [start, end), factored once for all series.
 *
 * Each hour's row holds four values: 1, its age in weeks, and a one in its hour of the day and of the week. The penalties
 * make the fit hierarchical: an hour of the week departs from its hour of the day, and that from the level, only as far as
 * evidence goes. The hours of the week are 168 of the 194 columns and never share a row, so their block of the normal
 * matrix is diagonal and is eliminated by hand; what is left, the 26 x 26 Schur complement, is decomposed by Cholesky
 * (ml-matrix) and inverted once. A fit then costs O(hours + 26^2 + 168) over typed arrays.
 */
export class SeasonalDesign {
  readonly options: SeasonalDesignOptions;
  readonly start: number;
  readonly end: number;
  /** Coefficients of a fit. */
  readonly width: number;
  readonly #hasWeek: boolean;
  /** Inverse of the Schur complement, row by row. */
  readonly #inverse: Float64Array;
  /** Of each hour of the week: hours, sum of their ages, and 1 / (hours + penalty). */
  readonly #weekHours = new Float64Array(hoursPerWeek);
  readonly #weekAges = new Float64Array(hoursPerWeek);
  readonly #weekInverse = new Float64Array(hoursPerWeek);
  readonly #products = new Float64Array(seasonalWidthMax);
  readonly #reduced = new Float64Array(head);

  constructor(options: SeasonalDesignOptions) {
    this.options = options;
    this.start = options.start;
    this.end = options.end;
    this.#hasWeek = options.hasWeek;
    this.width = options.hasWeek ? seasonalWidthMax : head;
    let ageSquares = 0;
    for (let hour = this.start; hour < this.end; hour++) {
      const age = this.#age(hour);
      this.#weekHours[hourOfWeekOf(hour)]!++;
      this.#weekAges[hourOfWeekOf(hour)]! += age;
      ageSquares += age * age;
    }
    const normal = Matrix.zeros(head, head);
    const add = (i: number, j: number, value: number): void => {
      normal.set(i, j, normal.get(i, j) + value);
      if (i !== j) normal.set(j, i, normal.get(j, i) + value);
    };
    // The level is as good as free; a rounding-sized penalty keeps the matrix positive definite.
    add(0, 0, 1e-6);
    add(1, 1, ageSquares + options.trendShrinkage);
    for (let day = dayColumn; day < head; day++) add(day, day, options.shrinkage);
    for (let week = 0; week < hoursPerWeek; week++) {
      const n = this.#weekHours[week]!;
      const ages = this.#weekAges[week]!;
      const day = dayColumn + (week % 24);
      const inverse = options.hasWeek ? 1 / (n + options.shrinkage) : 0;
      this.#weekInverse[week] = inverse;
      // Each pair of columns that meet in this hour of the week: their product, less what the eliminated column takes.
      add(0, 0, n - n * n * inverse);
      add(0, 1, ages - n * ages * inverse);
      add(1, 1, -ages * ages * inverse);
      add(0, day, n - n * n * inverse);
      add(1, day, ages - ages * n * inverse);
      add(day, day, n - n * n * inverse);
    }
    const inverse = new CholeskyDecomposition(normal).solve(Matrix.eye(head));
    this.#inverse = Float64Array.from(inverse.to1DArray());
  }

  /** Fits `values[i]` of hour start + i; the coefficients are written to `into` from `at` on. */
  fit(values: Float64Array, into: Float64Array, at: number): void {
    const products = this.#products.fill(0);
    const length = this.end - this.start;
    let week = hourOfWeekOf(this.start);
    for (let i = 0; i < length; i++) {
      const y = values[i]!;
      products[1]! += y * this.#age(this.start + i);
      products[head + week]! += y;
      week = week + 1 === hoursPerWeek ? 0 : week + 1;
    }
    this.#solve(into, at);
  }

  /** The same for a series that is 1 in the hours `hours[from..to)` and 0 in all others: O(to - from) instead of O(hours). */
  fitPresence(hours: Float64Array, from: number, to: number, into: Float64Array, at: number): void {
    const products = this.#products.fill(0);
    for (let i = from; i < to; i++) {
      const hour = hours[i]!;
      products[1]! += this.#age(hour);
      products[head + hourOfWeekOf(hour)]!++;
    }
    this.#solve(into, at);
  }

  /** Solves for the products of each column with a series. */
  #solve(into: Float64Array, at: number): void {
    const products = this.#products;
    const reduced = this.#reduced.fill(0);
    reduced[1] = products[1]!;
    for (let week = 0; week < hoursPerWeek; week++) {
      const y = products[head + week]!;
      const taken = y * this.#weekInverse[week]!;
      const left = y - this.#weekHours[week]! * taken;
      reduced[0]! += left;
      reduced[1]! -= this.#weekAges[week]! * taken;
      reduced[dayColumn + (week % 24)]! += left;
    }
    const inverse = this.#inverse;
    for (let i = 0; i < head; i++) {
      let sum = 0;
      for (let j = 0; j < head; j++) sum += inverse[i * head + j]! * reduced[j]!;
      into[at + i] = sum;
    }
    if (!this.#hasWeek) return;
    for (let week = 0; week < hoursPerWeek; week++) {
      const expected =
        this.#weekHours[week]! * (into[at]! + into[at + dayColumn + (week % 24)]!) +
        this.#weekAges[week]! * into[at + 1]!;
      into[at + head + week] = (products[head + week]! - expected) * this.#weekInverse[week]!;
    }
  }

  /** What the coefficients at `at` say of `hour`, which may lie ahead. */
  predict(coefficients: Float64Array, at: number, hour: number): number {
    const week = hourOfWeekOf(hour);
    const value =
      coefficients[at]! + coefficients[at + 1]! * this.#age(hour) + coefficients[at + dayColumn + (week % 24)]!;
    return this.#hasWeek ? value + coefficients[at + head + week]! : value;
  }

  /** Weeks before the end of the design; negative ahead of it. */
  #age(hour: number): number {
    return (this.end - hour) / hoursPerWeek;
  }
}
