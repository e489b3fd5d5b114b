import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Context, Dealer, Push } from 'zeromq';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { type CurveKeyPair, generateCurveKeyPair } from '../../engine/host/curve-keys.ts';
import { changeAllowed, generatePlaceKeys, readPlaceKeys } from '../../engine/host/key-folder.ts';
import { keyProof } from '../../engine/transport/key-proof.ts';
import { encodeZ85 } from '../../engine/transport/z85.ts';
import { SourceHost, until } from '../conformance/source-host.ts';
import { freePort } from '../free-ports.ts';
import { fuzzInputs, fuzzTimeoutMs } from '../fuzz-inputs.ts';

const INPUTS = Math.min(100_000, fuzzInputs(500));

const folder = mkdtempSync(join(tmpdir(), 'anteroom-speakers-'));
const [shared, single] = [join(folder, 'shared'), join(folder, 'single')];
const pairs = { shop: generateCurveKeyPair(), mallory: generateCurveKeyPair(), stranger: generateCurveKeyPair() };
const publicOf = (pair: CurveKeyPair): string => encodeZ85(pair.publicKey);

beforeAll(async () => {
  for (const where of [shared, single]) {
    await generatePlaceKeys(where, 'node');
    await changeAllowed(where, 'shop', publicOf(pairs.shop), true);
  }
  await changeAllowed(shared, 'mallory', publicOf(pairs.mallory), true);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const access = (segment: string, consumer = 'c'): string => JSON.stringify({ time: 1000, segment, consumer, size: 1 });

async function listening(settings: object = {}) {
  const bind = `tcp://127.0.0.1:${await freePort()}`;
  const host = new SourceHost();
  const source = host.open({ type: 'zeromq', name: 'z', bind, keysFolder: shared, waitMs: 20, ...settings });
  source.start();
  ends.push(() => source.stop());
  await until(() => source.status.state === 'running', 'it listens');
  return { host, source, bind };
}

async function connected(bind: string, who: CurveKeyPair, where = shared) {
  const { keys } = await readPlaceKeys(where);
  const curve = {
    curveServerKey: publicOf(keys),
    curvePublicKey: publicOf(who),
    curveSecretKey: encodeZ85(who.secretKey.reveal()),
  };
  const socket = new Dealer({ context: new Context(), linger: 0, receiveTimeout: 5000, ...curve });
  socket.connect(bind);
  ends.push(() => socket.close());
  const ask = async (...frames: (string | Buffer)[]): Promise<string[]> => {
    await socket.send(frames);
    return ((await socket.receive()) as Buffer[]).map(String);
  };
  // As the other side would make it: the place's own secret key and the node's public one.
  return { ask, socket, proof: keyProof(who, publicOf(keys))!, curve };
}

describe('a ZeroMQ source that allows several keys', () => {
  test('takes what a key proves to be its own, and lets none speak as the producer of another', async () => {
    const { host, source, bind } = await listening();
    const shop = await connected(bind, pairs.shop);
    const mallory = await connected(bind, pairs.mallory);
    expect(await shop.ask(shop.proof, 'shop', '1', access('a'))).toEqual(['1', 'taken', '1']);
    expect(await shop.ask(shop.proof, access('b'))).toEqual(['', 'taken', '1']);
    const attempts: [reason: string, frames: string[]][] = [
      ['no-proof', ['shop', '2', access('forged')]],
      ['no-proof', [access('forged')]],
      ['wrong-proof', [`proof:${'0'.repeat(64)}`, 'shop', '2', access('forged')]],
      ['wrong-proof', [keyProof(pairs.stranger, mallory.curve.curveServerKey)!, 'shop', '2', access('forged')]],
      ['wrong-proof', [keyProof(pairs.mallory, publicOf(pairs.shop))!, 'shop', '2', access('forged')]],
      ['producer-not-allowed', [mallory.proof, 'shop', '2', access('forged')]],
      ['producer-not-allowed', [mallory.proof, 'shop', '999999', 'ndjson', access('forged')]],
      ['producer-not-allowed', [mallory.proof, 'Mallory', '1', access('forged')]],
    ];
    const expected: Record<string, number> = {};
    for (const [reason, frames] of attempts) {
      const verdict = (await mallory.ask(...frames)).slice(-2);
      expect([reason, verdict[0]]).toEqual([reason, 'refused']);
      expected[reason] = (expected[reason] ?? 0) + 1;
    }
    expect(source.status.refused).toEqual(expected);
    expect(source.status.latestRefused).toBe('producer-not-allowed: mallory');
    // Neither is the honest one's next number used up, nor its window moved, nor a dead letter kept of the forgeries.
    expect(await shop.ask(shop.proof, 'shop', '2', access('c'))).toEqual(['2', 'taken', '1']);
    expect(await mallory.ask(mallory.proof, 'mallory', '2', access('d'))).toEqual(['2', 'taken', '1']);
    expect(await host.segments()).toEqual(['a', 'b', 'c', 'd']);
    expect(host.letters.count).toBe(0);
    expect(source.status.counts).toMatchObject({ accesses: 4, bad: 0 });
    expect(JSON.stringify([host.notes, source.status, host.bad])).not.toContain(mallory.proof.slice(6));
  });

  test('lets a key speak as the producers that it is given, and tell of the consumers that it is given', async () => {
    const speakers = [{ place: 'shop', producers: ['shop', 'till-*'], consumers: ['customer-*'] }];
    const { host, source, bind } = await listening({ speakers });
    const shop = await connected(bind, pairs.shop);
    const told = (segment: string) => access(segment, 'customer-7');
    expect((await shop.ask(shop.proof, 'till-4', '1', told('a')))[1]).toBe('taken');
    expect((await shop.ask(shop.proof, 'shop', '1', told('b')))[1]).toBe('taken');
    expect((await shop.ask(shop.proof, 'till', '1', told('x')))[1]).toBe('refused');
    const mixed = `${told('x')}\n${access('x', 'somebody else')}`;
    expect((await shop.ask(shop.proof, 'shop', '2', mixed))[2]).toContain('"somebody else"');
    expect((await shop.ask(shop.proof, 'shop', '2', JSON.stringify({ time: 1, segment: 'c' })))[1]).toBe('taken');
    expect(await host.segments()).toEqual(['a', 'b', 'c']);
    expect(source.status.refused).toEqual({ 'producer-not-allowed': 1, 'consumer-not-allowed': 1 });
    // Who is not named in the settings speaks as itself, of anybody.
    const mallory = await connected(bind, pairs.mallory);
    expect((await mallory.ask(mallory.proof, 'mallory', '1', access('d', 'anyone')))[1]).toBe('taken');
  });

  test('tells a key beyond its quota to come later, takes nothing of that, and holds up nobody else', async () => {
    const { host, source, bind } = await listening({ speakers: [{ place: 'mallory', bytesPerSecondMax: 100 }] });
    const shop = await connected(bind, pairs.shop);
    const mallory = await connected(bind, pairs.mallory);
    const padded = (segment: string) => access(segment) + ' '.repeat(1000);
    expect((await mallory.ask(mallory.proof, 'mallory', '0', padded('first')))[1]).toBe('taken');
    for (let i = 1; i <= 20; i++) {
      const [sequence, verdict, seconds] = await mallory.ask(mallory.proof, 'mallory', String(i), padded('flood'));
      expect([sequence, verdict]).toEqual([String(i), 'later']);
      expect(Number(seconds)).toBeGreaterThan(0);
    }
    expect((await shop.ask(shop.proof, 'shop', '1', padded('a')))[1]).toBe('taken');
    expect(await host.segments()).toEqual(['first', 'a']);
    expect(source.status.refused).toEqual({ 'over-quota': 20 });
    expect(host.letters.count).toBe(0);
  });

  test('counts a batch that is replayed once, whoever replays it', async () => {
    const { host, source, bind } = await listening();
    const shop = await connected(bind, pairs.shop);
    const mallory = await connected(bind, pairs.mallory);
    const batch = ['shop', '1', access('a')] as const;
    expect((await shop.ask(shop.proof, ...batch))[1]).toBe('taken');
    for (let i = 0; i < 5; i++) expect((await shop.ask(shop.proof, ...batch))[1]).toBe('duplicate');
    for (let i = 0; i < 5; i++) expect((await mallory.ask(mallory.proof, ...batch))[1]).toBe('refused');
    expect(await host.segments()).toEqual(['a']);
    expect(source.status.counts.duplicates).toBe(5);
  });

  test('stays as it is under frames of any number, kind and size from an allowed key', async () => {
    const { host, source, bind } = await listening({ messageBytesMax: 2000 });
    const shop = await connected(bind, pairs.shop);
    const mallory = await connected(bind, pairs.mallory);
    const junk = [
      Buffer.alloc(0),
      Buffer.from([255, 0, 254]),
      Buffer.alloc(300, 1),
      mallory.proof,
      'mallory',
      '-1',
      '1e3',
    ];
    let sent = 0;
    for (let count = 1; count <= 7; count++) {
      for (let shift = 0; shift < junk.length; shift++) {
        const frames = Array.from({ length: count }, (_, i) => junk[(shift + i * 3) % junk.length]!);
        expect((await mallory.ask(...frames)).at(-2)).toBe('refused');
        sent++;
      }
    }
    expect((await mallory.ask(mallory.proof, 'mallory', '1', 'x'.repeat(3000)))[2]).toContain('messageBytesMax');
    expect((await mallory.ask(mallory.proof, 'mallory', '9'.repeat(500), access('x')))[0]!.length).toBeLessThan(100);
    expect((await shop.ask(shop.proof, 'shop', '1', access('a')))[1]).toBe('taken');
    expect(await host.segments()).toEqual(['a']);
    const { bad, messages } = source.status.counts;
    const denied = Object.values(source.status.refused).reduce((sum, count) => sum + count, 0);
    expect([bad + denied, messages]).toEqual([sent + 2, sent + 3]);
  });

  test(
    `takes no access of ${INPUTS} messages of any frames that an allowed key sends, and answers its neighbour throughout`,
    async () => {
      const { host, source, bind } = await listening({ format: 'ndjson', onBadRecord: 'refuse' });
      const shop = await connected(bind, pairs.shop);
      const mallory = await connected(bind, pairs.mallory);
      // What is left of the sender's window is not taken back: answers are read as they come.
      const heard = (async () => {
        // An empty message of its own is taken: it holds no access.
        let empty = 0;
        for (let i = 0; i < INPUTS; i++) {
          const [verdict, detail] = ((await mallory.socket.receive()) as Buffer[]).slice(-2).map(String);
          if (verdict === 'taken' && detail === '0') empty++;
          else expect(verdict).toBe('refused');
        }
        return empty;
      })();
      const text = fc.constantFrom('shop', 'mallory', '1', '-1', '', 'ndjson', 'parquet', access('x').slice(0, 20));
      const frame = fc.oneof(
        text.map((word) => Buffer.from(word)),
        fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
        fc.constantFrom(mallory.proof, `proof:${'f'.repeat(64)}`, 'proof:').map((word) => Buffer.from(word)),
      );
      const messages = fc.sample(fc.array(frame, { minLength: 1, maxLength: 6 }), { numRuns: INPUTS, seed: 7 });
      let honest = 0;
      for (const [i, frames] of messages.entries()) {
        await mallory.socket.send(frames);
        if (i % 100 !== 0) continue;
        expect((await shop.ask(shop.proof, 'shop', String(honest), access(`honest-${honest}`)))[1]).toBe('taken');
        honest++;
      }
      const empty = await heard;
      expect(await host.segments()).toEqual(Array.from({ length: honest }, (_, i) => `honest-${i}`));
      const { bad, accesses } = source.status.counts;
      const denied = Object.values(source.status.refused).reduce((sum, count) => sum + count, 0);
      expect([bad + denied + empty, accesses]).toEqual([INPUTS, honest]);
    },
    fuzzTimeoutMs(INPUTS),
  );

  test('refuses the same by a pull, which tells nobody', async () => {
    const { host, source, bind } = await listening({ pattern: 'pull' });
    const { proof, curve } = await connected(bind, pairs.mallory);
    const push = new Push({ context: new Context(), linger: 0, ...curve });
    push.connect(bind);
    ends.push(() => push.close());
    await push.send([proof, 'shop', '1', access('forged')]);
    await push.send(['shop', '1', access('forged')]);
    await push.send([proof, 'mallory', '1', access('own')]);
    await until(() => source.status.counts.accesses === 1, 'its own is taken');
    expect(source.status.refused).toEqual({ 'producer-not-allowed': 1, 'no-proof': 1 });
    expect(await host.segments()).toEqual(['own']);
  });
});

describe('a ZeroMQ source that allows one place', () => {
  test('needs no proof, because the connection is one, and takes the producers of that place alone', async () => {
    const { host, bind } = await listening({ keysFolder: single });
    const shop = await connected(bind, pairs.shop, single);
    expect((await shop.ask('shop', '1', access('a')))[1]).toBe('taken');
    expect((await shop.ask(shop.proof, 'shop', '2', access('b')))[1]).toBe('taken');
    expect((await shop.ask('other', '1', access('x')))[1]).toBe('refused');
    expect((await shop.ask(`proof:${'1'.repeat(64)}`, 'shop', '3', access('x')))[1]).toBe('refused');
    expect(await host.segments()).toEqual(['a', 'b']);
  });
});

test('settings of speakers that cannot act are refused with their place', () => {
  const source = { type: 'zeromq', name: 'z', bind: 'tcp://127.0.0.1:1' };
  const check = (more: object) => () => checkNodeConfig({ sources: [{ ...source, ...more }] }, 'node.yaml');
  expect(check({ speakers: [{ place: 'a' }] })).toThrow('sources[0].speakers: nobody can be told');
  const keysFolder = 'keys';
  expect(check({ keysFolder, speakers: [{ place: 'a' }, { place: 'a' }] })).toThrow(
    'speakers[1].place: a is there twice',
  );
  const quota = [{ place: 'a', bytesPerSecondMax: 1000 }];
  expect(check({ keysFolder, pattern: 'pull', speakers: quota })).toThrow('needs pattern: router');
  expect(check({ keysFolder, speakers: [{ place: 'a', producers: ['x*y'] }] })).toThrow('producers[0]');
});
