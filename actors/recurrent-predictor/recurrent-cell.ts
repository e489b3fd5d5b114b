/** The contract of recurrent cells: one step forward, and the same step backward. */

/** Parameters and gradients: single precision where they are stored, double where they are summed up or checked. */
export type Reals = Float32Array | Float64Array;

/**
 * A cell of `size` units whose input is one row of `size * gateCount` pre-activations (the input's own weights: an item is a one-hot vector,
 * so multiplying it by a matrix is looking up a row).
 *
 * A record is what a step leaves behind: `stateSize` numbers of state, then what the way back needs. Records lie in one array; the
 * caller guarantees a record of zeros before the first step. The hidden state is the first `size` numbers of a record.
 */
export interface RecurrentCell {
  readonly size: number;
  readonly gateCount: number;
  /** Parameters beside the input's rows. */
  readonly parameterCount: number;
  readonly stateSize: number;
  readonly recordSize: number;
  /** Sets the cell's parameters, which begin at `at`, to a start from which it learns; `next` draws from [0, 1). */
  initialize(values: Reals, at: number, next: () => number): void;
  /** Computes the record at `record` from the one at `before` and the input's row at `input`. */
  forward(values: Reals, at: number, input: number, records: Float64Array, before: number, record: number): void;
  /**
   * Adds the gradient of the loss to `gradients`. `stateGradient` holds the gradient by this step's state and afterwards that by the
   * state before.
   */
  backward(
    values: Reals,
    at: number,
    input: number,
    records: Float64Array,
    before: number,
    record: number,
    stateGradient: Float64Array,
    gradients: Float64Array,
  ): void;
}
