/** A trainer behind messages: works requests off in order, at its pace, until told to stop. */

import type { Clock } from '../../engine/clock.ts';
import { runPaced } from './paced-training.ts';
import { RecurrentTrainer, type RecurrentTrainerOptions } from './recurrent-trainer.ts';
import type { TrainingPort, TrainingRequest, TrainingResult } from './training-port.ts';

/** Milliseconds between two looks at the messages. */
const SLICE_MS = 5;

/** A {@link TrainingPort} in the caller's own thread; a worker has one behind its messages. */
export class TrainingHost implements TrainingPort {
  readonly #trainer: RecurrentTrainer;
  readonly #clock: Clock;
  readonly #cpuShare: number;
  readonly #cancelled = new Set<number>();
  #isClosed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: RecurrentTrainerOptions & { readonly cpuShare: number }, clock: Clock) {
    this.#trainer = new RecurrentTrainer(options);
    this.#clock = clock;
    this.#cpuShare = options.cpuShare;
  }

  train(request: TrainingRequest): Promise<TrainingResult | null> {
    const result = this.#last.then(() =>
      runPaced(this.#trainer.train(request), {
        clock: this.#clock,
        cpuShare: this.#cpuShare,
        sliceMs: SLICE_MS,
        isCancelled: () => this.#isClosed || this.#cancelled.has(request.id),
      }),
    );
    this.#last = result.finally(() => this.#cancelled.delete(request.id));
    return result;
  }

  cancel(id: number): void {
    this.#cancelled.add(id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
  }
}
