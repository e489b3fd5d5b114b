/** Puts each prefetch request into a stream or a list of Redis. */

import type { Clock } from '../../../engine/clock.ts';
import { withDeadline } from '../../../engine/deadline.ts';
import { connectRedis, type RedisConnection } from '../servers/redis-client.ts';
import { LazyConnection } from './lazy-connection.ts';
import { type DeliveryEnd, failedBy, type OutgoingRequest, type Sink, traceFields } from './sink.ts';
import type { RedisSinkConfig } from './sink-config.ts';

/** Done when the server has answered. A request that was stored although its answer was lost is stored again, under the same `key`. */
export class RedisSink implements Sink {
  readonly name: string;
  readonly #config: RedisSinkConfig;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #connection: LazyConnection<RedisConnection>;

  constructor(config: RedisSinkConfig, timeoutMs: number, clock: Clock) {
    this.name = config.name;
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#connection = new LazyConnection(
      () => connectRedis(config, `sink ${config.name}`, timeoutMs),
      (redis) => redis.close(),
    );
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    let redis: RedisConnection | null = null;
    try {
      redis = await withDeadline(this.#clock, this.#timeoutMs, 'connect', this.#connection.get());
      await withDeadline(this.#clock, this.#timeoutMs, 'Redis', this.#put(redis, request));
      return { kind: 'done', sizeBytes: -1 };
    } catch (error) {
      if (redis !== null) await this.#connection.drop(redis);
      return failedBy(error);
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #put(redis: RedisConnection, request: OutgoingRequest): Promise<void> {
    const { key, as, lengthMax } = this.#config;
    const data = JSON.stringify(request);
    if (as === 'stream') {
      const fields = Object.entries({ key: request.key, data, ...traceFields(request) }).flat();
      await redis.command('XADD', key, 'MAXLEN', '~', String(lengthMax), '*', ...fields);
      return;
    }
    const length = await redis.command('LPUSH', key, data);
    if (typeof length === 'number' && length > lengthMax) await redis.command('LTRIM', key, '0', String(lengthMax - 1));
  }
}
