/** A recurrent network as a model of the next segment: reads the consumer's trail, is trained beside, adopts what was trained at a log position. */

import { assert } from '../../engine/assert.ts';
import { type Snapshot, SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { quickExponential } from '../sequence-predictor/choice-math.ts';
import { ConsumerTrails } from '../sequence-predictor/consumer-trails.ts';
import type { NextItemModel, NextItemRanking } from '../sequence-predictor/next-item-model.ts';
import { ItemRows } from './item-rows.ts';
import { PendingSequences } from './pending-sequences.ts';
import type { RecurrentConfig } from './recurrent-config.ts';
import { trainerBytes } from './recurrent-trainer.ts';
import { type CellName, parameterCountOf, SequenceNetwork } from './sequence-network.ts';
import type { TrainingPort, TrainingResult } from './training-port.ts';

/** What of the bytes may go to consumers' trails. */
const TRAIL_SHARE = 0.15;

export interface RecurrentModelOptions extends RecurrentConfig {
  readonly cell: CellName;
  /** Bytes of everything, the trainer's included. */
  readonly bytesMax: number;
}

/** What a trainer for such a model has to be made with. */
export function trainerOptionsOf(options: RecurrentModelOptions) {
  const { cell, size, lengthMax } = options;
  const shape = { cell, size, itemCount: itemCountOf(options), lengthMax };
  const { seed, learningRate, sampleCount, replayNumbersMax, replayShare, dropout, cpuShare } = options;
  return { shape, seed, learningRate, sampleCount, replayNumbersMax, replayShare, dropout, cpuShare };
}

/**
 * Every `trainEverySteps` steps the new sequences go to the trainer; what it learned is adopted `adoptAfterSteps` later, whenever it was
 * ready before. Who awaits {@link adoptionDue} after each access decides the same in every run; who does not never waits, and adopts what is late
 * at the next access. A request that is still at work when the next is due makes that wait for it.
 *
 * The hidden state is not kept but computed anew from the latest `lengthMax` segments, as in training. A segment whose row was not
 * trained yet is neither read nor named. O(length x size squared + rows x size) a forecast.
 */
export class RecurrentModel implements NextItemModel {
  readonly name: CellName;
  readonly #options: RecurrentModelOptions;
  readonly #port: TrainingPort;
  readonly #network: SequenceNetwork;
  readonly #trails: ConsumerTrails;
  readonly #rows: ItemRows;
  readonly #pending: PendingSequences;
  readonly #scores: Float64Array;
  readonly #sequence: Int32Array;
  #values: Float32Array | null = null;
  #isRestored = false;
  #stepCount = 0;
  #requestCount = 0;
  #dueAt = Number.NaN;
  #training: Promise<void> | null = null;
  #result: TrainingResult | null = null;

  constructor(options: RecurrentModelOptions, port: TrainingPort) {
    const { shape } = trainerOptionsOf(options);
    this.name = options.cell;
    this.#options = options;
    this.#port = port;
    this.#network = new SequenceNetwork(shape);
    this.#trails = new ConsumerTrails({
      consumerCountMax: options.consumerCountMax,
      bytesMax: TRAIL_SHARE * options.bytesMax,
    });
    this.#rows = new ItemRows(shape.itemCount);
    this.#pending = new PendingSequences(options.lengthMax, options.replayNumbersMax / 2);
    this.#scores = new Float64Array(shape.itemCount);
    this.#sequence = new Int32Array(options.lengthMax);
  }

  get bytes(): number {
    const trainer = trainerBytes(trainerOptionsOf(this.#options));
    const own = parameterCountOf(this.#network.shape) * 4 + this.#scores.byteLength;
    return trainer + own + this.#trails.bytes + this.#rows.bytes;
  }

  get evictedCount(): number {
    return this.#trails.evictedCount + this.#rows.evictedCount + this.#pending.droppedCount;
  }

  /** Trainings adopted so far, and trainings that failed. */
  adoptedCount = 0;
  failedCount = 0;

  observe(consumer: number, segment: number, timeMs: number): void {
    const trails = this.#trails;
    const trail = trails.trailOf(consumer);
    const steps = trails.stepCount(trail);
    if (steps > 0 && trails.segmentAt(trail, 0) === segment) {
      trails.repeat(trail, timeMs);
      return;
    }
    const row = this.#rows.use(segment);
    if (!this.#pending.has(consumer)) {
      const context = Math.min(steps, this.#options.lengthMax >> 1);
      for (let back = context - 1; back >= 0; back--) {
        this.#pending.begin(consumer, this.#rows.find(trails.segmentAt(trail, back)));
      }
    }
    this.#pending.add(consumer, row);
    trails.push(trail, segment, timeMs);
    this.#stepCount++;
    if (this.#stepCount % this.#options.trainEverySteps === 0) this.#request();
    if (this.#result !== null && this.#stepCount >= this.#dueAt) this.#adopt();
  }

  /** Resolves once the training that is due at this log position has been adopted; undefined = none is due. */
  adoptionDue(): Promise<void> | undefined {
    if (this.#training === null || this.#stepCount < this.#dueAt) return undefined;
    return this.#training.then(() => {
      if (this.#result !== null) this.#adopt();
    });
  }

  /** Ends training; forecasts go on with what was adopted. */
  async close(): Promise<void> {
    await this.#port.close();
    await this.#training;
  }

  forecast(consumer: number, into: NextItemRanking): void {
    into.count = 0;
    const trail = this.#trails.find(consumer);
    if (trail < 0 || this.#values === null) return;
    const latest = this.#trails.segmentAt(trail, 0);
    const length = this.#readable(trail);
    if (length === 0) return;
    const scores = this.#scores;
    const rows = this.#rows;
    this.#network.score(this.#values, this.#sequence, 0, length, rows.count, scores);
    let best = -Infinity;
    for (let row = 0; row < rows.count; row++) {
      if (!rows.isTrained(row) || rows.segmentOf(row) === latest) scores[row] = -Infinity;
      else if (scores[row]! > best) best = scores[row]!;
    }
    let sum = 0;
    for (let row = 0; row < rows.count; row++) sum += quickExponential(scores[row]! - best);
    for (let row = 0; row < rows.count; row++) {
      const p = quickExponential(scores[row]! - best) / sum;
      if (p > 0) into.offer(rows.segmentOf(row), p);
    }
  }

  /** The parameters adopted, rows and trails; what the trainer keeps for replay, and what is in training, is not in it. */
  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    writer.numbers(this.#stepCount, this.#requestCount, this.adoptedCount);
    writer.array(this.#values ?? new Float32Array(0));
    this.#trails.save(writer);
    this.#rows.save(writer);
    return writer.finish();
  }

  restore(snapshot: Snapshot): void {
    assert(this.#requestCount === 0, 'a recurrent model is restored before it is used');
    const reader = new SnapshotReader(snapshot);
    const [stepCount, requestCount, adoptedCount] = reader.numbers();
    this.#stepCount = stepCount!;
    this.#requestCount = requestCount!;
    this.adoptedCount = adoptedCount!;
    const values = reader.array(new Float32Array(0));
    assert(
      values.length === 0 || values.length === parameterCountOf(this.#network.shape),
      'a snapshot made with other settings',
    );
    this.#values = values.length === 0 ? null : values;
    this.#isRestored = this.#values !== null;
    this.#trails.load(reader);
    this.#rows.load(reader);
  }

  /** Rows of the consumer's trail that the network knows, oldest first, into the sequence; gives how many. */
  #readable(trail: number): number {
    const steps = Math.min(this.#trails.stepCount(trail), this.#options.lengthMax);
    let length = 0;
    for (let back = steps - 1; back >= 0; back--) {
      const row = this.#rows.find(this.#trails.segmentAt(trail, back));
      if (row >= 0 && this.#rows.isTrained(row)) this.#sequence[length++] = row;
      else if (back === 0) return 0;
    }
    return length;
  }

  #request(): void {
    // One at a time: what comes meanwhile waits for the next request.
    if (this.#training !== null) return;
    const id = ++this.#requestCount;
    this.#dueAt = this.#stepCount + this.#options.adoptAfterSteps;
    const request = {
      id,
      sequences: this.#pending.take(),
      renewedRows: this.#rows.takeRenewed(id),
      start: this.#isRestored ? this.#values : null,
    };
    this.#isRestored = false;
    const trained = this.#port.train(request);
    if (!(trained instanceof Promise)) {
      this.#result = trained;
      this.#training = Promise.resolve();
      return;
    }
    this.#training = trained.then(
      (result) => {
        this.#result = result;
        if (result === null) this.#training = null;
      },
      () => {
        // A trainer that is gone costs what it would have learned, not the forecasts.
        this.failedCount++;
        this.#training = null;
      },
    );
  }

  #adopt(): void {
    this.#values = this.#result!.values;
    this.#rows.adopt(this.#result!.id);
    this.#result = null;
    this.#training = null;
    this.adoptedCount++;
  }
}

function itemCountOf(options: RecurrentModelOptions): number {
  const { cell, size, itemCountMax, bytesMax } = options;
  const shape = { cell, size, lengthMax: 2 };
  const one = parameterCountOf({ ...shape, itemCount: 1 }) - parameterCountOf({ ...shape, itemCount: 0 });
  // Parameters stand here once and in the trainer with their squares, gradients and what may be undone.
  const bytes = one * (4 + 24) + 20 + 48;
  const fixed = trainerBytes({ ...options, shape: { ...shape, itemCount: 0 } });
  const left = (1 - TRAIL_SHARE) * bytesMax - fixed - parameterCountOf({ ...shape, itemCount: 0 }) * 4;
  return Math.max(8, Math.min(itemCountMax, Math.floor(left / bytes)));
}
