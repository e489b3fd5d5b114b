import { createClient } from 'redis';
import { afterAll, beforeAll } from 'vitest';
import { isWithoutRedis, redisServer, type TestServer } from '../interop/broker-servers.ts';
import { sourceContract } from './source-contract.ts';

let shared: TestServer;
let streams = 0;
beforeAll(async () => {
  if (!isWithoutRedis) shared = await redisServer();
});
afterAll(() => shared?.remove());

const traits = { hasMessages: true, hasOutage: true, isRepeating: false, isSkipped: isWithoutRedis };

sourceContract('a stream of Redis', traits, async (isForOutage) => {
  const server = isForOutage ? await redisServer() : shared;
  const url = `redis://127.0.0.1:${server.port}`;
  const stream = `accesses-${streams++}`;
  const client = createClient({ url, socket: { reconnectStrategy: 50 } });
  client.on('error', () => {});
  await client.connect();
  return {
    open: (host, settings) =>
      host.open({
        ...{ type: 'redis', name: 'r', url, stream, waitMs: 50, keepAliveMs: 20, timeoutMs: 5000 },
        ...{ backOff: { initialMs: 20, maxMs: 100 }, ...settings },
      }),
    publish: async (bodies) => {
      for (const data of bodies) await client.xAdd(stream, '*', { data });
    },
    unacknowledged: async () => {
      const groups = await client.xInfoGroups(stream).catch(() => []);
      const group = groups[0] as { pending: number; lag: number } | undefined;
      return group === undefined ? client.xLen(stream) : group.pending + group.lag;
    },
    outage: { begin: () => server.kill(), end: () => server.start() },
    close: async () => {
      client.destroy();
      if (isForOutage) await server.remove();
    },
  };
});
