/** Makes a sink of its settings. */

import type { Clock } from '../../../engine/clock.ts';
import { CommandSink } from './command-sink.ts';
import { NatsSink } from './nats-sink.ts';
import { RedisSink } from './redis-sink.ts';
import type { Sink } from './sink.ts';
import type { SinkConfig } from './sink-config.ts';
import { WebhookSink } from './webhook-sink.ts';
import { ZeroMqSink } from './zeromq-sink.ts';

/** @param timeoutMs how long one try may take. Nothing is connected before the first delivery. */
export function makeSink(config: SinkConfig, timeoutMs: number, clock: Clock): Sink {
  switch (config.type) {
    case 'webhook':
      return new WebhookSink({ name: config.name, url: config.url, headers: config.headers, timeoutMs });
    case 'command':
      return new CommandSink({
        name: config.name,
        words: config.command,
        timeoutMs: config.timeoutMs ?? timeoutMs,
        concurrencyMax: config.concurrencyMax,
        retryStatuses: config.retryStatuses,
        clock,
      });
    case 'zeromq':
      return new ZeroMqSink(config, timeoutMs);
    case 'nats':
      return new NatsSink(config, timeoutMs, clock);
    case 'redis':
      return new RedisSink(config, timeoutMs, clock);
  }
}
