/** What the near loop's settings say of the memories of order. */

import type { OrderCodeOptions } from '../sequence-predictor/order-module.ts';
import { recencyWeights, type SequencePredictorOptions } from '../sequence-predictor/sequence-predictor.ts';
import type { NearLoopConfig } from './near-loop-config.ts';
import { opinionNames } from './opinion-bins.ts';

export function orderOptionsOf(config: NearLoopConfig): Omit<SequencePredictorOptions, 'resident' | 'kernelAfter'> {
  const isOn = opinionNames.map((name) => config.experts.includes(name));
  return { ...config, bytesMax: config.modelBytesMax, isOn };
}

/** What they say of the code of a kernel for these memories alone. */
export function orderCodeOf({ degreeMax, lookahead }: NearLoopConfig): OrderCodeOptions {
  return { degree: degreeMax, weights: [...recencyWeights(lookahead)] };
}
