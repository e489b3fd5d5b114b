/** Settings of the near loop; every default in one place. */

import { z } from 'zod';

const probability = z.number().min(0).max(1);

export const nearLoopConfigSchema = z
  .strictObject({
    experts: z
      .array(z.enum(['consumer-successor', 'global-successor', 'context', 'miss-successor', 'evidence', 'popularity']))
      .default(['consumer-successor', 'context', 'miss-successor', 'evidence', 'popularity'])
      .describe('Experts that take part.'),
    degreeMax: z.int().min(1).max(64).default(8).describe('Successors kept for each segment.'),
    visitsMax: z.int().min(2).max(4095).default(64).describe('Visits after which the successor counts of a segment are halved.'),
    lookahead: z.int().min(1).max(15).default(5).describe('How many segments later a successor may come, in the order of one consumer.'),
    missLookahead: z.int().min(1).max(15).default(8).describe('The same in the order of would-be misses.'),
    scoreMin: probability.default(0.06).describe('Successor shares below this are not even considered.'),
    consumerCountMax: z.int().min(1).default(65536).describe('Consumers with an order of their own; beyond it they share.'),
    contextCountMax: z.int().min(4096).default(262144).describe('Second-order contexts kept; a power of two.'),
    calibrationMemory: z.int().min(2).max(65535).default(255).describe('Outcomes a calibration bin remembers.'),
    weightFirst: z.number().default(0.3),
    mixRateFirst: z.number().positive().default(0.03).describe('Learning rate of the mixture at first.'),
    mixRateLast: z.number().positive().default(0.0015).describe('Learning rate of the mixture in the long run.'),
    trialCountMax: z.int().min(16).default(16384).describe('Forecasts whose outcome is awaited, issued or not.'),
    horizonMin: z.int().min(1).default(4).describe('Accesses within which a forecast must come true, at least.'),
    horizonMax: z.int().min(1).default(64).describe('The same, at most; in between it follows how long unused segments stay staged.'),
    wastedFetchPrice: z.number().min(0).default(1).describe('Price of a wasted fetch in units of the gain of a useful one, where traffic has no bound.'),
    thresholdFloor: probability.default(0.1).describe('Probability below which nothing is staged, however free traffic is.'),
    gateInterval: z.int().min(1).default(256).describe('Accesses between two adjustments of the threshold under a traffic bound.'),
    headroomReserve: z.int().min(0).default(24).describe('Fetches of headroom kept back for the best candidates.'),
    spendOver: z.int().min(1).default(4096).describe('Accesses over which saved-up headroom is spent.'),
  })
  .prefault({});

export type NearLoopConfig = z.infer<typeof nearLoopConfigSchema>;
