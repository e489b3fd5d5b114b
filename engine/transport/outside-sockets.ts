/** Bare ZeroMQ sockets for producers and consumers that are not ours: under the same keys and refusals as our own transport. */

import type { Pull, Push, Router } from 'zeromq';
import type { Clock } from '../clock.ts';
import { AnteroomError } from '../errors.ts';
import { isLocalEndpoint } from './endpoint.ts';
import { listenAt } from './listening.ts';
import { encodeZ85 } from './z85.ts';
import { ZAP_DOMAIN, ZapHandler } from './zap-handler.ts';
import type { CurveSecurity } from './zeromq-carrier.ts';
import { LISTEN_WAIT_MS } from './zeromq-config.ts';

type ZeroMq = typeof import('zeromq');

const ANSWERS_LINGER_MS = 1000;

export interface OutsideReceiverOptions {
  /** `router` can answer, `pull` cannot. */
  readonly pattern: 'pull' | 'router';
  /** `tcp://HOST:PORT` (port `*`: any) or `ipc://PATH`. */
  readonly endpoint: string;
  /** Null: no keys; only this machine may be served. */
  readonly security: CurveSecurity | null;
  /** Messages held for each peer in each direction. */
  readonly highWaterMark: number;
  /** ZeroMQ disconnects who sends a larger frame. */
  readonly frameBytesMax: number;
  readonly clock: Clock;
  /** How long an endpoint that is in use is tried again; default 1000. */
  readonly listenWaitMs?: number;
  /** A peer was refused: why, and who as far as is known. */
  readonly onRefused: (reason: string, who: string) => void;
}

export interface OutsideReceiver {
  /** Where it listens, with the port that was found. */
  readonly endpoint: string;
  /** The next message, its routing id in front where the pattern is `router`; null = none came in time. */
  receive(timeoutMs: number): Promise<Buffer[] | null>;
  /** Answers the peer whose routing id is the first frame. One that is gone is not told. Not for `pull`. */
  answer(frames: readonly (string | Uint8Array)[]): Promise<void>;
  /** Takes nothing more; ZeroMQ gives the endpoint back milliseconds later, which listening there again waits out. Never rejects. */
  close(): Promise<void>;
}

/** @throws AnteroomError 'bad-config' for an endpoint that may not be served so, 'io' where it is taken, 'missing-library'. */
export async function openOutsideReceiver(options: OutsideReceiverOptions): Promise<OutsideReceiver> {
  const { pattern, endpoint, security, highWaterMark, frameBytesMax, clock, onRefused } = options;
  checkEndpoint(endpoint, security, 'listen');
  const zeroMq = await loadZeroMq(security);
  // One ZAP handler to a context, so a context of our own.
  const context = new zeroMq.Context({ ioThreads: 1, blocky: false });
  const zap = security === null ? null : await ZapHandler.start(zeroMq, context, security.allowed, onRefused);
  const shared = {
    context,
    linger: 0,
    receiveHighWaterMark: highWaterMark,
    maxMessageSize: frameBytesMax,
    ...(security === null
      ? {}
      : { curveServer: true, curveSecretKey: encodeZ85(security.keys.secretKey.reveal()), zapDomain: ZAP_DOMAIN }),
  };
  const socket: Pull | Router =
    pattern === 'pull'
      ? new zeroMq.Pull(shared)
      : new zeroMq.Router({ ...shared, sendHighWaterMark: highWaterMark, sendTimeout: 0, mandatory: true });
  socket.events.on('handshake:error:auth', ({ address }) => onRefused('handshake-auth', address));
  socket.events.on('handshake:error:protocol', ({ address }) => onRefused('handshake-protocol', address));
  socket.events.on('handshake:error:other', ({ address }) => onRefused('handshake-broken', address));
  const bound = await listenAt(socket, endpoint, options.listenWaitMs ?? LISTEN_WAIT_MS, clock).catch(
    (error: unknown) => {
      socket.close();
      zap?.close();
      throw error;
    },
  );
  return {
    endpoint: bound,
    receive: async (timeoutMs) => {
      socket.receiveTimeout = Math.max(0, Math.round(timeoutMs));
      return notInTime(() => socket.receive() as Promise<Buffer[]>);
    },
    answer: async (frames) => {
      if (pattern === 'pull') return;
      // A peer that is gone, or that does not read its answers, repeats its message and hears then.
      await (socket as Router).send(frames as (string | Buffer)[]).catch(() => {});
    },
    close: async () => {
      // Answers that ZeroMQ has still go out; without them a producer repeats what was taken. To unbind before would drop them.
      socket.linger = pattern === 'router' ? ANSWERS_LINGER_MS : 0;
      socket.close();
      zap?.close();
    },
  };
}

export interface OutsideSenderOptions {
  readonly endpoint: string;
  /** Null: no keys; only this machine may be reached. */
  readonly security: CurveSecurity | null;
  /** Place of the receiver in the allow-list, whose key it must have; of no use without keys. */
  readonly to: string | null;
  readonly highWaterMark: number;
}

export interface OutsideSender {
  /** True when ZeroMQ has the message for a connection that stands; false = not in time. */
  send(frames: readonly (string | Uint8Array)[], timeoutMs: number): Promise<boolean>;
  /** Gives ZeroMQ so long to send what it has. */
  close(lingerMs: number): void;
}

/** A PUSH that connects. @throws AnteroomError 'bad-config', 'missing-library'. */
export async function openOutsideSender(options: OutsideSenderOptions): Promise<OutsideSender> {
  const { endpoint, security, to, highWaterMark } = options;
  checkEndpoint(endpoint, security, 'connect');
  const theirs = security === null ? undefined : security.allowed.keysOf(to ?? '')[0];
  if (security !== null && theirs === undefined)
    throw new AnteroomError('bad-config', `cannot connect to ${endpoint}: the allow-list has no key of ${to}`, {
      context: { endpoint, to },
    });
  const zeroMq = await loadZeroMq(security);
  const context = new zeroMq.Context({ ioThreads: 1, blocky: false });
  const socket: Push = new zeroMq.Push({
    context,
    // Nothing waits for a connection that is not there: it would count as sent.
    immediate: true,
    sendHighWaterMark: highWaterMark,
    reconnectInterval: 100,
    reconnectMaxInterval: 5000,
    ...(security === null
      ? {}
      : {
          curveServerKey: theirs!,
          curvePublicKey: encodeZ85(security.keys.publicKey),
          curveSecretKey: encodeZ85(security.keys.secretKey.reveal()),
        }),
  });
  socket.connect(endpoint);
  return {
    send: async (frames, timeoutMs) => {
      socket.sendTimeout = Math.max(0, Math.round(timeoutMs));
      return (
        (await notInTime(async () => {
          await socket.send(frames as (string | Buffer)[]);
          return true;
        })) ?? false
      );
    },
    close: (lingerMs) => {
      socket.linger = lingerMs;
      socket.close();
    },
  };
}

async function loadZeroMq(security: CurveSecurity | null): Promise<ZeroMq> {
  let zeroMq: ZeroMq;
  try {
    zeroMq = await import('zeromq');
  } catch (cause) {
    throw new AnteroomError('missing-library', 'ZeroMQ sources and sinks need the package zeromq', { cause });
  }
  if (security !== null && zeroMq.capability.curve !== true)
    throw new AnteroomError('missing-library', 'this build of the package zeromq has no CURVE');
  return zeroMq;
}

function checkEndpoint(endpoint: string, security: CurveSecurity | null, verb: 'listen' | 'connect'): void {
  const isLocal = isLocalEndpoint(endpoint);
  if (security === null && !isLocal)
    throw new AnteroomError(
      'bad-config',
      `will not ${verb} at ${endpoint} without keys: beyond this machine every connection is encrypted and its key known (anteroom keys generate)`,
      { context: { endpoint } },
    );
  if (security?.allowed.isEmpty)
    throw new AnteroomError(
      'bad-config',
      `will not ${verb} at ${endpoint}: the allow-list is empty (anteroom keys allow)`,
      {
        context: { endpoint },
      },
    );
}

async function notInTime<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}
