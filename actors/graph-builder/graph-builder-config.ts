/** Configuration of the graph builder. */

import { z } from 'zod';

export const graphBuilderConfigSchema = z
  .strictObject({
    lookahead: z
      .int()
      .min(1)
      .max(64)
      .default(3)
      .describe("How many of a consumer's accesses after one may count as following it."),
    lagMaxMs: z
      .number()
      .positive()
      .default(3_600_000)
      .describe('Event time beyond which a later access no longer counts as following.'),
    coAccessWindowMs: z
      .number()
      .min(0)
      .default(0)
      .describe(
        'Accesses of one consumer within this time are one set; 0 = the same instant. Needs a trace with time.',
      ),
    degreeMax: z
      .int()
      .min(1)
      .max(64)
      .default(8)
      .describe(
        'Successors kept of a segment; beyond, a new one wears the weakest down and then takes its place, counted.',
      ),
    sourcesMax: z
      .int()
      .min(2)
      .max(2 ** 24)
      .default(2 ** 17)
      .describe('Segments that successors are kept of; beyond, a new one replaces one of the least used, counted.'),
    contextsMax: z
      .int()
      .min(1)
      .max(2 ** 22)
      .default(2 ** 15)
      .describe(
        'Consumers whose last accesses are remembered; beyond, the least recently active is forgotten, counted.',
      ),
    halfLifeMs: z
      .number()
      .positive()
      .default(7 * 86_400_000)
      .describe('Event time after which evidence counts half.'),
    halfLifeAccesses: z
      .number()
      .positive()
      .default(1_000_000)
      .describe('The same in accesses, for a trace without time.'),
    lagUnitMs: z
      .number()
      .positive()
      .default(1000)
      .describe('Upper end of the first of eight lag buckets; each further one ends at four times the one before.'),
    lagUnitAccesses: z.number().positive().default(4).describe('The same in accesses, for a trace without time.'),
    sampleAfter: z
      .int()
      .min(0)
      .default(65_536)
      .describe('Accesses from the first on that are all learnt from; of later ones bursts are, where they come fast.'),
    samplePeriod: z.int().min(1).default(4096).describe('Log positions from the end of one burst to that of the next.'),
    sampleBurst: z
      .int()
      .min(1)
      .default(512)
      .describe('Accesses of a burst, the last ones of each period; a whole period = no sampling.'),
    sampleRateMin: z
      .number()
      .min(0)
      .default(10)
      .describe('Accesses a second of event time, over the period before, below which all are learnt from.'),
    seedsMax: z
      .int()
      .min(0)
      .max(2 ** 16)
      .default(64)
      .describe(
        "Latest accesses, none older than the last tick, among which each consumer's last one is expanded at a tick.",
      ),
    depthMax: z.int().min(1).max(16).default(2).describe('Steps that proposals look beyond the last access.'),
    fanOutMax: z.int().min(1).max(64).default(4).describe('Successors followed from each segment for proposals.'),
    probabilityMin: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe('Proposals below this product of confidences are left out.'),
  })
  .describe('The dependency graph: what follows or accompanies what.');

export type GraphBuilderConfig = Readonly<z.infer<typeof graphBuilderConfigSchema>>;
