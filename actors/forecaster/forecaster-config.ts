/** Configuration of the forecaster. */

import { z } from 'zod';

/** A question is answered by the first horizon that covers it. */
function ascending(horizons: readonly number[]): boolean {
  return horizons.every((horizon, i) => i === 0 || horizon > horizons[i - 1]!);
}

export const forecasterConfigSchema = z
  .strictObject({
    horizonsMs: z
      .array(z.number().positive())
      .min(1)
      .max(8)
      .refine(ascending, 'expected each horizon to be longer than the one before')
      .default([10_000, 60_000, 3_600_000])
      .describe('Times within which an access is forecast, ascending.'),
    horizonsAccesses: z
      .array(z.number().positive())
      .min(1)
      .max(8)
      .refine(ascending, 'expected each horizon to be longer than the one before')
      .default([100, 1_000, 10_000])
      .describe('The same in accesses, for a trace without time.'),
    shareRate: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.001)
      .describe(
        "Part of each expert's weight that is shared out evenly at each outcome, so that one that was bad can return.",
      ),
    binCount: z.int().min(2).max(256).default(20).describe('Bins of score in which an expert is calibrated.'),
    priorOutcomes: z
      .number()
      .positive()
      .default(4)
      .describe("Outcomes that an expert's own score counts for in each bin before any were seen."),
    outcomesMax: z
      .number()
      .min(16)
      .default(4096)
      .describe('Outcomes in a bin at which all of its counts are halved, so that calibration follows change.'),
    outcomesMin: z
      .int()
      .min(0)
      .default(0)
      .describe('Outcomes of a horizon from which on its forecasts are passed on; until then they are on trial only.'),
    calibrationErrorMax: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe(
        'Expected calibration error of the latest 1,000 forecasts of a horizon above which the next are on trial only; so they are while they say less than the base rate. 1 = passed on whatever came of them.',
      ),
    windowErrorMax: z
      .number()
      .min(0)
      .max(1)
      .default(0.2)
      .describe(
        'How far whole windows, each as long as the horizon, may be off in the mean beyond chance; above it, and before the first window is over, forecasts of .05 or more are on trial only. 1 = not asked, as where calibrationErrorMax is 1.',
      ),
    pendingMax: z
      .int()
      .min(1)
      .max(2 ** 24)
      .default(2 ** 18)
      .describe('Forecasts whose outcome is awaited, each horizon; more are not learnt from, counted.'),
    heldAccessesMax: z
      .int()
      .min(1)
      .default(2 ** 22)
      .describe('Accesses that may wait for the proposals of a tick; one more is a fault, since none may be lost.'),
    probabilityMin: z.number().min(0).max(1).default(0.001).describe('Forecasts below this are not passed on.'),
    forecastsMax: z
      .int()
      .min(1)
      .max(2 ** 22)
      .default(8192)
      .describe('Forecasts passed on at a tick, each horizon, most probable first; what is beyond is counted.'),
  })
  .describe('Mixes the experts and makes their probabilities true.');

export type ForecasterConfig = Readonly<z.infer<typeof forecasterConfigSchema>>;
