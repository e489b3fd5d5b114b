/** Where messages between actors of different places leave and arrive: references to there, names of what is here. */

import type { z } from 'zod';
import type { ActorRef } from '../actor.ts';
import { assert } from '../assert.ts';
import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import { type MailboxConfig, mailboxSchema } from '../mailbox.ts';
import { ArrivalLane } from './arrival-lane.ts';
import { type GatewayConfig, gatewayConfigSchema } from './gateway-config.ts';
import type { MessageCodec } from './message-codec.ts';
import { RemoteRef } from './remote-ref.ts';
import type { Arrival, Transport, TransportEvent, Undelivered } from './transport.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

interface Exported {
  readonly ref: ActorRef<unknown>;
  readonly codec: MessageCodec<unknown>;
}

/**
 * Each pair of a sending place and an actor has a lane with credit of its own, so an actor that is slow holds up neither
 * others nor the link. Kinds on the wire: `tell NAME KIND`, `credit NAME` with a number, `gone NAME`.
 */
export class ActorGateway {
  readonly #config: GatewayConfig;
  readonly #exported = new Map<string, Exported>();
  readonly #refs = new Map<string, RemoteRef<never>>();
  readonly #lanes = new Map<string, ArrivalLane>();
  readonly #refused = new Map<string, number>();
  readonly #buried = new Map<string, number>();
  #transport: Transport | undefined;

  constructor(config: z.input<typeof gatewayConfigSchema> = {}) {
    this.#config = parseConfig(gatewayConfigSchema, config, 'gateway');
  }

  /** The transport was made with this gateway's `receive`, `onEvent` and `onUndelivered`. */
  attach(transport: Transport): void {
    assert(this.#transport === undefined, 'a gateway has one transport');
    this.#transport = transport;
  }

  /** Makes an actor of this process known to others under a name. */
  export<M>(name: string, ref: ActorRef<M>, codec: MessageCodec<M>): void {
    assert(NAME.test(name), `an actor is exported under a plain name, not ${JSON.stringify(name)}`);
    assert(!this.#exported.has(name), `an actor named ${name} is exported already`);
    this.#exported.set(name, { ref, codec } as unknown as Exported);
  }

  /** Ends everything whose name ends so, here and of others: exports, references and lanes. What waits for them is buried. */
  withdraw(suffix: string): void {
    for (const name of [...this.#exported.keys()]) if (name.endsWith(suffix)) this.#exported.delete(name);
    for (const key of [...this.#lanes.keys()]) if (key.endsWith(suffix)) this.#lanes.delete(key);
    for (const [key, ref] of this.#refs) {
      if (!key.endsWith(suffix)) continue;
      ref.stop();
      this.#refs.delete(key);
    }
  }

  /** A reference to the actor that `place` exports as `name`: one for each actor, whoever asks. */
  ref<M>(place: string, name: string, codec: MessageCodec<M>, mailbox: Partial<MailboxConfig> = {}): ActorRef<M> {
    const transport = this.#transport;
    assert(transport !== undefined, 'a gateway is attached to its transport first');
    const key = keyOf(place, name);
    const known = this.#refs.get(key);
    if (known !== undefined) return known as unknown as ActorRef<M>;
    const ref = new RemoteRef<M>({
      place,
      name,
      codec,
      laneCredit: this.#config.laneCredit,
      mailbox: parseConfig(mailboxSchema, { ...this.#config.mailbox, ...mailbox }, key),
      route: {
        send: (kind, frames) => transport.send(place, kind, frames),
        ready: () => transport.ready(place),
        buried: (_message, reason) => count(this.#buried, reason),
      },
    });
    this.#refs.set(key, ref as unknown as RemoteRef<never>);
    return ref;
  }

  /** What was refused of others' messages, by reason. */
  refusals(): Record<string, number> {
    return Object.fromEntries(this.#refused);
  }

  /** Messages for actors elsewhere that will not arrive, by reason. */
  buried(): Record<string, number> {
    return Object.fromEntries(this.#buried);
  }

  /** For the transport's `receive`. */
  readonly receive = (arrival: Arrival): void => {
    const [verb, name, kind, ...rest] = arrival.kind.split(' ');
    if (verb === 'tell' && name !== undefined && kind !== undefined && rest.length === 0)
      this.#told(arrival, name, kind);
    else if (verb === 'credit' && name !== undefined && kind === undefined) this.#credited(arrival, name);
    else if (verb === 'gone' && name !== undefined && kind === undefined)
      this.#refs.get(keyOf(arrival.from, name))?.stop();
    else count(this.#refused, 'unknown-kind');
  };

  /** For the transport's `onEvent`. */
  readonly onEvent = (event: TransportEvent): void => {
    if (event.kind !== 'restarted') return;
    const prefix = keyOf(event.who, '');
    for (const key of [...this.#lanes.keys()]) if (key.startsWith(prefix)) this.#lanes.delete(key);
    for (const [key, ref] of this.#refs) if (key.startsWith(prefix)) ref.restart();
  };

  /** For the transport's `onUndelivered`. */
  readonly onUndelivered = ({ kind, reason }: Undelivered): void => {
    if (kind.startsWith('tell ')) count(this.#buried, reason);
  };

  /** Every reference to elsewhere has its end: what waits is buried. */
  stop(): void {
    for (const ref of this.#refs.values()) ref.stop();
  }

  #told(arrival: Arrival, name: string, kind: string): void {
    const exported = this.#exported.get(name);
    if (exported === undefined) {
      count(this.#refused, 'unknown-actor');
      this.#reply(arrival.from, `gone ${name}`, []);
      return;
    }
    const lane = this.#laneOf(arrival.from, name, exported.ref);
    if (lane === undefined) {
      count(this.#refused, 'too-many-lanes');
      this.#reply(arrival.from, `gone ${name}`, []);
      return;
    }
    if (!lane.hasRoom) {
      count(this.#refused, 'beyond-credit');
      return;
    }
    try {
      lane.add(exported.codec.decode(kind, arrival.frames));
    } catch (error) {
      if (!(error instanceof AnteroomError)) throw error;
      count(this.#refused, 'undecodable');
      lane.skip();
    }
  }

  #credited(arrival: Arrival, name: string): void {
    const frame = arrival.frames[0];
    const limit =
      frame?.length === 8 ? new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getFloat64(0, true) : -1;
    if (Number.isSafeInteger(limit) && limit >= 0) this.#refs.get(keyOf(arrival.from, name))?.grant(limit);
    else count(this.#refused, 'undecodable');
  }

  #laneOf(place: string, name: string, ref: ActorRef<unknown>): ArrivalLane | undefined {
    const key = keyOf(place, name);
    const known = this.#lanes.get(key);
    if (known !== undefined || this.#lanes.size >= this.#config.lanesMax) return known;
    const lane = new ArrivalLane({
      ref,
      credit: this.#config.laneCredit,
      grant: (limit) => {
        const frame = new Uint8Array(8);
        new DataView(frame.buffer).setFloat64(0, limit, true);
        this.#reply(place, `credit ${name}`, [frame]);
      },
      stopped: () => {
        this.#reply(place, `gone ${name}`, []);
      },
    });
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Credit must not be lost to a full queue: it waits for room and is then as good. */
  #reply(place: string, kind: string, frames: readonly Uint8Array[]): void {
    const transport = this.#transport!;
    if (transport.send(place, kind, frames) !== 'full') return;
    void transport.ready(place).then(() => this.#reply(place, kind, frames));
  }
}

function keyOf(place: string, name: string): string {
  return `${place}/${name}`;
}

function count(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}
