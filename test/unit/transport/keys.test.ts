import { createHmac, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { curveKeyPair } from 'zeromq';
import {
  type CurveKeyPair,
  curveKeyPairOf,
  generateCurveKeyPair,
  SecretKey,
  sharedSecretOf,
} from '../../../engine/host/curve-keys.ts';
import {
  activateRotation,
  changeAllowed,
  generatePlaceKeys,
  prepareRotation,
  readPlaceKeys,
} from '../../../engine/host/key-folder.ts';
import { formatAllowList, parseAllowList } from '../../../engine/transport/allow-list.ts';
import { KeyProofs, keyProof } from '../../../engine/transport/key-proof.ts';
import { decodeZ85, encodeZ85 } from '../../../engine/transport/z85.ts';
import { anteroom, isUnbuilt } from '../cli/command.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

describe('Z85', () => {
  test('writes the test vector of its specification (ZeroMQ RFC 32)', () => {
    expect(encodeZ85(hex('864fd26fb559f75b'))).toBe('HelloWorld');
    expect(decodeZ85('HelloWorld')).toEqual(hex('864fd26fb559f75b'));
  });
  test('reads what it wrote, and no other text', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const whole = bytes.subarray(0, bytes.length - (bytes.length % 4));
        expect(decodeZ85(encodeZ85(whole))).toEqual(Uint8Array.from(whole));
      }),
    );
    expect(['abcd', 'abc~e', '#####', 'größe'].map(decodeZ85)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('keys', () => {
  test("are those of ZeroMQ's own library: the same public key follows from a secret", () => {
    for (let i = 0; i < 20; i++) {
      const theirs = curveKeyPair();
      const ours = curveKeyPairOf(new SecretKey(decodeZ85(theirs.secretKey)!));
      expect(encodeZ85(ours.publicKey)).toBe(theirs.publicKey);
    }
  });
  test('of two places have one secret in common, another for every pair', () => {
    const [a, b, c] = [generateCurveKeyPair(), generateCurveKeyPair(), generateCurveKeyPair()];
    const ab = sharedSecretOf(a!.secretKey, b!.publicKey);
    expect(ab).toEqual(sharedSecretOf(b!.secretKey, a!.publicKey));
    expect(ab).not.toEqual(sharedSecretOf(c!.secretKey, b!.publicKey));
  });
  test('a public key of low order has nothing in common with anybody', () => {
    expect(sharedSecretOf(generateCurveKeyPair().secretKey, new Uint8Array(32))).toBe(undefined);
  });
  test('a secret does not print', () => {
    const { secretKey } = generateCurveKeyPair();
    const printed = [
      String(secretKey),
      JSON.stringify({ secretKey }),
      inspect({ secretKey }, { showHidden: true, depth: 9 }),
    ];
    for (const text of printed) {
      expect(text).not.toContain(encodeZ85(secretKey.reveal()));
      expect(text).not.toContain(Buffer.from(secretKey.reveal()).toString('hex'));
      expect(text).toContain('[secret]');
    }
  });
});

describe('a proof of a key', () => {
  const places = { node: generateCurveKeyPair(), shop: generateCurveKeyPair(), mallory: generateCurveKeyPair() };
  const publicOf = (pair: CurveKeyPair): string => encodeZ85(pair.publicKey);

  test('is what its documentation says, by the means of any other producer', () => {
    const { node, shop } = places;
    const der = (prefix: string, bytes: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), bytes]);
    const secret = diffieHellman({
      privateKey: createPrivateKey({
        key: der('302e020100300506032b656e04220420', shop.secretKey.reveal()),
        format: 'der',
        type: 'pkcs8',
      }),
      publicKey: createPublicKey({ key: der('302a300506032b656e032100', node.publicKey), format: 'der', type: 'spki' }),
    });
    const lines = ['anteroom proof 1', ...[publicOf(node), publicOf(shop)].sort()].join('\n');
    const expected = `proof:${createHmac('sha256', secret).update(lines).digest('hex')}`;
    expect(keyProof(shop, publicOf(node))).toBe(expected);
    expect(keyProof(node, publicOf(shop))).toBe(expected);
  });

  test('names the place of each of its keys, and nobody for any other proof', () => {
    const { node, shop, mallory } = places;
    const next = generateCurveKeyPair();
    const proofs = new KeyProofs(node, new Map([['shop', [publicOf(shop), publicOf(next)]]]));
    expect([shop, next].map((pair) => proofs.placeOf(keyProof(pair, publicOf(node))!))).toEqual(['shop', 'shop']);
    const others = [
      keyProof(mallory, publicOf(node))!,
      keyProof(mallory, publicOf(shop))!,
      'proof:',
      '',
      publicOf(shop),
    ];
    expect(others.map((proof) => proofs.placeOf(proof))).toEqual(others.map(() => undefined));
  });

  test('is made of no key of low order and of nothing that is no key', () => {
    for (const key of [encodeZ85(new Uint8Array(32)), 'short', '']) expect(keyProof(places.node, key)).toBeUndefined();
  });
});

describe('an allow-list', () => {
  const [one, two] = [generateCurveKeyPair(), generateCurveKeyPair()].map(({ publicKey }) => encodeZ85(publicKey));
  test('is read as it was written', () => {
    const allowed = new Map([
      ['site', [one!, two!]],
      ['centre', [two!]],
    ]);
    expect(parseAllowList(formatAllowList(allowed), 'allowed')).toEqual(allowed);
  });
  test.each([
    ['one word', 'site', 'expected a place and a public key'],
    ['a name that is none', `si/te ${one}`, 'no name of a place'],
    ['a key that is none', 'site abc', '40 characters of Z85'],
  ])('with %s is refused with its line', (_, line, problem) => {
    expect(() => parseAllowList(`# comment\n\n${line}\n`, 'allowed')).toThrow(
      expect.objectContaining({
        code: 'bad-config',
        message: expect.stringMatching(new RegExp(`^allowed: line 3: .*${problem}`)),
      }),
    );
  });
});

describe('a folder of keys', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'anteroom-keys-')), 'keys');
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));
  const modeOf = (name: string): number => statSync(join(folder, name)).mode & 0o777;

  test('is made with files for its owner alone, and reads back', async () => {
    const publicKey = await generatePlaceKeys(folder, 'centre');
    expect([modeOf('place.key'), modeOf('allowed'), statSync(folder).mode & 0o777]).toEqual([0o600, 0o600, 0o700]);
    const read = await readPlaceKeys(folder);
    expect([read.place, encodeZ85(read.keys.publicKey), read.nextPublicKey]).toEqual(['centre', publicKey, null]);
  });

  test('keeps its key when one is generated again', async () => {
    await generatePlaceKeys(folder, 'centre');
    const before = readFileSync(join(folder, 'place.key'), 'utf8');
    await expect(generatePlaceKeys(folder, 'centre')).rejects.toMatchObject({ code: 'io' });
    expect(readFileSync(join(folder, 'place.key'), 'utf8')).toBe(before);
  });

  test('is refused when others may read its secret or write its list, and when it is damaged', async () => {
    await generatePlaceKeys(folder, 'centre');
    for (const [name, mode] of [
      ['place.key', 0o640],
      ['allowed', 0o602],
    ] as const) {
      chmodSync(join(folder, name), mode);
      await expect(readPlaceKeys(folder)).rejects.toMatchObject({ code: 'bad-config' });
      chmodSync(join(folder, name), 0o600);
    }
    const path = join(folder, 'place.key');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/public \S+/, `public ${encodeZ85(generateCurveKeyPair().publicKey)}`));
    await expect(readPlaceKeys(folder)).rejects.toThrow(/damaged/);
    const secret = /secret (\S+)/.exec(text)![1]!;
    await expect(readPlaceKeys(folder)).rejects.not.toThrow(secret);
  });

  test('allows, adds and removes keys', async () => {
    await generatePlaceKeys(folder, 'centre');
    const [one, two] = [generateCurveKeyPair(), generateCurveKeyPair()].map(({ publicKey }) => encodeZ85(publicKey));
    await changeAllowed(folder, 'site', one!, true);
    await changeAllowed(folder, 'site', two!, true);
    await changeAllowed(folder, 'site', one!, true);
    expect((await readPlaceKeys(folder)).allowed.get('site')).toEqual([two, one]);
    await changeAllowed(folder, 'site', two!, false);
    await changeAllowed(folder, 'site', one!, false);
    expect((await readPlaceKeys(folder)).allowed.size).toBe(0);
    expect(modeOf('allowed')).toBe(0o600);
    await expect(changeAllowed(folder, 'site', 'short', true)).rejects.toMatchObject({ code: 'bad-usage' });
  });

  test('rotates in two steps: the next key is prepared, then put into use', async () => {
    const first = await generatePlaceKeys(folder, 'centre');
    const next = await prepareRotation(folder);
    expect(await readPlaceKeys(folder)).toMatchObject({ nextPublicKey: next });
    expect(encodeZ85((await readPlaceKeys(folder)).keys.publicKey)).toBe(first);
    await expect(prepareRotation(folder)).rejects.toMatchObject({ code: 'io' });
    expect(await activateRotation(folder)).toBe(next);
    expect(encodeZ85((await readPlaceKeys(folder)).keys.publicKey)).toBe(next);
    expect(readdirSync(folder).sort()).toEqual(['allowed', 'place.key']);
    await expect(activateRotation(folder)).rejects.toMatchObject({ code: 'not-found' });
  });

  test.skipIf(isUnbuilt)('is managed by the command, which never prints a secret', async () => {
    const said: string[] = [];
    const run = async (...words: string[]) => {
      const ended = await anteroom(['keys', ...words, '--dir', folder]);
      said.push(ended.stdout, ended.stderr);
      return ended;
    };
    const generated = await run('generate', 'centre');
    expect(generated.status).toBe(0);
    const publicKey = generated.stdout.trim();
    const site = encodeZ85(generateCurveKeyPair().publicKey);
    const quoted = await anteroom(['keys', 'allow', '--dir', folder, 'site', '--', site]);
    expect(quoted.status).toBe(0);
    const secrets = [readFileSync(join(folder, 'place.key'), 'utf8')];
    const next = (await run('rotate')).stdout.trim();
    secrets.push(readFileSync(join(folder, 'next.key'), 'utf8'));
    expect((await run('show')).stdout).toBe(
      `place   centre\npublic  ${publicKey}\nnext    ${next}\nallowed site ${site}\n`,
    );
    expect((await run('rotate', '--activate')).stdout.trim()).toBe(next);
    expect(await run('generate', 'centre')).toMatchObject({ status: 2, stdout: '' });
    expect(await run('generate', 'no place')).toMatchObject({ status: 2, stdout: '' });
    for (const text of secrets) expect(said.join('')).not.toContain(/secret (\S+)/.exec(text)![1]!);
  });
});
