/** A recurrent network that reads a sequence of items and scores every item as the next one. */

import { assert } from '../../engine/assert.ts';
import { exponential, logarithm } from '../../engine/portable-math.ts';
import type { RandomSource } from '../../engine/random.ts';
import { GruCell } from './gru-cell.ts';
import { LstmCell } from './lstm-cell.ts';
import type { Reals, RecurrentCell } from './recurrent-cell.ts';

export const cellNames = ['gru', 'lstm'] as const;
export type CellName = (typeof cellNames)[number];

export interface NetworkShape {
  readonly cell: CellName;
  /** Hidden units. */
  readonly size: number;
  /** Items that can be told apart, as rows from 0. */
  readonly itemCount: number;
  /** Items in a sequence at most. */
  readonly lengthMax: number;
}

/** Parameters of a network of this shape. */
export function parameterCountOf({ cell, size, itemCount }: NetworkShape): number {
  const { gateCount, parameterCount } = createCell(cell, size);
  return parameterCount + itemCount * (size * gateCount + size + 1);
}

/**
 * Parameters in one array: the cell's, then a row of pre-activations for each item as input, then a row of weights for each item as output,
 * then a bias for each item. Score of item y after hidden state h: W_y . h + b_y.
 *
 * Training weighs the true item against a sample instead of all (sampled softmax: Jean et al., ACL 2015), with scores
 * corrected by the logarithm of how likely each was to be drawn. Backpropagation through the whole sequence.
 * Source of the idea: Hidasi et al., "Session-based recommendations with recurrent neural networks" (ICLR 2016).
 * O(length x (size squared + sample x size)) a sequence in training, O(items x size) a ranking.
 */
export class SequenceNetwork {
  readonly shape: NetworkShape;
  readonly cell: RecurrentCell;
  /** First of the inputs' rows; parameters before it belong to the cell. */
  readonly inputAt: number;
  readonly outputAt: number;
  readonly biasAt: number;
  readonly #records: Float64Array;
  readonly #hiddenGradients: Float64Array;
  readonly #stateGradient: Float64Array;
  readonly #masked: Float64Array;
  #scores = new Float64Array(64);

  constructor(shape: NetworkShape) {
    this.shape = shape;
    this.cell = createCell(shape.cell, shape.size);
    const { recordSize, stateSize, gateCount, parameterCount } = this.cell;
    this.inputAt = parameterCount;
    this.outputAt = this.inputAt + shape.itemCount * shape.size * gateCount;
    this.biasAt = this.outputAt + shape.itemCount * shape.size;
    // A record of zeros stands before the first step.
    this.#records = new Float64Array((shape.lengthMax + 1) * recordSize);
    this.#hiddenGradients = new Float64Array(shape.lengthMax * shape.size);
    this.#stateGradient = new Float64Array(stateSize);
    this.#masked = new Float64Array(shape.size);
  }

  /** A start from which it learns: small random weights, no opinion about any item. */
  initialize(values: Reals, random: RandomSource): void {
    assert(values.length === parameterCountOf(this.shape), 'parameters of another shape');
    this.cell.initialize(values, 0, () => random.next());
    for (let item = 0; item < this.shape.itemCount; item++) this.forgetItem(values, item, random);
  }

  /** The item's row begins anew: another item takes it. */
  forgetItem(values: Reals, item: number, random: RandomSource): void {
    const { size } = this.shape;
    const width = size * this.cell.gateCount;
    for (let i = 0; i < width; i++) values[this.inputAt + item * width + i] = (random.next() - 0.5) * 0.2;
    for (let i = 0; i < size; i++) values[this.outputAt + item * size + i] = (random.next() - 0.5) * 0.2;
    values[this.biasAt + item] = 0;
  }

  /** Where an item's row of pre-activations begins. */
  inputOf(item: number): number {
    return this.inputAt + item * this.shape.size * this.cell.gateCount;
  }

  /** Scores items 0 to `itemCount - 1` after the sequence, into `scores`. */
  score(values: Reals, items: Int32Array, from: number, to: number, itemCount: number, scores: Float64Array): void {
    this.#read(values, items, from, to);
    const { size } = this.shape;
    const hidden = (to - from) * this.cell.recordSize;
    const records = this.#records;
    for (let item = 0; item < itemCount; item++) {
      const row = this.outputAt + item * size;
      let score = values[this.biasAt + item]!;
      for (let k = 0; k < size; k++) score += values[row + k]! * records[hidden + k]!;
      scores[item] = score;
    }
  }

  /**
   * Mean loss, in nats a prediction, of items `from + skip + 1` to `to - 1` each predicted from those before it, and its gradient, added to `gradients`.
   * `sample`: items to weigh against; `logOdds[i]`: logarithm of how likely item i was to be drawn. `mask`: what each hidden unit is multiplied by
   * before it is scored; ones for none, or zeros and 1 / (1 - share) for dropout.
   */
  learn(
    values: Reals,
    items: Int32Array,
    from: number,
    to: number,
    skip: number,
    sample: Int32Array,
    logOdds: Float64Array,
    mask: Float64Array,
    gradients: Float64Array,
  ): number {
    const { cell } = this;
    const { size } = this.shape;
    const steps = to - from - 1;
    const predictions = steps - skip;
    if (predictions < 1) return 0;
    this.#read(values, items, from, to - 1);
    const hiddenGradients = this.#hiddenGradients.fill(0, 0, steps * size);
    let loss = 0;
    for (let step = skip; step < steps; step++) {
      loss += this.#contrast(values, items[from + step + 1]!, step, sample, logOdds, mask, 1 / predictions, gradients);
    }
    const stateGradient = this.#stateGradient.fill(0);
    for (let step = steps - 1; step >= 0; step--) {
      for (let k = 0; k < size; k++) stateGradient[k] = stateGradient[k]! + hiddenGradients[step * size + k]!;
      const input = this.inputOf(items[from + step]!);
      const before = step * cell.recordSize;
      cell.backward(values, 0, input, this.#records, before, before + cell.recordSize, stateGradient, gradients);
    }
    return loss / predictions;
  }

  #read(values: Reals, items: Int32Array, from: number, to: number): void {
    const { recordSize } = this.cell;
    assert(to - from <= this.shape.lengthMax, 'a sequence longer than the network takes');
    for (let i = from, at = 0; i < to; i++, at += recordSize) {
      this.cell.forward(values, 0, this.inputOf(items[i]!), this.#records, at, at + recordSize);
    }
  }

  /** Softmax of the true item against the sample after one step; gives its loss. */
  #contrast(
    values: Reals,
    truth: number,
    step: number,
    sample: Int32Array,
    logOdds: Float64Array,
    mask: Float64Array,
    scale: number,
    gradients: Float64Array,
  ): number {
    const { size } = this.shape;
    const records = this.#records;
    const hidden = (step + 1) * this.cell.recordSize;
    const masked = this.#masked;
    for (let k = 0; k < size; k++) masked[k] = records[hidden + k]! * mask[k]!;
    if (this.#scores.length <= sample.length) this.#scores = new Float64Array(sample.length + 1);
    const scores = this.#scores;
    let best = -Infinity;
    for (let i = 0; i <= sample.length; i++) {
      const item = i === 0 ? truth : sample[i - 1]!;
      // A draw of the true item would make it its own rival.
      if (i > 0 && item === truth) {
        scores[i] = -Infinity;
        continue;
      }
      const row = this.outputAt + item * size;
      let score = values[this.biasAt + item]! - logOdds[item]!;
      for (let k = 0; k < size; k++) score += values[row + k]! * masked[k]!;
      scores[i] = score;
      if (score > best) best = score;
    }
    let sum = 0;
    const truthScore = scores[0]!;
    for (let i = 0; i <= sample.length; i++) {
      const e = exponential(scores[i]! - best);
      scores[i] = e;
      sum += e;
    }
    const hiddenGradients = this.#hiddenGradients;
    for (let i = 0; i <= sample.length; i++) {
      const error = (scores[i]! / sum - (i === 0 ? 1 : 0)) * scale;
      if (error === 0) continue;
      const item = i === 0 ? truth : sample[i - 1]!;
      const row = this.outputAt + item * size;
      gradients[this.biasAt + item] = gradients[this.biasAt + item]! + error;
      for (let k = 0; k < size; k++) {
        hiddenGradients[step * size + k] = hiddenGradients[step * size + k]! + error * values[row + k]! * mask[k]!;
        gradients[row + k] = gradients[row + k]! + error * masked[k]!;
      }
    }
    return logarithm(sum) - (truthScore - best);
  }
}

function createCell(name: CellName, size: number): RecurrentCell {
  return name === 'gru' ? new GruCell(size) : new LstmCell(size);
}
