/** What a score has meant so far: for each bin of scores, the share of predictions that came true. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/**
 * Adaptive frequencies by bin. Each outcome moves its bin's probability by 1/(n + 2) of the error until n reaches
 * `memory`, from then on by 1/(memory + 2): exact averages at first, forgetting afterwards, so that a bin whose meaning drifts is relearned
 * within about `memory` outcomes. O(1), 6 bytes a bin.
 */
export class BinCalibration {
  readonly binCount: number;
  readonly #probability: Float32Array;
  readonly #trials: Uint16Array;
  readonly #memory: number;

  constructor(binCount: number, memory: number, prior: number | ((bin: number) => number)) {
    this.binCount = binCount;
    this.#memory = memory;
    this.#probability = new Float32Array(binCount);
    this.#trials = new Uint16Array(binCount);
    for (let bin = 0; bin < binCount; bin++) this.#probability[bin] = typeof prior === 'number' ? prior : prior(bin);
  }

  probabilityOf(bin: number): number {
    return this.#probability[bin]!;
  }

  /** Outcomes seen, up to the memory. */
  trialsOf(bin: number): number {
    return this.#trials[bin]!;
  }

  observe(bin: number, isTrue: number): void {
    const n = this.#trials[bin]!;
    const p = this.#probability[bin]!;
    // The prior counts as one outcome.
    this.#probability[bin] = p + (isTrue - p) / (n + 2);
    if (n < this.#memory) this.#trials[bin] = n + 1;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#probability);
    writer.array(this.#trials);
  }

  load(reader: SnapshotReader): void {
    reader.into(this.#probability);
    reader.into(this.#trials);
  }
}
