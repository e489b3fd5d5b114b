import { connect } from 'nats';
import { afterAll, beforeAll } from 'vitest';
import { isWithoutNats, natsServer, type TestServer } from '../interop/broker-servers.ts';
import { sourceContract } from './source-contract.ts';

let shared: TestServer;
let streams = 0;
let published = 0;
beforeAll(async () => {
  if (!isWithoutNats) shared = await natsServer();
});
afterAll(() => shared?.remove());

const traits = { hasMessages: true, hasOutage: true, isRepeating: false, isSkipped: isWithoutNats };

for (const retention of ['limits', 'workqueue'] as const) {
  sourceContract(`a stream of NATS with ${retention}`, traits, async (isForOutage) => {
    const server = isForOutage ? await natsServer() : shared;
    const servers = [`nats://127.0.0.1:${server.port}`];
    const stream = `accesses-${retention}-${streams++}`;
    const connection = await connect({ servers, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
    const manager = await connection.jetstreamManager();
    await manager.streams.add({ name: stream, subjects: [`${stream}.>`], retention: retention as never });
    const js = connection.jetstream();
    return {
      open: (host, settings) =>
        host.open({
          ...{ type: 'nats', name: 'n', servers, stream, waitMs: 50, keepAliveMs: 20, timeoutMs: 5000 },
          ...{ backOff: { initialMs: 20, maxMs: 100 }, ...settings },
        }),
      publish: async (bodies) => {
        for (const body of bodies) {
          const options = { msgID: String(published++), timeout: 500 };
          const publish = () => js.publish(`${stream}.a`, new TextEncoder().encode(body), options);
          // After an outage our own connection may still be on its way.
          await publish().catch(() => publish().catch(publish));
        }
      },
      unacknowledged: async () => {
        const { state } = await manager.streams.info(stream);
        const info = await manager.consumers.info(stream, 'anteroom').catch(() => null);
        return info === null ? state.messages : info.num_pending + info.num_ack_pending;
      },
      outage: { begin: () => server.kill(), end: () => server.start() },
      close: async () => {
        await connection.close();
        if (isForOutage) await server.remove();
      },
    };
  });
}
