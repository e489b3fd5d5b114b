/** Linear regression that is learnt row by row and forgets. */

import { CholeskyDecomposition, Matrix } from 'ml-matrix';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** What a coefficient's pull towards its prior weighs, in rows of the mean square of the target. */
const penaltyRows = 1;
/** Rows after which coefficients are computed anew: at 12 forecasts were as good as at 1, and a row costs a sixth. */
const solveEvery = 12;
/** Added to an error, in mean errors, before a row is weighed by its inverse. */
const errorFloor = 0.1;

/**
 * Ridge regression on exponentially decayed rows. The pull is towards a prior vector instead of zero, and is scaled by the
 * target's mean square, so that it means the same whatever the unit of the series.
 *
 * `isRobust` weighs each row by the inverse of the error that was made in forecasting it (iteratively reweighted least squares:
 * Holland and Welsch, Communications in Statistics A6, 1977; here one step a row, as rows come), which aims at the median instead of the mean and so at the
 * absolute error. O(columns^2) a row, O(columns^3) every twelfth (Cholesky of ml-matrix).
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
  #rowsSinceSolved = 0;

  /** `keep` = what a row's weight is multiplied by when the next comes, 0..1. */
  constructor(options: { readonly prior: Float64Array; readonly keep: number; readonly isRobust: boolean }) {
    this.columnCount = options.prior.length;
    this.#keep = options.keep;
    this.#isRobust = options.isRobust;
    this.#prior = options.prior;
    this.#normal = new Float64Array(this.columnCount * this.columnCount);
    this.#products = new Float64Array(this.columnCount);
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
    const n = this.columnCount;
    const meanSquare = this.#sums[0]! > 0 ? this.#sums[1]! / this.#sums[0]! : 0;
    // A series of zeros says nothing yet: the prior holds.
    if (!(meanSquare > 0)) {
      this.#coefficients.set(this.#prior);
      return;
    }
    const penalty = penaltyRows * meanSquare;
    const matrix = Matrix.from1DArray(n, n, this.#normal);
    const right = Matrix.zeros(n, 1);
    for (let i = 0; i < n; i++) {
      matrix.set(i, i, matrix.get(i, i) + penalty);
      right.set(i, 0, this.#products[i]! + penalty * this.#prior[i]!);
    }
    const solution = new CholeskyDecomposition(matrix).solve(right);
    for (let i = 0; i < n; i++) this.#coefficients[i] = solution.get(i, 0);
  }
}
