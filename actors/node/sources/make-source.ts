/** Makes a source of its settings. */

import type { Clock } from '../../../engine/clock.ts';
import type { RandomSource } from '../../../engine/random.ts';
import type { RecordStore } from '../../../engine/state/record-store.ts';
import type { Broker } from './broker.ts';
import { BrokerSource, type BrokerSourceOptions } from './broker-source.ts';
import { KafkaBroker } from './kafka-broker.ts';
import { LanePlaces } from './lane-places.ts';
import { MessageDesk, type MessageDeskOptions } from './message-desk.ts';
import { NatsBroker } from './nats-broker.ts';
import { RedisBroker } from './redis-broker.ts';
import type { Source } from './source.ts';
import type { SourceConfig } from './source-config.ts';
import type { SourceLetters } from './source-letters.ts';
import { ZeroMqBroker } from './zeromq-broker.ts';

/** What a source is given by its node. */
export interface SourceHost
  extends Pick<MessageDeskOptions, 'parse' | 'append' | 'onBad'>,
    Pick<BrokerSourceOptions, 'whenRoom' | 'onChange'> {
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
  const broker = brokerOf(config, host);
  const desk = new MessageDesk({
    source: name,
    format: config.format,
    onBadRecord: config.onBadRecord,
    messageBytesMax: config.messageBytesMax,
    compare: (a, b) => broker.compare(a, b),
    places,
    letters,
    clock,
    parse: host.parse,
    append: host.append,
    onBad: host.onBad,
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
    onChange,
  });
}

function brokerOf(config: SourceConfig, { clock, onNote }: SourceHost): Broker {
  switch (config.type) {
    case 'redis':
      return new RedisBroker(config);
    case 'nats':
      return new NatsBroker(config);
    case 'kafka':
      return new KafkaBroker(config, clock);
    case 'zeromq': {
      const source = config.name;
      return new ZeroMqBroker(
        config,
        (reason, who) => onNote({ source, reason, who }, 'a peer was refused'),
        (endpoint) => onNote({ source, endpoint }, 'listening'),
      );
    }
  }
}
