import { describe, expect, test } from 'vitest';
import type { ActorRef } from '../../../engine/actor.ts';
import { assert, InvariantError } from '../../../engine/assert.ts';
import { RealClock } from '../../../engine/host/real-clock.ts';
import { eventLoopRound, immediateTurns } from '../../../engine/host/turns.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { ActorSystem } from '../../../engine/system.ts';
import { manualTurns } from '../../../engine/turns.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';
import { deferred, world } from './world.ts';

describe('actor system', () => {
  test('handles messages in the order told, only when it runs', () => {
    const { system } = world();
    const seen: number[] = [];
    const ref = system.spawn<number>('a', () => ({ receive: (message) => void seen.push(message) }));
    for (const message of [1, 2, 3]) expect(ref.tell(message)).toBe('accepted');
    expect(seen).toEqual([]);
    expect(system.drain()).toBe(3);
    expect(seen).toEqual([1, 2, 3]);
    expect(system.drain()).toBe(0);
  });

  test('a behaviour that returns something other than a promise is synchronous all the same', () => {
    const { system } = world();
    const seen: number[] = [];
    const ref = system.spawn<number>('a', () => ({ receive: (message) => seen.push(message) as unknown as undefined }));
    ref.tell(1);
    ref.tell(2);
    expect(system.drain()).toBe(2);
  });

  test('gives each actor its throughput before the next has its turn', () => {
    const { system } = world({ config: { throughput: 2 } });
    const seen: string[] = [];
    const refs = ['a', 'b'].map((name) =>
      system.spawn<number>(name, () => ({ receive: (message) => void seen.push(name + message) })),
    );
    for (let i = 1; i <= 5; i++) for (const ref of refs) ref.tell(i);
    system.drain();
    expect(seen.join(' ')).toBe('a1 a2 b1 b2 a3 a4 b3 b4 a5 b5');
  });

  test('a message told during a turn is handled in a later one, never inside', () => {
    const { system } = world();
    const seen: string[] = [];
    const b: ActorRef<string> = system.spawn<string>('b', () => ({ receive: (message) => void seen.push(message) }));
    const a = system.spawn<string>('a', (context) => ({
      receive: (message) => {
        b.tell(`${message} to b`);
        if (message === 'one') context.self.tell('self');
        seen.push(`${message} done`);
      },
    }));
    a.tell('one');
    system.drain();
    expect(seen).toEqual(['one done', 'self done', 'one to b', 'self to b']);
  });

  test('an asynchronous receive holds back the next message of its actor and of no other', async () => {
    const { system } = world();
    const seen: string[] = [];
    const gate = deferred();
    const slow = system.spawn<number>('slow', () => ({
      receive: async (message) => {
        seen.push(`slow ${message} begins`);
        if (message === 1) await gate.promise;
        seen.push(`slow ${message} ends`);
      },
    }));
    const quick = system.spawn<number>('quick', () => ({ receive: (message) => void seen.push(`quick ${message}`) }));
    slow.tell(1);
    slow.tell(2);
    quick.tell(1);
    system.drain();
    expect(seen).toEqual(['slow 1 begins', 'quick 1']);
    expect(system.countsOf(slow)).toMatchObject({ told: 2, handled: 0, queued: 1, inFlight: 1 });
    gate.resolve();
    await system.settled();
    expect(seen.slice(2)).toEqual(['slow 1 ends', 'slow 2 begins', 'slow 2 ends']);
    expect(system.countsOf(slow)).toMatchObject({ told: 2, handled: 2, queued: 0, inFlight: 0 });
  });

  test('settled waits for what asynchronous receives set off', async () => {
    const { system } = world();
    let sum = 0;
    const add = (amount: number): void => {
      sum += amount;
    };
    const sink = system.spawn<number>('sink', () => ({ receive: (message) => add(message) }));
    const source = system.spawn<number>('source', (context) => ({
      receive: async (message) => {
        await eventLoopRound();
        sink.tell(message);
        if (message > 1) context.self.tell(message - 1);
      },
    }));
    source.tell(4);
    await system.settled();
    expect(sum).toBe(10);
  });

  test('a sender that is refused keeps its message and gets it in after ready', async () => {
    const { system } = world({ config: { mailbox: { capacity: 2, policy: 'block' } } });
    const seen: number[] = [];
    const ref = system.spawn<number>('a', () => ({ receive: (message) => void seen.push(message) }));
    const send = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) {
        while (ref.tell(i) === 'full') await ref.ready();
      }
    };
    const sending = send();
    while (seen.length < 50) {
      system.drain();
      await Promise.resolve();
    }
    await sending;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(system.deadLetters.count).toBe(0);
  });

  test('capacity and policy of a spawn act, and what they drop is a dead letter with its reason', () => {
    const { system } = world();
    const seen: number[] = [];
    const ref = system.spawn<number>('a', () => ({ receive: (message) => void seen.push(message) }), {
      mailbox: { capacity: 2, policy: 'drop-oldest' },
    });
    expect([1, 2, 3].map((message) => ref.tell(message))).toEqual(['accepted', 'accepted', 'dropped-oldest']);
    system.drain();
    expect(seen).toEqual([2, 3]);
    expect(system.deadLetters.last()).toEqual([{ address: '/a', reason: 'dropped-oldest', message: 1, at: 0 }]);
  });

  test('timers of an actor come as messages and keep the time of the clock', () => {
    const { system, clock } = world({ turns: 'clock' });
    const seen: [string, number][] = [];
    const ref = system.spawn<string>('a', () => ({
      onStart: (context) => void context.after(50, 'later'),
      receive: (message, context) => {
        seen.push([message, context.now()]);
        if (message === 'go') context.after(10, 'soon')();
      },
    }));
    ref.tell('go');
    clock.advanceTo(100);
    expect(seen).toEqual([
      ['go', 0],
      ['later', 50],
    ]);
  });

  test('a timer message that finds its own mailbox full is a dead letter, not lost', () => {
    const { system, clock } = world({ config: { mailbox: { capacity: 1, policy: 'block' } } });
    const ref = system.spawn<string>('a', (context) => {
      context.after(5, 'tick');
      return { receive: () => {} };
    });
    ref.tell('fills it');
    clock.advanceTo(5);
    expect(system.deadLetters.byReason()).toEqual(new Map([['mailbox-full', 1]]));
    expect(system.countsOf(ref)).toMatchObject({ told: 2, deadLetters: 1, refused: 0, queued: 1 });
  });

  test('more timers than the limit are a fault', () => {
    const { system } = world({ config: { timersPerActorMax: 3, supervision: { strategy: 'stop' } } });
    const ref = system.spawn<number>('a', () => ({
      receive: (count, context) => {
        for (let i = 0; i < count; i++) context.after(1, 0);
      },
    }));
    ref.tell(3);
    system.drain();
    expect(system.stateOf(ref)).toBe('running');
    ref.tell(1);
    system.drain();
    expect(system.stateOf(ref)).toBe(undefined);
  });

  test('turns come from the port: on a clock without anybody draining, at the instant of the tell', () => {
    const { system, clock } = world({ turns: 'clock' });
    const handledAt: number[] = [];
    const ref = system.spawn<number>('a', (context) => ({ receive: () => void handledAt.push(context.now()) }));
    clock.setTimeout(() => ref.tell(1), 7);
    clock.advanceTo(100);
    expect(handledAt).toEqual([7]);
  });

  test('turnsPerTick gives control back to the port between turns', () => {
    const { system, clock } = world({ turns: 'clock', config: { throughput: 1, turnsPerTick: 2 } });
    let handled = 0;
    const ref = system.spawn<number>('a', () => ({ receive: () => void handled++ }));
    for (let i = 0; i < 5; i++) ref.tell(i);
    const progress: number[] = [];
    while (clock.runNext()) progress.push(handled);
    expect(progress).toEqual([2, 4, 5]);
  });

  test('runs in real time on the host turns', async () => {
    const system = new ActorSystem({ clock: new RealClock(), random: new Xoshiro128(1), turns: immediateTurns });
    const done = deferred();
    const ref = system.spawn<number>('a', (context) => ({
      receive: (message) => {
        if (message === 0) done.resolve();
        else context.after(1, message - 1);
      },
    }));
    ref.tell(3);
    await done.promise;
    const report = await system.stop();
    expect(report).toEqual({ stopped: ['/a'], leftCount: 0, abandonedCount: 0 });
  });

  test('actors that feed each other for ever end a drain with an error that names one', () => {
    const { system } = world({ config: { turnsPerDrainMax: 1000 } });
    const ref = system.spawn<number>('loop', (context) => ({ receive: (message) => void context.self.tell(message) }));
    ref.tell(1);
    expect(() => system.drain()).toThrow(
      expect.objectContaining({ code: 'limit', context: expect.objectContaining({ next: '/loop' }) }),
    );
  });

  test('an actor may not drain the system that runs it', () => {
    const { system } = world();
    const ref = system.spawn<number>('a', () => ({ receive: () => void system.drain() }));
    ref.tell(1);
    expect(() => system.drain()).toThrow(InvariantError);
  });

  test('a broken invariant is not supervised: the actor fails and the error leaves drain', () => {
    const { system, states } = world({ config: { supervision: { strategy: 'resume' } } });
    const ref = system.spawn<number>('a', () => ({
      receive: (message) => assert(message > 0, 'messages are positive'),
    }));
    ref.tell(1);
    ref.tell(0);
    ref.tell(2);
    expect(() => system.drain()).toThrow('messages are positive');
    expect(states('/a')).toEqual(['starting', 'running', 'stopping', 'failed']);
    expect(system.deadLetters.last().map((letter) => [letter.message, letter.reason])).toEqual([
      [0, 'fault'],
      [2, 'failed'],
    ]);
  });

  test('a broken invariant in an asynchronous receive leaves settled', async () => {
    const { system } = world();
    const ref = system.spawn<number>('a', () => ({
      receive: async () => {
        await eventLoopRound();
        assert(false, 'found late');
      },
    }));
    ref.tell(1);
    await expect(system.settled()).rejects.toThrow('found late');
  });

  test('refuses names that are not names, and an address that lives', () => {
    const { system } = world();
    for (const name of ['', '/', 'a/b', '-a', 'a b']) {
      expect(() => system.spawn(name, () => ({ receive: () => {} }))).toThrow(InvariantError);
    }
    system.spawn('a', () => ({ receive: () => {} }));
    expect(() => system.spawn('a', () => ({ receive: () => {} }))).toThrow('/a lives already');
  });

  test('actorsMax bounds the living, and room comes back when one ends', async () => {
    const { system } = world({ config: { actorsMax: 2 } });
    const spawn = (name: string) => system.spawn(name, () => ({ receive: () => {} }));
    const a = spawn('a');
    spawn('b');
    expect(() => spawn('c')).toThrow(expect.objectContaining({ code: 'limit' }));
    await system.stopActor(a);
    spawn('c');
    expect(system.counts().actors).toBe(2);
  });

  test('looks references up by address, which lead to the same actor', () => {
    const { system } = world();
    const seen: number[] = [];
    const ref = system.spawn<number>('a', () => ({ receive: (message) => void seen.push(message) }));
    const found = system.lookup('/a') as ActorRef<number> | undefined;
    found?.tell(5);
    system.drain();
    expect([ref.address, found?.address, seen]).toEqual(['/a', '/a', [5]]);
    expect(system.lookup('/b')).toBe(undefined);
  });

  test('a reference is nothing but an address and a way to tell', () => {
    const { system } = world();
    const ref = system.spawn('a', () => ({ receive: () => {} }));
    expect(Object.keys(ref)).toEqual(['address']);
    expect(Object.getOwnPropertyNames(Object.getPrototypeOf(ref))).toEqual(['constructor', 'tell', 'ready']);
  });

  test('the settings for dead letters act', () => {
    const { system } = world({ config: { deadLettersKeptMax: 2, deadLetterAddressesMax: 1 } });
    for (const name of ['a', 'b']) {
      const ref = system.spawn<number>(name, () => ({ receive: () => {} }), {
        mailbox: { capacity: 1, policy: 'drop-newest' },
      });
      for (let i = 0; i < 3; i++) ref.tell(i);
    }
    expect(system.deadLetters.last().map(({ address, message }) => [address, message])).toEqual([
      ['/b', 1],
      ['/b', 2],
    ]);
    expect([...system.deadLetters.byAddress()]).toEqual([
      ['/a', 2],
      ['(other)', 2],
    ]);
  });

  test('an onlooker of events that throws is a broken invariant, not a fault of the actor', () => {
    const system = new ActorSystem({
      clock: new VirtualClock(),
      random: new Xoshiro128(1),
      turns: manualTurns,
      onEvent: () => {
        throw new Error('metrics');
      },
    });
    const ref = system.spawn('a', () => ({ receive: () => {} }));
    expect(() => system.drain()).toThrow('onEvent threw: metrics');
    expect(system.stateOf(ref)).toBe('running');
  });

  test('a mistake in the configuration is named in one line', () => {
    const make = (config: object) => () => world({ config });
    expect(make({ thruput: 1 })).toThrow('actor system: thruput: unknown setting');
    expect(make({ mailbox: { policy: 'drop' } })).toThrow(/^actor system: mailbox\.policy: .*"block"/);
    const { system } = world();
    expect(() => system.spawn('a', () => ({ receive: () => {} }), { mailbox: { capacity: 0 } })).toThrow(
      /^\/a: capacity: /,
    );
  });
});
