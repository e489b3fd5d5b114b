/** What the HTTP API takes and gives, as schemas: they check, and they are the OpenAPI document. */

import { z } from '@hono/zod-openapi';

export const problemAnswer = z
  .object({
    error: z.object({
      code: z.string().openapi({ description: 'Stable, for programs.', example: 'bad-record' }),
      message: z.string().openapi({ description: 'For people: where, what was expected, what was found.' }),
      context: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .openapi('Problem');

export const acceptedAnswer = z
  .object({
    accepted: z.int().openapi({ description: 'Accesses that are durable now. 0 for a repeated post.' }),
    duplicate: z.boolean().openapi({ description: 'The producer had sent this sequence before: nothing was done.' }),
    format: z.string().openapi({ example: 'clf' }),
    position: z
      .object({ from: z.int(), to: z.int() })
      .nullable()
      .openapi({ description: 'Log positions of the accesses.' }),
    rejected: z.int().openapi({ description: 'Bad records left out (lenient).' }),
    rejections: z.array(z.string()).openapi({ description: 'The first ten of them, with their places.' }),
    skipped: z.record(z.string(), z.int()).openapi({ description: 'Records that are no accesses, by reason.' }),
    clampedTimes: z.int().openapi({ description: 'Times that went back and were set to the latest before them.' }),
    leftOut: z.array(z.string()).openapi({
      description: 'Columns or members that are not read, the first twenty; `columns` says what one of them holds.',
    }),
  })
  .openapi('Accepted');

export const accessesQuery = z.strictObject({
  format: z
    .string()
    .default('auto')
    .openapi({ description: 'As `anteroom formats` lists them; auto = by content type or content.' }),
  lenient: z
    .enum(['', '0', '1', 'false', 'true'])
    .default('0')
    .openapi({ description: '1 = leave bad records out and count them.' }),
  columns: z
    .string()
    .optional()
    .openapi({ description: 'CSV, NDJSON: which column holds what.', example: 'segment=url,time=3,consumer=ip' }),
  'time-unit': z.enum(['s', 'ms', 'us', 'ns']).optional(),
});

export const originHeaders = z.object({
  producer: z
    .string()
    .optional()
    .openapi({ description: 'Who sends; with `sequence` it makes a repeated post harmless.' }),
  sequence: z.string().optional().openapi({ description: 'A whole number that this producer gives to one post only.' }),
});

export const forecastItem = z
  .object({
    segment: z.string(),
    probability: z.number().openapi({ description: 'P(accessed within the horizon), calibrated.' }),
    horizonMs: z.number(),
    expert: z.string(),
    why: z.array(z.string()).openapi({ description: 'The evidence, the strongest first.' }),
  })
  .openapi('Forecast');

export const forecastQuery = z.strictObject({
  consumer: z.string().optional().openapi({ description: 'Whose next accesses; absent = of whoever accessed last.' }),
  segment: z.string().optional().openapi({ description: 'Only this segment.' }),
  horizonMs: z.coerce
    .number()
    .positive()
    .optional()
    .openapi({ description: 'Within which time; the next longer configured one is used.' }),
  count: z.coerce.number().int().min(1).max(1000).default(10),
});

export const trainBody = z
  .object({
    accesses: z
      .array(
        z.object({
          user_id: z.string(),
          data_id: z.string(),
          timestamp: z
            .union([z.number(), z.string()])
            .optional()
            .openapi({ description: 'ISO 8601, or a number of ms since 1970.' }),
          size: z.number().optional().openapi({ description: 'Bytes.' }),
        }),
      )
      .min(1),
  })
  .openapi('Train');

export const predictAnswer = z
  .object({
    user_id: z.string(),
    is_known: z
      .boolean()
      .openapi({ description: 'False = nothing is known of this user, so the answer is what anyone may ask for.' }),
    predictions: z.array(
      z.object({
        data_id: z.string(),
        probability: z.number(),
        horizon_ms: z.number(),
        expert: z.string(),
        why: z.array(z.string()),
      }),
    ),
  })
  .openapi('Predictions');

export const limitQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .optional()
    .openapi({ description: 'Most items; the bound is http.answersMax.' }),
});
