/** Settings of the recurrent models: every default in one place. */

import { z } from 'zod';

const count = (min: number, max = 2 ** 31 - 1) => z.int().min(min).max(max);

export const recurrentConfigSchema = z
  .strictObject({
    size: count(2, 512).default(32).describe('Hidden units.'),
    itemCountMax: count(8, 2 ** 20)
      .default(8192)
      .describe('Segments with a row of their own; beyond it the one not used for longest gives its row up.'),
    lengthMax: count(2, 32).default(12).describe('Segments that a forecast reads, and a sequence in training.'),
    consumerCountMax: count(1, 2 ** 24)
      .default(65536)
      .describe('Consumers with a trail of their own; beyond it the one not heard of for longest is forgotten.'),
    trainEverySteps: count(16).default(1024).describe('Steps of all consumers between two trainings.'),
    adoptAfterSteps: count(0)
      .default(256)
      .describe('Steps after which what was trained is adopted: the same log position in every run.'),
    learningRate: z.number().min(0).max(1).default(0.3).describe('Step of the parameters; it shrinks by itself.'),
    sampleCount: count(1, 4096).default(128).describe('Segments that the true one is weighed against in training.'),
    replayNumbersMax: count(1024, 2 ** 28)
      .default(2 ** 19)
      .describe('Numbers (segments, and two a sequence) kept of earlier sequences, to learn them again.'),
    replayShare: z.number().min(0).max(100).default(2).describe('Earlier sequences learned again for each new one.'),
    dropout: z
      .number()
      .min(0)
      .max(0.9)
      .default(0.25)
      .describe('Share of the hidden units left out of each sequence in training.'),
    cpuShare: z
      .number()
      .min(0.01)
      .max(1)
      .default(0.25)
      .describe('Share of one core that training may take; it rests in between.'),
    seed: count(0).default(1).describe('Seed of the first parameters and of all draws.'),
  })
  .prefault({});

export type RecurrentConfig = z.infer<typeof recurrentConfigSchema>;
export type RecurrentConfigInput = z.input<typeof recurrentConfigSchema>;
