/** Gated recurrent unit. */

import { hyperbolicTangent, sigmoid } from './activations.ts';
import type { Reals, RecurrentCell } from './recurrent-cell.ts';

/**
 * r = sigmoid(x_r + U_r h), z = sigmoid(x_z + U_z h), n = tanh(x_n + r (U_n h + c)), h' = (1 - z) n + z h, with the reset gate behind the
 * product, as libraries have it. Parameters: U (3 size x size), biases of the gates (3 size), c (size). A record: h', r, z, n, U_n h + c.
 * Source: Cho et al., "Learning phrase representations using RNN encoder-decoder" (EMNLP 2014). O(size squared) a step.
 */
export class GruCell implements RecurrentCell {
  readonly size: number;
  readonly gateCount = 3;
  readonly parameterCount: number;
  readonly stateSize: number;
  readonly recordSize: number;
  readonly #before: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.parameterCount = 3 * size * size + 4 * size;
    this.stateSize = size;
    this.recordSize = 5 * size;
    this.#before = new Float64Array(size);
  }

  initialize(values: Reals, at: number, next: () => number): void {
    const bound = 1 / Math.sqrt(this.size);
    const matrixEnd = at + 3 * this.size * this.size;
    for (let i = at; i < matrixEnd; i++) values[i] = (2 * next() - 1) * bound;
    values.fill(0, matrixEnd, at + this.parameterCount);
  }

  forward(values: Reals, at: number, input: number, records: Float64Array, before: number, record: number): void {
    const n = this.size;
    const bias = at + 3 * n * n;
    for (let j = 0; j < n; j++) {
      let reset = 0;
      let update = 0;
      let fresh = 0;
      const row = at + j * n;
      for (let k = 0; k < n; k++) {
        const h = records[before + k]!;
        reset += values[row + k]! * h;
        update += values[row + n * n + k]! * h;
        fresh += values[row + 2 * n * n + k]! * h;
      }
      const r = sigmoid(values[input + j]! + values[bias + j]! + reset);
      const z = sigmoid(values[input + n + j]! + values[bias + n + j]! + update);
      const s = fresh + values[bias + 3 * n + j]!;
      const candidate = hyperbolicTangent(values[input + 2 * n + j]! + values[bias + 2 * n + j]! + r * s);
      records[record + j] = (1 - z) * candidate + z * records[before + j]!;
      records[record + n + j] = r;
      records[record + 2 * n + j] = z;
      records[record + 3 * n + j] = candidate;
      records[record + 4 * n + j] = s;
    }
  }

  backward(
    values: Reals,
    at: number,
    input: number,
    records: Float64Array,
    before: number,
    record: number,
    stateGradient: Float64Array,
    gradients: Float64Array,
  ): void {
    const n = this.size;
    const bias = at + 3 * n * n;
    const byBefore = this.#before.fill(0);
    for (let j = 0; j < n; j++) {
      const r = records[record + n + j]!;
      const z = records[record + 2 * n + j]!;
      const candidate = records[record + 3 * n + j]!;
      const s = records[record + 4 * n + j]!;
      const dh = stateGradient[j]!;
      byBefore[j] = byBefore[j]! + dh * z;
      const dCandidate = dh * (1 - z) * (1 - candidate * candidate);
      const dUpdate = dh * (records[before + j]! - candidate) * z * (1 - z);
      const dFresh = dCandidate * r;
      const dReset = dCandidate * s * r * (1 - r);
      gradients[input + j] = gradients[input + j]! + dReset;
      gradients[input + n + j] = gradients[input + n + j]! + dUpdate;
      gradients[input + 2 * n + j] = gradients[input + 2 * n + j]! + dCandidate;
      gradients[bias + j] = gradients[bias + j]! + dReset;
      gradients[bias + n + j] = gradients[bias + n + j]! + dUpdate;
      gradients[bias + 2 * n + j] = gradients[bias + 2 * n + j]! + dCandidate;
      gradients[bias + 3 * n + j] = gradients[bias + 3 * n + j]! + dFresh;
      const row = at + j * n;
      for (let k = 0; k < n; k++) {
        const h = records[before + k]!;
        gradients[row + k] = gradients[row + k]! + dReset * h;
        gradients[row + n * n + k] = gradients[row + n * n + k]! + dUpdate * h;
        gradients[row + 2 * n * n + k] = gradients[row + 2 * n * n + k]! + dFresh * h;
        byBefore[k] =
          byBefore[k]! +
          dReset * values[row + k]! +
          dUpdate * values[row + n * n + k]! +
          dFresh * values[row + 2 * n * n + k]!;
      }
    }
    stateGradient.set(byBefore);
  }
}
