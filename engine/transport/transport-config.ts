/** The settings of a transport: every limit, its default, and what happens at it. */

import { z } from 'zod';
import { bytesField, durationField } from '../config.ts';

/** Windows, time-outs and limits of a link between two places. */
export const transportConfigSchema = z
  .strictObject({
    messageBytesMax: bytesField({ minBytes: 1, maxBytes: 2 ** 31 - 1 })
      .default(16 * 2 ** 20)
      .describe(
        'Bytes of one message, all frames together; a larger one is refused as too-large, at the receiver as oversized.',
      ),
    framesMax: z
      .int()
      .min(1)
      .max(65_535)
      .default(64)
      .describe('Frames of one message; more are refused as too-large, at the receiver as oversized.'),
    queueMessagesMax: z
      .int()
      .min(1)
      .max(16_777_216)
      .default(1024)
      .describe('Messages to one peer that may wait for its acknowledgement; beyond it send says full.'),
    queueBytesMax: bytesField({ minBytes: 1 })
      .default(64 * 2 ** 20)
      .describe('Bytes to one peer that may wait for its acknowledgement; beyond it send says full.'),
    windowMessages: z
      .int()
      .min(1)
      .max(16_777_216)
      .default(1024)
      .describe(
        'Messages of one peer that may be here unhandled: its credit. What comes beyond it is refused as beyond-window.',
      ),
    windowBytes: bytesField({ minBytes: 1 })
      .default(64 * 2 ** 20)
      .describe(
        'Bytes of one peer that may be here unhandled: its credit. What comes beyond it is refused as beyond-window.',
      ),
    peersMax: z
      .int()
      .min(1)
      .max(65_536)
      .default(256)
      .describe('Places that this one exchanges messages with; one more is refused as too-many-peers.'),
    pendingHandshakesMax: z
      .int()
      .min(1)
      .max(65_536)
      .default(256)
      .describe('Handshakes begun by others and not finished; the oldest makes room, counted as handshake-dropped.'),
    ackDelayMs: durationField({ minMs: 0 })
      .default(20)
      .describe('An acknowledgement waits at most so long for company.'),
    retransmitMs: durationField({ minMs: 1 })
      .default(250)
      .describe(
        'Without progress for so long the peer is asked what it has; doubled with every question without an answer.',
      ),
    retransmitMaxMs: durationField({ minMs: 1 }).default(5000).describe('The longest wait between two such questions.'),
    retransmitBurst: z
      .int()
      .min(1)
      .max(65_536)
      .default(64)
      .describe('Messages sent again at once; the rest follows when these have arrived.'),
    heartbeatMs: durationField({ minMs: 1 })
      .default(1000)
      .describe('A peer that was silent for so long is asked whether it is there.'),
    downAfterMs: durationField({ minMs: 1 })
      .default(5000)
      .describe('A peer that was silent for so long is reported as down; its messages go on waiting.'),
    closeDeadlineMs: durationField({ minMs: 0 })
      .default(5000)
      .describe('Time for an ordered close; what is not acknowledged then is undelivered.'),
    eventsPerSecondMax: z
      .int()
      .min(0)
      .max(100_000)
      .default(20)
      .describe('Refusals told as events a second, so that an attack cannot fill a log; all are counted.'),
  })
  .refine((c) => c.messageBytesMax <= c.queueBytesMax && c.messageBytesMax <= c.windowBytes, {
    message: 'messageBytesMax may not exceed queueBytesMax or windowBytes, or such a message could never leave',
    path: ['messageBytesMax'],
  })
  .refine((c) => c.heartbeatMs < c.downAfterMs, {
    message: 'heartbeatMs must be below downAfterMs, or every quiet peer would be down',
    path: ['heartbeatMs'],
  })
  .refine((c) => c.retransmitMs <= c.retransmitMaxMs, {
    message: 'retransmitMs may not exceed retransmitMaxMs',
    path: ['retransmitMs'],
  });

/** With every default filled in. */
export type TransportConfig = z.output<typeof transportConfigSchema>;
