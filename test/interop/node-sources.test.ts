import { readFileSync } from 'node:fs';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { connect } from 'nats';
import { createClient } from 'redis';
import { afterEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Context, Dealer, Pull } from 'zeromq';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { type RunningNode, runNode } from '../../actors/node/run-node.ts';
import { until } from '../conformance/source-host.ts';
import { freePort } from '../free-ports.ts';
import { isWithoutKafka, isWithoutNats, isWithoutRedis, mockKafka, natsServer, redisServer } from './broker-servers.ts';

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The example in sim/deploy/sources, with the addresses of the test, on a node that keeps nothing. */
async function runExample(name: string, addresses: Readonly<Record<string, string>>): Promise<RunningNode> {
  let text = readFileSync(new URL(`../../sim/deploy/sources/${name}.yaml`, import.meta.url), 'utf8');
  for (const [from, to] of Object.entries(addresses)) {
    expect(text).toContain(from);
    text = text.replaceAll(from, to);
  }
  const example = parse(text) as { readonly engine: object };
  const config = checkNodeConfig(
    // So small a cache, and no bound on traffic, that the engine has to want something.
    { ...example, store: 'memory', http: { port: 0 }, engine: { ...example.engine, capacity: 4, trafficMax: null } },
    name,
  );
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const running = await runNode(config, quiet);
  ends.push(() => running.stop());
  return running;
}

/** A hundred rounds of the same ten segments, as ten messages. */
const bodies = Array.from({ length: 10 }, (_, i) =>
  Array.from({ length: 100 }, (_, j) => ({
    time: 1000 * (i * 100 + j),
    segment: `/page-${j % 10}`,
    consumer: 'c',
    size: 9,
  }))
    .map((access) => JSON.stringify(access))
    .join('\n'),
);

interface Status {
  readonly isReady: boolean;
  readonly troubles: object;
  readonly told: { readonly accesses: number };
  readonly sources: readonly { readonly name: string; readonly state: string; readonly counts: object }[];
  readonly delivery: { readonly delivered: number };
}

async function statusOf({ address }: RunningNode): Promise<Status> {
  return (await (await fetch(`${address}/v1/status`)).json()) as Status;
}

async function learnsAll(running: RunningNode, name: string): Promise<void> {
  await until(async () => (await statusOf(running)).told.accesses === 1000, 'all are learned from', 30_000);
  const { sources, isReady } = await statusOf(running);
  expect(isReady).toBe(true);
  expect(sources).toMatchObject([{ name, state: 'running', counts: { messages: 10, accesses: 1000, bad: 0 } }]);
  const metrics = await (await fetch(`${running.address}/metrics`)).text();
  expect(metrics).toContain(`anteroom_source_accesses_total{source="${name}"} 1000`);
  expect(metrics).toContain(`anteroom_source_up{source="${name}"} 1`);
}

describe('the example node.yaml for', () => {
  test.skipIf(isWithoutRedis)('Redis takes accesses from one stream and puts requests into another', async () => {
    const server = await redisServer();
    ends.push(() => server.remove());
    const running = await runExample('redis', { 'redis://127.0.0.1:6379': `redis://127.0.0.1:${server.port}` });
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
    client.on('error', () => {});
    await client.connect();
    ends.push(() => client.destroy());
    for (const data of bodies) await client.xAdd('accesses', '*', { data });
    await learnsAll(running, 'accesses');
    await until(async () => (await client.xLen('prefetch-requests')) > 0, 'a request has arrived');
    // What goes wrong is told where operators look, and does not keep the node from its work.
    await server.kill();
    await until(async () => 'source' in (await statusOf(running)).troubles, 'the trouble is told');
    const { isReady, troubles } = await statusOf(running);
    expect(isReady).toBe(true);
    expect(troubles).toMatchObject({ source: expect.stringContaining('accesses: Redis at redis://127.0.0.1:') });
    await server.start();
    await until(async () => !('source' in (await statusOf(running)).troubles), 'it is over');
  });

  test.skipIf(isWithoutNats)('NATS takes accesses from a stream and publishes requests', async () => {
    const server = await natsServer();
    ends.push(() => server.remove());
    const connection = await connect({ servers: `127.0.0.1:${server.port}` });
    ends.push(() => connection.close());
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: 'ACCESSES', subjects: ['accesses.>'] });
    await manager.streams.add({ name: 'PREFETCH', subjects: ['prefetch'] });
    const running = await runExample('nats', { 'nats://127.0.0.1:4222': `nats://127.0.0.1:${server.port}` });
    for (const body of bodies) await connection.jetstream().publish('accesses.web', new TextEncoder().encode(body));
    await learnsAll(running, 'accesses');
    const stored = async (): Promise<number> => (await manager.streams.info('PREFETCH')).state.messages;
    await until(async () => (await stored()) > 0, 'a request is stored');
  });

  test.skipIf(isWithoutKafka)('Kafka takes accesses from a topic of a mock of Kafka', async () => {
    const server = await mockKafka();
    ends.push(() => server.remove());
    const kafka = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    ends.push(() => producer.disconnect());
    await producer.send({ topic: 'accesses', messages: bodies.map((value) => ({ value, partition: 0 })) });
    const running = await runExample('kafka', { '127.0.0.1:9092': server.address });
    await learnsAll(running, 'accesses');
  });

  test('ZeroMQ takes accesses from a DEALER and pushes requests to a PULL', async () => {
    const [inPort, outPort] = [await freePort(), await freePort()];
    const pull = new Pull({ context: new Context() });
    await pull.bind(`tcp://127.0.0.1:${outPort}`);
    ends.push(() => pull.close());
    const running = await runExample('zeromq', {
      'tcp://127.0.0.1:7879': `tcp://127.0.0.1:${inPort}`,
      'tcp://127.0.0.1:7880': `tcp://127.0.0.1:${outPort}`,
    });
    const dealer = new Dealer({ context: new Context(), linger: 0 });
    dealer.connect(`tcp://127.0.0.1:${inPort}`);
    ends.push(() => dealer.close());
    for (const [i, body] of bodies.entries()) {
      await dealer.send(['web', String(i), body]);
      expect((await dealer.receive()).map(String)).toEqual([String(i), 'taken', '100']);
    }
    await dealer.send(['web', '3', bodies[3]!]);
    expect((await dealer.receive()).map(String)).toEqual(['3', 'duplicate', '0']);
    await until(async () => (await statusOf(running)).told.accesses === 1000, 'all are learned from');
    const [request] = await pull.receive();
    expect(JSON.parse(String(request))).toMatchObject({ node: 'anteroom', segment: expect.stringMatching(/^\/page-/) });
  });
});
