/** Settings of the models of the next segment: every default in one place, chosen once for all traces. */

import { z } from 'zod';
import { recurrentConfigSchema } from '../recurrent-predictor/recurrent-config.ts';

const count = (min: number, max = 2 ** 31 - 1) => z.int().min(min).max(max);

export const predictionModelTypes = ['ensemble', 'markov', 'ppm', 'gru', 'lstm'] as const;
export type PredictionModelType = (typeof predictionModelTypes)[number];

export const nextItemConfigSchema = z
  .strictObject({
    predictionModelType: z
      .enum(predictionModelTypes)
      .default('ensemble')
      .describe('Which model ranks the next segment: the ensemble, or a single expert.'),
    modelBytesMax: count(65536, 2 ** 40)
      .default(2 ** 26)
      .describe('Bytes that the contexts, trails and counts may take; what is given up beyond it is counted.'),
    consumerCountMax: count(1, 2 ** 24)
      .default(65536)
      .describe('Consumers with a trail of their own; beyond it the one not heard of for longest is forgotten.'),
    candidateCountMax: count(4, 512).default(48).describe('Candidates weighed at each step, at most.'),
    sightingsMax: count(2, 255).default(128).describe('Sightings of a context after which its counts are halved.'),
    nearbySteps: count(1, 16).default(4).describe('Steps within which a segment counts as coming near another.'),
    ppmOrderMax: count(1, 8).default(4).describe('Segments in the longest context of the single expert ppm.'),
    weightRate: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe('Step of the weights of features; it shrinks by itself.'),
    biasRate: z.number().min(0).max(1).default(0.05).describe('Step of the corrections of bins; it shrinks by itself.'),
    recurrentExperts: z
      .array(z.enum(['gru', 'lstm']))
      .default([])
      .describe('Recurrent models that take part in the ensemble; each gets an equal share of the bytes.'),
    recurrent: recurrentConfigSchema.describe('The recurrent models, where one is chosen or takes part.'),
  })
  .prefault({});

export type NextItemConfig = z.infer<typeof nextItemConfigSchema>;
export type NextItemConfigInput = z.input<typeof nextItemConfigSchema>;
