/** Publishes each prefetch request to a subject of NATS. */

import type { Clock } from '../../../engine/clock.ts';
import { withDeadline } from '../../../engine/deadline.ts';
import { connectNats, type NatsClient, natsFault } from '../servers/nats-client.ts';
import { LazyConnection } from './lazy-connection.ts';
import { type DeliveryEnd, failedBy, type OutgoingRequest, type Sink, traceFields } from './sink.ts';
import type { NatsSinkConfig } from './sink-config.ts';

/**
 * With JetStream done when a stream has stored it; the request's key is its message id, so one that comes twice within the stream's
 * window is stored once. Without, done when the server has it, whoever listens.
 */
export class NatsSink implements Sink {
  readonly name: string;
  readonly #config: NatsSinkConfig;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #connection: LazyConnection<NatsClient>;

  constructor(config: NatsSinkConfig, timeoutMs: number, clock: Clock) {
    this.name = config.name;
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#connection = new LazyConnection(
      () => connectNats(config, `sink ${config.name}`, timeoutMs),
      ({ connection }) => connection.close().catch(() => {}),
    );
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    let client: NatsClient | null = null;
    try {
      client = await withDeadline(this.#clock, this.#timeoutMs, 'connect', this.#connection.get());
      await withDeadline(this.#clock, this.#timeoutMs, 'NATS', this.#publish(client, request));
      return { kind: 'done', sizeBytes: -1 };
    } catch (error) {
      if (client?.connection.isClosed() === true) await this.#connection.drop(client);
      return failedBy(natsFault(error, this.#config.servers));
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #publish({ nats, connection }: NatsClient, request: OutgoingRequest): Promise<void> {
    const { subject, isJetStream } = this.#config;
    const bytes = new TextEncoder().encode(JSON.stringify(request));
    const headers = nats.headers();
    for (const [name, value] of Object.entries(traceFields(request))) headers.set(name, value);
    if (isJetStream) {
      await connection.jetstream({ timeout: this.#timeoutMs }).publish(subject, bytes, { msgID: request.key, headers });
      return;
    }
    headers.set('Nats-Msg-Id', request.key);
    connection.publish(subject, bytes, { headers });
    await connection.flush();
  }
}
