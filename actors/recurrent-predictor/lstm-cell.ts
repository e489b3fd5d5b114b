/** Long short-term memory. */

import { hyperbolicTangent, sigmoid } from './activations.ts';
import type { Reals, RecurrentCell } from './recurrent-cell.ts';

const GATES = 4;

/**
 * i, f, o = sigmoid(x + U h), g = tanh(x_g + U_g h), c' = f c + i g, h' = o tanh(c'). Parameters: U (4 size x size) in the order i, f, g, o, biases
 * (4 size), that of the forget gate starting at 1. A record: h', c', i, f, g, o, tanh(c').
 * Sources: Hochreiter and Schmidhuber 1997; forget gate: Gers, Schmidhuber and Cummins 2000. O(size squared) a step.
 */
export class LstmCell implements RecurrentCell {
  readonly size: number;
  readonly gateCount = GATES;
  readonly parameterCount: number;
  readonly stateSize: number;
  readonly recordSize: number;
  readonly #before: Float64Array;
  readonly #gates = new Float64Array(GATES);

  constructor(size: number) {
    this.size = size;
    this.parameterCount = GATES * size * (size + 1);
    this.stateSize = 2 * size;
    this.recordSize = 7 * size;
    this.#before = new Float64Array(2 * size);
  }

  initialize(values: Reals, at: number, next: () => number): void {
    const n = this.size;
    const bound = 1 / Math.sqrt(n);
    const bias = at + GATES * n * n;
    for (let i = at; i < bias; i++) values[i] = (2 * next() - 1) * bound;
    values.fill(0, bias, at + this.parameterCount);
    values.fill(1, bias + n, bias + 2 * n);
  }

  forward(values: Reals, at: number, input: number, records: Float64Array, before: number, record: number): void {
    const n = this.size;
    const bias = at + GATES * n * n;
    const gates = this.#gates;
    for (let j = 0; j < n; j++) {
      for (let gate = 0; gate < GATES; gate++) {
        const row = at + (gate * n + j) * n;
        let sum = values[input + gate * n + j]! + values[bias + gate * n + j]!;
        for (let k = 0; k < n; k++) sum += values[row + k]! * records[before + k]!;
        gates[gate] = gate === 2 ? hyperbolicTangent(sum) : sigmoid(sum);
      }
      const c = gates[1]! * records[before + n + j]! + gates[0]! * gates[2]!;
      const squashed = hyperbolicTangent(c);
      records[record + j] = gates[3]! * squashed;
      records[record + n + j] = c;
      for (let gate = 0; gate < GATES; gate++) records[record + (2 + gate) * n + j] = gates[gate]!;
      records[record + 6 * n + j] = squashed;
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
    const bias = at + GATES * n * n;
    const byBefore = this.#before.fill(0);
    const gates = this.#gates;
    for (let j = 0; j < n; j++) {
      const i = records[record + 2 * n + j]!;
      const f = records[record + 3 * n + j]!;
      const g = records[record + 4 * n + j]!;
      const o = records[record + 5 * n + j]!;
      const squashed = records[record + 6 * n + j]!;
      const dh = stateGradient[j]!;
      const dc = stateGradient[n + j]! + dh * o * (1 - squashed * squashed);
      byBefore[n + j] = dc * f;
      gates[0] = dc * g * i * (1 - i);
      gates[1] = dc * records[before + n + j]! * f * (1 - f);
      gates[2] = dc * i * (1 - g * g);
      gates[3] = dh * squashed * o * (1 - o);
      for (let gate = 0; gate < GATES; gate++) {
        const d = gates[gate]!;
        gradients[input + gate * n + j] = gradients[input + gate * n + j]! + d;
        gradients[bias + gate * n + j] = gradients[bias + gate * n + j]! + d;
        const row = at + (gate * n + j) * n;
        for (let k = 0; k < n; k++) {
          gradients[row + k] = gradients[row + k]! + d * records[before + k]!;
          byBefore[k] = byBefore[k]! + d * values[row + k]!;
        }
      }
    }
    stateGradient.set(byBefore);
  }
}
