/** A trainer in a thread of its own. */

import type { AnteroomError } from '../../engine/errors.ts';
import { WorkerThread } from '../../engine/host/worker-thread.ts';
import { type RecurrentTrainerOptions, trainerBytes } from './recurrent-trainer.ts';
import type { TrainingPort, TrainingRequest, TrainingResult } from './training-port.ts';

/** Heap for the thread's code and messages; what it learns lies outside the heap and is bounded by its settings. */
const HEAP_MIB = 128;

export type WorkerTrainingOptions = RecurrentTrainerOptions & { readonly cpuShare: number };
export type ToTrainer =
  | { readonly kind: 'train'; readonly request: TrainingRequest }
  | { readonly kind: 'cancel'; readonly id: number };
export type FromTrainer =
  | { readonly kind: 'trained'; readonly id: number; readonly result: TrainingResult }
  | { readonly kind: 'cancelled'; readonly id: number };

interface Waiting {
  resolve(result: TrainingResult | null): void;
  reject(error: AnteroomError): void;
}

/** Requests fail with AnteroomError 'actor-stopped' once the thread has failed. */
export class WorkerTraining implements TrainingPort {
  readonly #thread: WorkerThread;
  readonly #waiting = new Map<number, Waiting>();
  #failure: AnteroomError | null = null;

  /** `module`: the built `training-worker.js`, where this file does not stand beside it. */
  constructor(options: WorkerTrainingOptions, module: URL = new URL('./training-worker.js', import.meta.url)) {
    this.#thread = new WorkerThread({
      module,
      data: options,
      heapMiBMax: HEAP_MIB + Math.ceil(trainerBytes(options) / 2 ** 20),
      onMessage: (message) => this.#receive(message as FromTrainer),
      onFailure: (error) => {
        this.#failure = error;
        for (const { reject } of this.#waiting.values()) reject(error);
        this.#waiting.clear();
      },
    });
    this.#thread.setAwaited(false);
  }

  train(request: TrainingRequest): Promise<TrainingResult | null> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request.id, { resolve, reject });
      this.#thread.setAwaited(true);
      const message: ToTrainer = { kind: 'train', request };
      this.#thread.post(message, [request.sequences.buffer as ArrayBuffer]);
    });
  }

  cancel(id: number): void {
    const message: ToTrainer = { kind: 'cancel', id };
    this.#thread.post(message);
  }

  async close(): Promise<void> {
    await this.#thread.close();
    for (const { resolve } of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }

  #receive(message: FromTrainer): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#thread.setAwaited(false);
    waiting?.resolve(message.kind === 'trained' ? message.result : null);
  }
}
