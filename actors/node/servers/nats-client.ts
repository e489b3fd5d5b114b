/** A connection to NATS that tries nothing again by itself: its owner does. */

import type { NatsConnection } from 'nats';
import { AnteroomError } from '../../../engine/errors.ts';
import { readTextFile } from '../../../engine/host/text-file.ts';
import { optionalPeer } from './optional-peer.ts';

/** Where the servers are and who we are. */
export interface NatsServer {
  readonly servers: readonly string[];
  readonly user: string | null;
  readonly passwordFile: string | null;
  readonly tokenFile: string | null;
  readonly credentialsFile: string | null;
  readonly caFile: string | null;
}

export type Nats = typeof import('nats');

export interface NatsClient {
  readonly nats: Nats;
  readonly connection: NatsConnection;
}

/** @throws AnteroomError 'missing-library', 'unavailable', and as `readTextFile` does. */
export async function connectNats(server: NatsServer, what: string, timeoutMs: number): Promise<NatsClient> {
  const nats = await optionalPeer('nats', what, () => import('nats'));
  const { servers, user, passwordFile, tokenFile, credentialsFile, caFile } = server;
  const secretIn = async (file: string | null): Promise<string | null> =>
    file === null ? null : (await readTextFile(file)).trim();
  const pass = await secretIn(passwordFile);
  const token = await secretIn(tokenFile);
  const credentials = credentialsFile === null ? null : await readTextFile(credentialsFile);
  const isTls = servers.some((url) => url.startsWith('tls:'));
  try {
    const connection = await nats.connect({
      servers: [...servers],
      name: what,
      reconnect: false,
      maxReconnectAttempts: 0,
      ignoreClusterUpdates: true,
      timeout: timeoutMs,
      pingInterval: timeoutMs,
      maxPingOut: 1,
      ...(user === null ? {} : { user }),
      ...(pass === null ? {} : { pass }),
      ...(token === null ? {} : { token }),
      ...(credentials === null
        ? {}
        : { authenticator: nats.credsAuthenticator(new TextEncoder().encode(credentials)) }),
      ...(isTls ? { tls: caFile === null ? {} : { caFile } } : {}),
    });
    return { nats, connection };
  } catch (cause) {
    throw natsFault(cause, servers);
  }
}

/** What went wrong at a server, as one of ours. */
export function natsFault(cause: unknown, servers: readonly string[]): AnteroomError {
  if (cause instanceof AnteroomError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  return new AnteroomError('unavailable', `NATS at ${servers.join(', ')}: ${said}`, { cause, isRetryable: true });
}
