import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Context, Dealer, Push, Request } from 'zeromq';
import { type CurveKeyPair, generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import { changeAllowed, generatePlaceKeys, readPlaceKeys } from '../../engine/host/key-folder.ts';
import { RealClock } from '../../engine/host/real-clock.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { openOutsideReceiver, openOutsideSender } from '../../engine/transport/outside-sockets.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import { SourceHost, until } from '../conformance/source-host.ts';
import { freePort } from '../free-ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-outside-'));
const ourFolder = join(folder, 'ours');
const producer = generateCurveKeyPair();
const stranger = generateCurveKeyPair();
let serverKey = '';

beforeAll(async () => {
  serverKey = await generatePlaceKeys(ourFolder, 'node');
  await changeAllowed(ourFolder, 'producer', encodeZ85(producer.publicKey), true);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const access = (segment: string): string => JSON.stringify({ time: 1000, segment, consumer: 'c', size: 1 });

async function listening(settings: object) {
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const host = new SourceHost();
  const source = host.open({ type: 'zeromq', name: 'z', bind, waitMs: 20, ...settings });
  source.start();
  ends.push(() => source.stop());
  await until(() => source.status.state === 'running', 'it listens');
  return { host, source, bind };
}

function curveOf(keys: CurveKeyPair, server = serverKey) {
  return {
    curveServerKey: server,
    curvePublicKey: encodeZ85(keys.publicKey),
    curveSecretKey: encodeZ85(keys.secretKey.reveal()),
  };
}

function dealer(bind: string, curve: object = {}): Dealer {
  const socket = new Dealer({ context: new Context(), linger: 0, receiveTimeout: 5000, ...curve });
  socket.connect(bind);
  ends.push(() => socket.close());
  return socket;
}

const heard = async (socket: Dealer | Request): Promise<string[]> => ((await socket.receive()) as Buffer[]).map(String);

describe('a ZeroMQ source with keys', () => {
  test('takes from a key of the allow-list, and refuses a stranger and who has none, by name', async () => {
    const { host, source, bind } = await listening({ keysFolder: ourFolder });
    await dealer(bind, curveOf(stranger)).send(['p', '1', access('stranger')]);
    await dealer(bind).send(['p', '2', access('nobody')]);
    await dealer(bind, curveOf(producer, encodeZ85(stranger.publicKey))).send(['p', '3', access('wrong server')]);
    const reasons = (): string[] => host.notes.map((note) => (note as { reason?: string }).reason ?? '');
    await until(() => reasons().includes('key-not-allowed'), 'the stranger is refused');
    await until(() => reasons().some((reason) => /protocol|broken/.test(reason)), 'the others are refused');
    expect(host.notes).toContainEqual(
      expect.objectContaining({ source: 'z', who: `${encodeZ85(stranger.publicKey)} from 127.0.0.1` }),
    );
    const honest = dealer(bind, curveOf(producer));
    await honest.send(['producer', '1', access('a')]);
    expect(await heard(honest)).toEqual(['1', 'taken', '1']);
    expect(await host.segments()).toEqual(['a']);
    expect(source.status.counts).toMatchObject({ messages: 1, bad: 0 });
    expect(source.status.refused).toMatchObject({ 'key-not-allowed': expect.any(Number) });
  });

  test('is not there without an allow-list', async () => {
    const empty = join(folder, 'empty');
    await generatePlaceKeys(empty, 'node');
    const host = new SourceHost();
    const source = host.open({ type: 'zeromq', name: 'z', bind: 'tcp://127.0.0.1:*', keysFolder: empty });
    source.start();
    ends.push(() => source.stop());
    await until(() => source.status.state === 'degraded', 'it says so');
    expect(source.status.trouble).toContain('the allow-list is empty');
  });
});

describe('what is not of this machine', () => {
  test.each(['tcp://0.0.0.0:7879', 'tcp://*:7879', 'tcp://192.0.2.1:7879'])(
    '%s is refused without keys',
    async (endpoint) => {
      const common = { endpoint, security: null, highWaterMark: 10 };
      const clock = new RealClock();
      const receiving = openOutsideReceiver({
        ...{ ...common, pattern: 'pull', frameBytesMax: 1000, clock },
        onRefused: () => {},
      });
      await expect(receiving).rejects.toMatchObject({
        code: 'bad-config',
        message: expect.stringContaining('without keys'),
      });
      await expect(openOutsideSender({ ...common, to: null })).rejects.toMatchObject({ code: 'bad-config' });
    },
  );

  test('a sender needs a key of the receiver', async () => {
    const { keys, allowed } = await readPlaceKeys(ourFolder);
    const sending = openOutsideSender({
      ...{
        endpoint: 'tcp://127.0.0.1:9',
        security: { keys, allowed: new AllowList(allowed) },
        to: 'nobody',
        highWaterMark: 1,
      },
    });
    await expect(sending).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('no key of nobody'),
    });
  });
});

describe('frames of a message', () => {
  test('a router answers each: number and verdict, with the envelope of a REQ', async () => {
    const { host, bind } = await listening({});
    const socket = dealer(bind);
    const ask = async (...frames: string[]): Promise<string[]> => {
      await socket.send(frames);
      return heard(socket);
    };
    expect(await ask(access('a'))).toEqual(['', 'taken', '1']);
    expect(await ask('p', '1', access('b'))).toEqual(['1', 'taken', '1']);
    expect(await ask('p', '2', 'csv', 'time,segment,consumer,size\n1,c,x,1\n2,d,x,1\n')).toEqual(['2', 'taken', '2']);
    expect(await ask('p', '1', access('b'))).toEqual(['1', 'duplicate', '0']);
    for (const [frames, why] of [
      [['p', 'one', access('x')], 'expected a producer and a sequence'],
      [['', '1', access('x')], 'expected 1, 3 or 4 frames, found 2'],
      [['p', '1', 'parquet', 'x'], 'expected one of the formats'],
      [['p', '1'], 'found 2'],
      [['p', '1', 'csv', 'x', 'y'], 'found 5'],
      [[`${'p'.repeat(300)}`, '9', access('x')], 'expected 1 to 200 letters'],
      [['p', '4', 'ndjson', '{"segment"'], 'line 1:'],
      [['p', '5', '{"segment"'], 'its format is not recognised'],
    ] as const) {
      const [verdict, detail] = (await ask(...frames)).slice(-2);
      expect([verdict, detail]).toEqual(['refused', expect.stringContaining(why)]);
    }
    const request = new Request({ context: new Context(), linger: 0 });
    request.connect(bind);
    ends.push(() => request.close());
    await request.send(['q', '7', access('e')]);
    expect(await heard(request)).toEqual(['7', 'taken', '1']);
    expect(await host.segments()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a pull takes the same and answers nothing', async () => {
    const { host, source, bind } = await listening({ pattern: 'pull', onBadRecord: 'refuse' });
    const push = new Push({ context: new Context(), linger: 0 });
    push.connect(bind);
    ends.push(() => push.close());
    await push.send(access('a'));
    await push.send(['p', '1', access('b')]);
    await push.send(['p', '1', access('b')]);
    await push.send('{"segment"');
    await until(() => source.status.counts.messages === 4, 'all have come');
    await until(() => source.status.counts.bad === 1, 'the bad one is counted');
    expect(await host.segments()).toEqual(['a', 'b']);
    expect(source.status.counts).toMatchObject({ accesses: 2, duplicates: 1, bad: 1 });
    expect(host.letters.count).toBe(0);
  });

  test('one far too large is cut off by ZeroMQ, and others go on', async () => {
    const { host, bind } = await listening({ messageBytesMax: 1000 });
    const large = dealer(bind);
    const lost = new Promise<void>((settle) => large.events.on('disconnect', () => settle()));
    await large.send(['p', '1', 'x'.repeat(200_000)]);
    await lost;
    const honest = dealer(bind);
    await honest.send(['p', '2', `${access('x')}${' '.repeat(2000)}`]);
    expect((await heard(honest))[2]).toContain('messageBytesMax');
    await honest.send(['p', '3', access('a')]);
    expect(await heard(honest)).toEqual(['3', 'taken', '1']);
    expect(await host.segments()).toEqual(['a']);
  });
});

test('a producer whose messages are not taken has to wait: nothing is dropped and memory stays bounded', async () => {
  const { host, source, bind } = await listening({
    highWaterMark: 10,
    format: 'ndjson',
    messagesMax: 5,
    keepAliveMs: 20,
    pattern: 'pull',
  });
  host.hasRoom = false;
  await until(() => source.status.state === 'paused', 'it waits');
  // TCP itself takes some on its way, so they are large enough to fill that.
  const push = new Push({ context: new Context(), linger: 0, sendHighWaterMark: 10, sendTimeout: 300 });
  push.connect(bind);
  ends.push(() => push.close());
  const padding = ' '.repeat(100_000);
  let sent = 0;
  const send = (): Promise<void> => push.send(['p', String(sent), access(`s${sent}`) + padding]);
  for (; sent < 2000; sent++) {
    try {
      await send();
    } catch {
      break;
    }
  }
  expect(sent).toBeLessThan(500);
  host.hasRoom = true;
  push.sendTimeout = 10_000;
  for (const end = sent + 50; sent < end; sent++) await send();
  await until(async () => (await host.segments()).length === sent, 'all have come');
  expect(await host.segments()).toEqual(Array.from({ length: sent }, (_, i) => `s${i}`));
});
