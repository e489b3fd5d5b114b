import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type JetStreamManager, type StoredMsg } from 'nats';
import { createClient } from 'redis';
import type { OutgoingRequest } from '../../actors/node/sinks/sink.ts';
import { changeAllowed, generatePlaceKeys, readPlaceKeys } from '../../engine/host/key-folder.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { type OutsideReceiver, openOutsideReceiver } from '../../engine/transport/outside-sockets.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import { freePort } from '../free-ports.ts';
import { isWithoutNats, isWithoutRedis, natsServer, redisServer } from '../interop/broker-servers.ts';
import { sinkContract } from './sink-contract.ts';

const parsed = (texts: readonly string[]): OutgoingRequest[] =>
  texts.map((text) => JSON.parse(text) as OutgoingRequest);

sinkContract('a webhook', false, async () => {
  const port = await freePort();
  const bodies: string[] = [];
  const headers: (string | undefined)[] = [];
  let server: Server;
  const listen = async (): Promise<void> => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        bodies.push(text);
        headers.push(request.headers.traceparent as string | undefined);
        response.end();
      });
    });
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  };
  const vanish = async (): Promise<void> => {
    server.closeAllConnections();
    // One that is closed already says so and is closed.
    await new Promise((done) => server.close(done));
  };
  await listen();
  return {
    settings: { type: 'webhook', name: 'w', url: `http://127.0.0.1:${port}/` },
    received: async () => parsed(bodies),
    traceparents: async () => headers,
    vanish,
    return: listen,
    close: vanish,
  };
});

sinkContract('a command', false, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-sink-'));
  const [out, traces, program] = [join(folder, 'out'), join(folder, 'traces'), join(folder, 'program.cjs')];
  writeFileSync(out, '');
  writeFileSync(traces, '');
  writeFileSync(
    program,
    `const fs = require('fs');
    fs.appendFileSync(${JSON.stringify(traces)}, (process.env.TRACEPARENT ?? '') + '\\n');
    process.stdin.pipe(fs.createWriteStream(${JSON.stringify(out)}, { flags: 'a' }))`,
  );
  return {
    // Node itself ends with 1 where it finds no program.
    settings: {
      type: 'command',
      name: 'c',
      command: [process.execPath, program],
      timeoutMs: 10_000,
      retryStatuses: [1],
    },
    received: async () => parsed(readFileSync(out, 'utf8').split('\n').filter(Boolean)),
    traceparents: async () => readFileSync(traces, 'utf8').split('\n'),
    vanish: async () => renameSync(program, `${program}.away`),
    return: async () => {
      if (existsSync(`${program}.away`)) renameSync(`${program}.away`, program);
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

sinkContract('a PULL of ZeroMQ under CURVE', false, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'anteroom-sink-'));
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  await generatePlaceKeys(ours, 'node');
  await changeAllowed(ours, 'fetcher', await generatePlaceKeys(theirs, 'fetcher'), true);
  const own = await readPlaceKeys(theirs);
  const node = await readPlaceKeys(ours);
  const allowed = new AllowList(new Map([['node', [encodeZ85(node.keys.publicKey)]]]));
  const bodies: string[] = [];
  let receiver: OutsideReceiver | null = null;
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  const listen = async (): Promise<void> => {
    const pulling = await openOutsideReceiver({
      ...{ pattern: 'pull', endpoint, security: { keys: own.keys, allowed }, highWaterMark: 100, frameBytesMax: 1e6 },
      clock: new RealClock(),
      onRefused: () => {},
    });
    receiver = pulling;
    void (async () => {
      while (receiver === pulling) {
        const frames = await pulling.receive(50).catch(() => null);
        if (frames !== null) bodies.push(String(frames[0]));
      }
    })();
  };
  const vanish = async (): Promise<void> => {
    const closing = receiver;
    receiver = null;
    await new Promise((done) => setTimeout(done, 100));
    await closing?.close();
    // Until its connection has ended the sender does not know.
    await new Promise((done) => setTimeout(done, 100));
  };
  await listen();
  return {
    timeoutMs: 500,
    settings: { type: 'zeromq', name: 'z', connect: endpoint, keysFolder: ours, place: 'fetcher' },
    received: async () => parsed(bodies),
    traceparents: async () => parsed(bodies).map(({ traceparent }) => traceparent),
    vanish,
    return: listen,
    close: async () => {
      await vanish();
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

sinkContract('JetStream', isWithoutNats, async () => {
  const server = await natsServer();
  const servers = [`nats://127.0.0.1:${server.port}`];
  // A connection for each question: one that lived through an outage may answer late.
  const asked = async <T>(ask: (manager: JetStreamManager) => Promise<T>): Promise<T> => {
    const connection = await connect({ servers });
    try {
      return await ask(await connection.jetstreamManager());
    } finally {
      await connection.close();
    }
  };
  await asked((manager) => manager.streams.add({ name: 'REQUESTS', subjects: ['prefetch'] }));
  const messages = () =>
    asked(async (manager) => {
      const { state } = await manager.streams.info('REQUESTS');
      const found: StoredMsg[] = [];
      for (let seq = state.first_seq; seq <= state.last_seq && state.messages > 0; seq++)
        found.push(await manager.streams.getMessage('REQUESTS', { seq }));
      return found;
    });
  return {
    settings: { type: 'nats', name: 'n', servers, subject: 'prefetch' },
    received: async () => parsed((await messages()).map(({ data }) => new TextDecoder().decode(data))),
    traceparents: async () => (await messages()).map(({ header }) => header?.get('traceparent')),
    vanish: () => server.kill(),
    return: () => server.start(),
    close: () => server.remove(),
  };
});

for (const as of ['stream', 'list'] as const) {
  sinkContract(`a ${as} of Redis`, isWithoutRedis, async () => {
    const server = await redisServer();
    const url = `redis://127.0.0.1:${server.port}`;
    const client = createClient({ url, socket: { reconnectStrategy: 30 } });
    client.on('error', () => {});
    await client.connect();
    const entries = async () => ((await client.xRange('requests', '-', '+')) ?? []).map((entry) => entry!.message);
    const received = async () =>
      parsed(
        as === 'list' ? await client.lRange('requests', 0, -1) : (await entries()).map((message) => message.data!),
      );
    return {
      settings: { type: 'redis', name: 'r', url, key: 'requests', as },
      received,
      traceparents: async () => (as === 'list' ? await received() : await entries()).map((one) => one.traceparent),
      vanish: () => server.kill(),
      return: () => server.start(),
      close: async () => {
        client.destroy();
        await server.remove();
      },
    };
  });
}
