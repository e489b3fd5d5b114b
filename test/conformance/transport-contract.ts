/** What every transport does, whatever carries its messages. Run it for each implementation. */

import { afterEach, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Arrival, Transport, TransportEvent, Undelivered } from '../../engine/transport/transport.ts';
import type { transportConfigSchema } from '../../engine/transport/transport-config.ts';

export interface PlaceOptions {
  readonly receive?: (arrival: Arrival) => void | Promise<void>;
  readonly config?: z.input<typeof transportConfigSchema>;
  readonly onEvent?: (event: TransportEvent) => void;
  readonly onUndelivered?: (message: Undelivered) => void;
}

/** The surroundings of one test: places, endpoints and time. */
export interface TransportWorld {
  make(place: string, options: PlaceOptions): Promise<Transport>;
  /** An endpoint to bind that nobody else has. */
  endpoint(): string;
  /** Lets time pass until the condition holds; throws when it does not within a bound that is far from tight. */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets some time pass in which something could go wrong. */
  pass(ms: number): Promise<void>;
  /** Time in which a packet that can arrive has arrived, in ms. */
  readonly calmMs: number;
  /** Waits for a promise while time passes. */
  settle<T>(promise: Promise<T>): Promise<T>;
  end(): Promise<void>;
}

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values);
const numbered = (n: number): Uint8Array[] => [new TextEncoder().encode(String(n))];
const numberOf = ({ frames }: Arrival): number => Number(new TextDecoder().decode(frames[0]));

export function describeTransport(name: string, makeWorld: () => Promise<TransportWorld>): void {
  describe(`${name} transport`, () => {
    let world: TransportWorld;
    const open: Transport[] = [];

    const place = async (of: string, options: PlaceOptions = {}): Promise<Transport> => {
      const transport = await world.make(of, options);
      open.push(transport);
      return transport;
    };
    /** Two places, the second bound and the first connected to it. */
    const pair = async (a: PlaceOptions, b: PlaceOptions): Promise<[Transport, Transport]> => {
      world = await makeWorld();
      const first = await place('a', a);
      const second = await place('b', b);
      await first.connect('b', await second.bind(world.endpoint()));
      return [first, second];
    };
    const both = (a: Transport, b: Transport): Promise<void> =>
      world.until(() => a.isUp(b.place) && b.isUp(a.place), 'both know each other');

    afterEach(async () => {
      await Promise.all(open.splice(0).map((transport) => world.settle(transport.close({ deadlineMs: 0 }))));
      await world.end();
    });

    /** Sends 0 .. count - 1, waiting for room where there is none. */
    const sendAll = async (from: Transport, to: string, count: number): Promise<void> => {
      for (let i = 0; i < count; ) {
        const verdict = from.send(to, 'number', numbered(i));
        if (verdict === 'accepted') i++;
        else {
          expect(verdict).toBe('full');
          await from.ready(to);
        }
      }
    };

    test('delivers every message once, in order, in both directions at the same time', async () => {
      const atA: number[] = [];
      const atB: number[] = [];
      const [a, b] = await pair(
        { receive: (m) => void atA.push(numberOf(m)) },
        { receive: (m) => void atB.push(numberOf(m)) },
      );
      await both(a, b);
      await world.settle(Promise.all([sendAll(a, 'b', 3000), sendAll(b, 'a', 3000)]));
      await world.until(() => atA.length >= 3000 && atB.length >= 3000, 'all have arrived');
      await world.pass(50);
      const expected = Array.from({ length: 3000 }, (_, i) => i);
      expect(atA).toEqual(expected);
      expect(atB).toEqual(expected);
      expect(a.counts().delivered).toBe(3000);
    });

    test('keeps kinds, frames, their number, their order and their bytes', async () => {
      const seen: Arrival[] = [];
      const [a] = await pair({}, { receive: (m) => void seen.push({ ...m, frames: m.frames.map((f) => f.slice()) }) });
      const large = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
      const messages: [string, Uint8Array[]][] = [
        ['none', []],
        ['empty', [bytesOf()]],
        ['three', [bytesOf(1, 2, 3), bytesOf(), bytesOf(255)]],
        ['größe', [large, bytesOf(7)]],
        ['k'.repeat(255), [large.subarray(1000, 2000)]],
      ];
      for (const [kind, frames] of messages) expect(a.send('b', kind, frames)).toBe('accepted');
      await world.until(() => seen.length === messages.length, 'all have arrived');
      expect(seen.map(({ from, kind, frames }) => [from, kind, frames.map((f) => Array.from(f))])).toEqual(
        messages.map(([kind, frames]) => ['a', kind, frames.map((f) => Array.from(f))]),
      );
    });

    test('takes messages before the peer is there, and those for a peer that is expected', async () => {
      world = await makeWorld();
      const atB: number[] = [];
      const atA: number[] = [];
      const a = await place('a', { receive: (m) => void atA.push(numberOf(m)) });
      const b = await place('b', { receive: (m) => void atB.push(numberOf(m)) });
      b.expect('a');
      expect(b.send('a', 'number', numbered(1))).toBe('accepted');
      const endpoint = world.endpoint();
      const connected = a.connect('b', endpoint);
      await world.settle(connected);
      expect(a.send('b', 'number', numbered(2))).toBe('accepted');
      await b.bind(endpoint);
      await world.until(() => atA.length + atB.length === 2, 'both have arrived');
      expect([atA, atB]).toEqual([[1], [2]]);
    });

    test('says full at the bound of messages, loses nothing of what it accepted, and says when there is room', async () => {
      const seen: number[] = [];
      let openGate: () => void = () => {};
      const gate = new Promise<void>((resolve) => {
        openGate = resolve;
      });
      const config = { queueMessagesMax: 10, windowMessages: 5 };
      const [a, b] = await pair(
        { config },
        {
          config,
          receive: (m) => {
            seen.push(numberOf(m));
            return gate;
          },
        },
      );
      await both(a, b);
      let accepted = 0;
      // The receiver handles its first message for ever. What it holds the sender keeps too, in case it dies with it.
      for (let round = 0; round < 20; round++) {
        while (a.send('b', 'number', numbered(accepted)) === 'accepted') accepted++;
        await world.pass(world.calmMs);
      }
      expect(accepted).toBe(10);
      expect(seen).toEqual([0]);
      expect(a.counts().queued).toBe(10);
      expect(a.counts().full).toBe(20);
      expect(b.counts().waiting).toBeLessThanOrEqual(5);
      let isReady = false;
      const ready = a.ready('b').then(() => {
        isReady = true;
      });
      await world.pass(20);
      expect(isReady).toBe(false);
      openGate();
      await world.settle(ready);
      expect(a.send('b', 'number', numbered(accepted))).toBe('accepted');
      await world.until(() => seen.length === 11, 'all have arrived');
      expect(seen).toEqual(Array.from({ length: 11 }, (_, i) => i));
    });

    test('bounds bytes as well as messages on both sides', async () => {
      const config = { messageBytesMax: 1000, queueBytesMax: 4000, windowBytes: 3000 };
      const [a, b] = await pair({ config }, { config, receive: () => new Promise<void>(() => {}) });
      await both(a, b);
      let accepted = 0;
      for (let round = 0; round < 20; round++) {
        while (a.send('b', 'k', [new Uint8Array(700), new Uint8Array(300)]) === 'accepted') accepted++;
        await world.pass(world.calmMs);
      }
      expect(accepted).toBe(4);
      expect(a.counts().queuedBytes).toBe(4000);
      expect(b.counts().waitingBytes).toBeLessThanOrEqual(3000);
    });

    test('a receiver that stops slows its own senders and nobody else', async () => {
      world = await makeWorld();
      const config = { queueMessagesMax: 8, windowMessages: 8 };
      const seen: number[] = [];
      const a = await place('a', { config });
      const stuck = await place('stuck', { config, receive: () => new Promise<void>(() => {}) });
      const quick = await place('quick', { config, receive: (m) => void seen.push(numberOf(m)) });
      await a.connect('stuck', await stuck.bind(world.endpoint()));
      await a.connect('quick', await quick.bind(world.endpoint()));
      await world.until(() => a.isUp('stuck') && a.isUp('quick'), 'both are up');
      for (let round = 0; round < 10; round++) {
        while (a.send('stuck', 'k', []) === 'accepted');
        await world.pass(world.calmMs);
      }
      await world.settle(sendAll(a, 'quick', 500));
      await world.until(() => seen.length === 500, 'all have arrived');
      expect(a.send('stuck', 'k', [])).toBe('full');
    });

    test('a sender whose handler is slow at another place still sends', async () => {
      world = await makeWorld();
      const seen: string[] = [];
      const config = { windowMessages: 4 };
      const hub = await place('hub', {
        config,
        receive: (m) => (m.from === 'slow' ? new Promise<void>(() => {}) : void seen.push(m.from)),
      });
      const endpoint = await hub.bind(world.endpoint());
      const slow = await place('slow', {});
      const other = await place('other', {});
      await slow.connect('hub', endpoint);
      await other.connect('hub', endpoint);
      for (let i = 0; i < 20; i++) slow.send('hub', 'k', numbered(i));
      for (let i = 0; i < 20; i++) other.send('hub', 'k', numbered(i));
      await world.until(() => seen.length === 20, 'the other messages have arrived');
      expect(hub.counts().waiting).toBeLessThanOrEqual(3);
    });

    test('refuses what is too large, for nobody, or too late, and counts each by name', async () => {
      const config = { messageBytesMax: 100, framesMax: 3 };
      const [a] = await pair({ config }, {});
      expect(a.send('b', 'k', [new Uint8Array(60), new Uint8Array(41)])).toBe('too-large');
      expect(
        a.send(
          'b',
          'k',
          [1, 2, 3, 4].map((n) => bytesOf(n)),
        ),
      ).toBe('too-large');
      expect(a.send('nobody', 'k', [])).toBe('unknown-place');
      expect(a.send('b', 'k', [new Uint8Array(100)])).toBe('accepted');
      await world.settle(a.close());
      expect(a.send('b', 'k', [])).toBe('closed');
      const { tooLarge, unknownPlace, closed, sent } = a.counts();
      expect({ tooLarge, unknownPlace, closed, sent }).toEqual({ tooLarge: 2, unknownPlace: 1, closed: 1, sent: 1 });
      await expect(a.bind(world.endpoint())).rejects.toMatchObject({ code: 'actor-stopped' });
    });

    test('a receiver with a smaller limit is never sent what it would refuse', async () => {
      const seen: string[] = [];
      const lost: Undelivered[] = [];
      const [a, b] = await pair(
        { config: { messageBytesMax: 2000 }, onUndelivered: (m) => lost.push(m) },
        { config: { messageBytesMax: 1000, framesMax: 2 }, receive: (m) => void seen.push(m.kind) },
      );
      // Nothing is known of the receiver yet; what it turns out not to take is given up by name.
      for (const kind of ['early', 'later']) {
        expect(a.send('b', `${kind} small`, [new Uint8Array(10)])).toBe('accepted');
        const verdict = a.send('b', `${kind} large`, [new Uint8Array(1500)]);
        expect(verdict).toBe(kind === 'early' ? 'accepted' : 'too-large');
        if (kind === 'early') await both(a, b);
        if (kind === 'later')
          expect(
            a.send(
              'b',
              'many',
              [1, 2, 3].map((n) => bytesOf(n)),
            ),
          ).toBe('too-large');
      }
      await world.until(() => seen.length === 2, 'the small ones have arrived');
      expect(seen).toEqual(['early small', 'later small']);
      expect(lost.map(({ kind, reason, isSent }) => ({ kind, reason, isSent }))).toEqual([
        { kind: 'early large', reason: 'too-large', isSent: false },
      ]);
      expect(b.counts().refused).toEqual({});
    });

    test('an ordered close waits until everything has arrived, and tells the peer', async () => {
      const seen: number[] = [];
      const events: string[] = [];
      const [a, b] = await pair(
        {},
        { receive: (m) => void seen.push(numberOf(m)), onEvent: (e) => events.push(`${e.kind} ${e.who}`) },
      );
      for (let i = 0; i < 200; i++) a.send('b', 'number', numbered(i));
      const report = await world.settle(a.close());
      expect(report.undeliveredCount).toBe(0);
      expect(seen.length).toBe(200);
      await world.until(() => !b.isUp('a'), 'the peer knows');
      expect(events).toEqual(['up a', 'down a']);
    });

    test('a close at its deadline reports what has no acknowledgement', async () => {
      world = await makeWorld();
      const lost: Undelivered[] = [];
      const a = await place('a', { onUndelivered: (m) => lost.push(m) });
      await world.settle(a.connect('b', world.endpoint()));
      for (let i = 0; i < 3; i++) a.send('b', 'number', numbered(i));
      const waiting = a.ready('b');
      const report = await world.settle(a.close({ deadlineMs: 30 }));
      expect(report.undeliveredCount).toBe(3);
      expect(lost.map(({ to, kind, reason, isSent }) => ({ to, kind, reason, isSent }))).toEqual(
        Array.from({ length: 3 }, () => ({ to: 'b', kind: 'number', reason: 'closed', isSent: false })),
      );
      expect(a.counts().undelivered).toEqual({ closed: 3, 'peer-restarted': 0, 'too-large': 0 });
      await waiting;
    });

    test('when a peer comes back as another life, what it may have had is told, and what follows arrives', async () => {
      world = await makeWorld();
      const config = { retransmitMs: 20, retransmitMaxMs: 100, heartbeatMs: 50, downAfterMs: 200 };
      const events: string[] = [];
      const lost: number[] = [];
      const a = await place('a', {
        config: { ...config, queueMessagesMax: 100 },
        onEvent: (e) => events.push(e.kind),
        onUndelivered: (m) => lost.push(numberOf({ from: 'a', ...m })),
      });
      const stuck = await place('b', {
        config: { ...config, windowMessages: 4 },
        receive: () => new Promise<void>(() => {}),
      });
      const endpoint = await stuck.bind(world.endpoint());
      await a.connect('b', endpoint);
      await both(a, stuck);
      for (let i = 0; i < 6; i++) a.send('b', 'number', numbered(i));
      await world.until(() => stuck.counts().waiting === 3, 'four have arrived');
      await world.pass(world.calmMs);
      await world.settle(stuck.close({ deadlineMs: 0 }));
      const seen: number[] = [];
      const next = await place('b', { config, receive: (m) => void seen.push(numberOf(m)) });
      // The system takes a moment to give the address back.
      for (let attempt = 1; ; attempt++) {
        try {
          await next.bind(endpoint);
          break;
        } catch (error) {
          if (attempt === 100) throw error;
          await world.pass(20);
        }
      }
      await world.until(() => seen.length === 2, 'the rest has arrived');
      // The four that were sent died with the receiver, as far as anybody knows; the two that were never sent arrive.
      expect(seen).toEqual([4, 5]);
      expect(lost).toEqual([0, 1, 2, 3]);
      expect(events.filter((kind) => kind === 'restarted').length).toBe(1);
      a.send('b', 'number', numbered(6));
      await world.until(() => seen.length === 3, 'what follows has arrived');
    });

    test('a handler that throws or rejects is counted, told, and does not stop the next message', async () => {
      const seen: number[] = [];
      const events: string[] = [];
      const [a, b] = await pair(
        {},
        {
          receive: (m) => {
            const n = numberOf(m);
            seen.push(n);
            if (n === 1) throw new Error('one');
            if (n === 2) return Promise.reject(new Error('two'));
            return undefined;
          },
          onEvent: (e) => events.push(`${e.kind}: ${e.detail}`),
        },
      );
      for (let i = 0; i < 4; i++) a.send('b', 'number', numbered(i));
      await world.until(() => seen.length === 4, 'all have been handled');
      expect(b.counts().handlerFaults).toBe(2);
      expect(events.slice(1)).toEqual(['handler-fault: number: one', 'handler-fault: number: two']);
    });

    test('refuses a peer beyond the limit, and one that takes us for somebody else', async () => {
      world = await makeWorld();
      const hub = await place('hub', { config: { peersMax: 1 } });
      const endpoint = await hub.bind(world.endpoint());
      const first = await place('first');
      await first.connect('hub', endpoint);
      await world.until(() => hub.isUp('first'), 'the first is in');
      const second = await place('second');
      await second.connect('hub', endpoint);
      const lost = await place('lost');
      await lost.connect('elsewhere', endpoint);
      await world.until(() => {
        const { refused } = hub.counts();
        return (refused['too-many-peers'] ?? 0) > 0 && (refused['wrong-destination'] ?? 0) > 0;
      }, 'both are refused');
      expect([hub.isUp('first'), second.isUp('hub'), lost.isUp('elsewhere')]).toEqual([true, false, false]);
      expect(() => hub.expect('third')).toThrow(/already/);
    });

    test('answers from within a handler', async () => {
      const answers: number[] = [];
      const far: { transport?: Transport } = {};
      const [a, b] = await pair(
        { receive: (m) => void answers.push(numberOf(m)) },
        { receive: (m) => void far.transport?.send(m.from, 'answer', numbered(numberOf(m) * 2)) },
      );
      far.transport = b;
      await world.settle(sendAll(a, 'b', 100));
      await world.until(() => answers.length === 100, 'all are answered');
      expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => i * 2));
    });

    test('holds its bounds while a million messages are offered to a receiver that has stopped', async () => {
      const config = {
        messageBytesMax: 1024,
        queueMessagesMax: 256,
        queueBytesMax: '64KiB',
        windowMessages: 128,
        windowBytes: '32KiB',
      };
      const [a, b] = await pair({ config }, { config, receive: () => new Promise<void>(() => {}) });
      await both(a, b);
      const frame = [new Uint8Array(256)];
      let accepted = 0;
      let highest = 0;
      for (let i = 0; i < 1_000_000; i++) {
        if (a.send('b', 'k', frame) === 'accepted') accepted++;
        if (i % 100_000 === 0) {
          await world.pass(5);
          highest = Math.max(highest, a.counts().queuedBytes, b.counts().waitingBytes);
        }
      }
      await world.pass(30);
      expect(accepted).toBeLessThanOrEqual(256);
      expect(a.counts().full).toBe(1_000_000 - accepted);
      expect(highest).toBeLessThanOrEqual(65_536);
      expect(b.counts().waiting).toBeLessThanOrEqual(128);
    });
  });
}
