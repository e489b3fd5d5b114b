/** The regression that all seasonal profiles share: level, trend, hour of the day, hour of the week. */

import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import { hourOfWeekOf, hoursPerWeek } from '../aggregator/hour-of-week.ts';

const dayColumn = 2;
const weekColumn = dayColumn + 24;

/**
 * Ridge regression on the hours [start, end), factored once for all series.
 *
 * Each hour's row holds four values: 1, its age in weeks, and a one in its hour of the day and of the week. The penalties
 * make the fit hierarchical: an hour of the week departs from its hour of the day, and that from the level, only as far as
 * evidence goes. The normal matrix is decomposed by Cholesky (ml-matrix) and inverted; a fit is then a sparse product
 * and one dense matrix-vector product over typed arrays, 194 x 194 with weekly hours, 26 x 26 without.
 */
export class SeasonalDesign {
  readonly start: number;
  readonly end: number;
  /** Coefficients of a fit. */
  readonly width: number;
  readonly #inverse: Float64Array;
  readonly #products: Float64Array;

  constructor(options: {
    readonly start: number;
    readonly end: number;
    readonly hasWeek: boolean;
    readonly shrinkage: number;
    readonly trendShrinkage: number;
  }) {
    this.start = options.start;
    this.end = options.end;
    this.width = options.hasWeek ? weekColumn + hoursPerWeek : weekColumn;
    this.#products = new Float64Array(this.width);
    const normal = Matrix.zeros(this.width, this.width);
    const column = new Int32Array(4);
    const value = new Float64Array(4);
    for (let hour = this.start; hour < this.end; hour++) {
      const n = this.#row(hour, column, value);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          normal.set(column[i]!, column[j]!, normal.get(column[i]!, column[j]!) + value[i]! * value[j]!);
        }
      }
    }
    for (let i = 0; i < this.width; i++) {
      const penalty = i === 0 ? 1e-6 : i === 1 ? options.trendShrinkage : options.shrinkage;
      normal.set(i, i, normal.get(i, i) + penalty);
    }
    const inverse = new CholeskyDecomposition(normal).solve(Matrix.eye(this.width));
    this.#inverse = Float64Array.from(inverse.to1DArray());
  }

  /** Fits `valueAt(hour)` over the hours of the design; the coefficients are written to `into` from `at` on. */
  fit(valueAt: (hour: number) => number, into: Float64Array, at: number): void {
    const products = this.#products.fill(0);
    for (let hour = this.start; hour < this.end; hour++) {
      const y = valueAt(hour);
      if (y === 0) continue;
      const week = hourOfWeekOf(hour);
      products[0]! += y;
      products[1]! += y * this.#age(hour);
      products[dayColumn + (week % 24)]! += y;
      if (this.width > weekColumn) products[weekColumn + week]! += y;
    }
    const { width } = this;
    const inverse = this.#inverse;
    for (let i = 0; i < width; i++) {
      let sum = 0;
      const row = i * width;
      for (let j = 0; j < width; j++) sum += inverse[row + j]! * products[j]!;
      into[at + i] = sum;
    }
  }

  /** What the coefficients at `at` say of `hour`, which may lie ahead. */
  predict(coefficients: Float64Array, at: number, hour: number): number {
    const week = hourOfWeekOf(hour);
    const value =
      coefficients[at]! + coefficients[at + 1]! * this.#age(hour) + coefficients[at + dayColumn + (week % 24)]!;
    return this.width > weekColumn ? value + coefficients[at + weekColumn + week]! : value;
  }

  /** Weeks before the end of the design; negative ahead of it. */
  #age(hour: number): number {
    return (this.end - hour) / hoursPerWeek;
  }

  #row(hour: number, column: Int32Array, value: Float64Array): number {
    const week = hourOfWeekOf(hour);
    column[0] = 0;
    value[0] = 1;
    column[1] = 1;
    value[1] = this.#age(hour);
    column[2] = dayColumn + (week % 24);
    value[2] = 1;
    if (this.width === weekColumn) return 3;
    column[3] = weekColumn + week;
    value[3] = 1;
    return 4;
  }
}
