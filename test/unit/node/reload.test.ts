import { describe, expect, test } from 'vitest';
import { checkNodeConfig } from '../../../actors/node/http/authorise.ts';
import { adoptSettings, changedSettings, isReloadable, reloadable } from '../../../actors/node/reload-settings.ts';
import { runNode } from '../../../actors/node/run-node.ts';
import { ndjson, START_MS, testNode } from './test-node.ts';

const config = (settings: object = {}) => checkNodeConfig({ store: 'memory', ...settings }, 'test');

describe('what a new file changes', () => {
  test('is named by its path, a list as one setting, and nothing where nothing is different', () => {
    expect(changedSettings(config(), config())).toEqual([]);
    const after = config({
      http: { port: 1, tokens: [{ name: 'a', token: 'a'.repeat(16) }] },
      delivery: { backOff: { factor: 3 } },
      tail: [{ file: 'x' }],
    });
    expect(changedSettings(config(), after)).toEqual(['http.port', 'http.tokens', 'tail', 'delivery.backOff.factor']);
  });

  test('is put into the settings in force where it can change, and left where it cannot', () => {
    const running = config();
    const { backOff } = running.delivery;
    const answer = adoptSettings(
      running,
      config({ name: 'b', delivery: { backOff: { factor: 3 }, timeoutMs: 5 }, drainMs: 7 }),
    );
    expect(answer).toEqual({
      applied: ['delivery.backOff.factor', 'drainMs'],
      needsRestart: ['name', 'delivery.timeoutMs'],
    });
    expect(running).toEqual(config({ delivery: { backOff: { factor: 3 } }, drainMs: 7 }));
    // Who holds a part of it holds it still.
    expect(running.delivery.backOff).toBe(backOff);
  });

  test('of the engine only the hard caps can change, and every path that can is one that exists', () => {
    const walk = (value: unknown, path: string): string[] =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.entries(value).flatMap(([name, inner]) => walk(inner, path === '' ? name : `${path}.${name}`))
        : [path];
    const paths = walk(config(), '');
    for (const allowed of reloadable)
      expect(paths.some((path) => path === allowed || path.startsWith(`${allowed}.`))).toBe(true);
    expect(paths.filter((path) => /^engine\.(?!caps\.)/.test(path) && isReloadable(path))).toEqual([]);
    expect(isReloadable('engine.caps.requestsMax')).toBe(true);
  });
});

describe('a setting that was changed acts at once', () => {
  test('ingest: posts at once, bytes that wait, accesses in a post, times ahead, rows of a frame', async () => {
    const { node, post } = await testNode();
    const change = (ingest: object) => adoptSettings(node.config, config({ http: { bodyBytesMax: 1024 }, ingest }));
    expect((await post('/v1/accesses', ndjson(['/a', '/b', '/c']))).status).toBe(200);
    change({ rowsPerPostMax: 2 });
    expect((await post('/v1/accesses', ndjson(['/a', '/b', '/c']))).status).toBe(413);
    change({ timeAheadMaxMs: 0 });
    const ahead = JSON.stringify({ time: Date.UTC(2027, 0), segment: '/a' });
    expect((await post('/v1/accesses', ahead)).status).toBe(400);
    change({ timeAheadMaxMs: '10000d' });
    expect((await post('/v1/accesses', ahead)).status).toBe(200);
    change({ rowsPerFrame: 1 });
    const before = node.status().log.bytes;
    await post('/v1/accesses', ndjson(['/a', '/b', '/c']));
    // Three frames with a schema each.
    expect(node.status().log.bytes - before).toBeGreaterThan(2000);
    change({ postsMax: 1 });
    const room = node.intake.admit(10);
    expect((await post('/v1/accesses', ndjson(['/a']))).status).toBe(429);
    room?.release();
    change({ queueBytesMax: 1024 });
    const large = node.intake.admit(1000);
    expect(node.intake.admit(100)).toBeNull();
    large?.release();
  });

  test('engine.caps: a total that is used up stops prefetches at once, and lets them go on when it is raised or taken away', async () => {
    const round = Array.from({ length: 400 }, (_, i) => `/page-${i % 10}`);
    const { node, post } = await testNode({ engine: { capacity: 4, trafficMax: null } });
    let sent = 0;
    let at = START_MS - 86_400_000;
    const issuedBy = async (): Promise<number> => {
      const rows = round.map((segment, i) => JSON.stringify({ time: at + i * 1000, segment, consumer: 'c' }));
      at += round.length * 1000;
      await post('/v1/accesses', rows.join('\n'));
      await node.intake.idle();
      const { issued } = node.engine.stats().prefetches;
      const more = issued - sent;
      sent = issued;
      return more;
    };
    const caps = (change: object) => node.engine.setCaps(config({ engine: { caps: change } }).engine.caps);
    expect(await issuedBy()).toBeGreaterThan(0);
    caps({ requestsMax: 0 });
    expect(await issuedBy()).toBe(0);
    expect(node.engine.stats().refusals.requestTotal).toBeGreaterThan(0);
    caps({ requestsMax: 5 });
    expect(await issuedBy()).toBe(5);
    // What was sent counts on.
    caps({ requestsMax: 5, requestsPerSecondMax: 1000 });
    expect(await issuedBy()).toBe(0);
    caps({});
    expect(await issuedBy()).toBeGreaterThan(5);
  });

  test('http: connections, times and sizes, on a socket', async () => {
    const running = config({ http: { port: 0 } });
    let fresh = config({ http: { port: 0 } });
    const quiet = { info: () => {}, warn: () => {}, error: () => {} };
    const one = await runNode(running, quiet, { readConfig: async () => fresh });
    try {
      const post = async (bytes: number): Promise<number> =>
        (await fetch(`${one.address}/v1/accesses`, { method: 'POST', body: 'x'.repeat(bytes) })).status;
      expect(await post(5000)).not.toBe(413);
      fresh = config({
        http: { port: 0, bodyBytesMax: 2048, headWithinMs: 200, requestWithinMs: 300, idleMs: 100, connectionsMax: 9 },
      });
      expect((await one.reload()).applied).toEqual([
        'http.bodyBytesMax',
        'http.headWithinMs',
        'http.requestWithinMs',
        'http.idleMs',
        'http.connectionsMax',
      ]);
      expect(await post(5000)).toBe(413);
      const { createConnection } = await import('node:net');
      const port = Number(new URL(one.address).port);
      const said = await new Promise<string>((settle) => {
        const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('GET / HTTP/1.1\r\n'));
        let text = '';
        socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
        socket.on('close', () => settle(text));
      });
      expect(said).toMatch(/^HTTP\/1\.1 408/);
      const sockets = await Promise.all(
        Array.from(
          { length: 20 },
          () =>
            new Promise<boolean>((settle) => {
              const socket = createConnection({ port, host: '127.0.0.1' }, () =>
                setTimeout(() => settle(!socket.destroyed && socket.readyState === 'open'), 100),
              );
              socket.on('error', () => settle(false)).on('close', () => settle(false));
            }),
        ),
      );
      expect(sockets.filter(Boolean).length).toBeLessThanOrEqual(9);
    } finally {
      await one.stop();
    }
  });
});
