/** Carries packets over ZeroMQ, tcp or ipc: a ROUTER where others connect, a DEALER for each connection of ours. */

import type { Dealer, Router } from 'zeromq';
import type { z } from 'zod';
import type { Clock, TimerId } from '../clock.ts';
import { parseConfig } from '../config.ts';
import { AnteroomError } from '../errors.ts';
import type { CurveKeyPair } from '../host/curve-keys.ts';
import type { AllowList } from './allow-list.ts';
import type { Carrier, CarrierSink, Route } from './carrier.ts';
import { isLocalEndpoint } from './endpoint.ts';
import { listenAt } from './listening.ts';
import { encodeZ85 } from './z85.ts';
import { ZAP_DOMAIN, ZapHandler } from './zap-handler.ts';
import { socketOptionsOf, type ZeroMqConfig, zeroMqConfigSchema } from './zeromq-config.ts';

/** Our keys and who may connect. */
export interface CurveSecurity {
  readonly keys: CurveKeyPair;
  readonly allowed: AllowList;
}

export interface ZeroMqCarrierOptions {
  readonly clock: Clock;
  /** Null: nothing is encrypted and nobody is asked who they are; only this machine may be reached. */
  readonly security: CurveSecurity | null;
  /** As the transport is configured: ZeroMQ disconnects a peer before it has held a frame much larger than this. */
  readonly messageBytesMax: number;
  readonly config?: z.input<typeof zeroMqConfigSchema>;
}

type ZeroMq = typeof import('zeromq');

/** What the parser names as oversized rather than ZeroMQ cutting the connection; a header always fits. */
const FRAME_SLACK_BYTES = 65_536;
const ROUTER_PREFIX = 'from:';

/** One connection of ours. Its socket is replaced when the peer's key changes or a refusal has made ZeroMQ give up. */
interface Outbound {
  readonly route: Route;
  readonly to: string;
  readonly endpoint: string;
  socket: Dealer;
  keyIndex: number;
  isSecured: boolean;
  retryTimer: TimerId | undefined;
}

/**
 * Frames of messages are given to ZeroMQ and taken from it by reference (its binding copies below 128 bytes only). A send
 * never waits: what ZeroMQ does not take at once is dropped and counted, and the link above sends it again.
 *
 * Everything non-local is under CURVE with a ZAP handler in the same context, since ZeroMQ without a handler admits any key.
 */
export class ZeroMqCarrier implements Carrier {
  readonly #zeroMq: ZeroMq;
  readonly #clock: Clock;
  readonly #config: ZeroMqConfig;
  readonly #security: CurveSecurity | null;
  readonly #frameBytesMax: number;
  readonly #context: InstanceType<ZeroMq['Context']>;
  readonly #outbound = new Map<Route, Outbound>();
  readonly #whenDropped: (route: Route, error: unknown) => void;
  #router: Router | undefined;
  #zap: ZapHandler | undefined;
  #sink: CarrierSink | undefined;
  #isClosed = false;

  /**
   * Loads ZeroMQ, which nothing else in the engine does, and starts the ZAP handler where there are keys.
   * @throws AnteroomError `missing-library` where ZeroMQ cannot be loaded, `bad-config` for a config that will not do
   */
  static async create(options: ZeroMqCarrierOptions): Promise<ZeroMqCarrier> {
    let zeroMq: ZeroMq;
    try {
      zeroMq = await import('zeromq');
    } catch (cause) {
      throw new AnteroomError('missing-library', 'messages between processes need the package zeromq', { cause });
    }
    if (options.security !== null && zeroMq.capability.curve !== true) {
      throw new AnteroomError('missing-library', 'this build of the package zeromq has no CURVE');
    }
    const carrier = new ZeroMqCarrier(zeroMq, options);
    if (options.security !== null) {
      const refuse = (reason: string, who: string): void => carrier.#sink?.refused(reason, who);
      carrier.#zap = await ZapHandler.start(zeroMq, carrier.#context, options.security.allowed, refuse);
    }
    return carrier;
  }

  private constructor(zeroMq: ZeroMq, options: ZeroMqCarrierOptions) {
    this.#zeroMq = zeroMq;
    this.#clock = options.clock;
    this.#config = parseConfig(zeroMqConfigSchema, options.config ?? {}, 'zeromq');
    this.#security = options.security;
    this.#frameBytesMax = options.messageBytesMax + FRAME_SLACK_BYTES;
    // A context of our own: there is one ZAP handler to a context, and an allow-list of another transport is not ours.
    this.#context = new zeroMq.Context({ ioThreads: this.#config.ioThreads, blocky: false });
    this.#whenDropped = (route, error) => this.#dropped(route, error);
  }

  /** Threads that ZeroMQ has for this carrier. */
  get ioThreads(): number {
    return this.#context.ioThreads;
  }

  open(sink: CarrierSink): void {
    this.#sink = sink;
  }

  async bind(endpoint: string): Promise<string> {
    this.#check(endpoint, 'listen');
    const router = this.#router ?? this.#startRouter();
    return listenAt(router, endpoint, this.#config.listenWaitMs, this.#clock);
  }

  async connect(to: string, endpoint: string): Promise<Route> {
    this.#check(endpoint, 'connect');
    if (this.#security !== null && this.#security.allowed.keysOf(to).length === 0) {
      throw new AnteroomError('bad-config', `cannot connect to ${to}: the allow-list has no key of it`, {
        context: { to },
      });
    }
    const route = `to:${this.#outbound.size + 1}`;
    const outbound: Outbound = {
      route,
      to,
      endpoint,
      socket: this.#makeDealer(to, 0),
      keyIndex: 0,
      isSecured: false,
      retryTimer: undefined,
    };
    this.#outbound.set(route, outbound);
    this.#start(outbound);
    return route;
  }

  send(route: Route, frames: readonly Uint8Array[]): void {
    if (this.#isClosed) return;
    const outbound = this.#outbound.get(route);
    // The routing id is bytes that only the ROUTER knows; as text of one character a byte it can be a key of maps.
    const sending =
      outbound === undefined
        ? this.#router?.send([Buffer.from(route.slice(ROUTER_PREFIX.length), 'latin1'), ...frames])
        : outbound.socket.send(frames as Uint8Array[]);
    sending?.catch((error: unknown) => this.#whenDropped(route, error));
  }

  async close(lingerMs: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { socket, retryTimer } of this.#outbound.values()) {
      if (retryTimer !== undefined) this.#clock.clearTimeout(retryTimer);
      socket.linger = lingerMs;
      socket.close();
    }
    if (this.#router !== undefined) {
      this.#router.linger = lingerMs;
      this.#router.close();
    }
    this.#zap?.close();
  }

  /** What may be reached without keys is what does not leave the machine. */
  #check(endpoint: string, verb: string): void {
    const isLocal = isLocalEndpoint(endpoint);
    if (this.#security === null) {
      if (isLocal) return;
      throw new AnteroomError(
        'bad-config',
        `will not ${verb} at ${endpoint} without keys: beyond this machine every connection is encrypted and its key known (anteroom keys generate)`,
        { context: { endpoint } },
      );
    }
    if (this.#zap === undefined || (verb === 'listen' && this.#security.allowed.isEmpty)) {
      throw new AnteroomError(
        'bad-config',
        `will not ${verb} at ${endpoint}: the allow-list is empty (anteroom keys allow)`,
        {
          context: { endpoint },
        },
      );
    }
  }

  #socketOptions() {
    return { context: this.#context, ...socketOptionsOf(this.#config, this.#frameBytesMax) };
  }

  #startRouter(): Router {
    const security = this.#security;
    const curve =
      security === null
        ? {}
        : { curveServer: true, curveSecretKey: encodeZ85(security.keys.secretKey.reveal()), zapDomain: ZAP_DOMAIN };
    const router = new this.#zeroMq.Router({
      ...this.#socketOptions(),
      mandatory: true,
      ...curve,
    });
    this.#router = router;
    const refused = (reason: string, address: string): void => this.#sink?.refused(reason, address);
    router.events.on('handshake:error:auth', ({ address }) => refused('handshake-auth', address));
    router.events.on('handshake:error:protocol', ({ address, error }) =>
      refused(`handshake-${nameOf(error.code, 'ERR_ZMTP_')}`, address),
    );
    router.events.on('handshake:error:other', ({ address }) => refused('handshake-broken', address));
    router.events.on('accept:error', ({ address }) => refused('accept', address));
    void this.#receiveFromRouter(router);
    return router;
  }

  async #receiveFromRouter(router: Router): Promise<void> {
    for (;;) {
      const frames = await received(router);
      if (frames === undefined || this.#isClosed) return;
      const route = ROUTER_PREFIX + frames.shift()!.toString('latin1');
      this.#sink?.packet(route, frames);
    }
  }

  #makeDealer(to: string, keyIndex: number): Dealer {
    const security = this.#security;
    const keys = security?.allowed.keysOf(to) ?? [];
    const curve =
      security === null
        ? {}
        : {
            curveServerKey: keys[keyIndex % keys.length]!,
            curvePublicKey: encodeZ85(security.keys.publicKey),
            curveSecretKey: encodeZ85(security.keys.secretKey.reveal()),
          };
    // Nothing is queued for a connection that is not there: it would come out stale and in another session.
    return new this.#zeroMq.Dealer({ ...this.#socketOptions(), immediate: true, ...curve });
  }

  #start(outbound: Outbound): void {
    const { socket, route } = outbound;
    const isCurrent = (): boolean => !this.#isClosed && outbound.socket === socket;
    socket.events.on('handshake', () => {
      if (!isCurrent()) return;
      outbound.isSecured = true;
      this.#sink?.routeUp(route);
    });
    socket.events.on('disconnect', () => {
      if (!isCurrent()) return;
      if (!outbound.isSecured) this.#retry(outbound);
      outbound.isSecured = false;
      this.#sink?.routeDown(route);
    });
    socket.events.on('handshake:error:auth', () => {
      if (!isCurrent()) return;
      this.#sink?.refused('refused-by-peer', `${outbound.to} at ${outbound.endpoint}`);
      this.#retry(outbound);
    });
    socket.connect(outbound.endpoint);
    void this.#receiveFromDealer(outbound, socket);
  }

  async #receiveFromDealer(outbound: Outbound, socket: Dealer): Promise<void> {
    for (;;) {
      const frames = await received(socket);
      if (frames === undefined || this.#isClosed) return;
      this.#sink?.packet(outbound.route, frames);
    }
  }

  /**
   * A new socket after a while, with the next of the peer's keys: ZeroMQ does not try again after a refusal, and a peer that
   * has changed its key cannot be reached with the old one.
   */
  #retry(outbound: Outbound): void {
    if (this.#security === null || outbound.retryTimer !== undefined) return;
    const hasOtherKeys = this.#security.allowed.keysOf(outbound.to).length > 1;
    const delay = hasOtherKeys ? this.#config.reconnectMs : this.#config.reconnectMaxMs;
    outbound.retryTimer = this.#clock.setTimeout(() => {
      outbound.retryTimer = undefined;
      if (this.#isClosed || outbound.isSecured || this.#security!.allowed.keysOf(outbound.to).length === 0) return;
      outbound.socket.close();
      outbound.socket = this.#makeDealer(outbound.to, ++outbound.keyIndex);
      this.#start(outbound);
    }, delay);
  }

  #dropped(route: Route, error: unknown): void {
    if (this.#isClosed) return;
    this.#sink?.dropped(route);
    // The peer behind a route of the ROUTER is gone and comes back, if at all, on another.
    if ((error as NodeJS.ErrnoException).code === 'EHOSTUNREACH') this.#sink?.routeDown(route);
  }
}

/** The next message; undefined when the socket is closed. */
async function received(socket: Router | Dealer): Promise<Buffer[] | undefined> {
  try {
    return (await socket.receive()) as Buffer[];
  } catch (cause) {
    if (socket.closed) return undefined;
    throw cause;
  }
}

/** `ERR_ZMTP_MECHANISM_MISMATCH` as `mechanism-mismatch`. */
function nameOf(code: string | undefined, prefix: string): string {
  return (code ?? 'unknown').replace(prefix, '').toLowerCase().replaceAll('_', '-');
}
