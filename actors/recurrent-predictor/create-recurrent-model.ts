/** A recurrent model with its trainer. */

import { type RecurrentConfigInput, recurrentConfigSchema } from './recurrent-config.ts';
import { RecurrentModel, trainerOptionsOf } from './recurrent-model.ts';
import type { CellName } from './sequence-network.ts';
import type { TrainingPort } from './training-port.ts';
import { WorkerTraining, type WorkerTrainingOptions } from './worker-training.ts';

export type StartTrainer = (options: WorkerTrainingOptions) => TrainingPort;

/** `config` is checked here. `startTrainer`: a thread of its own where it is left out. To be closed when it is done with. */
export function createRecurrentModel(
  cell: CellName,
  bytesMax: number,
  config: RecurrentConfigInput = {},
  startTrainer: StartTrainer = (options) => new WorkerTraining(options),
): RecurrentModel {
  const options = { ...recurrentConfigSchema.parse(config), cell, bytesMax };
  return new RecurrentModel(options, startTrainer(trainerOptionsOf(options)));
}
