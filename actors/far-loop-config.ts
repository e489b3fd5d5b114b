/** Settings of the far loop: those of its actors, and how often it plans. */

import { z } from 'zod';
import { aggregatorConfigSchema } from './aggregator/aggregator-config.ts';
import { forecasterConfigSchema } from './forecaster/forecaster-config.ts';
import { graphBuilderConfigSchema } from './graph-builder/graph-builder-config.ts';
import { intervalPredictorConfigSchema } from './interval-predictor/interval-predictor-config.ts';
import { prefetchSchedulerConfigSchema } from './prefetch-scheduler/prefetch-scheduler-config.ts';
import { seasonalPredictorConfigSchema } from './seasonal-predictor/seasonal-predictor-config.ts';
import { timeZoneSchema } from './time-zone.ts';

/** Settings of the far loop: when it plans, and those of each of its actors. */
export const farLoopConfigSchema = z
  .strictObject({
    isEnabled: z
      .union([z.boolean(), z.literal('auto')])
      .default('auto')
      .describe(
        'Whether the far loop runs beside the near loop. auto: where fetches are timed; where they are counted in accesses (latency 0 and Nreq) there are no hours to learn, and it gains nothing.',
      ),
    intervalMs: z
      .int()
      .min(1)
      .default(60_000)
      .describe('Event time between two plans, where fetches are timed; planning happens at multiples of it.'),
    intervalAccesses: z
      .int()
      .min(1)
      .default(4096)
      .describe('Accesses between two plans, where fetches are counted in accesses.'),
    accessesPerTickMin: z
      .int()
      .min(1)
      .default(512)
      .describe('Accesses since the last plan before the next is made, so that planning costs little an access.'),
    intervalMaxMs: z
      .int()
      .min(1)
      .default(3_600_000)
      .describe('Event time since the last plan after which the next is made, however few accesses came.'),
    probabilityMin: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Planned prefetches of a lower probability of use are not adopted by the site.'),
    trialEvery: z
      .int()
      .min(1)
      .default(1024)
      .describe(
        "Of an expert's planned prefetches below that, at most so many lie between two that are adopted to see whether it has learned.",
      ),
    /** Given to the access map and the seasonal predictor alike. */
    timeZone: timeZoneSchema,
    aggregator: aggregatorConfigSchema
      .omit({ timeZone: true })
      .describe('The access map: how much each segment is used.')
      .prefault({}),
    graphBuilder: graphBuilderConfigSchema.prefault({}),
    seasonalPredictor: seasonalPredictorConfigSchema
      .omit({ timeZone: true })
      .describe('Hour-of-day and hour-of-week profiles with trend.')
      .prefault({}),
    intervalPredictor: intervalPredictorConfigSchema.prefault({}),
    forecaster: forecasterConfigSchema.prefault({}),
    /** Without prices: one set of them is given for the whole site. */
    scheduler: prefetchSchedulerConfigSchema
      .omit({ prices: true })
      .describe('What to stage, weighed in one currency, under budgets.')
      .prefault({}),
  })
  .describe('The far loop: what is learned and planned per batch and per interval.');

/** With every default filled in. */
export type FarLoopConfig = z.output<typeof farLoopConfigSchema>;

/** The settings where the far loop runs, null where it does not. `isTimed`: event time drives fetches, not the log position. */
export function farLoopOf(config: FarLoopConfig, isTimed: boolean): FarLoopConfig | null {
  return config.isEnabled === true || (config.isEnabled === 'auto' && isTimed) ? config : null;
}
