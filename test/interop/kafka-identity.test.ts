/** What a Kafka source says of itself to a broker, read from the bytes that it sends: Kafka's protocol guide is the oracle. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { SourceHost, until } from '../conformance/source-host.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-kafka-identity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const [API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE] = [18, 17, 36];

interface Heard {
  /** The first bytes of the first connection. */
  head: Buffer;
  readonly clientIds: string[];
  readonly mechanisms: string[];
  /** What was said to prove who it is, as text. */
  readonly proofs: string[];
}

/** A broker that says which requests it takes and takes any mechanism, and answers nothing else. */
async function listener(): Promise<{ readonly address: string; readonly heard: Heard }> {
  const heard: Heard = { head: Buffer.alloc(0), clientIds: [], mechanisms: [], proofs: [] };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let bytes = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (heard.head.length === 0) heard.head = bytes;
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE(0)) {
        const length = bytes.readUInt32BE(0);
        const answer = answerTo(bytes.subarray(4, 4 + length), heard);
        bytes = bytes.subarray(4 + length);
        if (answer !== null) socket.write(answer);
      }
    });
  }).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  ends.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

/** Request header 1: key, version, correlation id, client id; then the body. */
function answerTo(request: Buffer, heard: Heard): Buffer | null {
  const key = request.readInt16BE(0);
  const idLength = request.readInt16BE(8);
  heard.clientIds.push(request.toString('utf8', 10, 10 + idLength));
  const body = request.subarray(10 + idLength);
  const answer = (...parts: Buffer[]): Buffer => {
    const whole = Buffer.concat([request.subarray(4, 8), ...parts]);
    return Buffer.concat([int32(whole.length), whole]);
  };
  if (key === API_VERSIONS) {
    const apis = [
      [API_VERSIONS, 0, 0],
      [SASL_HANDSHAKE, 0, 1],
      [SASL_AUTHENTICATE, 0, 0],
      [3, 0, 5],
    ];
    return answer(int16(0), int32(apis.length), ...apis.flat().map(int16));
  }
  if (key === SASL_HANDSHAKE) {
    const mechanism = body.toString('utf8', 2, 2 + body.readInt16BE(0));
    heard.mechanisms.push(mechanism);
    return answer(int16(0), int32(1), int16(mechanism.length), Buffer.from(mechanism));
  }
  if (key === SASL_AUTHENTICATE) heard.proofs.push(body.toString('utf8', 4));
  return null;
}

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};

function open(address: string, settings: object): void {
  const source = new SourceHost().open({
    type: 'kafka',
    name: 'k',
    brokers: [address],
    topics: ['t'],
    timeoutMs: 1000,
    backOff: { initialMs: 20, maxMs: 100 },
    ...settings,
  });
  source.start();
  ends.push(() => source.stop());
}

test('clientId: the broker is told it', async () => {
  const { address, heard } = await listener();
  open(address, { clientId: 'till-7' });
  await until(() => heard.clientIds.length > 0, 'it has said something');
  expect(new Set(heard.clientIds)).toEqual(new Set(['till-7']));
});

test('isTls: the first bytes are a TLS handshake, and without it they are not', async () => {
  const [secure, plain] = [await listener(), await listener()];
  open(secure.address, { isTls: true });
  open(plain.address, {});
  await until(() => secure.heard.head.length > 0 && plain.heard.head.length > 0, 'both have said something');
  // RFC 8446, 5.1: content type handshake, legacy version 3.x.
  expect([...secure.heard.head.subarray(0, 2)]).toEqual([22, 3]);
  expect(secure.heard.clientIds).toEqual([]);
  expect(plain.heard.head[0]).toBe(0);
});

test.each([
  // RFC 4616: authorisation identity, user, password, parted by NUL. RFC 5802: the client's first message.
  ['plain', 'PLAIN', /^(me)?\0me\0secret words$/],
  ['scram-sha-256', 'SCRAM-SHA-256', /^n,,n=me,r=.+$/],
  ['scram-sha-512', 'SCRAM-SHA-512', /^n,,n=me,r=.+$/],
])(
  'saslMechanism: %s is proposed, and the user and password are said in its way',
  async (saslMechanism, name, proof) => {
    const { address, heard } = await listener();
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, 'secret words\n');
    open(address, { saslMechanism, username: 'me', passwordFile });
    await until(() => heard.proofs.length > 0, 'it has said who it is');
    expect(heard.mechanisms[0]).toBe(name);
    expect(heard.proofs[0]).toMatch(proof);
  },
);
