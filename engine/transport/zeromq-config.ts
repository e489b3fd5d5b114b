/** The settings of ZeroMQ's sockets. */

import { z } from 'zod';
import { durationField } from '../config.ts';

/** Default of `listenWaitMs`. */
export const LISTEN_WAIT_MS = 1000;

/** Settings of the ZeroMQ sockets. */
export const zeroMqConfigSchema = z.strictObject({
  highWaterMark: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(4096)
    .describe(
      'Packets that ZeroMQ holds for one peer in each direction; one more is dropped, counted and sent again later.',
    ),
  ioThreads: z.int().min(1).max(64).default(1).describe('Threads that do the network and the cryptography.'),
  reconnectMs: durationField({ minMs: 1, maxMs: 2 ** 31 - 1 })
    .default(100)
    .describe('Wait before a broken connection is tried again; doubled up to reconnectMaxMs.'),
  reconnectMaxMs: durationField({ minMs: 1, maxMs: 2 ** 31 - 1 })
    .default(5000)
    .describe('The longest such wait, and the wait after a refusal.'),
  handshakeMs: durationField({ minMs: 1, maxMs: 2 ** 31 - 1 })
    .default(10_000)
    .describe('A connection that is not secured within so long is closed.'),
  pingMs: durationField({ minMs: 0, maxMs: 2 ** 31 - 1 })
    .default(2000)
    .describe('ZeroMQ asks a silent connection for a sign of life; none in three times as long closes it. 0 = never.'),
  listenWaitMs: durationField({ minMs: 0, maxMs: 2 ** 31 - 1 })
    .default(LISTEN_WAIT_MS)
    .describe(
      'How long an endpoint that is in use is tried again before that is an error: ZeroMQ gives one back late.',
    ),
  backlog: z
    .int()
    .min(1)
    .max(65_535)
    .default(128)
    .describe('Connections that wait to be accepted; more are refused by the system.'),
});

/** With every default filled in. */
export type ZeroMqConfig = z.output<typeof zeroMqConfigSchema>;

/** The options of every socket, in the names of the package zeromq. */
export function socketOptionsOf(config: ZeroMqConfig, frameBytesMax: number) {
  const { highWaterMark, reconnectMs, reconnectMaxMs, handshakeMs, pingMs, backlog } = config;
  return {
    sendHighWaterMark: highWaterMark,
    receiveHighWaterMark: highWaterMark,
    maxMessageSize: frameBytesMax,
    // A send that cannot be taken at once is dropped: the link sends it again, and nothing waits inside ZeroMQ unseen.
    sendTimeout: 0,
    linger: 0,
    reconnectInterval: reconnectMs,
    reconnectMaxInterval: Math.max(reconnectMs, reconnectMaxMs),
    handshakeInterval: handshakeMs,
    heartbeatInterval: pingMs,
    heartbeatTimeout: pingMs * 3,
    backlog,
  };
}
