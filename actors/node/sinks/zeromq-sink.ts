/** Pushes each prefetch request to a PULL socket. */

import { AnteroomError } from '../../../engine/errors.ts';
import { keysDiffer, type PlaceKeys, type RereadKeys, readPlaceKeys } from '../../../engine/host/key-folder.ts';
import { AllowList } from '../../../engine/transport/allow-list.ts';
import { type OutsideSender, openOutsideSender } from '../../../engine/transport/outside-sockets.ts';
import { LazyConnection } from './lazy-connection.ts';
import { type DeliveryEnd, failedBy, type OutgoingRequest, type Sink } from './sink.ts';
import type { ZeroMqSinkConfig } from './sink-config.ts';

/** What a stop gives ZeroMQ to send what it was handed. */
const LINGER_MS = 1000;

/**
 * One frame of JSON. Done when ZeroMQ has it for a connection that stands: PUSH hears nothing back, so what is on its way when the
 * receiver dies is lost, and not sent again.
 */
export class ZeroMqSink implements Sink {
  readonly name: string;
  readonly #config: ZeroMqSinkConfig;
  readonly #timeoutMs: number;
  readonly #sender: LazyConnection<OutsideSender>;
  /** A socket takes one message at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Of the connection that stands. */
  #keys: PlaceKeys | null = null;

  constructor(config: ZeroMqSinkConfig, timeoutMs: number) {
    this.name = config.name;
    this.#config = config;
    this.#timeoutMs = timeoutMs;
    this.#sender = new LazyConnection(
      () => this.#open(),
      (sender) => sender.close(LINGER_MS),
    );
  }

  async deliver(request: OutgoingRequest): Promise<DeliveryEnd> {
    const sending = this.#turn.then(() => this.#send(request));
    this.#turn = sending.catch(() => {});
    try {
      if (await sending) return { kind: 'done', sizeBytes: -1 };
      const why = `nobody took it at ${this.#config.connect} in ${this.#timeoutMs} ms`;
      return { kind: 'failed', why, isRetryable: true };
    } catch (error) {
      return failedBy(error);
    }
  }

  readonly rereadKeys: RereadKeys = async () => {
    const { keysFolder } = this.#config;
    const fresh = keysFolder === null ? null : await readPlaceKeys(keysFolder);
    return () => {
      if (fresh === null || this.#keys === null || !keysDiffer(this.#keys, fresh)) return false;
      this.#keys = null;
      // The next delivery connects anew; one under way ends first.
      this.#turn = this.#turn.then(() => this.#sender.close());
      return true;
    };
  };

  async close(): Promise<void> {
    await this.#sender.close();
  }

  async #send(request: OutgoingRequest): Promise<boolean> {
    const sender = await this.#sender.get();
    return sender.send([JSON.stringify(request)], this.#timeoutMs);
  }

  async #open(): Promise<OutsideSender> {
    const { keysFolder, connect, place, highWaterMark } = this.#config;
    const keys = keysFolder === null ? null : await readPlaceKeys(keysFolder);
    this.#keys = keys;
    if (keys !== null && place === null)
      throw new AnteroomError('bad-config', `sink ${this.name}: with keysFolder it has to be said which place listens`);
    const security = keys === null ? null : { keys: keys.keys, allowed: new AllowList(keys.allowed) };
    return openOutsideSender({ endpoint: connect, security, to: place, highWaterMark });
  }
}
