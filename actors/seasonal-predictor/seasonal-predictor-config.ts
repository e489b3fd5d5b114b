/** Configuration of the seasonal predictor. */

import { z } from 'zod';
import { timeZoneSchema } from '../time-zone.ts';

export const seasonalPredictorConfigSchema = z
  .strictObject({
    segmentsMax: z
      .int()
      .min(1)
      .max(2 ** 20)
      .default(1024)
      .describe('Segments whose hours are kept; beyond, new ones wait until those of least evidence leave, counted.'),
    historyHours: z.int().min(48).max(8760).default(840).describe('Hours that a fit looks back on.'),
    evidenceHoursMin: z
      .int()
      .min(24)
      .default(24)
      .describe('Hours of history before the first fit; until then it abstains.'),
    presentHoursMin: z
      .int()
      .min(1)
      .default(3)
      .describe('Hours in which a segment must have been accessed to be fitted.'),
    weeklyHoursMin: z
      .int()
      .min(168)
      .default(336)
      .describe('Hours of history from which hours of the week are fitted too.'),
    refitHours: z.int().min(1).default(24).describe('Hours between fits, at least.'),
    refitAccessesMin: z
      .int()
      .min(0)
      .default(1024)
      .describe('Accesses between fits; with fewer a fit waits until an eighth of the history is new.'),
    shrinkage: z
      .number()
      .positive()
      .default(1)
      .describe(
        'Strength of the pull of each profile towards the pooled one, in observations of one hour of the week.',
      ),
    trendShrinkage: z.number().positive().default(50).describe('Strength of the pull of each trend towards none.'),
    marginMin: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe('By how much its recent error must be below that of persistence and of the mean; else it abstains.'),
    evaluatedHitsMin: z
      .int()
      .min(1)
      .default(2)
      .describe('Accessed hours among those that it was judged on; with fewer it abstains.'),
    errorHalfLifeHours: z.number().positive().default(336).describe('Hours after which an error counts half.'),
    probabilityMin: z.number().min(0).max(1).default(0.1).describe('Candidates below this are not proposed.'),
    demandRate: z
      .number()
      .min(0)
      .max(8)
      .default(0.5)
      .describe('Learning rate of the mixture that forecasts total demand, for an error as large as usual.'),
    demandShareRate: z
      .number()
      .min(0)
      .max(0.5)
      .default(0.01)
      .describe('Part of all shares of that mixture that is spread evenly each hour, so that who is best may change.'),
    timeZone: timeZoneSchema,
  })
  .describe('Hour-of-day and hour-of-week profiles with trend.');

export type SeasonalPredictorConfig = Readonly<z.infer<typeof seasonalPredictorConfigSchema>>;
