/** Trains a network on the sequences that come in and on a sample of earlier ones. */

import { assert } from '../../engine/assert.ts';
import { logarithm } from '../../engine/portable-math.ts';
import { type RandomSource, Xoshiro128 } from '../../engine/random.ts';
import { type NetworkShape, parameterCountOf, SequenceNetwork } from './sequence-network.ts';
import { SequenceStore } from './sequence-store.ts';
import type { TrainingRequest, TrainingResult } from './training-port.ts';

/** Share of the sample drawn evenly instead of by use, so that no item is never weighed against. */
const EVEN_SHARE = 0.25;
const SQUARES_FIRST = 0.05;
/** Predicted items that the sample is drawn from by use. */
const RECENT = 16384;

export interface RecurrentTrainerOptions {
  readonly shape: NetworkShape;
  readonly seed: number;
  readonly learningRate: number;
  /** Items that the true one is weighed against. */
  readonly sampleCount: number;
  /** Numbers that kept sequences may take, and earlier sequences learned again for each new one. */
  readonly replayNumbersMax: number;
  readonly replayShare: number;
  /** Share of the hidden units left out of each sequence in training (Srivastava et al., JMLR 2014). */
  readonly dropout: number;
}

/** Bytes of a trainer: parameters, their squares, their gradients, what a request may undo, and the sequences kept with where they start. */
export function trainerBytes({ shape, replayNumbersMax }: RecurrentTrainerOptions): number {
  return parameterCountOf(shape) * (4 + 4 + 8 + 8) + shape.itemCount * 20 + replayNumbersMax * 5 + RECENT * 4;
}

/**
 * Stochastic gradient descent, a sequence at a time, with AdaGrad's step sizes (Duchi, Hazan and Singer 2011); only rows that a sequence
 * touched are updated. Each new sequence is learned once when it comes, and `replayShare` earlier ones are drawn for it, which counters
 * forgetting. The same requests give the same parameters, however the work is sliced.
 */
export class RecurrentTrainer {
  readonly #options: RecurrentTrainerOptions;
  readonly #network: SequenceNetwork;
  readonly #values: Float32Array;
  readonly #squares: Float32Array;
  readonly #gradients: Float64Array;
  readonly #store: SequenceStore;
  /** The latest items that were predicted, and how often each is among them. */
  readonly #recent = new Int32Array(RECENT);
  readonly #counts: Uint32Array;
  #recentCount = 0;
  readonly #sample: Int32Array;
  readonly #logOdds: Float64Array;
  readonly #touched: Int32Array;
  readonly #mask: Float64Array;

  constructor(options: RecurrentTrainerOptions) {
    this.#options = options;
    const { shape } = options;
    const count = parameterCountOf(shape);
    this.#network = new SequenceNetwork(shape);
    this.#values = new Float32Array(count);
    this.#network.initialize(this.#values, new Xoshiro128(options.seed).fork('start'));
    this.#squares = new Float32Array(count).fill(SQUARES_FIRST);
    this.#gradients = new Float64Array(count);
    this.#store = new SequenceStore(options.replayNumbersMax, shape.itemCount);
    this.#counts = new Uint32Array(shape.itemCount);
    this.#sample = new Int32Array(options.sampleCount);
    this.#logOdds = new Float64Array(shape.itemCount);
    this.#mask = new Float64Array(shape.size);
    this.#touched = new Int32Array(shape.lengthMax + 1 + options.sampleCount);
  }

  /**
   * Works a request off; yields after each sequence, so that whoever runs it can rest or stop. Stopped (`return`) before its end it
   * leaves the parameters as they were; the sequences are kept for replay.
   */
  *train(request: TrainingRequest): Generator<void, TrainingResult, void> {
    const values = this.#values;
    const squares = this.#squares;
    const random = new Xoshiro128(this.#options.seed).fork(`request ${request.id}`);
    this.#renew(request, random);
    const before = { values: values.slice(), squares: squares.slice() };
    let isDone = false;
    try {
      const from = this.#store.append(request.sequences);
      this.#countItems(request.sequences);
      let loss = 0;
      let learned = 0;
      for (let sequence = from; sequence < this.#store.count; sequence++) {
        loss += this.#learn(sequence, random);
        learned++;
        yield;
      }
      const fresh = this.#store.count - from;
      const again = Math.round(fresh * this.#options.replayShare);
      for (let i = 0; i < again; i++) {
        const sequence = this.#store.draw(random);
        if (sequence < 0) continue;
        this.#learn(sequence, random);
        learned++;
        yield;
      }
      isDone = true;
      return { id: request.id, values: values.slice(), loss: fresh === 0 ? 0 : loss / fresh, sequenceCount: learned };
    } finally {
      if (!isDone) {
        values.set(before.values);
        squares.set(before.squares);
      }
    }
  }

  #renew({ start, renewedRows }: TrainingRequest, random: RandomSource): void {
    if (start !== null) {
      assert(start.length === this.#values.length, 'parameters of another shape');
      this.#values.set(start);
      this.#squares.fill(SQUARES_FIRST);
    }
    const { size } = this.#options.shape;
    const width = size * this.#network.cell.gateCount;
    for (const row of renewedRows) {
      this.#network.forgetItem(this.#values, row, random);
      this.#squares.fill(SQUARES_FIRST, this.#network.inputOf(row), this.#network.inputOf(row) + width);
      const output = this.#network.outputAt + row * size;
      this.#squares.fill(SQUARES_FIRST, output, output + size);
      this.#squares[this.#network.biasAt + row] = SQUARES_FIRST;
      this.#store.forgetItem(row);
    }
  }

  #countItems(sequences: Int32Array): void {
    for (let at = 0; at < sequences.length; at += 2 + sequences[at]!) {
      for (let i = at + 3 + sequences[at + 1]!; i < at + 2 + sequences[at]!; i++) {
        const place = this.#recentCount % RECENT;
        if (this.#recentCount >= RECENT) this.#counts[this.#recent[place]!]!--;
        this.#recent[place] = sequences[i]!;
        this.#counts[sequences[i]!]!++;
        this.#recentCount++;
      }
    }
    const kept = Math.max(1, Math.min(this.#recentCount, RECENT));
    const even = EVEN_SHARE / this.#counts.length;
    for (let item = 0; item < this.#counts.length; item++) {
      this.#logOdds[item] = logarithm(even + ((1 - EVEN_SHARE) * this.#counts[item]!) / kept);
    }
  }

  #learn(sequence: number, random: RandomSource): number {
    const { numbers } = this.#store;
    const at = this.#store.startOf(sequence);
    const from = at + 2;
    const to = from + numbers[at]!;
    const sample = this.#sample;
    const kept = Math.max(1, Math.min(this.#recentCount, RECENT));
    for (let i = 0; i < sample.length; i++) {
      const isEven = random.next() < EVEN_SHARE;
      sample[i] = isEven ? random.int(this.#counts.length) : this.#recent[random.int(kept)]!;
    }
    const skip = numbers[at + 1]!;
    const loss = this.#network.learn(
      this.#values,
      numbers,
      from,
      to,
      skip,
      sample,
      this.#logOdds,
      this.#drawMask(random),
      this.#gradients,
    );
    this.#step(numbers, from, to);
    return loss;
  }

  /** Units left out of one sequence; the others stand in for them. */
  #drawMask(random: RandomSource): Float64Array {
    const { dropout } = this.#options;
    const mask = this.#mask;
    for (let k = 0; k < mask.length; k++) mask[k] = random.next() < dropout ? 0 : 1 / (1 - dropout);
    return mask;
  }

  /** One step of AdaGrad on the cell and on the rows of these items and of the sample; gradients are zero afterwards. */
  #step(items: Int32Array, from: number, to: number): void {
    const { inputAt, outputAt, biasAt, cell } = this.#network;
    const { size } = this.#options.shape;
    this.#descend(0, inputAt);
    const touched = this.#touched;
    let count = 0;
    for (let i = from; i < to; i++) touched[count++] = items[i]!;
    for (const item of this.#sample) touched[count++] = item;
    const width = size * cell.gateCount;
    for (let i = 0; i < count; i++) {
      const item = touched[i]!;
      if (i < to - from) this.#descend(inputAt + item * width, width);
      this.#descend(outputAt + item * size, size);
      this.#descend(biasAt + item, 1);
    }
  }

  #descend(at: number, count: number): void {
    const gradients = this.#gradients;
    const rate = this.#options.learningRate;
    for (let i = at; i < at + count; i++) {
      const g = gradients[i]!;
      // A row that was met twice is at rest by now.
      if (g === 0) continue;
      const squares = this.#squares[i]! + g * g;
      this.#squares[i] = squares;
      this.#values[i] = this.#values[i]! - (rate * g) / Math.sqrt(squares);
      gradients[i] = 0;
    }
  }
}
