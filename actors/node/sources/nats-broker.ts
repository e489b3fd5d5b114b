/** NATS JetStream as a broker: a durable pull consumer, made anew at each connect from where the log stands. */

import type { ConsumerConfig, JetStreamManager, Msg, StreamInfo } from 'nats';
import { AnteroomError } from '../../../engine/errors.ts';
import { connectNats, type NatsClient, natsFault } from '../servers/nats-client.ts';
import {
  type Broker,
  type BrokerConnection,
  type BrokerMessage,
  compareNumbers,
  type FetchLimits,
  type LanePositions,
  type Settled,
} from './broker.ts';
import type { NatsSourceConfig } from './source-config.ts';

const NANOSECONDS = 1_000_000;
const ACKNOWLEDGE = new TextEncoder().encode('+ACK');
const TERMINATE = new TextEncoder().encode('+TERM');

/**
 * A consumer that lives on gives what was not acknowledged only after its wait, and new messages before: out of order. One that is made
 * anew begins at the first message that the log does not have, so the order of the stream holds; acknowledgements tell the server what may
 * go from a work queue, and people how far we are.
 */
export class NatsBroker implements Broker {
  readonly #config: NatsSourceConfig;

  constructor(config: NatsSourceConfig) {
    this.#config = config;
  }

  compare(a: string, b: string): number {
    return compareNumbers(a, b);
  }

  async connect(positions: LanePositions): Promise<BrokerConnection> {
    const { name, stream, servers, timeoutMs } = this.#config;
    const client = await connectNats(this.#config, `source ${name}`, timeoutMs);
    try {
      const manager = await client.connection.jetstreamManager({ timeout: timeoutMs });
      const info = await manager.streams.info(stream);
      const isNew = positions.positionOf(stream) === null;
      await positions.enter(stream, info.created);
      await this.#makeConsumer(manager, info, positions.positionOf(stream), isNew);
      return new NatsStreamConnection(client, this.#config);
    } catch (error) {
      await client.connection.close().catch(() => {});
      throw natsFault(error, servers);
    }
  }

  async #makeConsumer(
    manager: JetStreamManager,
    info: StreamInfo,
    after: string | null,
    isNew: boolean,
  ): Promise<void> {
    const { stream, consumer, subject, ackWaitMs, messagesMax, fromStart } = this.#config;
    const retention: string = info.config.retention;
    // Without its consumer such a stream lets messages go at once, and ours is made anew.
    if (retention === 'interest')
      throw new AnteroomError(
        'unsupported',
        `stream ${stream} has interest retention; give it limits or workqueue, or read a mirror`,
      );
    const from: Partial<ConsumerConfig> =
      retention === 'workqueue' || (after === null && (fromStart || !isNew))
        ? { deliver_policy: 'all' as ConsumerConfig['deliver_policy'] }
        : after === null
          ? { deliver_policy: 'new' as ConsumerConfig['deliver_policy'] }
          : {
              deliver_policy: 'by_start_sequence' as ConsumerConfig['deliver_policy'],
              opt_start_seq: Number(after) + 1,
            };
    await manager.consumers.delete(stream, consumer).catch((error: unknown) => {
      if (!/consumer not found/i.test(String(error))) throw error;
    });
    await manager.consumers.add(stream, {
      durable_name: consumer,
      ack_policy: 'explicit' as ConsumerConfig['ack_policy'],
      ack_wait: Math.round(ackWaitMs) * NANOSECONDS,
      max_ack_pending: Math.max(1000, messagesMax * 4),
      ...(subject === null ? {} : { filter_subject: subject }),
      ...from,
    });
  }
}

/** Pulls by the requests of the protocol itself: what is there at once, or the first that comes. */
class NatsStreamConnection implements BrokerConnection {
  readonly #client: NatsClient;
  readonly #config: NatsSourceConfig;
  readonly #inbox: string;
  readonly #request: string;
  readonly #arrived: Msg[] = [];
  #wake: (() => void) | null = null;
  #fault: unknown = null;
  /** Of the next message, as the consumer counts its deliveries. */
  #delivery = 1;

  constructor(client: NatsClient, config: NatsSourceConfig) {
    this.#client = client;
    this.#config = config;
    this.#inbox = client.nats.createInbox();
    this.#request = `$JS.API.CONSUMER.MSG.NEXT.${config.stream}.${config.consumer}`;
    client.connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        if (error !== null) this.#fault = error;
        else this.#arrived.push(message);
        this.#wake?.();
      },
    });
    void client.connection.closed().then((error) => {
      this.#fault = error ?? new Error('the connection was closed');
      this.#wake?.();
    });
  }

  async next({ messagesMax, bytesMax, waitMs }: FetchLimits): Promise<readonly BrokerMessage[]> {
    const atOnce = { batch: messagesMax, no_wait: true, max_bytes: bytesMax };
    const some = await this.#pull(atOnce);
    if (some.length > 0) return some;
    const first = await this.#pull({ batch: 1, expires: Math.round(waitMs) * NANOSECONDS });
    if (first.length === 0 || messagesMax === 1) return first;
    return [...first, ...(await this.#pull({ ...atOnce, batch: messagesMax - 1 }))];
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    for (const { message, end } of settled) {
      (message.handle as Msg).respond(end === 'refused' ? TERMINATE : ACKNOWLEDGE);
    }
    await this.#answered(this.#client.connection.flush());
  }

  async keepAlive(): Promise<void> {
    await this.#answered(this.#client.connection.flush());
  }

  async close(): Promise<void> {
    await this.#client.connection.close().catch(() => {});
  }

  /** One request to its end: its whole batch, or the status that says there is no more. */
  async #pull(
    request: Readonly<Record<string, number | boolean>> & { readonly batch: number },
  ): Promise<readonly BrokerMessage[]> {
    const { connection } = this.#client;
    const messages: BrokerMessage[] = [];
    connection.publish(this.#request, JSON.stringify(request), { reply: this.#inbox });
    while (messages.length < request.batch) {
      const message = await this.#arrival();
      const code = message.data.length === 0 ? (message.headers?.code ?? 0) : 0;
      // 100 is a sign of life; 404 and 408: no more; 409: a limit was met, such as its bytes.
      if (code === 100) continue;
      if (
        code === 404 ||
        code === 408 ||
        (code === 409 && /exceeded max|message size/i.test(message.headers!.description))
      )
        break;
      if (code >= 400)
        throw new AnteroomError(
          'unavailable',
          `stream ${this.#config.stream}: ${code} ${message.headers!.description}`,
          { isRetryable: true },
        );
      messages.push(this.#messageOf(message));
    }
    return messages;
  }

  async #arrival(): Promise<Msg> {
    for (;;) {
      if (this.#fault !== null) throw natsFault(this.#fault, this.#config.servers);
      const message = this.#arrived.shift();
      if (message !== undefined) return message;
      await new Promise<void>((settle) => {
        this.#wake = settle;
      });
    }
  }

  #messageOf(raw: Msg): BrokerMessage {
    const { stream } = this.#config;
    const { streamSequence, deliverySequence } = placeIn(raw.reply ?? '');
    if (deliverySequence !== this.#delivery)
      throw new AnteroomError(
        'unavailable',
        `stream ${stream}: delivery ${this.#delivery} is missing, ${deliverySequence} came`,
        {
          isRetryable: true,
        },
      );
    this.#delivery++;
    return {
      lane: stream,
      position: streamSequence,
      origin: null,
      bytes: raw.data,
      format: null,
      fault: null,
      handle: raw,
    };
  }

  async #answered(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      throw natsFault(error, this.#config.servers);
    }
  }
}

/**
 * What the reply subject of a message says: `$JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM_SEQUENCE.CONSUMER_SEQUENCE.TIME.PENDING`, with domain
 * and account before the stream and a token at the end where the server is newer (NATS ADR-15).
 */
function placeIn(reply: string): { readonly streamSequence: string; readonly deliverySequence: number } {
  const words = reply.split('.');
  const at = words.length > 9 ? 7 : 5;
  if (words[1] !== 'ACK' || words.length < 9 || !/^\d+$/.test(words[at]!))
    throw new AnteroomError('unavailable', `a message without a place came: ${reply.slice(0, 100)}`);
  return { streamSequence: words[at]!, deliverySequence: Number(words[at + 1]) };
}
