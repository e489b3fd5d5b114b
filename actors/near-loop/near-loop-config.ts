/** Settings of the near loop: every default in one place, chosen once for all traces. */

import { z } from 'zod';
import { type NextItemConfig, nextItemConfigSchema } from '../sequence-predictor/next-item-config.ts';
import { opinionNames } from './opinion-bins.ts';

const probability = z.number().min(0).max(1);
const count = (min: number, max = 2 ** 31 - 1) => z.int().min(min).max(max);

export const nearLoopConfigSchema = z
  .strictObject({
    experts: z
      .array(z.enum(opinionNames))
      .default(opinionNames.filter((name) => name !== 'miss-successor' && name !== 'next-item'))
      .describe('Experts that take part, and comments on what they name (earlier-forecast, popularity).'),
    nextItemFor: z
      .enum(['consumers', 'all'])
      .default('consumers')
      .describe('Accesses that the expert next-item sees: those whose consumer is known, or all.'),
    nextItem: nextItemConfigSchema.describe(
      'The model of the next item behind the expert next-item, where that takes part.',
    ),
    degreeMax: count(1, 64).default(8).describe('Successors kept for each segment.'),
    visitsMax: count(2, 4095).default(64).describe('Visits after which the successor counts of a segment are halved.'),
    lookahead: count(1, 15)
      .default(3)
      .describe('How many distinct segments later a successor may come, in a consumer order.'),
    missLookahead: count(1, 15).default(5).describe('The same in the order of would-be misses.'),
    scoreMin: probability.default(0.1).describe('Successors with a smaller share of the visits are not considered.'),
    scoreShare: probability
      .default(0.4)
      .describe('The same as a share of the probability that is worth a fetch at the moment.'),
    modelBytesMax: count(65536, 2 ** 40)
      .default(2 ** 28)
      .describe(
        'Bytes that the memories of order may take, 15 % of them for consumers. Where they run out, four to eight successors a segment are kept instead of degreeMax, of the segments and pairs that were worth it.',
      ),
    consumerCountMax: count(1, 2 ** 24)
      .default(65536)
      .describe('Consumers with an order of their own; beyond it they share.'),
    contextCountMax: count(3072, 2 ** 24)
      .default(262144)
      .describe('Pairs of segments whose successors are kept, at most.'),
    streamCountMax: count(4, 2 ** 20)
      .default(4096)
      .describe('Streams followed at once, where segments are addresses.'),
    streamDegreeMax: count(1, 64)
      .default(32)
      .describe('Steps ahead of a stream at most; fewer when fetches land soon.'),
    strideRegionBytes: count(1)
      .default(16777216)
      .describe('Addresses, in bytes, within which a repeated distance is a stride.'),
    streamContinueMin: probability.default(0.1).describe('Streams of a kind that goes on less often name nothing.'),
    candidateCountMax: count(1, 256).default(64).describe('Candidates weighed after one access.'),
    calibrationMemory: count(2, 65535).default(255).describe('Outcomes that a calibration bin remembers.'),
    mixWeightFirst: z
      .number()
      .min(0)
      .max(4)
      .default(0.3)
      .describe('Weight of an expert in the mixture before anything is learned.'),
    mixRateFirst: z.number().min(0).max(1).default(0.03).describe('Learning rate of the mixture at first.'),
    mixRateLast: z.number().min(0).max(1).default(0.0015).describe('Learning rate of the mixture in the long run.'),
    trialCountMax: count(16, 2 ** 22)
      .default(16384)
      .describe('Forecasts whose outcome is awaited at once, issued or not.'),
    trialsBeforeSampling: count(0).default(400000).describe('Forecasts that are all tried; later ones are sampled.'),
    trialSpacing: count(1, 1024).default(4).describe('Of later forecasts every so manyth is tried.'),
    isTrustByConsumer: z
      .boolean()
      .default(true)
      .describe('Whether a consumer whose forecasts come true less often than was said is believed less.'),
    horizonMin: count(1)
      .default(4)
      .describe('Accesses within which a forecast must come true, at least; plus those of a fetch.'),
    horizonMax: count(1)
      .default(64)
      .describe('The same at most; in between it follows how long unused segments stay staged.'),
    wastedFetchPrice: z
      .number()
      .min(0)
      .default(1)
      .describe('Price of a wasted fetch in units of the gain of a useful one, where traffic has no bound.'),
    thresholdFloor: probability
      .default(0.05)
      .describe(
        'Probability below which nothing is staged, however free traffic is; twice that, of a fetch of mean size, in a cache of bytes with a bound on traffic.',
      ),
    gateInterval: count(1).default(256).describe('Accesses between two adjustments of the threshold.'),
    headroomReserve: count(0).default(200).describe('Fetches of headroom kept back for the best candidates.'),
    spendOver: count(1).default(32768).describe('Accesses over which saved-up headroom is spent.'),
  })
  .refine((c) => c.horizonMin <= c.horizonMax, 'horizonMin is at most horizonMax')
  .refine(({ experts, nextItem }) => experts.includes('next-item') || isDefault(nextItem), {
    path: ['nextItem'],
    message: 'acts only where experts has next-item',
  })
  .refine(({ experts, nextItemFor }) => experts.includes('next-item') || nextItemFor === 'consumers', {
    path: ['nextItemFor'],
    message: 'acts only where experts has next-item',
  })
  .prefault({});

export type NearLoopConfig = z.infer<typeof nearLoopConfigSchema>;
export type NearLoopConfigInput = z.input<typeof nearLoopConfigSchema>;

/** Whether nothing of it was set to something else. */
function isDefault(nextItem: NextItemConfig): boolean {
  return JSON.stringify(nextItem) === JSON.stringify(nextItemConfigSchema.parse(undefined));
}
