/** The model of the next segment that the settings ask for. */

import { type NextItemConfigInput, nextItemConfigSchema } from './next-item-config.ts';
import { NextItemMixture } from './next-item-mixture.ts';
import type { NextItemModel } from './next-item-model.ts';
import { PpmModel } from './ppm-model.ts';

/** `config` is checked here; leave it out for the defaults. */
export function createNextItemModel(config: NextItemConfigInput = {}): NextItemModel {
  const { predictionModelType, modelBytesMax, ...rest } = nextItemConfigSchema.parse(config);
  const bytesMax = modelBytesMax;
  switch (predictionModelType) {
    case 'markov':
      return new PpmModel({ ...rest, bytesMax, orderMax: 1 });
    case 'ppm':
      return new PpmModel({ ...rest, bytesMax, orderMax: rest.ppmOrderMax });
    default:
      return new NextItemMixture({ ...rest, bytesMax });
  }
}
