import { describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../engine/random.ts';
import { LinkTransport } from '../../engine/transport/link-transport.ts';
import { SimulatedNetwork } from '../../engine/transport/simulated-network.ts';
import { VirtualClock } from '../../engine/virtual-clock.ts';
import { seededNonce } from '../conformance/transport-worlds.ts';

const SEEDS = 60;
const PLACES = ['a', 'b', 'c'] as const;
const FAULTS_MS = 30_000;
const HEALING_MS = 60_000;
const limits = {
  messageBytesMax: 2000,
  queueMessagesMax: 20,
  queueBytesMax: 20_000,
  windowMessages: 10,
  windowBytes: 8000,
};

interface Message {
  readonly from: string;
  readonly life: number;
  readonly to: string;
  readonly n: number;
}

interface Delivered extends Message {
  readonly toLife: number;
}

/** A world of three places that crash, come back, are apart and together, while they send each other numbered messages. */
class World {
  readonly clock = new VirtualClock();
  readonly random: Xoshiro128;
  readonly network: SimulatedNetwork;
  readonly accepted: Message[] = [];
  readonly delivered: Delivered[] = [];
  readonly givenUp: Message[] = [];
  readonly alive = new Map<string, { transport: LinkTransport; life: number }>();
  readonly #seed: number;
  readonly #sentTo = new Map<string, number>();
  #lives = 0;
  #slowUntil = new Map<string, Promise<void>>();

  constructor(seed: number) {
    this.#seed = seed;
    this.random = new Xoshiro128(seed);
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.random.fork('network') });
  }

  async start(place: string): Promise<void> {
    const life = ++this.#lives;
    const transport = new LinkTransport({
      place,
      carrier: this.network.carrier(place),
      clock: this.clock,
      nonce: seededNonce(this.#seed * 1000 + life),
      config: { ...limits, retransmitMs: 50, retransmitMaxMs: 2000, heartbeatMs: 500, downAfterMs: 2500 },
      receive: ({ frames }) => {
        this.delivered.push({ ...(JSON.parse(new TextDecoder().decode(frames[0])) as Message), toLife: life });
        return this.#slowUntil.get(place);
      },
      onUndelivered: ({ frames }) => {
        this.givenUp.push(JSON.parse(new TextDecoder().decode(frames[0])) as Message);
      },
    });
    this.alive.set(place, { transport, life });
    await transport.bind(place);
    for (const other of PLACES) {
      if (other < place) transport.expect(other);
      if (other > place) await transport.connect(other, other);
    }
  }

  /** As a crash is: nothing is said to anybody, and what it had is gone. */
  async crash(place: string): Promise<void> {
    const { transport, life } = this.alive.get(place)!;
    this.alive.delete(place);
    for (const other of PLACES) if (other !== place) this.network.partition(place, other);
    await transport.close({ deadlineMs: 0 });
    this.network.heal();
    // What the dead had accepted and not delivered is nobody's promise any more.
    for (let i = this.givenUp.length - 1; i >= 0; i--) if (this.givenUp[i]!.life === life) this.givenUp.splice(i, 1);
  }

  /** Everything at `place` takes a while from now on. */
  slow(place: string, ms: number): void {
    this.#slowUntil.set(
      place,
      new Promise((resolve) => {
        this.clock.setTimeout(() => {
          this.#slowUntil.delete(place);
          resolve();
        }, ms);
      }),
    );
  }

  send(): void {
    const from = PLACES[this.random.int(3)]!;
    const to = PLACES[this.random.int(3)]!;
    const sender = this.alive.get(from);
    if (from === to || sender === undefined) return;
    const key = `${sender.life}>${to}`;
    const message = { from, life: sender.life, to, n: this.#sentTo.get(key) ?? 0 };
    const padding = new Uint8Array(this.random.int(1500));
    const verdict = sender.transport.send(to, 'm', [new TextEncoder().encode(JSON.stringify(message)), padding]);
    if (verdict === 'full') return;
    expect(verdict).toBe('accepted');
    this.accepted.push(message);
    this.#sentTo.set(key, message.n + 1);
  }

  async advance(ms: number): Promise<void> {
    this.clock.advanceTo(this.clock.now() + ms);
    for (let i = 0; i < 6; i++) await Promise.resolve();
  }

  bounds(): void {
    for (const { transport } of this.alive.values()) {
      const { queued, queuedBytes, waiting, waitingBytes } = transport.counts();
      expect(queued).toBeLessThanOrEqual(limits.queueMessagesMax * 2);
      expect(queuedBytes).toBeLessThanOrEqual(limits.queueBytesMax * 2);
      // Two peers, and of each what its former life left behind.
      expect(waiting).toBeLessThanOrEqual(limits.windowMessages * 4);
      expect(waitingBytes).toBeLessThanOrEqual(limits.windowBytes * 4);
    }
  }
}

async function run(seed: number): Promise<World> {
  const world = new World(seed);
  const { random, network } = world;
  for (const place of PLACES) await world.start(place);
  while (world.clock.now() < FAULTS_MS) {
    for (let i = random.int(4); i > 0; i--) world.send();
    if (random.int(200) === 0) {
      const delayMinMs = random.int(5);
      const delayMaxMs = delayMinMs + random.int(100);
      network.configure({ delayMinMs, delayMaxMs, loss: random.next() * 0.4, duplication: random.next() * 0.4 });
    }
    if (random.int(300) === 0) network.partition(PLACES[random.int(3)]!, PLACES[random.int(3)]!, random.int(2) === 0);
    if (random.int(150) === 0) network.heal();
    if (random.int(300) === 0) world.slow(PLACES[random.int(3)]!, random.int(3000));
    if (random.int(600) === 0) {
      const place = PLACES[random.int(3)]!;
      if (world.alive.has(place)) await world.crash(place);
    }
    for (const place of PLACES) if (!world.alive.has(place) && random.int(50) === 0) await world.start(place);
    await world.advance(1 + random.int(20));
    if (random.int(40) === 0) world.bounds();
  }
  network.heal();
  network.configure({ delayMinMs: 1, delayMaxMs: 20, loss: 0.05 });
  for (const place of PLACES) if (!world.alive.has(place)) await world.start(place);
  const until = world.clock.now() + HEALING_MS;
  while (world.clock.now() < until) await world.advance(50);
  return world;
}

describe(`${SEEDS} seeds of loss, repetition, reordering, partitions, slow receivers and crashes`, () => {
  test('each message arrives at most once in a life, in order, and all that is owed arrives or is given up by name', async () => {
    let crossed = 0;
    let lives = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const world = await run(seed);
      const name = `seed ${seed}`;
      const last = new Map<string, number>();
      for (const { life, toLife, n } of world.delivered) {
        const key = `${life}>${toLife}`;
        if (n <= (last.get(key) ?? -1)) expect.fail(`${name}: ${key} has ${n} after ${last.get(key)}`);
        last.set(key, n);
      }
      const textOf = ({ life, to, n }: Message): string => `${life}>${to} ${n}`;
      const arrived = new Set(world.delivered.map(textOf));
      const givenUp = new Set(world.givenUp.map(textOf));
      const living = new Set([...world.alive.values()].map(({ life }) => life));
      const owed = world.accepted.filter(({ life }) => living.has(life));
      const missing = owed.filter((message) => !arrived.has(textOf(message)) && !givenUp.has(textOf(message)));
      expect(missing, `${name}: nothing accepted is missing`).toEqual([]);
      for (const { transport } of world.alive.values()) {
        expect(transport.counts(), name).toMatchObject({
          queued: 0,
          waiting: 0,
          refused: expect.not.objectContaining({ 'bad-ack': 1 }),
        });
        for (const other of PLACES) if (other !== transport.place) expect(transport.isUp(other), name).toBe(true);
      }
      crossed += world.delivered.length;
      lives += Math.max(...living);
    }
    // The seeds do what they are for.
    expect(crossed).toBeGreaterThan(SEEDS * 500);
    expect(lives).toBeGreaterThan(SEEDS * 4);
  });

  test('a seed gives the same run again', async () => {
    const [one, two] = [await run(5), await run(5)];
    expect(two.delivered).toEqual(one.delivered);
    expect(two.network.counts()).toEqual(one.network.counts());
  });
});
