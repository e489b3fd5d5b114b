import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { Context, Dealer } from 'zeromq';
import { runPart } from '../../actors/node/connect-places.ts';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { runNode } from '../../actors/node/run-node.ts';
import { ZeroMqSink } from '../../actors/node/sinks/zeromq-sink.ts';
import { farActorNames } from '../../actors/placement/placement-config.ts';
import { type CurveKeyPair, generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import {
  activateRotation,
  changeAllowed,
  generatePlaceKeys,
  prepareRotation,
  readPlaceKeys,
} from '../../engine/host/key-folder.ts';
import { AllowList } from '../../engine/transport/allow-list.ts';
import { keyProof } from '../../engine/transport/key-proof.ts';
import { openOutsideReceiver } from '../../engine/transport/outside-sockets.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import { createZeroMqTransport } from '../../engine/transport/zeromq-transport.ts';
import { clock, until } from '../conformance/source-host.ts';
import { freePort } from '../free-ports.ts';

const scratch = mkdtempSync(join(tmpdir(), 'anteroom-key-change-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const publicOf = (pair: CurveKeyPair): string => encodeZ85(pair.publicKey);
const access = (segment: string): string => JSON.stringify({ time: 1000, segment, consumer: 'c', size: 1 });
const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** A node with one source under keys, and its folder with the places that are allowed. */
async function scene(places: Readonly<Record<string, CurveKeyPair>>, more: object = {}) {
  const keysFolder = mkdtempSync(join(scratch, 'keys-'));
  await generatePlaceKeys(keysFolder, 'node');
  const allow = (place: string, pair: CurveKeyPair, isAllowed = true) =>
    changeAllowed(keysFolder, place, publicOf(pair), isAllowed);
  for (const [place, pair] of Object.entries(places)) await allow(place, pair);
  // It listens there again whenever keys change.
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const source = { type: 'zeromq', name: 'z', bind, keysFolder, waitMs: 100, ...more };
  const config = checkNodeConfig({ store: 'memory', http: { port: 0 }, sources: [source] }, 'node.yaml');
  const notes: { endpoint?: string }[] = [];
  const logger = { ...quiet, info: (facts: object) => void notes.push(facts) };
  const running = await runNode(config, logger, { readConfig: async () => structuredClone(config) });
  ends.push(() => running.stop());
  const status = () => running.node.status().sources[0]!;
  await until(() => status().state === 'running', 'it listens');
  const endpoint = notes.find((facts) => facts.endpoint !== undefined)!.endpoint!;
  const { keys: nodeKeys } = await readPlaceKeys(keysFolder);
  const connect = (who: CurveKeyPair, serverKey = publicOf(nodeKeys)) => {
    const socket = new Dealer({
      context: new Context(),
      linger: 0,
      reconnectInterval: 20,
      curveServerKey: serverKey,
      curvePublicKey: publicOf(who),
      curveSecretKey: encodeZ85(who.secretKey.reveal()),
    });
    socket.connect(endpoint);
    ends.push(() => socket.close());
    /** The verdict; null = none came in time. */
    const askWithin = async (ms: number, frames: readonly string[]): Promise<string | null> => {
      Object.assign(socket, { sendTimeout: ms, receiveTimeout: ms });
      try {
        // To one who was refused ZeroMQ has nobody to send to.
        await socket.send([...frames]);
        for (;;) {
          const answer = await socket.receive();
          // Of an earlier question, whose answer came late.
          if (String(answer[0]) === frames.at(-2)) return String(answer[1]);
        }
      } catch {
        return null;
      }
    };
    /** For one that has to be answered, whatever else the machine does. */
    const ask = (...frames: string[]) => askWithin(20_000, frames);
    /** For one that need not be. */
    const askSoon = (...frames: string[]) => askWithin(300, frames);
    /** Repeats until it is answered with more than `later`, as a producer does. */
    const tell = async (...frames: string[]): Promise<string> => {
      for (let tries = 0; tries < 50; tries++) {
        const verdict = await askWithin(3000, frames);
        if (verdict !== null && verdict !== 'later') return verdict;
      }
      throw new Error(`never answered: ${frames.join(' ')}`);
    };
    return { ask, askSoon, tell, socket, proof: keyProof(who, serverKey)! };
  };
  const accesses = () => status().counts.accesses;
  return { running, keysFolder, allow, connect, status, accesses };
}

describe('a key that is withdrawn while the node runs', () => {
  test('of one of several places is refused at once on the connection that stands and at the door, counted; the other goes on', async () => {
    const [shop, mallory] = [generateCurveKeyPair(), generateCurveKeyPair()];
    const { running, allow, connect, status, accesses } = await scene({ shop, mallory });
    const [honest, other] = [connect(shop), connect(mallory)];
    expect(await honest.ask(honest.proof, 'shop', '1', access('a'))).toBe('taken');
    expect(await other.ask(other.proof, 'mallory', '1', access('b'))).toBe('taken');
    await allow('mallory', mallory, false);
    expect(await other.ask(other.proof, 'mallory', '2', access('c'))).toBe('taken');
    expect(await running.reload()).toEqual({ applied: ['sources[0].keysFolder'], needsRestart: [] });
    expect(['later', null]).toContain(await other.askSoon(other.proof, 'mallory', '3', access('x')));
    await until(() => (status().refused['key-not-allowed'] ?? 0) > 0, 'its next connection is refused');
    expect(await other.askSoon(other.proof, 'mallory', '4', access('x'))).toBeNull();
    expect(await honest.tell(honest.proof, 'shop', '2', access('d'))).toBe('taken');
    expect(accesses()).toBe(4);
    // It was no failure, and nobody is told of one.
    expect(status().counts.failures).toBe(0);
    other.socket.close();
    await allow('mallory', mallory);
    expect((await running.reload()).applied).toEqual(['sources[0].keysFolder']);
    const again = connect(mallory);
    expect(await again.tell(again.proof, 'mallory', '5', access('e'))).toBe('taken');
    expect(accesses()).toBe(5);
  });

  test('of the only place, whose connection was the proof, is refused on it at once, and the new one speaks', async () => {
    const [old, fresh] = [generateCurveKeyPair(), generateCurveKeyPair()];
    const { running, allow, connect, status, accesses } = await scene({ shop: old });
    const before = connect(old);
    expect(await before.ask('shop', '1', access('a'))).toBe('taken');
    await allow('shop', fresh);
    await allow('shop', old, false);
    await running.reload();
    for (let i = 2; i < 6; i++) expect(['later', null]).toContain(await before.askSoon('shop', String(i), access('x')));
    const after = connect(fresh);
    expect(await after.tell('shop', '2', access('b'))).toBe('taken');
    expect(accesses()).toBe(2);
    expect(status().refused['key-not-allowed']).toBeGreaterThan(0);
  });

  test('loses nothing of another who sends ahead meanwhile: what is not answered is repeated, and all of it counts once', async () => {
    const [shop, mallory] = [generateCurveKeyPair(), generateCurveKeyPair()];
    const { running, allow, connect, accesses } = await scene({ shop, mallory }, { messagesMax: 3 });
    const { socket, proof } = connect(shop);
    Object.assign(socket, { sendTimeout: 20_000, receiveTimeout: 300 });
    const open = new Set(Array.from({ length: 200 }, (_, i) => String(i)));
    for (let round = 0; open.size > 0 && round < 50; round++) {
      for (const sequence of open) await socket.send([proof, 'shop', sequence, access(`s${sequence}`)]);
      if (round === 0) {
        await allow('mallory', mallory, false);
        await running.reload();
      }
      for (;;) {
        const answer = await socket.receive().catch(() => null);
        if (answer === null) break;
        if (String(answer[1]) !== 'later') open.delete(String(answer[0]));
      }
    }
    expect(open.size).toBe(0);
    expect(accesses()).toBe(200);
  });
});

test('a key that is added disturbs no connection that stands', async () => {
  const [shop, till] = [generateCurveKeyPair(), generateCurveKeyPair()];
  const { running, allow, connect, status } = await scene({ shop });
  const one = connect(shop);
  expect(await one.ask(one.proof, 'shop', '1', access('a'))).toBe('taken');
  await allow('till', till);
  expect((await running.reload()).applied).toEqual(['sources[0].keysFolder']);
  expect(await one.ask(one.proof, 'shop', '2', access('b'))).toBe('taken');
  const two = connect(till);
  expect(await two.ask(two.proof, 'till', '1', access('c'))).toBe('taken');
  expect(status().refused).toEqual({});
  expect(await running.reload()).toEqual({ applied: [], needsRestart: [] });
});

test('the key of the node itself can be rotated: who has the new one is served, who has the old one is not', async () => {
  const shop = generateCurveKeyPair();
  const { running, keysFolder, connect, accesses } = await scene({ shop });
  const before = connect(shop);
  expect(await before.ask('shop', '1', access('a'))).toBe('taken');
  const next = await prepareRotation(keysFolder);
  await activateRotation(keysFolder);
  expect((await running.reload()).applied).toEqual(['sources[0].keysFolder']);
  const after = connect(shop, next);
  expect(await after.tell('shop', '2', access('b'))).toBe('taken');
  expect(['later', null]).toContain(await before.askSoon('shop', '3', access('x')));
  expect(await before.askSoon('shop', '4', access('x'))).toBeNull();
  expect(accesses()).toBe(2);
});

test('a list that is damaged changes nothing, and one without any place lets nobody in', async () => {
  const shop = generateCurveKeyPair();
  const { running, keysFolder, allow, connect, status, accesses } = await scene({ shop });
  const one = connect(shop);
  expect(await one.ask('shop', '1', access('a'))).toBe('taken');
  appendFileSync(join(keysFolder, 'allowed'), 'shop not-a-key\n');
  await expect(running.reload()).rejects.toThrow(/allowed: line 3: expected a public key/);
  expect(await one.ask('shop', '2', access('b'))).toBe('taken');
  writeFileSync(join(keysFolder, 'allowed'), '', { mode: 0o600 });
  await running.reload();
  expect(['later', null]).toContain(await one.askSoon('shop', '3', access('x')));
  await until(() => status().trouble?.includes('the allow-list is empty'), 'it says why nobody is served');
  expect(await one.askSoon('shop', '4', access('x'))).toBeNull();
  expect(accesses()).toBe(2);
  await allow('shop', shop);
  await running.reload();
  await until(() => status().state === 'running', 'it listens at once, and not when its longest wait is over', 5000);
});

test('a source whose folder of keys was not there listens as soon as it is, and the settings are read again', async () => {
  const keysFolder = join(scratch, 'later');
  const backOff = { initialMs: 60_000, maxMs: 60_000 };
  const source = { type: 'zeromq', name: 'z', bind: 'tcp://127.0.0.1:*', keysFolder, backOff };
  const config = checkNodeConfig({ store: 'memory', http: { port: 0 }, sources: [source] }, 'node.yaml');
  const running = await runNode(config, quiet, { readConfig: async () => structuredClone(config) });
  ends.push(() => running.stop());
  const status = () => running.node.status().sources[0]!;
  await until(() => status().state === 'degraded', 'it says what is missing');
  await expect(running.reload()).rejects.toThrow(/later.*no such file/);
  await generatePlaceKeys(keysFolder, 'node');
  await changeAllowed(keysFolder, 'shop', publicOf(generateCurveKeyPair()), true);
  expect((await running.reload()).applied).toEqual(['sources[0].keysFolder']);
  await until(() => status().state === 'running', 'it listens', 5000);
});

test('a sink connects anew when the key of its receiver has changed', async () => {
  const keysFolder = mkdtempSync(join(scratch, 'sink-'));
  await generatePlaceKeys(keysFolder, 'node');
  const { keys } = await readPlaceKeys(keysFolder);
  const [old, fresh] = [generateCurveKeyPair(), generateCurveKeyPair()];
  const listen = (endpoint: string, own: CurveKeyPair) =>
    openOutsideReceiver({
      pattern: 'pull',
      endpoint,
      security: { keys: own, allowed: new AllowList(new Map([['node', [publicOf(keys)]]])) },
      highWaterMark: 10,
      frameBytesMax: 10_000,
      clock,
      onRefused: () => {},
    });
  const first = await listen(`tcp://127.0.0.1:${await freePort()}`, old);
  await changeAllowed(keysFolder, 'fetcher', publicOf(old), true);
  const sink = new ZeroMqSink(
    { type: 'zeromq', name: 'z', connect: first.endpoint, keysFolder, place: 'fetcher', highWaterMark: 10 },
    500,
  );
  ends.push(() => sink.close());
  const request = { key: 'k', segment: 's' } as never;
  expect(await sink.deliver(request)).toMatchObject({ kind: 'done' });
  expect(await first.receive(1000)).not.toBeNull();
  await first.close();
  const second = await listen(first.endpoint, fresh);
  ends.push(() => second.close());
  await changeAllowed(keysFolder, 'fetcher', publicOf(fresh), true);
  await changeAllowed(keysFolder, 'fetcher', publicOf(old), false);
  expect((await sink.rereadKeys())()).toBe(true);
  expect(await sink.deliver(request)).toMatchObject({ kind: 'done' });
  expect(await second.receive(1000)).not.toBeNull();
  expect((await sink.rereadKeys())()).toBe(false);
});

test('a part of the engine ends the session of a key that its list no longer has, when it is told to read it again', async () => {
  const folders = { node: join(scratch, 'part-node'), all: join(scratch, 'part-all') };
  for (const [place, folder] of Object.entries(folders)) await generatePlaceKeys(folder, place);
  const publicKey = async (folder: string) => publicOf((await readPlaceKeys(folder)).keys);
  // While its key is rotated the node has two.
  const next = generateCurveKeyPair();
  await changeAllowed(folders.all, 'node', publicOf(next), true);
  const part = {
    name: 'all',
    endpoint: 'tcp://127.0.0.1:*',
    actors: [...farActorNames],
    publicKey: await publicKey(folders.all),
    keyFolder: folders.all,
  };
  const places = { publicKey: await publicKey(folders.node), keyFolder: folders.node, parts: [part] };
  const config = checkNodeConfig({ store: 'memory', places }, 'node.yaml');
  const running = await runPart(config, 'all', clock, quiet, () => {});
  ends.push(() => running.stop());
  const node = await createZeroMqTransport({
    place: 'node',
    security: { keys: next, allowed: new AllowList(new Map([['all', [part.publicKey]]])) },
    receive: () => {},
    zeroMq: { reconnectMs: 20, reconnectMaxMs: 100 },
  });
  ends.push(() => node.close({ deadlineMs: 100 }));
  await node.connect('all', running.endpoint);
  await until(() => node.isUp('all'), 'its next key is let in');
  expect((await running.rereadKeys())()).toBe(false);
  await changeAllowed(folders.all, 'node', publicOf(next), false);
  expect((await running.rereadKeys())()).toBe(true);
  node.send('all', 'anything', []);
  await until(() => (node.counts().refused['refused-by-peer'] ?? 0) > 0 || !node.isUp('all'), 'it is told to go');
});
