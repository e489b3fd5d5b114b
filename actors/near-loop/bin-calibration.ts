/** What a score has meant so far: for each bin of scores, the share of predictions that came true. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { stretch } from './stretch.ts';

/**
 * Adaptive frequencies by bin. Each outcome moves its bin's probability by 1/(n + 2) of the error until n reaches
 * `memory`, from then on by 1/(memory + 2): exact averages at first, forgetting afterwards, so that a bin whose meaning drifts is relearned
 * within about `memory` outcomes. Log-odds are kept beside, because they are read far more often than written. O(1), 10 bytes a bin.
 */
export class BinCalibration {
  readonly binCount: number;
  /** `stretch` of each bin's probability; to be read only. */
  logOdds: Float32Array;
  #probability: Float32Array;
  #trials: Uint16Array;
  /** Outcomes that a bin remembers. */
  readonly memory: number;

  /** The prior counts as one outcome and `priorTrials` more, which matters where outcomes are rare. */
  constructor(binCount: number, memory: number, prior: number | ((bin: number) => number), priorTrials = 0) {
    this.binCount = binCount;
    this.memory = memory;
    this.#probability = new Float32Array(binCount);
    this.logOdds = new Float32Array(binCount);
    this.#trials = new Uint16Array(binCount).fill(Math.min(memory, priorTrials));
    for (let bin = 0; bin < binCount; bin++) {
      const p = typeof prior === 'number' ? prior : prior(bin);
      this.#probability[bin] = p;
      this.logOdds[bin] = stretch(p);
    }
  }

  /** Of each bin, and outcomes seen; for whoever goes on with them in place. */
  get probability(): Float32Array {
    return this.#probability;
  }

  get trials(): Uint16Array {
    return this.#trials;
  }

  /** Goes on in these, which must hold what it has. */
  adopt(probability: Float32Array, logOdds: Float32Array, trials: Uint16Array): void {
    this.#probability = probability;
    this.logOdds = logOdds;
    this.#trials = trials;
  }

  probabilityOf(bin: number): number {
    return this.#probability[bin]!;
  }

  /** Outcomes seen and those that the prior counts for, up to the memory. */
  trialsOf(bin: number): number {
    return this.#trials[bin]!;
  }

  observe(bin: number, isTrue: number): void {
    const n = this.#trials[bin]!;
    const p = this.#probability[bin]!;
    const moved = p + (isTrue - p) / (n + 2);
    this.#probability[bin] = moved;
    this.logOdds[bin] = stretch(moved);
    if (n < this.memory) this.#trials[bin] = n + 1;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#probability);
    writer.array(this.logOdds);
    writer.array(this.#trials);
  }

  load(reader: SnapshotReader): void {
    reader.into(this.#probability);
    reader.into(this.logOdds);
    reader.into(this.#trials);
  }
}
