/** The settings of an actor system: every limit, its default, and what happens at it. */

import { z } from 'zod';
import { durationField } from './config.ts';
import { mailboxSchema } from './mailbox.ts';
import { supervisionSchema } from './supervisor.ts';

/** Every limit of an actor system; unknown keys are errors. */
export const actorSystemSchema = z.strictObject({
  throughput: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(256)
    .describe('messages one actor may handle in a turn before the next actor has its own'),
  turnsPerTick: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(64)
    .describe('turns taken before the event loop gets control back'),
  turnsPerDrainMax: z
    .int()
    .min(1)
    .default(100_000_000)
    .describe('turns one drain may take; beyond it actors feed each other for ever and drain fails'),
  actorsMax: z.int().min(1).default(100_000).describe('actors alive at once; beyond it spawn fails'),
  timersPerActorMax: z
    .int()
    .min(1)
    .default(10_000)
    .describe('pending timers of one actor; beyond it setting one is a fault'),
  deadLettersKeptMax: z.int().min(0).default(1000).describe('dead letters kept for inspection; all are counted'),
  deadLetterAddressesMax: z.int().min(0).default(1000).describe('addresses whose dead letters are counted one by one'),
  stopDeadlineMs: durationField({ minMs: 0 })
    .default(5000)
    .describe('time for an ordered stop; what waits then is dead letters'),
  mailbox: mailboxSchema.prefault({}).describe('mailbox of actors that do not say otherwise'),
  supervision: supervisionSchema.prefault({}).describe('supervision of actors that do not say otherwise'),
});

/** With every default filled in. */
export type ActorSystemConfig = z.output<typeof actorSystemSchema>;
