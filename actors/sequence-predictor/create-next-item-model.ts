/** The model of the next segment that the settings ask for. */

import { createRecurrentModel, type StartTrainer } from '../recurrent-predictor/create-recurrent-model.ts';
import { SynchronousTraining } from '../recurrent-predictor/synchronous-training.ts';
import { type NextItemConfigInput, nextItemConfigSchema } from './next-item-config.ts';
import { NextItemMixture } from './next-item-mixture.ts';
import type { NextItemModel } from './next-item-model.ts';
import { PpmModel } from './ppm-model.ts';

/**
 * `config` is checked here; leave it out for the defaults. Recurrent models are trained in the caller's own time unless `startTrainer` says otherwise;
 * where it starts a thread, see `RecurrentModel` on waiting for it.
 */
export function createNextItemModel(
  config: NextItemConfigInput = {},
  startTrainer: StartTrainer = (options) => new SynchronousTraining(options),
): NextItemModel {
  const { predictionModelType, modelBytesMax, recurrent, ...rest } = nextItemConfigSchema.parse(config);
  const bytesMax = modelBytesMax;
  switch (predictionModelType) {
    case 'markov':
      return new PpmModel({ ...rest, bytesMax, orderMax: 1 });
    case 'ppm':
      return new PpmModel({ ...rest, bytesMax, orderMax: rest.ppmOrderMax });
    case 'gru':
    case 'lstm':
      return createRecurrentModel(predictionModelType, bytesMax, recurrent, startTrainer);
    default: {
      const half = bytesMax / (1 + rest.recurrentExperts.length);
      const experts = rest.recurrentExperts.map((cell) => createRecurrentModel(cell, half, recurrent, startTrainer));
      return new NextItemMixture({ ...rest, bytesMax: half }, experts);
    }
  }
}
