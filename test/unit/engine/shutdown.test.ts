import { describe, expect, test } from 'vitest';
import type { ActorRef } from '../../../engine/actor.ts';
import { eventLoopRound } from '../../../engine/host/turns.ts';
import { shutdownOrder } from '../../../engine/shutdown-order.ts';
import { deferred, world } from './world.ts';

describe('shutdown order', () => {
  const actor = (address: string, ...dependsOn: string[]) => ({ address, dependsOn });
  const order = (...actors: { address: string; dependsOn: string[] }[]) =>
    shutdownOrder(actors).map(({ address }) => address);

  test('is the reverse of starting where nothing is said', () => {
    expect(order(actor('a'), actor('b'), actor('c'))).toEqual(['c', 'b', 'a']);
  });

  test('stops users before what they use, whenever they were started', () => {
    expect(order(actor('source', 'sink'), actor('sink', 'store'), actor('store'))).toEqual(['source', 'sink', 'store']);
  });

  test('ignores unknown addresses and oneself, and breaks a cycle by the time of starting', () => {
    expect(order(actor('a', 'nobody', 'a'), actor('b'))).toEqual(['b', 'a']);
    expect(order(actor('a', 'b'), actor('b', 'a'), actor('c'))).toEqual(['c', 'b', 'a']);
  });
});

describe('ordered stop', () => {
  test('drains a pipeline from its source to its sink and loses nothing', async () => {
    const { system } = world({ config: { throughput: 3 } });
    const stored: number[] = [];
    const stopped: string[] = [];
    const spawn = (name: string, receive: (message: number) => void): ActorRef<number> =>
      system.spawn<number>(name, () => ({ receive, onStop: () => void stopped.push(name) }));
    const store = spawn('store', (message) => void stored.push(message));
    const double = spawn('double', (message) => void store.tell(2 * message));
    const source = spawn('source', (message) => void double.tell(message));
    for (let i = 0; i < 100; i++) source.tell(i);
    const report = await system.stop();
    expect(stored).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i));
    expect(stopped).toEqual(['source', 'double', 'store']);
    expect(report).toEqual({ stopped: ['/source', '/double', '/store'], leftCount: 0, abandonedCount: 0 });
    expect(system.deadLetters.count).toBe(0);
  });

  test('dependsOn keeps an actor running for one that was started before it', async () => {
    const { system } = world();
    const stored: number[] = [];
    let late: ActorRef<number> | undefined;
    const store = { receive: (message: number) => void stored.push(message) };
    const early = system.spawn<number>('early', () => ({ receive: (message) => void late?.tell(message) }), {
      dependsOn: [{ address: '/late', tell: () => 'stopped', ready: () => Promise.resolve() }],
    });
    late = system.spawn('late', () => store);
    for (let i = 0; i < 5; i++) early.tell(i);
    const report = await system.stop();
    expect(report.stopped).toEqual(['/early', '/late']);
    expect(stored).toEqual([0, 1, 2, 3, 4]);
  });

  test('a closed actor takes nothing more: what is told to it is a counted dead letter', async () => {
    const { system } = world();
    const gate = deferred();
    const ref = system.spawn<string>('a', () => ({ receive: () => gate.promise }));
    ref.tell('in flight');
    system.drain();
    const stopping = system.stop();
    expect(ref.tell('late')).toBe('stopped');
    gate.resolve();
    await stopping;
    expect(ref.tell('later')).toBe('stopped');
    expect(system.deadLetters.last().map(({ message, reason }) => [message, reason])).toEqual([
      ['late', 'stopped'],
      ['later', 'stopped'],
    ]);
    expect(system.counts()).toMatchObject({ told: 3, handled: 1, deadLetters: 2 });
  });

  test('senders that wait for room are let go', async () => {
    const { system } = world({ config: { mailbox: { capacity: 1 } } });
    const ref = system.spawn('a', () => ({ receive: () => {} }));
    ref.tell('x' as never);
    const waiting = ref.ready();
    await system.stop();
    await waiting;
    await ref.ready();
  });

  test('senders that wait for room at an actor that hangs are let go when the stop begins, not at its deadline', async () => {
    const { system, clock } = world({ config: { mailbox: { capacity: 1 } } });
    const ref = system.spawn<string>('a', () => ({ receive: () => new Promise<void>(() => {}) }));
    ref.tell('in flight');
    system.drain();
    expect([ref.tell('waits'), ref.tell('refused')]).toEqual(['accepted', 'full']);
    const waiting = ref.ready().then(() => ref.tell('refused'));
    const stopping = system.stop();
    expect([await waiting, clock.now()]).toEqual(['stopped', 0]);
    clock.advanceTo(5000);
    expect((await stopping).leftCount).toBe(2);
  });

  test('at the deadline what waits becomes dead letters, what hangs is abandoned, and the rest still stops', async () => {
    const { system, clock } = world();
    const stopped: string[] = [];
    const never = new Promise<void>(() => {});
    system.spawn('first', () => ({ receive: () => {}, onStop: () => void stopped.push('first') }));
    const stuck = system.spawn<string>('stuck', () => ({
      receive: () => never,
      onStop: () => void stopped.push('stuck'),
    }));
    for (const message of ['in flight', 'b', 'c']) stuck.tell(message);
    system.drain();
    const stopping = system.stop({ deadlineMs: 500 });
    await eventLoopRound();
    clock.advanceTo(499);
    await eventLoopRound();
    expect(system.counts().actors).toBe(2);
    clock.advanceTo(500);
    expect(await stopping).toEqual({ stopped: ['/stuck', '/first'], leftCount: 3, abandonedCount: 1 });
    expect(stopped).toEqual(['stuck', 'first']);
    expect(system.deadLetters.byReason()).toEqual(new Map([['stop-deadline', 3]]));
    expect(clock.pendingCount).toBe(0);
  });

  test('an abandoned receive that ends later counts no second time', async () => {
    const { system, clock } = world();
    const gate = deferred();
    const ref = system.spawn<string>('a', () => ({ receive: () => gate.promise }));
    ref.tell('x');
    system.drain();
    const stopping = system.stop({ deadlineMs: 10 });
    await eventLoopRound();
    clock.advanceTo(10);
    await stopping;
    gate.reject(new Error('late'));
    await system.settled();
    expect(system.counts()).toMatchObject({ told: 1, handled: 0, deadLetters: 1, inFlight: 0 });
  });

  test('an onStop that hangs is abandoned as well', async () => {
    const { system, clock } = world({ config: { stopDeadlineMs: '70ms' } });
    system.spawn('a', () => ({ receive: () => {}, onStop: () => new Promise<void>(() => {}) }));
    const stopping = system.stop();
    await eventLoopRound();
    clock.advanceTo(70);
    expect(await stopping).toEqual({ stopped: ['/a'], leftCount: 0, abandonedCount: 1 });
  });

  test('an onStop that throws is told and stops nobody else', async () => {
    const { system, events } = world();
    system.spawn('a', () => ({ receive: () => {} }));
    system.spawn('b', () => ({
      receive: () => {},
      onStop: () => {
        throw new Error('stuck lid');
      },
    }));
    const report = await system.stop();
    expect(report.stopped).toEqual(['/b', '/a']);
    expect(events.filter((event) => event.kind === 'stop-fault').map((event) => event.detail)).toEqual(['stuck lid']);
  });

  test('is idempotent: the second call is the first', async () => {
    const { system } = world();
    let stops = 0;
    const ref = system.spawn('a', () => ({ receive: () => {}, onStop: () => void stops++ }));
    const first = system.stop();
    expect(system.stop()).toBe(first);
    await first;
    expect(await system.stop()).toEqual({ stopped: ['/a'], leftCount: 0, abandonedCount: 0 });
    expect((await system.stopActor(ref)).stopped).toEqual([]);
    expect(stops).toBe(1);
  });

  test('nothing starts any more once it has begun', async () => {
    const { system } = world();
    const stopping = system.stop();
    expect(() => system.spawn('a', () => ({ receive: () => {} }))).toThrow(
      expect.objectContaining({ code: 'actor-stopped' }),
    );
    await stopping;
  });

  test('an actor that is backing off is not waited for', async () => {
    const { system, clock } = world();
    const ref = system.spawn<string>('a', () => ({
      receive: () => {
        throw new Error('boom');
      },
    }));
    for (const message of ['x', 'y']) ref.tell(message);
    system.drain();
    const report = await system.stop();
    expect([report.leftCount, clock.now(), clock.pendingCount]).toEqual([0, 0, 0]);
    expect(system.deadLetters.byReason()).toEqual(
      new Map([
        ['fault', 1],
        ['stopped', 1],
      ]),
    );
  });

  test('may be asked for from within a receive', async () => {
    const { system } = world();
    const seen: string[] = [];
    let stopping: Promise<unknown> | undefined;
    const ref = system.spawn<string>('a', () => ({
      receive: (message) => {
        if (message === 'stop') stopping = system.stop({ deadlineMs: 0 });
        seen.push(message);
      },
    }));
    for (const message of ['stop', 'x']) ref.tell(message);
    system.drain();
    await stopping;
    expect(seen).toEqual(['stop', 'x']);
    expect(system.counts().actors).toBe(0);
  });

  test('stopActor stops one actor with its children and leaves the others', async () => {
    const { system } = world();
    const seen: string[] = [];
    const a = system.spawn<string>('a', (context) => {
      context.spawn('child', () => ({ receive: () => {} }));
      return { receive: (message) => void seen.push(message) };
    });
    const b = system.spawn('b', () => ({ receive: () => {} }));
    a.tell('x');
    const report = await system.stopActor(a);
    expect([report.stopped, seen]).toEqual([['/a/child', '/a'], ['x']]);
    expect(system.stateOf(b)).toBe('running');
  });
});
