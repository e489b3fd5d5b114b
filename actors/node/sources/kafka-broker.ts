/** Brokers that speak the Kafka protocol: a member of a consumer group that commits what the log has. */

import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import type { Clock } from '../../../engine/clock.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { readTextFile } from '../../../engine/host/text-file.ts';
import { optionalPeer } from '../servers/optional-peer.ts';
import {
  type Broker,
  type BrokerConnection,
  type BrokerMessage,
  compareNumbers,
  type FetchLimits,
  type LanePositions,
  type Settled,
} from './broker.ts';
import type { KafkaSourceConfig } from './source-config.ts';

/** A lane is a partition; its position is the offset. */
export class KafkaBroker implements Broker {
  readonly #config: KafkaSourceConfig;
  readonly #clock: Clock;

  constructor(config: KafkaSourceConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  compare(a: string, b: string): number {
    return compareNumbers(a, b);
  }

  async connect(positions: LanePositions): Promise<BrokerConnection> {
    const { name, group, fetchBytesMax, sessionMs, topics, fromStart, waitMs } = this.#config;
    const { Kafka: KafkaClient, logLevel } = await optionalPeer('kafkajs', `source ${name}`, () => import('kafkajs'));
    const kafka = new KafkaClient({ ...(await this.#identity()), logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: Math.round(sessionMs),
      heartbeatInterval: Math.max(100, Math.round(sessionMs / 10)),
      rebalanceTimeout: Math.max(sessionMs, 60_000),
      maxBytes: fetchBytesMax,
      maxBytesPerPartition: fetchBytesMax,
      maxWaitTimeInMs: Math.round(waitMs),
      retry: { retries: 2, initialRetryTime: 100, restartOnFailure: () => Promise.resolve(false) },
    });
    const connection = new KafkaConnection(consumer, this.#config, this.#clock);
    try {
      const starts = await this.#startsOf(kafka, positions);
      await consumer.connect();
      await consumer.subscribe({ topics: [...topics], fromBeginning: fromStart });
      await connection.run(starts);
      return connection;
    } catch (error) {
      await connection.close();
      throw kafkaFault(error);
    }
  }

  async #identity() {
    const { brokers, clientId, isTls, caFile, saslMechanism, username, passwordFile, timeoutMs } = this.#config;
    const ca = caFile === null ? null : await readTextFile(caFile);
    const password = passwordFile === null ? '' : (await readTextFile(passwordFile)).trim();
    const sasl = { mechanism: saslMechanism, username: username ?? '', password } as never;
    return {
      brokers: [...brokers],
      clientId,
      ssl: ca === null ? isTls : { ca },
      connectionTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      enforceRequestTimeout: true,
      retry: { retries: 2, initialRetryTime: 100 },
      ...(saslMechanism === null ? {} : { sasl }),
    };
  }

  /**
   * Where to begin in partitions for which the group's offset will not do: it was forgotten while the log knows better, or the topic was
   * made anew and ends before where the log stands.
   */
  async #startsOf(kafka: Kafka, positions: LanePositions): Promise<ReadonlyMap<string, string>> {
    const { topics, group } = this.#config;
    const admin: Admin = kafka.admin();
    await admin.connect();
    try {
      const starts = new Map<string, string>();
      const committed = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      for (const topic of topics) {
        for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
          const lane = laneOf(topic, partition);
          const after = positions.positionOf(lane);
          if (after === null) continue;
          if (BigInt(high) <= BigInt(after)) {
            await positions.renew(lane);
            starts.set(lane, low);
          } else if (committedAt(committed, topic, partition) === null) starts.set(lane, String(BigInt(after) + 1n));
        }
      }
      return starts;
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }
}

/**
 * kafkajs pushes batches; this holds each until it is asked for the next, which is what slows the consumer. Meanwhile it tells the group
 * that it lives.
 */
class KafkaConnection implements BrokerConnection {
  readonly #consumer: Consumer;
  readonly #config: KafkaSourceConfig;
  readonly #clock: Clock;
  #batch: { readonly payload: EachBatchPayload; next: number; release(): void } | null = null;
  #fault: unknown = null;
  #isClosed = false;
  #wake: (() => void) | null = null;

  constructor(consumer: Consumer, config: KafkaSourceConfig, clock: Clock) {
    this.#consumer = consumer;
    this.#config = config;
    this.#clock = clock;
  }

  /** Joins the group; resolves when it has its partitions. */
  async run(starts: ReadonlyMap<string, string>): Promise<void> {
    const consumer = this.#consumer;
    const failed = (error: unknown): void => {
      this.#fault ??= error;
      this.#wake?.();
    };
    consumer.on('consumer.crash', ({ payload }) => failed(payload.error));
    // kafkajs would ask again for a long time before it says so.
    consumer.on('consumer.network.request_timeout', ({ payload }) =>
      failed(new Error(`no answer of ${payload.broker} to ${payload.apiName}`)),
    );
    consumer.on('consumer.group_join', ({ payload }) => {
      for (const [topic, partitions] of Object.entries(payload.memberAssignment)) {
        for (const partition of partitions) {
          const offset = starts.get(laneOf(topic, partition));
          if (offset !== undefined) consumer.seek({ topic, partition, offset });
        }
      }
    });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#hold(payload),
    });
  }

  async next({ messagesMax, bytesMax, waitMs }: FetchLimits): Promise<readonly BrokerMessage[]> {
    const inHand = this.#cut(messagesMax, bytesMax);
    if (inHand.length > 0) return inHand;
    this.#batch?.release();
    if (this.#batch === null && this.#fault === null) {
      await new Promise<void>((settle) => {
        const timer = this.#clock.setTimeout(settle, waitMs);
        this.#wake = () => {
          this.#clock.clearTimeout(timer);
          settle();
        };
      });
    }
    if (this.#fault !== null) throw kafkaFault(this.#fault);
    return this.#cut(messagesMax, bytesMax);
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    const ends = new Map<string, { topic: string; partition: number; offset: string }>();
    for (const { message } of settled) {
      const { topic, partition } = message.handle as { readonly topic: string; readonly partition: number };
      const offset = String(BigInt(message.position!) + 1n);
      const before = ends.get(message.lane);
      if (before === undefined || compareNumbers(before.offset, offset) < 0)
        ends.set(message.lane, { topic, partition, offset });
    }
    try {
      await this.#consumer.commitOffsets([...ends.values()]);
    } catch (error) {
      throw kafkaFault(error);
    }
  }

  async keepAlive(): Promise<void> {
    if (this.#fault !== null) throw kafkaFault(this.#fault);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#batch?.release();
    await this.#consumer.disconnect().catch(() => {});
  }

  async #hold(payload: EachBatchPayload): Promise<void> {
    let isReleased = false;
    let wake = (): void => {};
    const release = (): void => {
      isReleased = true;
      this.#batch = null;
      wake();
    };
    if (this.#isClosed) return;
    this.#batch = { payload, next: 0, release };
    this.#wake?.();
    const everyMs = Math.max(100, this.#config.sessionMs / 10);
    while (!isReleased) {
      await new Promise<void>((settle) => {
        const timer = this.#clock.setTimeout(settle, everyMs);
        wake = () => {
          this.#clock.clearTimeout(timer);
          settle();
        };
      });
      // Rejects where the group has given our partitions away: what we hold is then no longer ours to read.
      await payload.heartbeat().catch((error: unknown) => {
        release();
        throw error;
      });
    }
  }

  /** The next messages of the batch in hand. */
  #cut(messagesMax: number, bytesMax: number): readonly BrokerMessage[] {
    const batch = this.#batch;
    if (batch === null) return [];
    const { topic, partition, messages } = batch.payload.batch;
    const cut: BrokerMessage[] = [];
    let bytes = 0;
    for (; batch.next < messages.length && cut.length < messagesMax; batch.next++) {
      const message = messages[batch.next]!;
      bytes += message.value?.length ?? 0;
      if (cut.length > 0 && bytes > bytesMax) break;
      cut.push(messageOf(topic, partition, message));
    }
    // Where the consumer reads on; what is committed is another matter.
    const last = messages[batch.next - 1];
    if (last !== undefined) batch.payload.resolveOffset(last.offset);
    return cut;
  }
}

function messageOf(topic: string, partition: number, { offset, value }: KafkaMessage): BrokerMessage {
  return {
    lane: laneOf(topic, partition),
    position: offset,
    origin: null,
    bytes: value ?? new Uint8Array(0),
    format: null,
    fault: value === null ? 'the message has no value' : null,
    handle: { topic, partition },
  };
}

function laneOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

type Committed = Awaited<ReturnType<Admin['fetchOffsets']>>;

function committedAt(committed: Committed, topic: string, partition: number): string | null {
  const partitions = committed.find((one) => one.topic === topic)?.partitions ?? [];
  const offset = partitions.find((one) => one.partition === partition)?.offset;
  return offset === undefined || offset === '-1' ? null : offset;
}

function kafkaFault(cause: unknown): AnteroomError {
  if (cause instanceof AnteroomError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  return new AnteroomError('unavailable', `Kafka: ${said}`, { cause, isRetryable: true });
}
