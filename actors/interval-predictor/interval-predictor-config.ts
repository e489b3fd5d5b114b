/** Configuration of the interval predictor. */

import { z } from 'zod';

export const intervalPredictorConfigSchema = z
  .strictObject({
    isEnabled: z.boolean().default(false).describe('Whether the interval predictor proposes beside the other experts.'),
    segmentsMax: z
      .int()
      .min(1)
      .max(2 ** 20)
      .default(4096)
      .describe(
        'Segments whose intervals are kept; beyond, those of least evidence that were idle longest leave, counted.',
      ),
    unitMs: z
      .number()
      .positive()
      .default(60_000)
      .describe('Resolution of intervals in ms; accesses within one unit count as one.'),
    intervalsMax: z.int().min(4).max(256).default(64).describe('Latest intervals that are kept of each segment.'),
    intervalsMin: z
      .int()
      .min(1)
      .default(4)
      .describe('Intervals from which a segment counts as known; with fewer it is not proposed.'),
    outOfRangeShareMax: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Share of its intervals that may be longer than 240 units; of a segment with more it is silent.'),
    trialsPerAccess: z
      .number()
      .min(0)
      .max(64)
      .default(4)
      .describe(
        'Forecasts put on trial, in the mean of an access, of segments in turn: the meaning of evidence is learned from these.',
      ),
    calibrationMemory: z
      .int()
      .min(2)
      .max(65535)
      .default(20_000)
      .describe('Outcomes that a bin of evidence remembers: rare outcomes need many.'),
    mixRateFirst: z
      .number()
      .min(0)
      .max(1)
      .default(0.002)
      .describe('Learning rate of the mixture of the kinds of evidence at first.'),
    mixRateLast: z.number().min(0).max(1).default(0.0002).describe('The same in the long run.'),
    probabilityMin: z.number().min(0).max(1).default(0.1).describe('Candidates below this are not proposed.'),
  })
  .describe('When each segment is due by the intervals between its accesses.');

export type IntervalPredictorConfig = Readonly<z.infer<typeof intervalPredictorConfigSchema>>;
