import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { Context, Dealer } from 'zeromq';
import { RealClock } from '../../engine/host/real-clock.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { openOutsideReceiver } from '../../engine/transport/outside-sockets.ts';
import type { Transport } from '../../engine/transport/transport.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { realTime } from '../conformance/transport-worlds.ts';
import { sharedKeys } from '../conformance/transport-zeromq-worlds.ts';
import { freePort, freePorts } from '../free-ports.ts';
import { skipUnless } from '../require-or-skip.ts';

const { until, pass } = realTime(new RealClock());
const open: Transport[] = [];
const children: ChildProcess[] = [];
const proxies: CuttingProxy[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const proxy of proxies.splice(0)) proxy.close();
  await Promise.all(open.splice(0).map((transport) => transport.close({ deadlineMs: 0 })));
});

/** Stands between two places and cuts every connection when it is told to, in the middle of whatever is under way. */
class CuttingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  cuts = 0;

  constructor(listen: number, target: number) {
    this.#server = createServer((client) => {
      const upstream = connect(target, '127.0.0.1');
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          this.#sockets.delete(socket);
          client.destroy();
          upstream.destroy();
        });
      }
      client.pipe(upstream);
      upstream.pipe(client);
    });
    this.#server.listen(listen, '127.0.0.1');
    proxies.push(this);
  }

  cut(): void {
    if (this.#sockets.size > 0) this.cuts++;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }
}

const numberFrame = (n: number): Uint8Array => new Uint8Array(Float64Array.of(n).buffer);
const numberIn = (frame: Uint8Array): number => new DataView(frame.buffer, frame.byteOffset).getFloat64(0, true);

describe('a ZeroMQ connection', () => {
  test.each([
    ['without keys', false],
    ['with CURVE', true],
  ])('that is cut again and again, %s, loses nothing, repeats nothing and keeps the order', async (_, isSecured) => {
    const keysOf = sharedKeys();
    const security = (place: string) => (isSecured ? keysOf(place) : null);
    const common = {
      zeroMq: { reconnectMs: 10, reconnectMaxMs: 50 },
      config: { retransmitMs: 50, retransmitMaxMs: 500, queueMessagesMax: 200 },
    };
    const atCentre: number[] = [];
    const atSite: number[] = [];
    const [bound, proxied] = await freePorts(2);
    const proxy = new CuttingProxy(proxied!, bound!);
    const centre = await createZeroMqTransport({
      ...common,
      place: 'centre',
      security: security('centre'),
      receive: ({ frames }) => void atCentre.push(numberIn(frames[0]!)),
    });
    const site = await createZeroMqTransport({
      ...common,
      place: 'site',
      security: security('site'),
      receive: ({ frames }) => void atSite.push(numberIn(frames[0]!)),
    });
    open.push(centre, site);
    await centre.bind(`tcp://127.0.0.1:${bound}`);
    await site.connect('centre', `tcp://127.0.0.1:${proxied}`);
    await until(() => site.isUp('centre') && centre.isUp('site'), 'both are up');
    const random = new Xoshiro128(3);
    const count = 4000;
    const padding = new Uint8Array(20_000);
    const sendAll = async (from: Transport, to: string): Promise<void> => {
      for (let n = 0; n < count; ) {
        if (from.send(to, 'n', [numberFrame(n), padding]) === 'accepted') n++;
        else await from.ready(to);
        if (n % 50 === 0) await pass(1);
      }
    };
    const isDone = (): boolean => atCentre.length >= count && atSite.length >= count;
    const sending = Promise.all([sendAll(site, 'centre'), sendAll(centre, 'site')]);
    for (let i = 0; i < 12 && !isDone(); i++) {
      await pass(20 + random.int(60));
      proxy.cut();
    }
    await sending;
    await until(isDone, 'all have arrived');
    await pass(100);
    const expected = Array.from({ length: count }, (_, n) => n);
    expect(atCentre).toEqual(expected);
    expect(atSite).toEqual(expected);
    expect(proxy.cuts).toBeGreaterThan(3);
    expect(site.counts().undelivered).toEqual({ closed: 0, 'peer-restarted': 0, 'too-large': 0 });
  });

  const built = 'dist/engine/transport/zeromq-transport.js';
  test.skipIf(skipUnless(existsSync(built), `${built} is absent: npm run build`))(
    'to a process that has stopped reading holds a bounded amount while a million messages are offered, and goes on with it',
    async () => {
      const [port] = await freePorts(1);
      const script = `
        const { createZeroMqTransport } = await import(${JSON.stringify(pathToFileURL(built).href)});
        let count = 0;
        const transport = await createZeroMqTransport({
          place: 'reader', security: null,
          receive: ({ from }) => { if (++count % 100 === 0) transport.send(from, 'count', [new Uint8Array(Float64Array.of(count).buffer)]); },
        });
        await transport.bind('tcp://127.0.0.1:${port}');
        process.stdin.resume();`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['pipe', 'inherit', 'inherit'],
      });
      children.push(child);
      let read = 0;
      const writer = await createZeroMqTransport({
        place: 'writer',
        security: null,
        receive: ({ frames }) => {
          read = numberIn(frames[0]!);
        },
        config: { queueMessagesMax: 1000, queueBytesMax: '1MiB', messageBytesMax: '64KiB' },
      });
      open.push(writer);
      await writer.connect('reader', `tcp://127.0.0.1:${port}`);
      await until(() => writer.isUp('reader'), 'the reader is up');
      child.kill('SIGSTOP');
      const frame = [new Uint8Array(1000)];
      const before = process.memoryUsage();
      let accepted = 0;
      for (let i = 0; i < 1_000_000; i++) {
        if (writer.send('reader', 'k', frame) === 'accepted') accepted++;
        if (i % 50_000 === 0) await pass(5);
      }
      const after = process.memoryUsage();
      expect(accepted).toBeLessThanOrEqual(1000);
      const { queued, queuedBytes, full } = writer.counts();
      expect(queued).toBe(accepted);
      expect(queuedBytes).toBeLessThanOrEqual(2 ** 20);
      expect(full).toBe(1_000_000 - accepted);
      // Unbounded, it would be a gigabyte and more.
      expect(after.rss - before.rss).toBeLessThan(200e6);
      child.kill('SIGCONT');
      for (; accepted < 1000; accepted++) expect(writer.send('reader', 'k', frame)).toBe('accepted');
      await until(() => read === 1000, 'it has read what was accepted');
    },
  );
});

describe('an endpoint of ZeroMQ', () => {
  const make = async (listenWaitMs?: number): Promise<Transport> => {
    const zeroMq = listenWaitMs === undefined ? {} : { listenWaitMs };
    const transport = await createZeroMqTransport({ place: 'a', security: null, receive: () => {}, zeroMq });
    open.push(transport);
    return transport;
  };
  const clock = new RealClock();
  const receive = (endpoint: string, listenWaitMs?: number) =>
    openOutsideReceiver({
      ...{ pattern: 'router', endpoint, security: null, highWaterMark: 10, frameBytesMax: 1000, clock },
      ...(listenWaitMs === undefined ? {} : { listenWaitMs }),
      onRefused: () => {},
    });

  test('that was given back can be listened at again at once, sixty times over', async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    for (let round = 0; round < 60; round++) {
      const transport = await make();
      expect(await transport.bind(endpoint)).toBe(endpoint);
      await transport.close({ deadlineMs: 0 });
    }
    for (let round = 0; round < 60; round++) await (await receive(endpoint)).close();
  });

  test('in use is tried again for listenWaitMs, and is an error with its place after that', async () => {
    for (const type of ['transport', 'receiver']) {
      const port = await freePort();
      const endpoint = `tcp://127.0.0.1:${port}`;
      const taken = { code: 'io', message: expect.stringContaining(`cannot listen at ${endpoint}: `) };
      const holder = createServer();
      await new Promise<void>((done) => holder.listen(port, '127.0.0.1', done));
      const listen = async (waitMs: number): Promise<() => Promise<unknown>> => {
        if (type === 'receiver') return (await receive(endpoint, waitMs)).close;
        const transport = await make(waitMs);
        await transport.bind(endpoint);
        return () => transport.close();
      };
      await expect(listen(0)).rejects.toMatchObject(taken);
      await expect(listen(20)).rejects.toMatchObject(taken);
      const patient = listen(60_000);
      await pass(30);
      holder.close();
      await (await patient)();
    }
  });

  test('taken while messages came in at another ended all reception: both go on', async () => {
    const seen: number[] = [];
    const common = { security: null, config: { retransmitMs: 20 } };
    const centre = await createZeroMqTransport({
      ...common,
      place: 'centre',
      receive: ({ frames }) => void seen.push(numberIn(frames[0]!)),
    });
    const site = await createZeroMqTransport({ ...common, place: 'site', receive: () => {} });
    open.push(centre, site);
    await site.connect('centre', await centre.bind('tcp://127.0.0.1:*'));
    const count = 5000;
    let isSent = false;
    const sending = (async () => {
      for (let n = 0; n < count; n++) {
        while (site.send('centre', 'n', [numberFrame(n)]) !== 'accepted') await site.ready('centre');
        if (n % 100 === 0) await pass(1);
      }
      isSent = true;
    })();
    for (let i = 0; i < 100 && !isSent; i++) {
      await centre.bind('tcp://127.0.0.1:*');
      await pass(1);
    }
    await sending;
    await until(() => seen.length === count, 'all have arrived');
    expect(seen).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  test('that is closed still lets out the answers that were given before', async () => {
    const receiver = await receive('tcp://127.0.0.1:*');
    const asker = new Dealer({ context: new Context(), linger: 0, receiveTimeout: 5000 });
    asker.connect(receiver.endpoint);
    await asker.send('ask');
    const [id] = (await receiver.receive(5000))!;
    const answer = new Uint8Array(4_000_000);
    for (let n = 0; n < 5; n++) await receiver.answer([id!, String(n), answer]);
    await receiver.close();
    for (let n = 0; n < 5; n++) expect(String((await asker.receive())[0])).toBe(String(n));
    asker.close();
  });
});
