/** Hints: what a person or an earlier run knows of the order and time of accesses. */

import { z } from 'zod';

const hintSchema = z.strictObject({
  segments: z.array(z.string()).min(1).max(65_536).describe('Names, in the order in which they are read.'),
  isOrdered: z
    .boolean()
    .default(true)
    .describe('true: each is followed by the next ones. false: an access to any of them calls for all the others.'),
  ahead: z.int().min(1).max(256).default(4).describe('Of an ordered list, how many of the next ones are called for.'),
  probability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('How sure it is at first that what is called for is read; what comes of it counts after that.'),
  atMs: z
    .number()
    .nullable()
    .default(null)
    .describe('Event time at which the whole list is read, ms; null = at no time of its own.'),
  everyMs: z.number().min(1000).nullable().default(null).describe('After how long it is read again; null = never.'),
  leadMs: z.number().min(0).default(60_000).describe('How long before that time it is called for.'),
});

/** Lists that one engine takes, those added later too. */
export const HINTS_MAX = 10_000;

export const hintsSchema = z.strictObject({
  lists: z.array(hintSchema).max(HINTS_MAX).default([]).describe('What is known; see the fields of each.'),
  probabilityMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('Lists of which a smaller share turned out used call for nothing, but now and then.'),
  priorUses: z
    .number()
    .min(1)
    .default(8)
    .describe('Prefetches that the first probability of a list counts for, against those whose end is known.'),
  trialEvery: z
    .int()
    .min(1)
    .default(64)
    .describe('Of the calls of a list below probabilityMin, one in so many is made, to see whether that has changed.'),
});
export type HintsConfig = z.output<typeof hintsSchema>;
export type Hint = z.output<typeof hintSchema>;
export type HintInput = z.input<typeof hintSchema>;
