/** A connection to Redis that gives up by itself nothing and tries again nothing: its owner does. */

import { AnteroomError } from '../../../engine/errors.ts';
import { readTextFile } from '../../../engine/host/text-file.ts';
import { optionalPeer } from './optional-peer.ts';

/** Where the server is and who we are. */
export interface RedisServer {
  readonly url: string;
  readonly username: string | null;
  readonly passwordFile: string | null;
  readonly caFile: string | null;
}

/** A reply as RESP 2 has it; texts are bytes. */
export type RedisReply = null | number | Buffer | Error | readonly RedisReply[];

export interface RedisConnection {
  /** @throws AnteroomError 'unavailable' for a broken connection; an error of the server is 'io' with its text. */
  command(...words: readonly (string | Uint8Array)[]): Promise<RedisReply>;
  /** Never rejects; commands under way fail. */
  close(): void;
}

/** @throws AnteroomError 'missing-library', 'unavailable', and as `readTextFile` does. */
export async function connectRedis(server: RedisServer, what: string, timeoutMs: number): Promise<RedisConnection> {
  const { createClient, RESP_TYPES } = await optionalPeer('redis', what, () => import('redis'));
  const { url, username, passwordFile, caFile } = server;
  const password = passwordFile === null ? null : (await readTextFile(passwordFile)).trim();
  const ca = caFile === null ? null : await readTextFile(caFile);
  const client = createClient({
    url,
    ...(username === null ? {} : { username }),
    ...(password === null ? {} : { password }),
    RESP: 2,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: timeoutMs,
      reconnectStrategy: false,
      ...(ca === null ? {} : { tls: true as const, ca }),
    },
  });
  let broken: Error | null = null;
  client.on('error', (error: Error) => {
    broken ??= error;
  });
  try {
    await client.connect();
  } catch (cause) {
    throw unavailable(cause, url);
  }
  const bytesOfTexts = client.withTypeMapping({
    [RESP_TYPES.BLOB_STRING]: Buffer,
    [RESP_TYPES.SIMPLE_STRING]: Buffer,
  });
  return {
    command: async (...words) => {
      try {
        const texts = words.map((word) => (typeof word === 'string' ? word : Buffer.from(word)));
        return (await bytesOfTexts.sendCommand(texts)) as unknown as RedisReply;
      } catch (cause) {
        if (!client.isOpen || broken !== null) throw unavailable(broken ?? cause, url);
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new AnteroomError('io', `Redis at ${url}: ${message}`, { cause, isRetryable: true });
      }
    },
    close: () => {
      if (client.isOpen) client.destroy();
    },
  };
}

function unavailable(cause: unknown, url: string): AnteroomError {
  const said = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : String(cause);
  return new AnteroomError('unavailable', `Redis at ${url}: ${said}`, { cause, isRetryable: true });
}
