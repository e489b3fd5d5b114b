import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { Xoshiro128 } from '../../../engine/random.ts';
import { LinkTransport } from '../../../engine/transport/link-transport.ts';
import { SimulatedNetwork, type simulatedNetworkSchema } from '../../../engine/transport/simulated-network.ts';
import type { Arrival, TransportEvent } from '../../../engine/transport/transport.ts';
import { transportConfigSchema } from '../../../engine/transport/transport-config.ts';
import { socketOptionsOf, zeroMqConfigSchema } from '../../../engine/transport/zeromq-config.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import { seededNonce } from '../../conformance/transport-worlds.ts';

type Config = z.input<typeof transportConfigSchema>;

/** Two places that are up, in virtual time, with a network of one millisecond. */
async function pair(config: Config = {}, receive: (arrival: Arrival) => void | Promise<void> = () => {}) {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, random: new Xoshiro128(1) });
  const events: TransportEvent[] = [];
  let seed = 0;
  const start = (place: string, handler: typeof receive, of = config): LinkTransport =>
    new LinkTransport({
      place,
      carrier: network.carrier(place),
      clock,
      nonce: seededNonce(++seed),
      config: of,
      receive: handler,
      onEvent: (event) => events.push(event),
    });
  const a = start('a', () => {});
  const b = start('b', receive);
  await a.connect('b', await b.bind('b'));
  const pass = async (ms: number): Promise<void> => {
    for (const until = clock.now() + ms; clock.now() < until; ) {
      for (let i = 0; i < 5; i++) await Promise.resolve();
      clock.advanceTo(clock.now() + 1);
    }
  };
  /** Milliseconds until the condition holds. */
  const until = async (condition: () => boolean): Promise<number> => {
    const began = clock.now();
    while (!condition()) {
      expect(clock.now() - began).toBeLessThan(200_000);
      await pass(1);
    }
    return clock.now() - began;
  };
  await until(() => a.isUp('b') && b.isUp('a'));
  await pass(50);
  return { clock, network, events, a, b, pass, until, start };
}

const quiet = { retransmitMs: 100_000, retransmitMaxMs: 100_000, heartbeatMs: 100_000, downAfterMs: 200_000 };

describe('a setting of the transport acts', () => {
  test.each([5, 300])('ackDelayMs %i: the sender knows so much later', async (ackDelayMs) => {
    const { a, until } = await pair({ ...quiet, ackDelayMs });
    a.send('b', 'k', []);
    const took = await until(() => a.counts().queued === 0);
    expect(took).toBeGreaterThanOrEqual(ackDelayMs);
    expect(took).toBeLessThan(ackDelayMs + 20);
  });

  test.each([50, 1500])('retransmitMs %i: a loss is found after so long', async (retransmitMs) => {
    const { a, b, network, pass, until } = await pair({ ...quiet, retransmitMs });
    network.partition('a', 'b');
    a.send('b', 'k', []);
    await pass(5);
    network.heal();
    const took = await until(() => b.counts().delivered === 1);
    expect(took).toBeGreaterThan(retransmitMs - 10);
    expect(took).toBeLessThan(retransmitMs + 20);
    expect(a.counts().retransmitted).toBe(1);
  });

  test.each([200, 20_000])('retransmitMaxMs %i: the longest wait between questions', async (retransmitMaxMs) => {
    const { a, network, pass } = await pair({ ...quiet, retransmitMs: 100, retransmitMaxMs });
    network.partition('a', 'b');
    a.send('b', 'k', []);
    const before = network.counts().sent;
    await pass(20_000);
    const questions = network.counts().sent - before;
    if (retransmitMaxMs === 200) expect(questions).toBeGreaterThan(90);
    else expect(questions).toBeLessThan(12);
  });

  test.each([2, 16])('retransmitBurst %i: so many go again at once', async (retransmitBurst) => {
    const { a, b, network, pass, until } = await pair({ ...quiet, retransmitMs: 100, retransmitBurst });
    network.partition('a', 'b');
    for (let i = 0; i < 40; i++) a.send('b', 'k', []);
    await pass(5);
    network.heal();
    await until(() => a.counts().retransmitted > 0);
    expect(a.counts().retransmitted).toBe(retransmitBurst);
    await until(() => b.counts().delivered === 40);
    expect(a.counts().retransmitted).toBe(40);
  });

  test.each([100, 1000])('heartbeatMs %i: a silent peer is asked so often', async (heartbeatMs) => {
    const { network, pass } = await pair({ heartbeatMs, downAfterMs: 5000 });
    const before = network.counts().sent;
    await pass(10_000);
    const packets = network.counts().sent - before;
    // A question and an answer for each interval at most, from either side; at least one side asks every other.
    expect(packets).toBeGreaterThan(10_000 / heartbeatMs / 2);
    expect(packets).toBeLessThanOrEqual((4 * 10_000) / heartbeatMs + 8);
  });

  test.each([500, 4000])('downAfterMs %i: silence is told after so long', async (downAfterMs) => {
    const { a, events, network, until } = await pair({ heartbeatMs: 100, downAfterMs });
    network.partition('a', 'b');
    const took = await until(() => !a.isUp('b'));
    expect(took).toBeGreaterThan(downAfterMs - 250);
    expect(took).toBeLessThan(downAfterMs + 250);
    expect(events.filter(({ kind }) => kind === 'down').length).toBeGreaterThan(0);
    network.heal();
    await until(() => a.isUp('b'));
  });

  test.each([100, 3000])('closeDeadlineMs %i: a close waits so long at most', async (closeDeadlineMs) => {
    const { a, network, until } = await pair({ closeDeadlineMs });
    network.partition('a', 'b');
    a.send('b', 'k', []);
    let report = -1;
    void a.close().then(({ undeliveredCount }) => {
      report = undeliveredCount;
    });
    const took = await until(() => report >= 0);
    expect(report).toBe(1);
    expect(Math.abs(took - closeDeadlineMs)).toBeLessThan(5);
  });

  test.each([0, 3])('eventsPerSecondMax %i: so many refusals are told, all are counted', async (eventsPerSecondMax) => {
    const { b, events, network, pass, start } = await pair({ eventsPerSecondMax, peersMax: 1, retransmitMs: 10 });
    const c = start('c', () => {}, { retransmitMs: 10, retransmitMaxMs: 10 });
    await c.connect('b', 'b');
    await pass(3000);
    expect(b.counts().refused['too-many-peers']).toBeGreaterThan(100);
    const told = events.filter(({ kind }) => kind === 'refused').length;
    expect(told).toBeLessThanOrEqual(eventsPerSecondMax * 5);
    expect(told).toBeGreaterThanOrEqual(eventsPerSecondMax * 3);
    void network;
  });

  test.each([1, 8])('pendingHandshakesMax %i: the oldest of more makes room', async (pendingHandshakesMax) => {
    const { b, network, pass, start } = await pair({ pendingHandshakesMax });
    // They hear no answer, so none of them gets further than its hello.
    for (let i = 0; i < 8; i++) {
      network.partition('b', `x${i}`, true);
      await start(`x${i}`, () => {}).connect('b', 'b');
    }
    await pass(15);
    expect(b.counts().refused['handshake-dropped'] ?? 0).toBe(8 - pendingHandshakesMax);
  });

  test('limits that contradict each other are refused', () => {
    const refused: Config[] = [
      { messageBytesMax: '2MiB', queueBytesMax: '1MiB' },
      { messageBytesMax: '2MiB', windowBytes: '1MiB' },
      { heartbeatMs: 5000, downAfterMs: 5000 },
      { retransmitMs: 500, retransmitMaxMs: 100 },
    ];
    for (const config of refused) expect(transportConfigSchema.safeParse(config).success).toBe(false);
  });
});

describe('a setting of the simulated network acts', () => {
  const fly = async (config: z.input<typeof simulatedNetworkSchema>) => {
    const clock = new VirtualClock();
    const network = new SimulatedNetwork({ clock, random: new Xoshiro128(1), config });
    const arrivals: number[] = [];
    for (let i = 0; i < 1000; i++) network.carry('a', 'b', () => arrivals.push(clock.now()));
    clock.advanceTo(10_000);
    return { arrivals, counts: network.counts() };
  };
  test('delays, loss and duplication', async () => {
    const { arrivals } = await fly({ delayMinMs: 20, delayMaxMs: 40 });
    expect(arrivals.length).toBe(1000);
    expect(Math.min(...arrivals)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...arrivals)).toBeLessThanOrEqual(40);
    expect((await fly({ loss: 0.3 })).counts.lost).toBeGreaterThan(200);
    expect((await fly({ duplication: 0.3 })).arrivals.length).toBeGreaterThan(1200);
  });
  test('packetsMax: what is more is lost and counted', async () => {
    expect((await fly({ packetsMax: 10 })).counts).toMatchObject({ delivered: 10, overflowed: 990 });
  });
});

test("a setting of ZeroMQ's sockets reaches the socket under its name there", () => {
  const config = zeroMqConfigSchema.parse({
    highWaterMark: 11,
    reconnectMs: 12,
    reconnectMaxMs: 13,
    handshakeMs: 14,
    pingMs: 15,
    backlog: 16,
  });
  expect(socketOptionsOf(config, 17)).toEqual({
    sendHighWaterMark: 11,
    receiveHighWaterMark: 11,
    reconnectInterval: 12,
    reconnectMaxInterval: 13,
    handshakeInterval: 14,
    heartbeatInterval: 15,
    heartbeatTimeout: 45,
    backlog: 16,
    maxMessageSize: 17,
    sendTimeout: 0,
    linger: 0,
  });
});
