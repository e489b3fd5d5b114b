/** Redis Streams as a broker: one consumer of a group, what is pending under its name first. */

import { AnteroomError } from '../../../engine/errors.ts';
import { connectRedis, type RedisConnection, type RedisReply } from '../servers/redis-client.ts';
import {
  type Broker,
  type BrokerConnection,
  type BrokerMessage,
  compareNumbers,
  type LanePositions,
} from './broker.ts';
import type { RedisSourceConfig } from './source-config.ts';

/**
 * XREADGROUP gives entries that were delivered and not acknowledged in the order of their ids when it is asked from 0, and new ones when it
 * is asked for `>`; so every connection begins with the former, and the order of the stream holds over crashes.
 */
export class RedisBroker implements Broker {
  readonly #config: RedisSourceConfig;

  constructor(config: RedisSourceConfig) {
    this.#config = config;
  }

  compare(a: string, b: string): number {
    return compareNumbers(a, b);
  }

  async connect(positions: LanePositions): Promise<BrokerConnection> {
    const { name, stream, group, timeoutMs, fromStart } = this.#config;
    const redis = await connectRedis(this.#config, `source ${name}`, timeoutMs);
    try {
      const after = await this.#knownPosition(redis, positions);
      const begin = after ?? (fromStart ? '0' : '$');
      await redis.command('XGROUP', 'CREATE', stream, group, begin, 'MKSTREAM').catch((error: unknown) => {
        if (!(error instanceof AnteroomError && /\bBUSYGROUP\b/.test(error.message))) throw error;
      });
      return new RedisStreamConnection(redis, this.#config);
    } catch (error) {
      redis.close();
      throw error;
    }
  }

  /** Where the log stands, unless the stream was made anew since: its ids then begin before that. */
  async #knownPosition(redis: RedisConnection, positions: LanePositions): Promise<string | null> {
    const { stream } = this.#config;
    const after = positions.positionOf(stream);
    if (after === null) return null;
    const last = await lastId(redis, stream);
    if (last !== null && compareNumbers(last, after) >= 0) return after;
    await positions.renew(stream);
    return '0';
  }
}

class RedisStreamConnection implements BrokerConnection {
  readonly #redis: RedisConnection;
  readonly #config: RedisSourceConfig;
  /** Last id read of what was pending; null = all of that was read. */
  #pendingAfter: string | null = '0';

  constructor(redis: RedisConnection, config: RedisSourceConfig) {
    this.#redis = redis;
    this.#config = config;
  }

  async next({
    messagesMax,
    waitMs,
  }: {
    readonly messagesMax: number;
    readonly waitMs: number;
  }): Promise<readonly BrokerMessage[]> {
    if (this.#pendingAfter !== null) {
      const pending = await this.#read(messagesMax, null, this.#pendingAfter);
      this.#pendingAfter = pending.at(-1)?.position ?? null;
      if (pending.length > 0) return pending;
    }
    return this.#read(messagesMax, waitMs, '>');
  }

  async settle(settled: readonly { readonly message: BrokerMessage }[]): Promise<void> {
    const { stream, group } = this.#config;
    await this.#redis.command('XACK', stream, group, ...settled.map(({ message }) => message.position!));
  }

  async keepAlive(): Promise<void> {
    await this.#redis.command('PING');
  }

  async close(): Promise<void> {
    this.#redis.close();
  }

  async #read(count: number, blockMs: number | null, from: string): Promise<readonly BrokerMessage[]> {
    const { stream, group, consumer } = this.#config;
    const block = blockMs === null ? [] : ['BLOCK', String(Math.max(1, Math.round(blockMs)))];
    const reply = await this.#redis.command(
      ...['XREADGROUP', 'GROUP', group, consumer, 'COUNT', String(count), ...block, 'STREAMS', stream, from],
    );
    const entries = (reply as readonly (readonly [Buffer, readonly RedisReply[]])[] | null)?.[0]?.[1] ?? [];
    return entries.map((entry) => this.#messageOf(entry as readonly [Buffer, readonly Buffer[] | null]));
  }

  #messageOf([id, fields]: readonly [Buffer, readonly Buffer[] | null]): BrokerMessage {
    const { stream, field } = this.#config;
    const position = id.toString();
    const at = fields?.findIndex((name, i) => i % 2 === 0 && name.toString() === field) ?? -1;
    const bytes = at < 0 ? new Uint8Array(0) : fields![at + 1]!;
    const fault =
      fields === null
        ? 'it was trimmed from the stream before it was read'
        : at < 0
          ? `the entry has no field ${field}`
          : null;
    return { lane: stream, position, origin: null, bytes, format: null, fault, handle: null };
  }
}

/** The id that the stream gave last; null where there is no stream. */
async function lastId(redis: RedisConnection, stream: string): Promise<string | null> {
  try {
    const facts = (await redis.command('XINFO', 'STREAM', stream)) as readonly RedisReply[];
    const at = facts.findIndex((name) => String(name) === 'last-generated-id');
    return at < 0 ? null : String(facts[at + 1]);
  } catch (error) {
    if (error instanceof AnteroomError && /no such key/i.test(error.message)) return null;
    throw error;
  }
}
