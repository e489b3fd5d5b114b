/** A transport of reliable links over any carrier: introduces places to each other and hands packets to their links. */

import type { z } from 'zod';
import { assert, InvariantError } from '../assert.ts';
import type { Clock, TimerId } from '../clock.ts';
import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import type { Carrier, Route } from './carrier.ts';
import { encodeHello, type HelloBody, PLACE, parseHello } from './introduction.ts';
import { Link, type LinkHost } from './link.ts';
import { encodeHeader, KIND_BYTES_MAX, kindBytes, type Packet, parsePacket, TOKEN_BYTES } from './packet.ts';
import { Refusals } from './refusals.ts';
import { type Introduction, isSameToken, openGuard, type SessionGuard, type SessionTokens } from './session-guard.ts';
import type {
  ArrivalHandler,
  CloseReport,
  SendVerdict,
  Transport,
  TransportCounts,
  TransportEvent,
  Undelivered,
  UndeliveredReason,
} from './transport.ts';
import { type TransportConfig, transportConfigSchema } from './transport-config.ts';

/** What a transport over links is made with. */
export interface LinkTransportOptions {
  /** Name of this place: letters, digits, dots, dashes and underscores, at most 64. */
  readonly place: string;
  readonly carrier: Carrier;
  readonly clock: Clock;
  /** At least 16 lower-case hexadecimal digits, never the same twice: from the operating system, or seeded in a simulation. */
  readonly nonce: () => string;
  readonly receive: ArrivalHandler;
  readonly config?: z.input<typeof transportConfigSchema>;
  /** Default: no keys. */
  readonly guard?: SessionGuard;
  readonly onEvent?: (event: TransportEvent) => void;
  readonly onUndelivered?: (message: Undelivered) => void;
}

/** A handshake that others began: the session begins with their first packet that carries the token. */
interface Pending {
  readonly peer: HelloBody;
  readonly nonce: string;
  readonly tokens: SessionTokens;
}

interface Session {
  readonly link: Link;
  readonly tokens: SessionTokens;
  readonly incarnation: string;
  readonly key: string;
}

/** A route that we made. */
interface Initiation {
  readonly to: string;
  nonce: string;
  attempt: number;
  timer: TimerId | undefined;
}

/** Why, and whom. */
type Refusal = readonly [reason: string, who: string];

/** Ways to one peer that are kept; the oldest is forgotten. */
const ROUTES_PER_PEER = 4;
/** A connection that has just been made may not take packets yet, so the second hello follows the first soon. */
const HELLO_FIRST_MS = 20;
const KINDS_KEPT_MAX = 1024;
const NO_TOKEN = new Uint8Array(TOKEN_BYTES);
const NO_KIND = new Uint8Array(0);

/**
 * Handshake: hello (who, to whom, nonce), welcome (who, its own nonce, its token), then any packet with the other token. Each
 * step proves the speaker to the other (see SessionGuard); until the last one nothing of an existing session changes, so a
 * stranger's or a repeated hello disturbs nobody.
 */
export class LinkTransport implements Transport {
  readonly place: string;
  readonly #config: TransportConfig;
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #nonce: () => string;
  readonly #receive: ArrivalHandler;
  readonly #guard: SessionGuard;
  readonly #incarnation: string;
  readonly #onEvent: ((event: TransportEvent) => void) | undefined;
  readonly #onUndelivered: ((message: Undelivered) => void) | undefined;
  readonly #refusals: Refusals;
  readonly #host: LinkHost;
  readonly #links = new Map<string, Link>();
  readonly #sessions = new Map<Route, Session>();
  readonly #pending = new Map<Route, Pending>();
  readonly #initiations = new Map<Route, Initiation>();
  readonly #kinds = new Map<string, Uint8Array>();
  readonly #undelivered: Record<UndeliveredReason, number> = { 'peer-restarted': 0, 'too-large': 0, closed: 0 };
  #fullCount = 0;
  #tooLargeCount = 0;
  #unknownCount = 0;
  #closedCount = 0;
  #handlerFaultCount = 0;
  #carrierDropCount = 0;
  #whenProgressed: (() => void) | undefined;
  #closing: Promise<CloseReport> | undefined;
  #isClosed = false;

  /** @throws AnteroomError `bad-config` for a config or a place name that will not do */
  constructor(options: LinkTransportOptions) {
    if (!PLACE.test(options.place)) throw badPlace(options.place);
    this.place = options.place;
    this.#config = parseConfig(transportConfigSchema, options.config ?? {}, `transport of ${options.place}`);
    this.#carrier = options.carrier;
    this.#clock = options.clock;
    this.#nonce = options.nonce;
    this.#receive = options.receive;
    this.#guard = options.guard ?? openGuard;
    this.#incarnation = options.nonce();
    this.#onEvent = options.onEvent;
    this.#onUndelivered = options.onUndelivered;
    this.#refusals = new Refusals(options.clock, this.#config.eventsPerSecondMax, (reason, who) =>
      this.#tell('refused', who, reason),
    );
    this.#host = {
      config: this.#config,
      clock: options.clock,
      transmit: (route, frames) => this.#carrier.send(route, frames),
      deliver: (from, message) => this.#deliver(from, message.kind, message.frames),
      refused: (reason, who) => this.#refusals.add(reason, who),
      undelivered: (messages) => this.#giveUp(messages),
      event: (kind, who, detail) => this.#tell(kind, who, detail),
      progressed: () => this.#whenProgressed?.(),
    };
    this.#carrier.open({
      packet: (route, frames) => this.#packet(route, frames),
      routeUp: (route) => this.#routeUp(route),
      routeDown: (route) => this.#routeDown(route),
      refused: (reason, who) => this.#refusals.add(reason, who),
      dropped: () => {
        this.#carrierDropCount++;
      },
    });
  }

  async bind(endpoint: string): Promise<string> {
    this.#checkOpen();
    return this.#carrier.bind(endpoint);
  }

  async connect(to: string, endpoint: string): Promise<void> {
    this.#checkOpen();
    this.expect(to);
    const route = await this.#carrier.connect(to, endpoint);
    if (this.#closing !== undefined) return;
    this.#initiations.set(route, { to, nonce: '', attempt: 0, timer: undefined });
    this.#hello(route);
  }

  expect(to: string): void {
    this.#checkOpen();
    if (!PLACE.test(to) || to === this.place) throw badPlace(to);
    if (this.#linkOf(to) === undefined) {
      const { peersMax } = this.#config;
      throw new AnteroomError(
        'limit',
        `${this.place} exchanges messages with ${peersMax} places already, ${to} is one more`,
        {
          context: { place: this.place, to, peersMax },
        },
      );
    }
  }

  send(to: string, kind: string, frames: readonly Uint8Array[]): SendVerdict {
    if (this.#closing !== undefined) {
      this.#closedCount++;
      return 'closed';
    }
    const link = this.#links.get(to);
    if (link === undefined) {
      this.#unknownCount++;
      return 'unknown-place';
    }
    let bytes = 0;
    for (let i = 0; i < frames.length; i++) bytes += frames[i]!.length;
    const { messageBytesMax, framesMax } = this.#config;
    if (bytes > messageBytesMax || frames.length > framesMax || link.isTooLarge(bytes, frames.length)) {
      this.#tooLargeCount++;
      return 'too-large';
    }
    if (!link.hasRoom(bytes)) {
      this.#fullCount++;
      return 'full';
    }
    link.send(kind, this.#kindBytes(kind), frames, bytes);
    return 'accepted';
  }

  ready(to: string): Promise<void> {
    return this.#links.get(to)?.ready() ?? Promise.resolve();
  }

  isUp(to: string): boolean {
    return this.#links.get(to)?.isUp ?? false;
  }

  recheck(): number {
    let ended = 0;
    // A handshake begun with a key that has gone must not be finished either.
    for (const [route, { peer }] of this.#pending) {
      if (!this.#guard.admits(peer.place, peer.key)) this.#pending.delete(route);
    }
    for (const [route, { link, key }] of this.#sessions) {
      if (this.#guard.admits(link.peer, key)) continue;
      this.#sessions.delete(route);
      link.withdraw();
      this.#refusals.add('key-withdrawn', link.peer);
      ended++;
    }
    return ended;
  }

  counts(): TransportCounts {
    const links = [...this.#links.values()];
    const sum = (of: (link: Link) => number): number => links.reduce((total, link) => total + of(link), 0);
    return {
      sent: sum((link) => link.sentCount),
      sentBytes: sum((link) => link.sentBytes),
      delivered: sum((link) => link.deliveredCount),
      deliveredBytes: sum((link) => link.deliveredBytes),
      retransmitted: sum((link) => link.retransmittedCount),
      duplicates: sum((link) => link.duplicateCount),
      full: this.#fullCount,
      tooLarge: this.#tooLargeCount,
      unknownPlace: this.#unknownCount,
      closed: this.#closedCount,
      undelivered: { ...this.#undelivered },
      handlerFaults: this.#handlerFaultCount,
      refused: this.#refusals.counts(),
      queued: sum((link) => link.queued),
      queuedBytes: sum((link) => link.queuedBytes),
      waiting: sum((link) => link.waiting),
      waitingBytes: sum((link) => link.waitingBytes),
      carrierDrops: this.#carrierDropCount,
    };
  }

  close(options: { readonly deadlineMs?: number } = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(options.deadlineMs ?? this.#config.closeDeadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<CloseReport> {
    await this.#emptied(deadlineMs);
    this.#isClosed = true;
    for (const { timer } of this.#initiations.values()) if (timer !== undefined) this.#clock.clearTimeout(timer);
    const left = [...this.#links.values()].flatMap((link) => link.close());
    this.#giveUp(left);
    this.#sessions.clear();
    this.#pending.clear();
    this.#initiations.clear();
    await this.#carrier.close(Math.min(deadlineMs, 200));
    return { undeliveredCount: left.length };
  }

  #emptied(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const isEmpty = (): boolean => [...this.#links.values()].every((link) => link.queued === 0);
      if (deadlineMs <= 0 || isEmpty()) {
        resolve();
        return;
      }
      const done = (): void => {
        this.#whenProgressed = undefined;
        this.#clock.clearTimeout(timer);
        resolve();
      };
      const timer = this.#clock.setTimeout(done, deadlineMs);
      this.#whenProgressed = () => {
        if (isEmpty()) done();
      };
    });
  }

  #packet(route: Route, frames: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const packet = parsePacket(frames, this.#config);
    if (typeof packet === 'string') {
      this.#refusals.add(packet, this.#whoIs(route));
    } else if (packet.type === 'hello') {
      this.#refuse(this.#hailed(route, packet));
    } else if (packet.type === 'welcome') {
      this.#refuse(this.#welcomed(route, packet));
    } else if (packet.type === 'reset') {
      this.#wasReset(route);
    } else {
      this.#sessionOf(route, packet)?.link.receive(packet);
      if (packet.type === 'bye') this.#parted(route);
    }
  }

  #refuse(refusal: Refusal | undefined): void {
    if (refusal !== undefined) this.#refusals.add(...refusal);
  }

  #sessionOf(route: Route, packet: Packet): Session | undefined {
    const session = this.#sessions.get(route);
    if (session !== undefined && isSameToken(packet.token, session.tokens.theirs)) return session;
    const pending = this.#pending.get(route);
    if (pending !== undefined && isSameToken(packet.token, pending.tokens.theirs)) {
      this.#pending.delete(route);
      return this.#establish(route, pending.peer, pending.tokens);
    }
    this.#refusals.add(session === undefined ? 'no-session' : 'bad-token', this.#whoIs(route));
    // An honest peer whose session we have forgotten introduces itself again; a stranger gains nothing.
    if (packet.type !== 'bye' && !this.#initiations.has(route))
      this.#carrier.send(route, [header('reset', NO_TOKEN, 0)]);
    return undefined;
  }

  #hailed(route: Route, packet: Packet): Refusal | undefined {
    const peer = parseHello(packet.frames);
    if (peer === undefined) return ['malformed', this.#whoIs(route)];
    if (peer.to !== this.place || peer.place === this.place) {
      return ['wrong-destination', `${peer.place}, who asked for ${peer.to}`];
    }
    if (!this.#links.has(peer.place) && this.#links.size >= this.#config.peersMax) {
      return ['too-many-peers', peer.place];
    }
    const known = this.#pending.get(route);
    const isRepeated = known?.peer.nonce === peer.nonce && known.peer.place === peer.place;
    const us = this.#introduction(isRepeated ? known.nonce : this.#nonce());
    const tokens = this.#guard.tokens(us, peer, false);
    if (typeof tokens === 'string') return [tokens, peer.place];
    this.#pending.delete(route);
    this.#pending.set(route, { peer, nonce: us.nonce, tokens });
    if (this.#pending.size > this.#config.pendingHandshakesMax) {
      const [oldest] = this.#pending.keys();
      this.#refusals.add('handshake-dropped', this.#pending.get(oldest!)!.peer.place);
      this.#pending.delete(oldest!);
    }
    const body = this.#body(us, peer.place, peer.nonce);
    this.#carrier.send(route, [header('welcome', tokens.ours, 1), body]);
    return undefined;
  }

  #welcomed(route: Route, packet: Packet): Refusal | undefined {
    const initiation = this.#initiations.get(route);
    const peer = parseHello(packet.frames);
    if (initiation === undefined || peer === undefined) return ['malformed', this.#whoIs(route)];
    if (peer.answers !== initiation.nonce) return undefined; // an answer to an earlier hello
    if (peer.place !== initiation.to || peer.to !== this.place) {
      return ['wrong-place', `${peer.place}, not ${initiation.to}`];
    }
    const tokens = this.#guard.tokens(this.#introduction(initiation.nonce), peer, true);
    if (typeof tokens === 'string') return [tokens, peer.place];
    if (!isSameToken(packet.token, tokens.theirs)) return ['bad-token', peer.place];
    if (initiation.timer !== undefined) this.#clock.clearTimeout(initiation.timer);
    initiation.timer = undefined;
    initiation.attempt = 0;
    const session = this.#sessions.get(route);
    if (session !== undefined && isSameToken(session.tokens.ours, tokens.ours)) return undefined; // the same welcome again
    this.#establish(route, peer, tokens);
    return undefined;
  }

  #establish(route: Route, peer: HelloBody, tokens: SessionTokens): Session | undefined {
    const link = this.#linkOf(peer.place);
    if (link === undefined) {
      this.#refusals.add('too-many-peers', peer.place);
      return undefined;
    }
    const session = { link, tokens, incarnation: peer.incarnation, key: peer.key };
    this.#sessions.delete(route);
    this.#sessions.set(route, session);
    const routes = [...this.#sessions].filter(([, other]) => other.link === link);
    // Sessions of a former life would speak with numbers of their own.
    routes.forEach(([other, { incarnation }], i) => {
      if (incarnation !== peer.incarnation || i < routes.length - ROUTES_PER_PEER) this.#sessions.delete(other);
    });
    link.attach(route, tokens.ours, peer.incarnation, peer);
    return session;
  }

  #routeUp(route: Route): void {
    const initiation = this.#initiations.get(route);
    if (initiation === undefined) return;
    initiation.attempt = 0;
    this.#hello(route);
  }

  #routeDown(route: Route): void {
    this.#sessions.get(route)?.link.detach(route);
    this.#sessions.delete(route);
  }

  /** The peer has left in order; on a route of ours we wait for its next life. */
  #parted(route: Route): void {
    const initiation = this.#initiations.get(route);
    if (!this.#sessions.delete(route) || initiation === undefined) return;
    initiation.nonce = this.#nonce();
    initiation.attempt = 1;
    this.#hello(route);
  }

  #wasReset(route: Route): void {
    const initiation = this.#initiations.get(route);
    if (initiation === undefined || initiation.timer !== undefined) return;
    this.#routeDown(route);
    this.#hello(route);
  }

  /** Introduces us on a route of ours, again and again, ever more slowly, until there is an answer. */
  #hello(route: Route): void {
    const initiation = this.#initiations.get(route);
    if (initiation === undefined || this.#isClosed) return;
    if (initiation.timer !== undefined) this.#clock.clearTimeout(initiation.timer);
    if (initiation.attempt === 0) initiation.nonce = this.#nonce();
    const { retransmitMs, retransmitMaxMs } = this.#config;
    const first = Math.min(HELLO_FIRST_MS, retransmitMs);
    const delay = Math.min(retransmitMaxMs, first * 2 ** Math.min(30, initiation.attempt++));
    initiation.timer = this.#clock.setTimeout(() => {
      initiation.timer = undefined;
      this.#hello(route);
    }, delay);
    const body = this.#body(this.#introduction(initiation.nonce), initiation.to, '');
    this.#carrier.send(route, [header('hello', NO_TOKEN, 1), body]);
  }

  #introduction(nonce: string): Introduction {
    return { place: this.place, incarnation: this.#incarnation, nonce, key: this.#guard.key };
  }

  #body(us: Introduction, to: string, answers: string): Uint8Array {
    const { messageBytesMax, framesMax } = this.#config;
    return encodeHello({ ...us, to, answers, messageBytesMax, framesMax });
  }

  /** The link to a place, made if there may be one more. */
  #linkOf(place: string): Link | undefined {
    const known = this.#links.get(place);
    if (known !== undefined || this.#links.size >= this.#config.peersMax) return known;
    const link = new Link(place, this.#host);
    this.#links.set(place, link);
    return link;
  }

  #deliver(from: string, kind: string, frames: readonly Uint8Array[]): undefined | Promise<void> {
    try {
      const result = this.#receive({ from, kind, frames });
      return result === undefined ? undefined : result.catch((error: unknown) => this.#handlerFault(from, kind, error));
    } catch (error) {
      this.#handlerFault(from, kind, error);
      return undefined;
    }
  }

  #handlerFault(from: string, kind: string, error: unknown): void {
    if (error instanceof InvariantError) throw error;
    this.#handlerFaultCount++;
    this.#tell('handler-fault', from, `${kind}: ${error instanceof Error ? error.message : String(error)}`);
  }

  #giveUp(messages: readonly Undelivered[]): void {
    for (const message of messages) {
      this.#undelivered[message.reason]++;
      this.#onUndelivered?.(message);
    }
  }

  #whoIs(route: Route): string {
    return this.#sessions.get(route)?.link.peer ?? this.#initiations.get(route)?.to ?? 'a stranger';
  }

  #tell(kind: TransportEvent['kind'], who: string, detail: string): void {
    this.#onEvent?.({ kind, who, at: this.#clock.now(), detail });
  }

  #kindBytes(kind: string): Uint8Array {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const bytes = kindBytes(kind);
    assert(
      bytes.length >= 1 && bytes.length <= KIND_BYTES_MAX,
      `a kind is 1 to ${KIND_BYTES_MAX} bytes, not ${bytes.length}`,
    );
    if (this.#kinds.size >= KINDS_KEPT_MAX) this.#kinds.clear();
    this.#kinds.set(kind, bytes);
    return bytes;
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new AnteroomError('actor-stopped', `the transport of ${this.place} is closing`, {
      context: { place: this.place },
    });
  }
}

function header(type: 'hello' | 'welcome' | 'reset', token: Uint8Array, frameCount: number): Uint8Array {
  return encodeHeader({ type, token, seq: 0, ack: 0, handled: 0, limitSeq: 0, limitBytes: 0 }, NO_KIND, frameCount);
}

function badPlace(place: string): AnteroomError {
  return new AnteroomError(
    'bad-config',
    `a place is named by 1 to 64 letters, digits, dots, dashes and underscores, and not as this one, not ${JSON.stringify(place).slice(0, 80)}`,
  );
}
