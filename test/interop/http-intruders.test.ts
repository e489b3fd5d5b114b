import { createConnection, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkNodeConfig } from '../../actors/node/http/authorise.ts';
import { type RunningNode, runNode } from '../../actors/node/run-node.ts';
import { fuzzInputs, fuzzTimeoutMs } from '../fuzz-inputs.ts';

/** Over sockets each input is a connection, so fewer are drawn than of parsed requests. */
const INPUTS = Math.min(20_000, fuzzInputs(300));
const token = 'keeper-0123456789abcdef';
const bearer = { authorization: `Bearer ${token}` };
let running: RunningNode;
let port: number;

beforeAll(async () => {
  const quiet = { info: () => {}, warn: () => {}, error: () => {} };
  const tokens = [{ name: 'keeper', token, scopes: ['ingest', 'read'] }];
  const http = {
    port: 0,
    tokens,
    headWithinMs: 400,
    requestWithinMs: 900,
    idleMs: 100,
    connectionsMax: 40,
    bodyBytesMax: '64KiB',
    headBytesMax: '4KiB',
  };
  running = await runNode(checkNodeConfig({ store: 'memory', http }, 'test'), quiet);
  port = Number(new URL(running.address).port);
});
afterAll(() => running.stop());

/** What comes back until the other side closes; `bytes` are sent as they are, then nothing more. */
function talk(bytes: string | Uint8Array, isEnded = false): Promise<string> {
  return new Promise((settle) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => settle(said));
    socket.on('connect', () => (isEnded ? socket.end(bytes) : socket.write(bytes)));
  });
}

const refusedCounts = async (): Promise<Record<string, number>> => {
  const text = await (await fetch(`${running.address}/metrics`, { headers: bearer })).text();
  return Object.fromEntries(
    [...text.matchAll(/^anteroom_http_refused_total\{reason="([\w-]+)"\} (\d+)$/gm)].map(([, reason, count]) => [
      reason!,
      Number(count),
    ]),
  );
};
/** A neighbour who behaves is served, whatever happens beside. */
const neighbour = async (time: number): Promise<void> => {
  const posted = await fetch(`${running.address}/v1/accesses`, {
    method: 'POST',
    headers: { ...bearer, 'content-type': 'application/x-ndjson' },
    body: JSON.stringify({ time, segment: '/a', consumer: 'neighbour' }),
  });
  expect(posted.status).toBe(200);
  expect((await fetch(`${running.address}/readyz`)).status).toBe(200);
};

describe('an intruder over HTTP', () => {
  test('who sends a head in drops is answered 408 and cut off, and the neighbour is served meanwhile', async () => {
    const before = (await refusedCounts())['too-slow'] ?? 0;
    const slow = talk('GET /v1/status HTTP/1.1\r\nhost: x\r\n');
    await neighbour(1_790_000_000_000);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
    expect((await refusedCounts())['too-slow']).toBe(before + 1);
  });

  test('who sends a body in drops is answered 408 or cut off, gives back the room that it took, and nothing of it is kept', async () => {
    const { end } = running.node.status().log;
    const slow = talk(
      `POST /v1/accesses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 60000\r\n\r\n{"segment"`,
    );
    const trained = talk(
      `POST /prefetch/train HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n{"accesses"`,
    );
    await neighbour(1_790_000_001_000);
    expect((await slow).split('\r\n')[0]).toMatch(/^(HTTP\/1\.1 4\d\d .*)?$/);
    expect((await trained).split('\r\n')[0]).toMatch(/^(HTTP\/1\.1 4\d\d .*)?$/);
    expect(running.node.status().log.end).toBe(end + 1);
    await running.node.intake.idle();
    expect(running.node.intake.pendingBytes).toBe(0);
    expect((await refusedCounts())['too-slow']).toBeGreaterThanOrEqual(2);
  });

  // By default a connection would be kept for longer than this test may take.
  test('who keeps a connection and asks nothing more is let go', { timeout: 4500 }, async () => {
    expect(await talk('GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: keep-alive\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  test('who sends too large a head or body is refused with 431 and 413, whatever the header announced', async () => {
    expect(await talk(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(8000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    const body = 'x'.repeat(70_000);
    const head = `host: x\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
    for (const path of ['/v1/accesses', '/prefetch/train']) {
      expect(await talk(`POST ${path} HTTP/1.1\r\n${head}content-length: 9999999999\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 413 /,
      );
      const chunked = `${body.length.toString(16)}\r\n${body}\r\n`;
      expect(await talk(`POST ${path} HTTP/1.1\r\n${head}transfer-encoding: chunked\r\n\r\n${chunked}`)).toMatch(
        /^HTTP\/1\.1 413 /,
      );
    }
    expect(await refusedCounts()).toMatchObject({ 'head-too-large': 1, 'too-large': 4 });
    await neighbour(1_790_000_002_000);
  });

  test('who has no token or a wrong one learns nothing and changes nothing', async () => {
    const before = (await refusedCounts()).unauthorised ?? 0;
    const { end } = running.node.status().log;
    const tried: number[] = [];
    for (const authorization of [
      '',
      'Bearer',
      'Bearer x',
      `Bearer ${token}x`,
      `Basic ${token}`,
      `Bearer ${token.slice(0, -1)}`,
    ])
      for (const [method, path] of [
        ['POST', '/v1/accesses'],
        ['GET', '/v1/status'],
        ['POST', '/prefetch/train'],
        ['GET', '/metrics'],
      ] as const) {
        const answer = await fetch(`${running.address}${path}`, {
          method,
          headers: authorization === '' ? {} : { authorization },
          ...(method === 'POST' ? { body: '{"segment":"/stolen"}' } : {}),
        });
        tried.push(answer.status);
        expect(await answer.text()).not.toMatch(/neighbour|keeper/);
      }
    expect(new Set(tried)).toEqual(new Set([401]));
    expect((await refusedCounts()).unauthorised).toBe(before + tried.length);
    expect(running.node.status().log.end).toBe(end);
  });

  test('who opens more connections than there may be has them closed, counted; when they are gone others get in', async () => {
    const sockets: Socket[] = [];
    const isClosed = new Set<Socket>();
    await Promise.all(
      Array.from({ length: 60 }, () => {
        const socket = createConnection({ port, host: '127.0.0.1' });
        sockets.push(socket);
        socket.on('error', () => {});
        socket.on('close', () => isClosed.add(socket));
        return new Promise((settle) => socket.once('connect', settle).once('close', settle));
      }),
    );
    while (isClosed.size < 20) await new Promise((settle) => setTimeout(settle, 10));
    for (const socket of sockets) socket.destroy();
    while (isClosed.size < 60) await new Promise((settle) => setTimeout(settle, 10));
    const counts = await until(async () => refusedCounts());
    expect(counts['too-many-connections']).toBeGreaterThanOrEqual(20);
    await neighbour(1_790_000_003_000);
  });

  test(
    `who sends nonsense, ${INPUTS} times, is answered 4xx or cut off, and the node is as it was`,
    async () => {
      const { end } = running.node.status().log;
      const line = fc.oneof(
        fc.constantFrom(
          'GET / HTTP/1.1',
          'GET /v1/status HTTP/1.1',
          'POST /v1/accesses HTTP/1.1',
          'host: x',
          'content-length: 5',
          'content-length: -1',
          'content-length: 5, 6',
          'transfer-encoding: chunked',
          'transfer-encoding: x',
          `authorization: Bearer ${token}`,
          'expect: 100-continue',
          'upgrade: websocket',
          'connection: upgrade',
          'PRI * HTTP/2.0',
          '',
          'ffffffffffffffff',
          '0',
        ),
        fc.string({ maxLength: 30 }),
      );
      const bytes = fc.oneof(
        fc.array(line, { minLength: 1, maxLength: 8 }).map((lines) => `${lines.join('\r\n')}\r\n\r\n`),
        fc.uint8Array({ maxLength: 200 }),
        fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n')),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(bytes, { minLength: 8, maxLength: 8 }), async (inputs) => {
          const answers = await Promise.all(inputs.map((input) => talk(input, true)));
          for (const answer of answers) expect(answer.split('\r\n')[0]).toMatch(/^$|^HTTP\/1\.1 (100|2\d\d|4\d\d) /);
        }),
        { numRuns: Math.ceil(INPUTS / 8) },
      );
      await neighbour(1_790_000_004_000);
      await running.node.intake.idle();
      expect(running.node.status().log.end - running.node.status().told.accesses).toBe(0);
      expect(running.node.status().log.end).toBeGreaterThan(end);
      expect((await refusedCounts()).malformed).toBeGreaterThan(0);
      expect((await refusedCounts()).fault ?? 0).toBe(0);
    },
    fuzzTimeoutMs(INPUTS),
  );
});

/** The first answer that comes; connections that were just closed may still be counted. */
async function until<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await new Promise((settle) => setTimeout(settle, 20));
    }
  }
}
