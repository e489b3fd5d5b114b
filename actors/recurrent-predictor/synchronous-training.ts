/** A trainer that works a request off before it answers: for replays and tests, where nobody else waits for the thread. */

import { RecurrentTrainer, type RecurrentTrainerOptions } from './recurrent-trainer.ts';
import type { TrainingPort, TrainingRequest, TrainingResult } from './training-port.ts';

/** Takes the caller's time, all of it at the request; there is nothing to cancel, and no share of a core to keep to. */
export class SynchronousTraining implements TrainingPort {
  readonly #trainer: RecurrentTrainer;

  constructor(options: RecurrentTrainerOptions) {
    this.#trainer = new RecurrentTrainer(options);
  }

  train(request: TrainingRequest): TrainingResult {
    const work = this.#trainer.train(request);
    for (;;) {
      const step = work.next();
      if (step.done) return step.value;
    }
  }

  cancel(): void {}

  async close(): Promise<void> {}
}
