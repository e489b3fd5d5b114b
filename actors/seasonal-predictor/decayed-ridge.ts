/** Linear regression that is learnt row by row and forgets. */

import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** What a coefficient's pull towards its prior weighs, in rows of the mean square of the target. */
const penaltyRows = 1;
/** Rows after which coefficients are computed anew: at 12 forecasts were as good as at 1. */
const solveEvery = 12;
/** Added to an error, in mean errors, before a row is weighed by its inverse. */
const errorFloor = 0.1;
/** Least pivot, in penalties. */
const pivotMin = 1e-6;

/**
 * Ridge regression on exponentially decayed rows. The pull is towards a prior vector instead of zero, and is scaled by the
 * target's mean square, so that it means the same whatever the unit of the series.
 *
 * `isRobust` weighs each row by the inverse of the error that was made in forecasting it (iteratively reweighted least squares:
 * Holland and Welsch, Communications in Statistics A6, 1977; here one step a row, as rows come), which aims at the median instead of the mean and so at the
 * absolute error. O(columns^2) a row, O(columns^3) every twelfth (Cholesky).
 */
export class DecayedRidge {
  readonly columnCount: number;
  readonly #keep: number;
  readonly #isRobust: boolean;
  readonly #prior: Float64Array;
  readonly #normal: Float64Array;
  readonly #products: Float64Array;
  /** Sums over rows: weight, weighed square of the target, absolute error, rows. */
  readonly #sums = new Float64Array(4);
  readonly #coefficients: Float64Array;
  readonly #factor: Float64Array;
  #rowsSinceSolved = 0;

  /** `keep` = what a row's weight is multiplied by when the next comes, 0..1. */
  constructor(options: { readonly prior: Float64Array; readonly keep: number; readonly isRobust: boolean }) {
    this.columnCount = options.prior.length;
    this.#keep = options.keep;
    this.#isRobust = options.isRobust;
    this.#prior = options.prior;
    this.#normal = new Float64Array(this.columnCount * this.columnCount);
    this.#products = new Float64Array(this.columnCount);
    this.#factor = new Float64Array(this.columnCount * this.columnCount);
    this.#coefficients = options.prior.slice();
  }

  predict(row: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < this.columnCount; i++) sum += this.#coefficients[i]! * row[i]!;
    return sum;
  }

  learn(row: Float64Array, target: number): void {
    const keep = this.#keep;
    const sums = this.#sums;
    let weight = 1;
    if (this.#isRobust) {
      const error = Math.abs(this.predict(row) - target);
      sums[2] = sums[2]! * keep + error;
      sums[3] = sums[3]! * keep + 1;
      const mean = sums[2]! / sums[3]!;
      weight = 1 / (errorFloor + (mean > 0 ? error / mean : 0));
    }
    const n = this.columnCount;
    for (let i = 0; i < n; i++) {
      // The product of the two columns first, so that the matrix stays symmetric to the last bit.
      for (let j = 0; j < n; j++)
        this.#normal[i * n + j] = this.#normal[i * n + j]! * keep + weight * (row[i]! * row[j]!);
      this.#products[i] = this.#products[i]! * keep + weight * row[i]! * target;
    }
    sums[0] = sums[0]! * keep + weight;
    sums[1] = sums[1]! * keep + weight * target * target;
    if (++this.#rowsSinceSolved === solveEvery) this.#solve();
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#normal);
    writer.array(this.#products);
    writer.array(this.#sums);
    writer.array(this.#coefficients);
    writer.numbers(this.#rowsSinceSolved);
  }

  load(reader: SnapshotReader): void {
    for (const array of [this.#normal, this.#products, this.#sums, this.#coefficients]) reader.into(array);
    this.#rowsSinceSolved = reader.numbers()[0]!;
  }

  #solve(): void {
    this.#rowsSinceSolved = 0;
    const meanSquare = this.#sums[0]! > 0 ? this.#sums[1]! / this.#sums[0]! : 0;
    // A series of zeros says nothing yet: the prior holds.
    if (!(meanSquare > 0)) {
      this.#coefficients.set(this.#prior);
      return;
    }
    solveRidge(this.#normal, this.#products, this.#prior, penaltyRows * meanSquare, this.#factor, this.#coefficients);
  }
}

/**
 * Coefficients x of (normal + penalty I) x = products + penalty prior, by Cholesky decomposition into `factor`. The matrix is positive definite, since a
 * matrix of sums of squares is positive semidefinite and the penalty positive; what rounding takes from a pivot the penalty gives back.
 * By hand, because a system of twelve is solved faster than a library's matrices are made: 1 against 16 microseconds.
 */
function solveRidge(
  normal: Float64Array,
  products: Float64Array,
  prior: Float64Array,
  penalty: number,
  factor: Float64Array,
  x: Float64Array,
): void {
  const n = products.length;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = normal[i * n + j]! + (i === j ? penalty : 0);
      for (let k = 0; k < j; k++) sum -= factor[i * n + k]! * factor[j * n + k]!;
      factor[i * n + j] = i === j ? Math.sqrt(Math.max(sum, penalty * pivotMin)) : sum / factor[j * n + j]!;
    }
  }
  for (let i = 0; i < n; i++) {
    let sum = products[i]! + penalty * prior[i]!;
    for (let k = 0; k < i; k++) sum -= factor[i * n + k]! * x[k]!;
    x[i] = sum / factor[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i]!;
    for (let k = i + 1; k < n; k++) sum -= factor[k * n + i]! * x[k]!;
    x[i] = sum / factor[i * n + i]!;
  }
}
