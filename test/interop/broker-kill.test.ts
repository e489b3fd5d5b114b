import { connect, type NatsConnection } from 'nats';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import type { Source } from '../../actors/node/sources/source.ts';
import { SourceHost, until } from '../conformance/source-host.ts';
import { isWithoutNats, isWithoutRedis, natsServer, redisServer, type TestServer } from './broker-servers.ts';

/** Messages published, and how often the broker and the node die meanwhile. */
const MESSAGES = 1000;
const DEATHS = 3;

const body = (i: number): string => JSON.stringify({ time: 1000 + i, segment: `s${i}`, consumer: 'c', size: 1 });
const times = { waitMs: 50, keepAliveMs: 20, timeoutMs: 5000, messagesMax: 64, backOff: { initialMs: 10, maxMs: 100 } };

/** Publishes message i, again and again until the broker has confirmed it; it must know a repetition. */
type Publish = (i: number) => Promise<void>;

/**
 * Publishes under load while the broker is killed and started again, and the node dies between append and acknowledgement. All that the
 * broker has confirmed has to be in the log once.
 */
async function underLoad(server: TestServer, settings: object, publish: Publish): Promise<void> {
  const host = new SourceHost();
  const open = (): Source => {
    const source = host.open({ ...settings, ...times });
    source.start();
    return source;
  };
  let source = open();
  let published = 0;
  const publishing = (async () => {
    for (let i = 0; i < MESSAGES; i++) {
      for (;;) {
        try {
          await publish(i);
          break;
        } catch {
          await new Promise((done) => setTimeout(done, 10));
        }
      }
      published = i + 1;
    }
  })();
  let failures = 0;
  let repeated = 0;
  for (let death = 1; death <= DEATHS; death++) {
    await until(() => published >= (MESSAGES * (death * 2 - 1)) / (DEATHS * 2 + 1), 'more is published');
    await server.kill();
    await new Promise((done) => setTimeout(done, 30));
    await server.start();
    await until(() => published >= (MESSAGES * death * 2) / (DEATHS * 2 + 1), 'more is published');
    host.fault = 'lost-answer';
    await until(() => source.status.trouble === 'the answer was lost', 'an answer of the log is lost');
    await source.stop();
    failures += source.status.counts.failures;
    repeated += source.status.counts.duplicates;
    host.fault = 'none';
    source = open();
  }
  await publishing;
  await until(async () => (await host.segments()).length >= MESSAGES, 'all are in the log', 30_000);
  await new Promise((done) => setTimeout(done, 200));
  repeated += source.status.counts.duplicates;
  await source.stop();
  expect(await host.segments()).toEqual(Array.from({ length: MESSAGES }, (_, i) => `s${i}`));
  // The test is worth nothing where nothing broke.
  expect(failures).toBeGreaterThan(0);
  expect(repeated).toBeGreaterThan(0);
}

describe.skipIf(isWithoutRedis)('Redis, killed under load', () => {
  test('nothing that it had confirmed is lost or counted twice', async () => {
    const server = await redisServer();
    const url = `redis://127.0.0.1:${server.port}`;
    const client = createClient({ url, socket: { reconnectStrategy: 10 }, disableOfflineQueue: true });
    client.on('error', () => {});
    await client.connect();
    try {
      await underLoad(server, { type: 'redis', name: 'r', url, stream: 'accesses' }, async (i) => {
        // An id of our own makes a repetition known: it is refused.
        await client.xAdd('accesses', `${i + 1}-0`, { data: body(i) }).catch((error: unknown) => {
          if (!/equal or smaller/.test(String(error))) throw error;
        });
      });
    } finally {
      client.destroy();
      await server.remove();
    }
  });
});

describe.skipIf(isWithoutNats)('NATS JetStream, killed under load', () => {
  test('nothing that it had confirmed is lost or counted twice', async () => {
    const server = await natsServer();
    const servers = [`nats://127.0.0.1:${server.port}`];
    const dial = () => connect({ servers, reconnect: false });
    let connection: NatsConnection = await dial();
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'ACCESSES', subjects: ['accesses'] });
    try {
      await underLoad(server, { type: 'nats', name: 'n', servers, stream: 'ACCESSES' }, async (i) => {
        if (connection.isClosed()) connection = await dial();
        const bytes = new TextEncoder().encode(body(i));
        // The server knows a message by its id.
        await connection.jetstream({ timeout: 1000 }).publish('accesses', bytes, { msgID: `m${i}` });
      });
    } finally {
      await connection.close();
      await server.remove();
    }
  });
});
