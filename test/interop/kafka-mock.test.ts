import { execFileSync } from 'node:child_process';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SourceHost, until } from '../conformance/source-host.ts';
import { isWithoutKafka, type MockKafka, mockKafka } from './broker-servers.ts';

const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const times = { waitMs: 30, keepAliveMs: 20, backOff: { initialMs: 20, maxMs: 100 } };
const access = (segment: string): string => JSON.stringify({ time: 1000, segment, consumer: 'c', size: 1 });

function opened(settings: object) {
  const host = new SourceHost();
  const source = host.open({ ...times, ...settings });
  source.start();
  ends.push(() => source.stop());
  return { host, source };
}

async function hasOnly(host: SourceHost, segments: readonly string[]): Promise<void> {
  await until(async () => (await host.segments()).length >= segments.length, `${segments} have come`);
  await new Promise((done) => setTimeout(done, 100));
  expect(await host.segments()).toEqual(segments);
}

describe.skipIf(isWithoutKafka)('Kafka (a mock)', () => {
  let server: MockKafka;
  beforeAll(async () => {
    server = await mockKafka();
    ends.push(() => server.remove());
  });

  test.concurrent('topics, group, fromStart and messagesMax', async () => {
    const kafka = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    ends.push(() => producer.disconnect());
    const send = (topic: string, ...names: string[]) =>
      producer.send({ topic, messages: names.map((name) => ({ value: access(name), partition: 0 })) });
    await send('one', 'a0', 'a1', 'a2', 'a3');
    await send('two', 'b0');
    await send('three', 'c0');
    const settings = { type: 'kafka', name: 'k', brokers: [server.address], sessionMs: 6000, timeoutMs: 8000 };
    const whole = opened({ ...settings, topics: ['one', 'two'], group: 'whole', messagesMax: 2 });
    const later = opened({ ...settings, topics: ['one'], group: 'later', fromStart: false });
    await until(() => later.source.status.state === 'running', 'the later one reads');
    await until(async () => (await whole.host.segments()).length === 5, 'all have come');
    expect((await whole.host.segments()).toSorted()).toEqual(['a0', 'a1', 'a2', 'a3', 'b0']);
    expect(whole.host.appends).toBe(3);
    await new Promise((done) => setTimeout(done, 300));
    await send('one', 'a4');
    await hasOnly(later.host, ['a4']);
    expect(whole.source.status.positions).toMatchObject({ 'two/0': '0' });
  });

  test.concurrent('a group without an offset goes on where the log stands, and a topic made anew is read from its start', async () => {
    const settings = { ...times, type: 'kafka', name: 'k', topics: ['on'], sessionMs: 6000, timeoutMs: 8000 };
    const host = new SourceHost();
    const follow = async (kafka: MockKafka, group: string, names: readonly string[], total: number) => {
      const client = new Kafka({ brokers: [kafka.address], logLevel: logLevel.NOTHING });
      const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
      await producer.connect();
      await producer.send({ topic: 'on', messages: names.map((name) => ({ value: access(name), partition: 0 })) });
      await producer.disconnect();
      const source = host.open({ ...settings, brokers: [kafka.address], group });
      source.start();
      await until(async () => (await host.segments()).length === total, `${names} have come`);
      await source.stop();
      return source.status.counts;
    };
    await follow(server, 'first', ['a0', 'a1', 'a2'], 3);
    // Another group has no offset, and would begin at the start.
    expect(await follow(server, 'second', ['a3'], 4)).toMatchObject({ accesses: 1, duplicates: 0 });
    const another = await mockKafka();
    ends.push(() => another.remove());
    expect(await follow(another, 'first', ['b0', 'b1'], 6)).toMatchObject({ accesses: 2, duplicates: 0 });
    expect(await host.segments()).toEqual(['a0', 'a1', 'a2', 'a3', 'b0', 'b1']);
  });

  test.concurrent('messages of another client come, gzip too, and a compression that is not known is told', async () => {
    const settings = {
      ...times,
      type: 'kafka',
      name: 'k',
      brokers: [server.address],
      sessionMs: 6000,
      timeoutMs: 8000,
    };
    for (const [topic, compression] of [
      ['plain', 'none'],
      ['zipped', 'gzip'],
      ['snappy', 'snappy'],
    ] as const) {
      execFileSync('kcat', ['-b', server.address, '-P', '-t', topic, '-p', '0', '-z', compression], {
        input: `${Array.from({ length: 20 }, (_, i) => access(`${topic}${i}`)).join('\n')}\n`,
      });
    }
    const { host } = opened({ ...settings, topics: ['plain', 'zipped'], group: 'kcat' });
    const lost = opened({ ...settings, topics: ['snappy'], group: 'snappy' });
    await until(async () => (await host.segments()).length === 40, 'all have come');
    await until(() => lost.source.status.state === 'degraded', 'it is told');
    expect(lost.source.status.trouble).toMatch(/snappy/i);
  });
});
