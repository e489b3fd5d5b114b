/** Makes a source of its settings. */

import type { Clock } from '../../../engine/clock.ts';
import type { RandomSource } from '../../../engine/random.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';
import { Refusals } from '../../../engine/transport/refusals.ts';
import type { NameRules } from '../name-rules.ts';
import type { ParsedPost } from '../parse-post.ts';
import type { Broker } from './broker.ts';
import { BrokerSource, type BrokerSourceOptions } from './broker-source.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { LanePlaces } from './lane-places.ts';
import { MessageDesk, type MessageDeskOptions } from './message-desk.ts';
import { NatsBroker } from './nats-broker.ts';
import { RedisBroker } from './redis-broker.ts';
import type { Source, SourceStatus } from './source.ts';
import type { SourceConfig } from './source-config.ts';
import type { SourceLetters } from './source-letters.ts';
import { ZeroMqBroker } from './zeromq-broker.ts';

const NOTES_PER_SECOND_MAX = 5;

/** What a source is given by its node. */
export interface SourceHost
  extends Pick<MessageDeskOptions, 'append' | 'onBad'>,
    Pick<BrokerSourceOptions, 'whenRoom' | 'onChange'> {
  /** Strict: a bad record refuses all of the bytes, and so does a consumer who may not be named. */
  readonly parse: (bytes: Uint8Array, format: string, consumers: NameRules) => Promise<ParsedPost>;
  readonly records: RecordStore;
  readonly letters: SourceLetters;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Something that is no trouble: an address, a peer that was refused. */
  readonly onNote: (facts: object, message: string) => void;
}

export function makeSource(config: SourceConfig, host: SourceHost): Source {
  const { name, type, messagesMax, waitMs, timeoutMs, keepAliveMs, backOff } = config;
  const { clock, random, whenRoom, onChange, letters } = host;
  const places = new LanePlaces(name, host.records);
  const refused = new RefusalBook(clock, name, host.onNote);
  const broker = brokerOf(config, host, refused);
  const desk = new MessageDesk({
    source: name,
    format: config.format,
    onBadRecord: config.onBadRecord,
    messageBytesMax: config.messageBytesMax,
    compare: (a, b) => broker.compare(a, b),
    places,
    letters,
    clock,
    parse: (bytes, format, speaker) => host.parse(bytes, format, consumersOf(config, speaker)),
    append: host.append,
    onBad: host.onBad,
    onDenied: (reason, who) => refused.add(reason, who),
  });
  const bytesMax = config.type === 'zeromq' ? config.messageBytesMax : config.fetchBytesMax;
  return new BrokerSource({
    name,
    type,
    broker,
    desk,
    places,
    limits: { messagesMax, bytesMax, waitMs },
    timeoutMs,
    keepAliveMs,
    backOff,
    clock,
    random,
    whenRoom,
    refusals: () => refused.facts,
    onChange,
  });
}

/** Of whom a place of the allow-list may tell accesses. */
function consumersOf(config: SourceConfig, speaker: string | null): NameRules {
  if (config.type !== 'zeromq' || speaker === null) return null;
  return config.speakers.find(({ place }) => place === speaker)?.consumers ?? null;
}

/** Counts who is refused, and notes it so often a second at most. */
class RefusalBook {
  readonly #refusals: Refusals;
  #latest: string | null = null;

  constructor(clock: Clock, source: string, onNote: SourceHost['onNote']) {
    this.#refusals = new Refusals(clock, NOTES_PER_SECOND_MAX, (reason, who) =>
      onNote({ source, reason, who }, 'a peer was refused'),
    );
  }

  get facts(): Pick<SourceStatus, 'refused' | 'latestRefused'> {
    return { refused: this.#refusals.counts(), latestRefused: this.#latest };
  }

  add(reason: string, who: string): void {
    this.#latest = `${reason}: ${who}`;
    this.#refusals.add(reason, who);
  }
}

function brokerOf(config: SourceConfig, { clock, onNote }: SourceHost, refused: RefusalBook): Broker {
  switch (config.type) {
    case 'redis':
      return new RedisBroker(config);
    case 'nats':
      return new NatsBroker(config);
    case 'kafka':
      return new KafkaBroker(config, clock);
    case 'zeromq': {
      const source = config.name;
      return new ZeroMqBroker({
        config,
        clock,
        onRefused: (reason, who) => refused.add(reason, who),
        onBound: (endpoint) => onNote({ source, endpoint }, 'listening'),
      });
    }
  }
}
