/** The settings of messages between actors of different places. */

import { z } from 'zod';
import { mailboxSchema } from '../mailbox.ts';

/** Limits of a gateway between an actor system and a transport. */
export const gatewayConfigSchema = z.strictObject({
  laneCredit: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(256)
    .describe(
      'Messages of one place for one actor here that may be on their way or wait for its mailbox; the same in every process. What comes beyond twice that is refused as beyond-credit.',
    ),
  lanesMax: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(4096)
    .describe('Pairs of a sending place and an actor here; one more is refused as too-many-lanes.'),
  mailbox: mailboxSchema
    .prefault({})
    .describe(
      'What may wait here for an actor elsewhere, and what happens at the bound, where a reference does not say.',
    ),
});

/** With every default filled in. */
export type GatewayConfig = z.output<typeof gatewayConfigSchema>;
