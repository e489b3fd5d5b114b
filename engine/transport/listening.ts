/** Listening with a ZeroMQ socket, also at an endpoint that is only just being given back. */

import type { Pull, Router } from 'zeromq';
import type { Clock } from '../clock.ts';
import { AnteroomError } from '../errors.ts';

const TRY_AGAIN_MS = 2;
const TRY_AGAIN_MS_MAX = 50;

/**
 * Listens, and says where. ZeroMQ gives a port back on a thread of its own, milliseconds after the socket that had it is closed, so
 * one that is in use is tried again for `waitMs`.
 * @throws AnteroomError 'io' where it is still in use then, or cannot be listened at
 */
export async function listenAt(socket: Pull | Router, endpoint: string, waitMs: number, clock: Clock): Promise<string> {
  const until = clock.now() + waitMs;
  for (let pauseMs = TRY_AGAIN_MS; ; pauseMs = Math.min(TRY_AGAIN_MS_MAX, pauseMs * 2)) {
    try {
      // On this thread: the binding's own `bind` takes the socket to another, and one that has connections already must not be in use there meanwhile.
      socket.bindSync(endpoint);
      return socket.lastEndpoint ?? endpoint;
    } catch (cause) {
      const leftMs = until - clock.now();
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE' || leftMs <= 0) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new AnteroomError('io', `cannot listen at ${endpoint}: ${why}`, { cause, context: { endpoint } });
      }
      await new Promise<void>((done) => clock.setTimeout(done, Math.min(pauseMs, leftMs)));
    }
  }
}
