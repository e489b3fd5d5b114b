/** Exponential back-off with jitter: how long to wait before trying again. */

import { z } from 'zod';
import { assert } from './assert.ts';
import { durationField } from './config.ts';
import type { RandomSource } from './random.ts';

/** How long to wait before each retry. */
export const backOffSchema = z.strictObject({
  initialMs: durationField({ minMs: 0 }).default(100).describe('wait before the first retry'),
  factor: z.number().min(1).max(10).default(2).describe('how much longer each further wait is'),
  maxMs: durationField({ minMs: 0 }).default(10_000).describe('the longest wait'),
  jitter: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('part of the wait that chance may take off, so that many do not retry at once'),
});

/** With every default filled in; times are ms. */
export type BackOffConfig = z.output<typeof backOffSchema>;

/** The longest wait before retry number `attempt` (from 0), in ms. Multiplies, because powers may differ in the last bit. */
export function backOffCeilingMs(attempt: number, config: BackOffConfig): number {
  assert(Number.isInteger(attempt) && attempt >= 0, `an attempt is an integer >= 0, not ${attempt}`);
  let waitMs = Math.min(config.initialMs, config.maxMs);
  for (let i = 0; i < attempt && waitMs < config.maxMs && waitMs > 0 && config.factor > 1; i++) {
    waitMs = Math.min(waitMs * config.factor, config.maxMs);
  }
  return waitMs;
}

/** The wait before retry number `attempt` (from 0), in ms: uniform in ((1 - jitter) x ceiling, ceiling]. */
export function backOffMs(attempt: number, config: BackOffConfig, random: RandomSource): number {
  return backOffCeilingMs(attempt, config) * (1 - config.jitter * random.next());
}
