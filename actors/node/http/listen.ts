/** The listening socket of a node, within the bounds of its settings. */

import type { ServerType } from '@hono/node-server';
import { serve } from '@hono/node-server';
import type { Clock } from '../../../engine/clock.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { guardHttp, HTTP_LOOK_MS, type HttpFault, setHttpBounds } from '../../../engine/host/http-guard.ts';
import type { NodeConfig } from '../node-config.ts';

export interface Listener {
  /** Where it listens: `http://127.0.0.1:7878`. */
  readonly address: string;
  /** From now on these bounds hold; the address and the size of a head stay. */
  bound(http: NodeConfig['http']): void;
  /** Takes no connection from now on; resolves when what is under way has been answered, at the latest after `graceMs`, default 0. */
  close(graceMs?: number): Promise<void>;
}

/** @throws AnteroomError 'io' where the address is taken. */
export function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  http: NodeConfig['http'],
  clock: Clock,
  onFault: (fault: HttpFault) => void,
): Promise<Listener> {
  return new Promise((settle, fail) => {
    const server: ServerType = serve(
      {
        fetch,
        hostname: http.host,
        port: http.port,
        serverOptions: { maxHeaderSize: http.headBytesMax, connectionsCheckingInterval: HTTP_LOOK_MS },
      },
      ({ address, port }) => {
        const host = address.includes(':') ? `[${address}]` : address;
        settle({
          address: `http://${host}:${port}`,
          bound: (changed) => {
            if ('closeAllConnections' in server) setHttpBounds(server, changed);
          },
          close: (graceMs = 0) => closed(server, clock, graceMs),
        });
      },
    );
    if ('closeAllConnections' in server) guardHttp(server, http, onFault);
    server.on('error', (cause: Error) =>
      fail(new AnteroomError('io', `cannot listen on ${http.host}:${http.port}: ${cause.message}`, { cause })),
    );
  });
}

/** How often connections that have fallen idle are looked for. */
const IDLE_LOOK_MS = 10;

function closed(server: ServerType, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((settle) => {
    const untilMs = clock.now() + graceMs;
    let isClosed = false;
    server.close(() => {
      isClosed = true;
      settle();
    });
    const look = (): void => {
      if (isClosed || !('closeAllConnections' in server)) return;
      if (clock.now() >= untilMs) {
        server.closeAllConnections();
        return;
      }
      server.closeIdleConnections();
      clock.setTimeout(look, IDLE_LOOK_MS);
    };
    look();
  });
}
