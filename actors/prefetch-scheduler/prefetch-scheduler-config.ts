/** Configuration of the prefetch scheduler. */

import { z } from 'zod';
import { pricesSchema } from '../prices.ts';

export const prefetchSchedulerConfigSchema = z
  .strictObject({
    prices: pricesSchema.prefault({}),
    netBenefitMin: z
      .number()
      .default(0)
      .describe('Expected net benefit, in the currency of the prices, that a prefetch must exceed.'),
    bytesPerSecondMax: z.number().positive().default(50e6).describe('Bytes that plans may ask for, on average.'),
    requestsPerSecondMax: z.number().positive().default(200).describe('Requests that plans may ask for, on average.'),
    requestsPerAccessMax: z
      .number()
      .positive()
      .default(0.3)
      .describe('Requests that plans may ask for, for each access observed.'),
    burstMs: z
      .number()
      .positive()
      .default(60_000)
      .describe('Time for which unused budget of bytes and requests is saved up, at most.'),
    burstAccesses: z
      .number()
      .positive()
      .default(10_000)
      .describe('Accesses for which the unused budget of requests per access is saved up, at most.'),
    concurrencyMax: z.int().min(1).default(16).describe('Fetches at a time, those of demand included.'),
    spaceBytesMax: z
      .number()
      .positive()
      .default(2 ** 40)
      .describe('Bytes that planned and staged segments may take.'),
    entriesMax: z
      .int()
      .min(1)
      .max(2 ** 20)
      .default(1024)
      .describe(
        'Entries of one plan, those of the best benefit for what they take; what is beyond is refused, counted.',
      ),
    liveMax: z
      .int()
      .min(1)
      .max(2 ** 22)
      .default(2 ** 16)
      .describe('Planned prefetches whose end is not known yet; at the bound no more are planned, counted.'),
    firstByteMs: z.number().min(0).default(50).describe('Time to first byte of a fetch, until it is measured.'),
    bytesPerSecond: z.number().positive().default(100e6).describe('Bandwidth of a fetch, until it is measured.'),
    measuredFetches: z.number().min(2).default(256).describe('Fetches after which a measured one counts half.'),
    deadlineDeviations: z
      .number()
      .min(0)
      .default(2)
      .describe('Mean deviations of fetch time that a deadline leaves as slack.'),
    dueShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe('Share of a horizon that may pass before the segment should be there.'),
    sizeBytes: z.number().min(1).default(65_536).describe('Size of a segment whose size is not known, until some are.'),
    msPerAccess: z.number().positive().default(1).describe('Time that one access stands for, on a trace without time.'),
    heldAccessesMax: z
      .int()
      .min(1)
      .default(2 ** 22)
      .describe('Accesses that may wait for the forecasts of a tick; one more is a fault, since none may be lost.'),
  })
  .describe('What to stage, weighed in one currency, under budgets.');

export type PrefetchSchedulerConfig = Readonly<z.infer<typeof prefetchSchedulerConfigSchema>>;
