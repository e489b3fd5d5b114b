/** Producers that are not ours, over ZeroMQ: they number their messages themselves, and a router answers each. */

import { readPlaceKeys } from '../../../engine/host/key-folder.ts';
import { AllowList } from '../../../engine/transport/allow-list.ts';
import { type OutsideReceiver, openOutsideReceiver } from '../../../engine/transport/outside-sockets.ts';
import { postFormats } from '../parse-post.ts';
import type { Broker, BrokerConnection, BrokerMessage, FetchLimits, Settled } from './broker.ts';
import type { ZeroMqSourceConfig } from './source-config.ts';

/** Room for a frame that is a little too large, so that it is named and not only cut off. */
const SLACK_BYTES = 65_536;
const DIGITS = /^\d{1,15}$/;

/**
 * Frames of a message: `payload`, or `producer sequence payload`, or `producer sequence format payload`. A router answers
 * `sequence verdict detail`: `taken` and the number of accesses, `duplicate`, or `refused` and why; an empty frame in front, as REQ
 * sockets send it, is sent back.
 */
export class ZeroMqBroker implements Broker {
  readonly #config: ZeroMqSourceConfig;
  readonly #onRefused: (reason: string, who: string) => void;
  readonly #onBound: (endpoint: string) => void;

  constructor(
    config: ZeroMqSourceConfig,
    onRefused: (reason: string, who: string) => void,
    onBound: (endpoint: string) => void,
  ) {
    this.#config = config;
    this.#onRefused = onRefused;
    this.#onBound = onBound;
  }

  compare(): number {
    return 0;
  }

  async connect(): Promise<BrokerConnection> {
    const { keysFolder, pattern, bind, highWaterMark, messageBytesMax } = this.#config;
    const place = keysFolder === null ? null : await readPlaceKeys(keysFolder);
    const receiver = await openOutsideReceiver({
      pattern,
      endpoint: bind,
      security: place === null ? null : { keys: place.keys, allowed: new AllowList(place.allowed) },
      highWaterMark,
      frameBytesMax: messageBytesMax + SLACK_BYTES,
      onRefused: this.#onRefused,
    });
    this.#onBound(receiver.endpoint);
    return new ZeroMqConnection(receiver, this.#config);
  }
}

interface Sender {
  /** Routing id, and the empty frame where there was one. */
  readonly envelope: readonly Buffer[];
  readonly sequence: string;
}

class ZeroMqConnection implements BrokerConnection {
  readonly #receiver: OutsideReceiver;
  readonly #config: ZeroMqSourceConfig;

  constructor(receiver: OutsideReceiver, config: ZeroMqSourceConfig) {
    this.#receiver = receiver;
    this.#config = config;
  }

  async next({ messagesMax, bytesMax, waitMs }: FetchLimits): Promise<readonly BrokerMessage[]> {
    const messages: BrokerMessage[] = [];
    let bytes = 0;
    while (messages.length < messagesMax && bytes < bytesMax) {
      const frames = await this.#receiver.receive(messages.length === 0 ? waitMs : 0);
      if (frames === null) break;
      const message = this.#messageOf(frames);
      bytes += message.bytes.length;
      messages.push(message);
    }
    return messages;
  }

  async settle(settled: readonly Settled[]): Promise<void> {
    if (this.#config.pattern === 'pull') return;
    for (const { message, end, accesses, why } of settled) {
      const { envelope, sequence } = message.handle as Sender;
      const verdict = end === 'taken' || end === 'duplicate' ? end : 'refused';
      await this.#receiver.answer([...envelope, sequence, verdict, why ?? String(accesses)]);
    }
  }

  async keepAlive(): Promise<void> {}

  async close(): Promise<void> {
    this.#receiver.close();
  }

  #messageOf(frames: readonly Buffer[]): BrokerMessage {
    const { name, pattern } = this.#config;
    const id = pattern === 'router' ? frames.slice(0, 1) : [];
    const rest = frames.slice(id.length);
    const envelope = rest.length > 1 && rest[0]!.length === 0 ? [...id, rest[0]!] : id;
    const body = frames.slice(envelope.length);
    const isNumbered = body.length === 3 || body.length === 4;
    const [producer, sequence] = isNumbered ? [body[0]!.toString(), body[1]!.toString()] : ['', ''];
    const format = body.length === 4 ? body[2]!.toString() : null;
    const fault =
      !isNumbered && body.length !== 1
        ? `expected 1, 3 or 4 frames, found ${body.length}`
        : isNumbered && (producer === '' || !DIGITS.test(sequence))
          ? 'expected a producer and a sequence that is a whole number'
          : format !== null && format !== 'auto' && !postFormats.includes(format)
            ? `expected one of the formats ${postFormats.join(', ')}`
            : null;
    const isNamed = isNumbered && fault === null;
    return {
      lane: name,
      position: null,
      origin: isNamed ? { producer: `source:${name}:${producer}`, sequence: Number(sequence) } : null,
      bytes: body.at(-1) ?? new Uint8Array(0),
      format,
      fault,
      handle: { envelope, sequence } satisfies Sender,
    };
  }
}
