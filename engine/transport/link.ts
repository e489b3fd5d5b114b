/** The reliable link to one peer over an unreliable carrier: acknowledgement, credit, retransmission, silence. */

import type { Clock, TimerId } from '../clock.ts';
import type { Route } from './carrier.ts';
import { Inbox, type Incoming } from './inbox.ts';
import { Outbox, type Outgoing } from './outbox.ts';
import { encodeHeader, type Packet, type PacketLimits, type PacketType } from './packet.ts';
import type { Undelivered } from './transport.ts';
import type { TransportConfig } from './transport-config.ts';

/** What a link needs of its transport. */
export interface LinkHost {
  readonly config: TransportConfig;
  readonly clock: Clock;
  transmit(route: Route, frames: readonly Uint8Array[]): void;
  /** Runs the handler; a rejection is dealt with by the host, so the promise never rejects. */
  deliver(from: string, message: Incoming): undefined | Promise<void>;
  refused(reason: string, who: string): void;
  undelivered(messages: readonly Undelivered[]): void;
  event(kind: 'up' | 'down' | 'restarted', who: string, detail: string): void;
  /** The outbox of a link may have become empty; for an ordered close. */
  progressed(): void;
}

const NO_KIND = new Uint8Array(0);
const EARLY_BITS_MAX = 4096;

/**
 * Loss is found by asking: when nothing has moved for a while, a probe with the number of the last message sent goes out, and
 * the answer says what is missing. On a carrier that keeps the order (ZeroMQ) whatever was sent before the probe and has
 * not come before it is lost; on one that reorders, something may be sent twice and is put aside. So a slow receiver alone never causes
 * a retransmission, which timers per message would. The same question finds out lost credit.
 *
 * After RFC 9293 (windows, cumulative acknowledgement) and RFC 2018 (selective acknowledgement), over messages not bytes.
 */
export class Link {
  readonly peer: string;
  readonly #host: LinkHost;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  #peerIncarnation = '';
  #peerLimits: PacketLimits;
  #route: Route | null = null;
  #token: Uint8Array = NO_KIND;
  #isUp = false;
  #heardAt: number;
  #isHandling = false;
  #owesAck = false;
  #ackTimer: TimerId | undefined;
  #probeTimer: TimerId | undefined;
  #heartbeatTimer: TimerId | undefined;
  #unansweredProbes = 0;
  #hasMoved = false;
  #receivedAtLastAnswer = 0;
  #hasAskedForRoom = false;
  #wantedBytes = 0;
  #waiters: (() => void)[] = [];
  #isClosed = false;
  sentCount = 0;
  sentBytes = 0;
  deliveredCount = 0;
  deliveredBytes = 0;
  retransmittedCount = 0;
  duplicateCount = 0;

  constructor(peer: string, host: LinkHost) {
    this.peer = peer;
    this.#host = host;
    this.#outbox = new Outbox(host.config);
    this.#inbox = new Inbox(host.config);
    this.#peerLimits = host.config;
    this.#heardAt = host.clock.now();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get route(): Route | null {
    return this.#route;
  }

  get queued(): number {
    return this.#outbox.size;
  }

  get queuedBytes(): number {
    return this.#outbox.bytes;
  }

  get waiting(): number {
    return this.#inbox.size;
  }

  get waitingBytes(): number {
    return this.#inbox.bytes;
  }

  /** Whether the peer, as far as it is known, would refuse a message for its size. */
  isTooLarge(bytes: number, frameCount: number): boolean {
    return bytes > this.#peerLimits.messageBytesMax || frameCount > this.#peerLimits.framesMax;
  }

  /** Whether a message of so many bytes is taken; if not, `ready` waits until one would be. */
  hasRoom(bytes: number): boolean {
    if (this.#outbox.hasRoom(bytes)) return true;
    this.#wantedBytes = Math.max(this.#wantedBytes, bytes);
    return false;
  }

  /** Resolves when the largest message that was lately refused would be taken. */
  ready(): Promise<void> {
    if (this.#isClosed || this.#outbox.hasRoom(this.#wantedBytes)) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The caller has seen that there is room. */
  send(kind: string, kindBytes: Uint8Array, frames: readonly Uint8Array[], bytes: number): void {
    this.#outbox.add(kind, kindBytes, frames, bytes);
    this.#pump();
    const { queueMessagesMax, queueBytesMax } = this.#host.config;
    // The peer acknowledges by its own window, which may be larger than our queue: ask before the queue is full.
    if (
      !this.#hasAskedForRoom &&
      (this.#outbox.size * 2 >= queueMessagesMax || this.#outbox.bytes * 2 >= queueBytesMax)
    ) {
      this.#hasAskedForRoom = true;
      this.#transmit('probe', 0);
    }
  }

  /** The peer has proved who it is on a route: send there from now on. */
  attach(route: Route, token: Uint8Array, peerIncarnation: string, peerLimits: PacketLimits): void {
    if (this.#isClosed) return;
    if (this.#peerIncarnation !== peerIncarnation) this.#peerStarted(peerIncarnation, peerLimits);
    this.#route = route;
    this.#token = token;
    this.#heartbeatTimer ??= this.#host.clock.setTimeout(() => this.#heartbeat(), this.#host.config.heartbeatMs);
    // Says what we have and what the peer may send; what was lost with an old route shows in its answer.
    if (this.#isUp) this.#transmit('probe', this.#outbox.sent);
    this.#heard();
    this.#pump();
  }

  /** The route is gone; what is queued waits for another. */
  detach(route: Route): void {
    if (this.#route === route) this.#route = null;
  }

  /** The peer may not speak any more: it is down, whatever still comes. */
  withdraw(): void {
    this.#route = null;
    this.#goDown('its key is no longer allowed');
  }

  /** A packet of this peer, its token checked. */
  receive(packet: Packet): void {
    if (this.#isClosed) return;
    this.#heard();
    if (!this.#acknowledged(packet)) return;
    switch (packet.type) {
      case 'data':
        this.#arrived(packet);
        break;
      case 'probe':
        this.#transmit('ack', packet.seq);
        break;
      case 'bye':
        this.#route = null;
        this.#goDown('closed by the peer');
        break;
      default:
    }
  }

  /** Ends the link: timers stop, what is queued is given up and returned, whoever waits is let go. */
  close(): readonly Undelivered[] {
    this.#transmit('bye', 0);
    this.#isClosed = true;
    this.#route = null;
    const { clock } = this.#host;
    for (const timer of [this.#ackTimer, this.#probeTimer, this.#heartbeatTimer]) {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
    const left = this.#outbox.clear(this.peer);
    this.#wake();
    return left;
  }

  #arrived(packet: Packet): void {
    const admission = this.#inbox.admit(packet.seq, packet.kind, packet.frames, packet.bytes);
    if (admission === 'beyond-window') {
      this.#host.refused('beyond-window', this.peer);
      return;
    }
    if (admission === 'duplicate') this.duplicateCount++;
    this.#oweAck();
    this.#handleWaiting();
  }

  #handleWaiting(): void {
    while (!this.#isHandling && !this.#isClosed) {
      const message = this.#inbox.take();
      if (message === undefined) return;
      this.deliveredCount++;
      this.deliveredBytes += message.bytes;
      const handling = this.#host.deliver(this.peer, message);
      if (handling === undefined) {
        this.#handled(message);
        continue;
      }
      this.#isHandling = true;
      void handling.then(() => {
        this.#isHandling = false;
        this.#handled(message);
        this.#handleWaiting();
      });
    }
  }

  #handled(message: Incoming): void {
    this.#inbox.handled(message);
    if (this.#isClosed) return;
    if (this.#inbox.owesCredit) this.#transmit('ack', 0);
    else this.#oweAck();
  }

  #acknowledged(packet: Packet): boolean {
    const ackedBefore = this.#outbox.acked;
    const receivedBefore = this.#outbox.received;
    if (!this.#outbox.acknowledge(packet.ack, packet.handled)) {
      this.#host.refused('bad-ack', this.peer);
      return false;
    }
    const hasAcked = this.#outbox.acked > ackedBefore;
    const hasGrown = this.#outbox.grant(packet.limitSeq, packet.limitBytes);
    if (hasAcked || hasGrown || this.#outbox.received > receivedBefore) {
      this.#hasMoved = true;
      this.#unansweredProbes = 0;
    }
    if (hasAcked) {
      this.#hasAskedForRoom = false;
      this.#wake();
      this.#host.progressed();
    }
    if (packet.type === 'ack' && packet.seq > this.#outbox.received) this.#resend(packet);
    this.#pump();
    return true;
  }

  /** Sends again what was sent before the probe that this packet answers and is missing. */
  #resend(answer: Packet): void {
    const bits = answer.frames[0];
    const { received, sent } = this.#outbox;
    const until = Math.min(answer.seq, sent);
    let left = this.#host.config.retransmitBurst;
    for (let seq = received + 1; seq <= until && left > 0; seq++) {
      const i = seq - answer.ack - 1;
      if (bits !== undefined && i >= 0 && ((bits[i >> 3] ?? 0) >> (i & 7)) % 2 === 1) continue;
      this.retransmittedCount++;
      left--;
      this.#transmitData(this.#outbox.at(seq));
    }
    // While asking brings something, ask at the pace of the answers; else the timer asks, ever more slowly.
    if (received > this.#receivedAtLastAnswer) this.#transmit('probe', sent);
    this.#receivedAtLastAnswer = received;
  }

  #pump(): void {
    if (this.#route === null) return;
    for (;;) {
      const next = this.#outbox.takeSendable();
      if (next === undefined) break;
      this.sentCount++;
      this.sentBytes += next.bytes;
      this.#transmitData(next);
    }
    if (this.#outbox.size > 0 && this.#probeTimer === undefined) this.#armProbe();
  }

  #armProbe(): void {
    const { retransmitMs, retransmitMaxMs } = this.#host.config;
    this.#hasMoved = false;
    const delay = Math.min(retransmitMaxMs, retransmitMs * 2 ** Math.min(30, this.#unansweredProbes));
    this.#probeTimer = this.#host.clock.setTimeout(() => this.#probe(), delay);
  }

  #probe(): void {
    this.#probeTimer = undefined;
    if (this.#outbox.size === 0) return;
    if (!this.#hasMoved) {
      this.#unansweredProbes++;
      this.#transmit('probe', this.#outbox.sent);
    }
    this.#armProbe();
  }

  #heartbeat(): void {
    const { clock, config } = this.#host;
    const silence = clock.now() - this.#heardAt;
    if (silence >= config.downAfterMs) this.#goDown('silent');
    if (silence >= config.heartbeatMs) this.#transmit('probe', 0);
    this.#heartbeatTimer = clock.setTimeout(() => this.#heartbeat(), config.heartbeatMs);
  }

  #heard(): void {
    this.#heardAt = this.#host.clock.now();
    if (this.#isUp || this.#route === null) return;
    this.#isUp = true;
    this.#host.event('up', this.peer, 'connected');
    // Back after a silence: what was lost meanwhile is asked for at once, not when the long wait of the timer is over.
    this.#unansweredProbes = 0;
    this.#transmit('probe', this.#outbox.sent);
  }

  #goDown(detail: string): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#host.event('down', this.peer, detail);
  }

  #peerStarted(incarnation: string, limits: PacketLimits): void {
    const isAgain = this.#peerIncarnation !== '';
    this.#peerIncarnation = incarnation;
    this.#peerLimits = limits;
    const givenUp = this.#outbox.restart(this.peer, limits);
    this.#inbox.restart();
    this.#unansweredProbes = 0;
    this.#receivedAtLastAnswer = 0;
    this.#hasAskedForRoom = false;
    if (isAgain) this.#host.event('restarted', this.peer, `${givenUp.length} messages are given up`);
    this.#host.undelivered(givenUp);
    this.#wake();
  }

  #oweAck(): void {
    this.#owesAck = true;
    this.#ackTimer ??= this.#host.clock.setTimeout(() => {
      this.#ackTimer = undefined;
      if (this.#owesAck) this.#transmit('ack', 0);
    }, this.#host.config.ackDelayMs);
  }

  #transmitData(message: Outgoing): void {
    const { kindBytes, frames, seq } = message;
    this.#host.transmit(this.#route as Route, [this.#header('data', seq, kindBytes, frames.length), ...frames]);
  }

  #transmit(type: PacketType, seq: number): void {
    if (this.#route === null) return;
    const early = type === 'ack' && seq > 0 ? this.#inbox.earlyBits(EARLY_BITS_MAX) : NO_KIND;
    const header = this.#header(type, seq, NO_KIND, early.length > 0 ? 1 : 0);
    this.#host.transmit(this.#route, early.length > 0 ? [header, early] : [header]);
  }

  /** Every packet says what has arrived and what may come, so each pays the debt of acknowledgement. */
  #header(type: PacketType, seq: number, kind: Uint8Array, frameCount: number): Uint8Array {
    const inbox = this.#inbox;
    const { received: ack, handledSeq: handled, limitSeq, limitBytes } = inbox;
    inbox.granted();
    this.#owesAck = false;
    return encodeHeader({ type, token: this.#token, seq, ack, handled, limitSeq, limitBytes }, kind, frameCount);
  }

  #wake(): void {
    if (!this.#isClosed && !this.#outbox.hasRoom(this.#wantedBytes)) return;
    this.#wantedBytes = 0;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }
}
