/** Configuration of the aggregator. */

import { z } from 'zod';
import { timeZoneSchema } from '../time-zone.ts';

const increasingMultiples = (widths: readonly number[]): boolean =>
  widths.every((width, i) => i === 0 || (width > widths[i - 1]! && width % widths[i - 1]! === 0));

export const aggregatorConfigSchema = z
  .strictObject({
    halfLifeMs: z
      .number()
      .positive()
      .default(3_600_000)
      .describe('Event time after which an access counts half in the decayed frequency.'),
    halfLifeAccesses: z
      .number()
      .positive()
      .default(100_000)
      .describe('The same in accesses, for a trace without time.'),
    segmentsMax: z
      .int()
      .min(1)
      .max(2 ** 26)
      .default(2 ** 22)
      .describe('Segments in the access map; at the bound a new one takes the place of the least frequent, counted.'),
    windowsMs: z
      .array(z.number().positive())
      .min(1)
      .max(6)
      .refine(increasingMultiples, 'each window is a whole multiple of the one before')
      .default([60_000, 3_600_000, 86_400_000])
      .describe('Widths of the sliding windows in which hot segments can be found.'),
    windowsAccesses: z
      .array(z.number().positive())
      .min(1)
      .max(6)
      .refine(increasingMultiples, 'each window is a whole multiple of the one before')
      .default([10_000, 100_000, 1_000_000])
      .describe('The same in accesses, for a trace without time.'),
    windowSegmentsMax: z
      .int()
      .min(1)
      .max(2 ** 22)
      .default(2 ** 15)
      .describe(
        'Segments kept of each eighth of a window; what is beyond is forgotten, least frequent first, counted.',
      ),
    hotSegmentsMax: z
      .int()
      .min(0)
      .max(2 ** 20)
      .default(32)
      .describe('Segments proposed to the forecaster at a tick, the most frequent of those whose turn it is.'),
    probabilityMin: z.number().min(0).max(1).default(0.1).describe('Proposals below this are left out.'),
    producersMax: z
      .int()
      .min(1)
      .default(1024)
      .describe('Producers whose summaries are merged; one more is refused, counted.'),
    timeZone: timeZoneSchema,
  })
  .describe('The access map: how much each segment is used.');

export type AggregatorConfig = Readonly<z.infer<typeof aggregatorConfigSchema>>;
