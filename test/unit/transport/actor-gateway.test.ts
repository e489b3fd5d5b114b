import { describe, expect, test } from 'vitest';
import type { ActorRef, Delivery } from '../../../engine/actor.ts';
import type { MailboxPolicy } from '../../../engine/mailbox.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ActorSystem } from '../../../engine/system.ts';
import { ActorGateway } from '../../../engine/transport/actor-gateway.ts';
import { LinkTransport } from '../../../engine/transport/link-transport.ts';
import { type MessageCodec, undecodable } from '../../../engine/transport/message-codec.ts';
import { SimulatedNetwork, type SimulatedNetworkConfig } from '../../../engine/transport/simulated-network.ts';
import { structuredCodec } from '../../../engine/transport/structured-codec.ts';
import { clockTurns } from '../../../engine/turns.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import { seededNonce } from '../../conformance/transport-worlds.ts';

interface Note {
  readonly kind: 'note';
  readonly n: number;
}

const codec = structuredCodec<Note>();

/** Two processes in virtual time: `here` tells, `there` is where the actors live. */
async function twoPlaces(network: Partial<SimulatedNetworkConfig> = {}, laneCredit = 4, lanesMax = 100) {
  const clock = new VirtualClock();
  const wire = new SimulatedNetwork({ clock, random: new Xoshiro128(3), config: network });
  let seed = 0;
  const start = (place: string) => {
    const gateway = new ActorGateway({ laneCredit, lanesMax, mailbox: { capacity: 3 } });
    const system = new ActorSystem({ clock, random: new Xoshiro128(1), turns: clockTurns(clock) });
    const transport = new LinkTransport({
      place,
      carrier: wire.carrier(place),
      clock,
      nonce: seededNonce(++seed),
      receive: gateway.receive,
      onEvent: gateway.onEvent,
      onUndelivered: gateway.onUndelivered,
      config: { retransmitMs: 50 },
    });
    gateway.attach(transport);
    return { gateway, system, transport };
  };
  const here = start('here');
  const there = start('there');
  await here.transport.connect('there', await there.transport.bind('there'));
  const pass = async (ms: number): Promise<void> => {
    const until = clock.now() + ms;
    while (clock.now() < until) {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      clock.advanceTo(clock.now() + 1);
    }
  };
  return { clock, wire, here, there, pass, start };
}

/** Tells 0, 1, 2, ... and keeps the verdicts. */
const tellAll = (ref: ActorRef<Note>, count: number): Delivery[] =>
  Array.from({ length: count }, (_, n) => ref.tell({ kind: 'note', n }));

describe('a reference to an actor elsewhere', () => {
  test('delivers in order over a network that loses, repeats and reorders', async () => {
    const { here, there, pass } = await twoPlaces({ loss: 0.2, duplication: 0.2, delayMaxMs: 30 });
    const seen: number[] = [];
    const actor = there.system.spawn<Note>('notes', () => ({ receive: ({ n }) => void seen.push(n) }));
    there.gateway.export('notes', actor, codec);
    const ref = here.gateway.ref('there', 'notes', codec);
    expect(ref.address).toBe('there:notes');
    for (let n = 0; n < 100; ) {
      if (ref.tell({ kind: 'note', n }) === 'accepted') n++;
      else {
        let isReady = false;
        void ref.ready().then(() => {
          isReady = true;
        });
        while (!isReady) await pass(1);
      }
    }
    while (seen.length < 100) await pass(10);
    await pass(1000);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(here.gateway.buried()).toEqual({});
  });

  const verdicts: Record<MailboxPolicy, Delivery> = {
    block: 'full',
    'drop-oldest': 'dropped-oldest',
    'drop-newest': 'dropped-newest',
    fail: 'failed',
  };
  for (const [policy, verdict] of Object.entries(verdicts) as [MailboxPolicy, Delivery][]) {
    test(`says at the bound what a local one says, with policy ${policy}`, async () => {
      const { here, there, pass, clock } = await twoPlaces();
      const local = new ActorSystem({ clock, random: new Xoshiro128(1), turns: clockTurns(clock) });
      const stuck = () => ({ receive: () => new Promise<void>(() => {}) });
      const nearby = local.spawn<Note>('stuck', stuck, { mailbox: { capacity: 3, policy } });
      const faraway = there.system.spawn<Note>('stuck', stuck, { mailbox: { capacity: 2 } });
      there.gateway.export('stuck', faraway, codec);
      const ref = here.gateway.ref('there', 'stuck', codec, { capacity: 3, policy });
      nearby.tell({ kind: 'note', n: 0 });
      await pass(5);
      // One is being handled, two wait in its mailbox, four are the credit beyond these, then three wait here.
      tellAll(ref, 3);
      await pass(20);
      tellAll(ref, 4 + 3);
      await pass(20);
      while (ref.tell({ kind: 'note', n: 9 }) === 'accepted') await pass(20);
      expect(tellAll(nearby, 6)).toEqual(['accepted', 'accepted', 'accepted', verdict, verdict, verdict]);
      expect(tellAll(ref, 3)).toEqual([verdict, verdict, verdict]);
    });
  }

  test('a slow actor does not hold up another one at the same place', async () => {
    const { here, there, pass } = await twoPlaces();
    const seen: number[] = [];
    const stuck = there.system.spawn<Note>('stuck', () => ({ receive: () => new Promise<void>(() => {}) }), {
      mailbox: { capacity: 1 },
    });
    const quick = there.system.spawn<Note>('quick', () => ({ receive: ({ n }) => void seen.push(n) }));
    there.gateway.export('stuck', stuck, codec);
    there.gateway.export('quick', quick, codec);
    const toStuck = here.gateway.ref('there', 'stuck', codec);
    while (toStuck.tell({ kind: 'note', n: 0 }) === 'accepted') await pass(10);
    const toQuick = here.gateway.ref('there', 'quick', codec);
    for (let n = 0; n < 50; n++) {
      expect(toQuick.tell({ kind: 'note', n })).toBe('accepted');
      await pass(5);
    }
    expect(seen.length).toBeGreaterThan(45);
    expect(toStuck.tell({ kind: 'note', n: 1 })).toBe('full');
  });

  test('says stopped for an actor that is gone or was never there, and what waited is counted', async () => {
    const { here, there, pass } = await twoPlaces();
    const ref = here.gateway.ref('there', 'nobody', codec);
    expect(tellAll(ref, 6)).toEqual(Array(6).fill('accepted'));
    await pass(20);
    expect(ref.tell({ kind: 'note', n: 7 })).toBe('stopped');
    await ref.ready();
    expect(there.gateway.refusals()).toEqual({ 'unknown-actor': 4 });
    expect(here.gateway.buried()).toEqual({ stopped: 3 });
  });

  test('a message that cannot be read there is refused and counted, and the next one arrives', async () => {
    const { here, there, pass } = await twoPlaces();
    const seen: number[] = [];
    const actor = there.system.spawn<Note>('notes', () => ({ receive: ({ n }) => void seen.push(n) }));
    const strict: MessageCodec<Note> = {
      encode: codec.encode,
      decode: (kind, frames) => {
        const note = codec.decode(kind, frames);
        if (note.n % 2 === 1) throw undecodable(kind, 'odd');
        return note;
      },
    };
    there.gateway.export('notes', actor, strict);
    const ref = here.gateway.ref('there', 'notes', codec);
    for (let n = 0; n < 20; n++) {
      expect(ref.tell({ kind: 'note', n })).toBe('accepted');
      await pass(10);
    }
    expect(seen).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    expect(there.gateway.refusals()).toEqual({ undecodable: 10 });
  });

  test('an actor beyond the limit of lanes says stopped, and the others go on', async () => {
    const { here, there, pass } = await twoPlaces({}, 4, 1);
    const seen: string[] = [];
    for (const name of ['one', 'two']) {
      const actor = there.system.spawn<Note>(name, () => ({ receive: ({ n }) => void seen.push(`${name} ${n}`) }));
      there.gateway.export(name, actor, codec);
    }
    const [one, two] = ['one', 'two'].map((name) => here.gateway.ref('there', name, codec));
    one!.tell({ kind: 'note', n: 1 });
    await pass(10);
    two!.tell({ kind: 'note', n: 2 });
    await pass(10);
    one!.tell({ kind: 'note', n: 3 });
    await pass(10);
    expect(seen).toEqual(['one 1', 'one 3']);
    expect(two!.tell({ kind: 'note', n: 4 })).toBe('stopped');
    expect(there.gateway.refusals()).toEqual({ 'too-many-lanes': 1 });
  });

  test('a sender that ignores its credit is refused and counted', async () => {
    const { here, there, pass } = await twoPlaces({}, 4);
    const stuck = there.system.spawn<Note>('stuck', () => ({ receive: () => new Promise<void>(() => {}) }), {
      mailbox: { capacity: 1 },
    });
    there.gateway.export('stuck', stuck, codec);
    const { frames } = codec.encode({ kind: 'note', n: 0 });
    for (let i = 0; i < 20; i++) here.transport.send('there', 'tell stuck note', frames);
    await pass(20);
    // One is being handled and one is in its mailbox; their credit has come back.
    expect(there.gateway.refusals()['beyond-credit']).toBeGreaterThanOrEqual(20 - 2 * 4 - 2);
    here.transport.send('there', 'shout stuck note', frames);
    here.transport.send('there', 'credit stuck', [new Uint8Array(3)]);
    await pass(20);
    expect(there.gateway.refusals()).toMatchObject({ 'unknown-kind': 1, undecodable: 1 });
  });

  test('goes on with the next life of its place', async () => {
    const { here, there, pass, start } = await twoPlaces();
    const seen: string[] = [];
    const spawnIn = (life: string, { system, gateway }: typeof there) =>
      gateway.export(
        'notes',
        system.spawn<Note>('notes', () => ({ receive: ({ n }) => void seen.push(`${life} ${n}`) })),
        codec,
      );
    spawnIn('first', there);
    const ref = here.gateway.ref('there', 'notes', codec);
    for (let n = 0; n < 10; n++) {
      ref.tell({ kind: 'note', n });
      await pass(10);
    }
    const closing = there.transport.close({ deadlineMs: 0 });
    await pass(5);
    await closing;
    const next = start('there');
    spawnIn('second', next);
    await next.transport.bind('there');
    await pass(10_000);
    for (let n = 10; n < 20; n++) {
      expect(ref.tell({ kind: 'note', n })).toBe('accepted');
      await pass(10);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => `${n < 10 ? 'first' : 'second'} ${n}`));
  });
});

test('what a place that dies had not taken is counted, and what was never sent to it arrives at its next life', async () => {
  const { here, there, pass, start } = await twoPlaces({}, 8);
  const stuck = there.system.spawn<Note>('notes', () => ({ receive: () => new Promise<void>(() => {}) }));
  there.gateway.export('notes', stuck, codec);
  const ref = here.gateway.ref('there', 'notes', codec, { capacity: 100 });
  ref.tell({ kind: 'note', n: 0 });
  await pass(50);
  // The network is gone first, so these are sent and never arrive.
  const closing = there.transport.close({ deadlineMs: 0 });
  for (let n = 1; n <= 20; n++) expect(ref.tell({ kind: 'note', n })).toBe('accepted');
  await pass(50);
  await closing;
  const seen: number[] = [];
  const next = start('there');
  next.gateway.export(
    'notes',
    next.system.spawn<Note>('notes', () => ({ receive: ({ n }) => void seen.push(n) })),
    codec,
  );
  await next.transport.bind('there');
  await pass(10_000);
  const lost = here.gateway.buried()['peer-restarted'] ?? 0;
  expect(lost).toBeLessThanOrEqual(8);
  expect(seen).toEqual(Array.from({ length: 20 - lost }, (_, i) => i + 1 + lost));
  expect(next.gateway.refusals()).toEqual({});
});

describe('messages as JSON and typed arrays', () => {
  const round = (message: unknown): unknown => {
    const { kind, frames } = structuredCodec<unknown>().encode(message);
    return structuredCodec<unknown>().decode(kind, frames);
  };
  test('come back as they were, every number included', () => {
    const message = {
      kind: 'plan',
      numbers: [0, -0, NaN, Infinity, -Infinity, 1e308, 5e-324, 2 ** 53],
      text: 'größe',
      nothing: null,
      deep: { list: [[{ yes: true }]] },
      ids: Uint32Array.of(1, 2 ** 32 - 1),
      scores: Float64Array.of(NaN, -0, 0.1),
      bytes: new Uint8Array(0),
    };
    expect(round(message)).toEqual(message);
    expect(Object.is((round({ n: -0 }) as { n: number }).n, -0)).toBe(true);
  });

  test('typed arrays are read from frames that the network left unaligned', () => {
    const { kind, frames } = structuredCodec<{ ids: Float64Array }>().encode({ ids: Float64Array.of(1.5, 2.5) });
    const shifted = new Uint8Array(1 + frames[1]!.length);
    shifted.set(frames[1]!, 1);
    expect(structuredCodec<{ ids: Float64Array }>().decode(kind, [frames[0]!, shifted.subarray(1)]).ids).toEqual(
      Float64Array.of(1.5, 2.5),
    );
  });

  test.each([
    ['no frames', []],
    ['no JSON', ['{']],
    ['a frame that is not there', ['{"a":{"$a":[0,1]}}']],
    ['itself as an array', ['{"a":{"$a":[6,0]}}']],
    ['a length that does not divide', ['{"a":{"$a":[0,1]}}', 'seven b']],
    ['a number of no name', ['{"a":{"$n":"nan"}}']],
    ['a field that would be a prototype', ['{"__proto__":{"x":1}}']],
    ['more levels than any message', [`${'['.repeat(100)}${']'.repeat(100)}`]],
    ['more levels than any stack', [`${'['.repeat(100_000)}${']'.repeat(100_000)}`]],
  ])('%s is refused', (_, frames) => {
    const bytes = frames.map((text) => new TextEncoder().encode(text));
    expect(() => structuredCodec().decode('k', bytes)).toThrow(expect.objectContaining({ code: 'bad-record' }));
  });

  test('what is no plain data is a fault of whoever tells it', () => {
    for (const wrong of [new Map(), () => 1, 1n, { a: new Date(0) }, { $a: 1 }]) {
      expect(() => structuredCodec().encode(wrong)).toThrow(/a message/);
    }
  });
});
