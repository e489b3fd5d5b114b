import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type JetStreamManager, type NatsConnection } from 'nats';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectNats } from '../../actors/node/servers/nats-client.ts';
import { connectRedis } from '../../actors/node/servers/redis-client.ts';
import { NatsSink } from '../../actors/node/sinks/nats-sink.ts';
import { RedisSink } from '../../actors/node/sinks/redis-sink.ts';
import type { OutgoingRequest } from '../../actors/node/sinks/sink.ts';
import { sinkItemSchema } from '../../actors/node/sinks/sink-config.ts';
import { clock, SourceHost, until } from '../conformance/source-host.ts';
import {
  isWithoutNats,
  isWithoutOpenSsl,
  isWithoutRedis,
  natsServer,
  redisServer,
  type TestServer,
} from './broker-servers.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const folder = mkdtempSync(join(tmpdir(), 'anteroom-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const times = { waitMs: 30, keepAliveMs: 20, timeoutMs: 5000, backOff: { initialMs: 20, maxMs: 100 } };
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

/** A certificate for 127.0.0.1 that signs itself. */
function certificate(): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...[
        '-subj',
        '/CN=127.0.0.1',
        '-addext',
        'subjectAltName=IP:127.0.0.1,DNS:localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ],
    ],
    { stdio: 'ignore' },
  );
  return { cert, key };
}

describe.skipIf(isWithoutRedis)('Redis', () => {
  let server: TestServer;
  let client: ReturnType<typeof createClient>;
  let url = '';
  beforeAll(async () => {
    server = await redisServer();
    url = `redis://127.0.0.1:${server.port}`;
    client = createClient({ url });
    client.on('error', () => {});
    await client.connect();
  });
  afterAll(async () => {
    client?.destroy();
    await server?.remove();
  });

  test('field, and what an entry without it is', async () => {
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'fields', field: 'body' });
    await client.xAdd('fields', '*', { data: access('other'), body: access('a') });
    await client.xAdd('fields', '*', { data: access('other') });
    await hasOnly(host, ['a']);
    expect(host.letters.list(10)).toMatchObject([{ why: expect.stringContaining('has no field body') }]);
  });

  test('a message may be in any format of a post, binary ones too', async () => {
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'formats' });
    const { frames } = await host.parts().parse(new TextEncoder().encode(`${access('d')}\n${access('e')}`), 'ndjson');
    // What a log frame holds after its header is a stream of Arrow IPC.
    const arrow = Buffer.from(frames[0]!.bytes.subarray(8));
    const bodies = [
      `${access('a')}\n${access('b')}\n`,
      'time,segment,consumer,size\n1000,c,x,1\n',
      arrow,
      '10.0.0.1 - - [17/May/2026:10:00:00 +0000] "GET /f HTTP/1.1" 200 12 "-" "x"\n',
    ];
    for (const data of bodies) await client.xAdd('formats', '*', { data });
    await hasOnly(host, ['a', 'b', 'c', 'd', 'e', '/f']);
    const only = opened({ type: 'redis', name: 'r', url, stream: 'formats', group: 'csv', format: 'csv' });
    await until(() => only.source.status.counts.bad > 0, 'others are bad');
    expect(await only.host.segments()).toContain('c');
  });

  test('fromStart, and that each group has everything', async () => {
    await client.xAdd('starts', '*', { data: access('old') });
    const whole = opened({ type: 'redis', name: 'r', url, stream: 'starts', group: 'one' });
    const later = opened({ type: 'redis', name: 'r', url, stream: 'starts', group: 'two', fromStart: false });
    await until(() => later.source.status.state === 'running', 'the later one reads');
    await client.xAdd('starts', '*', { data: access('new') });
    await hasOnly(whole.host, ['old', 'new']);
    await hasOnly(later.host, ['new']);
  });

  test('consumer: what is pending under another name is not ours', async () => {
    await client.xAdd('names', '*', { data: access('theirs') });
    await client.xGroupCreate('names', 'g', '0');
    await client.xReadGroup('g', 'other', { key: 'names', id: '>' });
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'names', group: 'g' });
    await client.xAdd('names', '*', { data: access('ours') });
    await hasOnly(host, ['ours']);
    const other = opened({ type: 'redis', name: 'r', url, stream: 'names', group: 'g', consumer: 'other' });
    await hasOnly(other.host, ['theirs']);
  });

  test('messagesMax: so many in an append', async () => {
    for (let i = 0; i < 10; i++) await client.xAdd('small', '*', { data: access(`a${i}`) });
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'small', messagesMax: 2 });
    await hasOnly(
      host,
      Array.from({ length: 10 }, (_, i) => `a${i}`),
    );
    expect(host.appends).toBe(5);
  });

  test('a stream that is deleted and made again is read from its start', async () => {
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'anew' });
    await client.xAdd('anew', '5-0', { data: access('first') });
    await hasOnly(host, ['first']);
    await client.del('anew');
    await client.xAdd('anew', '1-0', { data: access('second') });
    await hasOnly(host, ['first', 'second']);
  });

  test('username and passwordFile', async () => {
    await client.sendCommand(['ACL', 'SETUSER', 'reader', 'on', '>open sesame', '~*', '+@all']);
    const passwordFile = file('redis-password', 'open sesame\n');
    const { host } = opened({ type: 'redis', name: 'r', url, stream: 'users', username: 'reader', passwordFile });
    await client.xAdd('users', '*', { data: access('a') });
    await hasOnly(host, ['a']);
    const wrong = opened({
      ...{ type: 'redis', name: 'r', url, stream: 'users', username: 'reader' },
      passwordFile: file('wrong', 'sesame'),
    });
    await until(() => wrong.source.status.state === 'degraded', 'it is refused');
    expect(wrong.source.status.trouble).toContain('WRONGPASS');
    expect(JSON.stringify(wrong.host.changes)).not.toContain('sesame');
  });

  test.skipIf(isWithoutOpenSsl)('caFile', async () => {
    const { cert, key } = certificate();
    const secured = await redisServer((port) => [
      ...['--port', '0', '--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key],
      ...['--tls-auth-clients', 'no'],
    ]);
    ends.push(() => secured.remove());
    const at = { url: `rediss://127.0.0.1:${secured.port}`, username: null, passwordFile: null };
    const redis = await connectRedis({ ...at, caFile: cert }, 'test', 2000);
    expect(String(await redis.command('PING'))).toBe('PONG');
    redis.close();
    await expect(connectRedis({ ...at, caFile: null }, 'test', 2000)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each(['stream', 'list'])('lengthMax of a sink bounds its %s', async (as) => {
    const settings = { type: 'redis', name: 'r', url, key: `kept-${as}`, as, lengthMax: 5 };
    const sink = new RedisSink(sinkItemSchema.parse(settings) as never, 2000, clock);
    ends.push(() => sink.close());
    for (let i = 0; i < 300; i++) await sink.deliver({ key: `k${i}` } as OutgoingRequest);
    const length = as === 'list' ? await client.lLen(`kept-${as}`) : await client.xLen(`kept-${as}`);
    // A stream is trimmed by whole nodes of a hundred entries.
    expect(length).toBeLessThanOrEqual(as === 'list' ? 5 : 105);
    if (as === 'list') expect(JSON.parse((await client.lRange(`kept-${as}`, 0, 0))[0]!)).toEqual({ key: 'k299' });
  });
});

describe.skipIf(isWithoutNats)('NATS', () => {
  let server: TestServer;
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let servers: string[] = [];
  const publish = (subject: string, segment: string) =>
    connection.jetstream().publish(subject, new TextEncoder().encode(access(segment)));
  beforeAll(async () => {
    server = await natsServer();
    servers = [`nats://127.0.0.1:${server.port}`];
    connection = await connect({ servers });
    manager = await connection.jetstreamManager();
  });
  afterAll(async () => {
    await connection?.close();
    await server?.remove();
  });

  test('subject, fromStart, consumer and ackWaitMs', async () => {
    await manager.streams.add({ name: 'S', subjects: ['s.>'] });
    await publish('s.a', 'old');
    const settings = { type: 'nats', name: 'n', servers, stream: 'S', subject: 's.a' };
    const whole = opened({ ...settings, consumer: 'whole', ackWaitMs: 12_000 });
    const later = opened({ ...settings, consumer: 'later', fromStart: false });
    await until(() => later.source.status.state === 'running', 'the later one reads');
    await publish('s.b', 'other');
    await publish('s.a', 'new');
    await hasOnly(whole.host, ['old', 'new']);
    await hasOnly(later.host, ['new']);
    const { config } = await manager.consumers.info('S', 'whole');
    expect(config).toMatchObject({ ack_wait: 12_000_000_000, filter_subject: 's.a', durable_name: 'whole' });
  });

  test('messagesMax and fetchBytesMax: so much in an append', async () => {
    await manager.streams.add({ name: 'M', subjects: ['m'] });
    for (let i = 0; i < 10; i++) await publish('m', `a${i}`);
    const all = Array.from({ length: 10 }, (_, i) => `a${i}`);
    const few = opened({ type: 'nats', name: 'n', servers, stream: 'M', consumer: 'few', messagesMax: 2 });
    await hasOnly(few.host, all);
    expect(few.host.appends).toBe(5);
    const padded = new TextEncoder().encode(`${access('large')}${' '.repeat(400)}`);
    await manager.streams.add({ name: 'B', subjects: ['b'] });
    for (let i = 0; i < 6; i++) await connection.jetstream().publish('b', padded);
    const bytes = { type: 'nats', name: 'n', servers, stream: 'B' };
    const small = opened({ ...bytes, consumer: 'small', fetchBytesMax: 1024 });
    const large = opened({ ...bytes, consumer: 'large' });
    await hasOnly(small.host, Array(6).fill('large'));
    await hasOnly(large.host, Array(6).fill('large'));
    expect(small.host.appends).toBeGreaterThan(2);
    expect(large.host.appends).toBe(1);
  });

  test('a stream of interest retention is refused, and one that is absent is waited for', async () => {
    await manager.streams.add({ name: 'I', subjects: ['i'], retention: 'interest' as never });
    const refused = opened({ type: 'nats', name: 'n', servers, stream: 'I' });
    await until(() => refused.source.status.state === 'degraded', 'it is refused');
    expect(refused.source.status.trouble).toContain('interest retention');
    const absent = opened({ type: 'nats', name: 'n', servers, stream: 'ABSENT' });
    await until(() => absent.source.status.state === 'degraded', 'it is missed');
    expect(absent.source.status.trouble).toContain('stream not found');
    await manager.streams.add({ name: 'ABSENT', subjects: ['absent'] });
    await publish('absent', 'a');
    await hasOnly(absent.host, ['a']);
  });

  test('a stream that is deleted and made again is read from its start', async () => {
    await manager.streams.add({ name: 'ANEW', subjects: ['anew'] });
    const { host } = opened({ type: 'nats', name: 'n', servers, stream: 'ANEW', fromStart: false });
    await until(() => host.changes.at(-1)?.state === 'running', 'it reads');
    await publish('anew', 'first');
    await hasOnly(host, ['first']);
    await manager.streams.delete('ANEW');
    await manager.streams.add({ name: 'ANEW', subjects: ['anew'] });
    await publish('anew', 'second');
    await hasOnly(host, ['first', 'second']);
  });

  test('a message without JetStream reaches who listens, with its key', async () => {
    const heard = connection.subscribe('core');
    await connection.flush();
    const settings = { type: 'nats', name: 'n', servers, subject: 'core', isJetStream: false };
    const sink = new NatsSink(sinkItemSchema.parse(settings) as never, 2000, clock);
    ends.push(() => sink.close());
    expect(await sink.deliver({ key: 'k1' } as OutgoingRequest)).toEqual({ kind: 'done', sizeBytes: -1 });
    for await (const message of heard) {
      expect(message.headers?.get('Nats-Msg-Id')).toBe('k1');
      break;
    }
    // With JetStream nobody stores it there, and that is told.
    const stored = new NatsSink(sinkItemSchema.parse({ ...settings, isJetStream: true }) as never, 2000, clock);
    ends.push(() => stored.close());
    expect(await stored.deliver({ key: 'k2' } as OutgoingRequest)).toMatchObject({ kind: 'failed', isRetryable: true });
  });

  const none = { user: null, passwordFile: null, tokenFile: null, credentialsFile: null, caFile: null };

  test.skipIf(isWithoutOpenSsl)('user and passwordFile, tokenFile, caFile', async () => {
    const { cert, key } = certificate();
    const cases = [
      [
        ['--user', 'u', '--pass', 'open sesame'],
        { user: 'u', passwordFile: file('p', 'open sesame\n') },
        'nats://127.0.0.1',
      ],
      [['--auth', 'open sesame'], { tokenFile: file('t', 'open sesame\n') }, 'nats://127.0.0.1'],
      [['--tls', '--tlscert', cert, '--tlskey', key], { caFile: cert }, 'tls://localhost'],
    ] as const;
    for (const [words, identity, host] of cases) {
      const secured = await natsServer(words);
      ends.push(() => secured.remove());
      const at = { ...none, servers: [`${host}:${secured.port}`] };
      const client = await connectNats({ ...at, ...identity }, 'test', 2000);
      await client.connection.close();
      await expect(connectNats(at, 'test', 2000)).rejects.toMatchObject({ code: 'unavailable' });
    }
  });
});
