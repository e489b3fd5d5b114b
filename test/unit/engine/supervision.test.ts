import { describe, expect, test } from 'vitest';
import type { ActorRef } from '../../../engine/actor.ts';
import { InvariantError } from '../../../engine/assert.ts';
import { backOffCeilingMs, backOffMs, backOffSchema } from '../../../engine/back-off.ts';
import { AnteroomError } from '../../../engine/errors.ts';
import { eventLoopRound } from '../../../engine/host/turns.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { RestartBudget } from '../../../engine/restart-budget.ts';
import { deferred, world } from './world.ts';

const exact = { initialMs: 100, factor: 2, maxMs: 10_000, jitter: 0 };

/** Throws on 'boom', remembers the rest by generation. */
function fragile(seen: string[]) {
  let generation = 0;
  return () => {
    const mine = ++generation;
    return {
      receive: (message: string) => {
        if (message === 'boom') throw new Error('boom');
        seen.push(`${mine}:${message}`);
      },
      onStop: () => void seen.push(`${mine}:stopped`),
    };
  };
}

describe('supervision', () => {
  test('restart: the faulted message is a dead letter, the rest waits out the back-off for a new behaviour', () => {
    const { system, clock, trace } = world({ turns: 'clock', config: { supervision: { backOff: exact } } });
    const seen: string[] = [];
    const ref = system.spawn('a', fragile(seen));
    for (const message of ['x', 'boom', 'y']) ref.tell(message);
    clock.advanceTo(99);
    expect(seen).toEqual(['1:x', '1:stopped']);
    expect(system.stateOf(ref)).toBe('backing-off');
    clock.advanceTo(100);
    expect(seen).toEqual(['1:x', '1:stopped', '2:y']);
    expect(trace()).toEqual([
      '0 /a entered starting',
      '0 /a entered running',
      '0 /a fault boom',
      '0 /a entered backing-off',
      '100 /a entered restarting',
      '100 /a entered running',
    ]);
    expect(system.deadLetters.last().map(({ message, reason }) => [message, reason])).toEqual([['boom', 'fault']]);
  });

  test('resume: the same behaviour goes on with the next message', () => {
    const { system, states } = world({ config: { supervision: { strategy: 'resume' } } });
    const seen: string[] = [];
    const ref = system.spawn('a', fragile(seen));
    for (const message of ['boom', 'x', 'boom', 'y']) ref.tell(message);
    system.drain();
    expect(seen).toEqual(['1:x', '1:y']);
    expect(states('/a')).toEqual(['starting', 'running']);
    expect(system.deadLetters.countOf('fault')).toBe(2);
  });

  test('stop: what waits is dead letters, and so is what comes later', () => {
    const { system } = world({ config: { supervision: { strategy: 'stop' } } });
    const seen: string[] = [];
    const ref = system.spawn('a', fragile(seen));
    for (const message of ['boom', 'x']) ref.tell(message);
    system.drain();
    expect(ref.tell('z')).toBe('stopped');
    expect(seen).toEqual(['1:stopped']);
    expect(system.deadLetters.last().map(({ message, reason }) => [message, reason])).toEqual([
      ['boom', 'fault'],
      ['x', 'stopped'],
      ['z', 'stopped'],
    ]);
  });

  test('waits double from restart to restart, up to the longest', () => {
    const { system, clock, events } = world({
      turns: 'clock',
      config: { supervision: { maxRestarts: 6, windowMs: '1h', backOff: { ...exact, maxMs: 500 } } },
    });
    const ref = system.spawn('a', fragile([]));
    clock.setTimeout(function again() {
      if (ref.tell('boom') !== 'stopped') clock.setTimeout(again, 1000);
    }, 0);
    clock.advanceTo(20_000);
    const waits: number[] = [];
    for (const [index, event] of events.entries()) {
      if (event.detail === 'restarting') waits.push(event.at - (events[index - 1]?.at ?? 0));
    }
    expect(waits).toEqual([100, 200, 400, 500, 500, 500]);
  });

  test('actors that fault together do not restart together', () => {
    const { system, clock, events } = world({ turns: 'clock' });
    for (const name of ['a', 'b', 'c', 'd']) system.spawn(name, fragile([])).tell('boom');
    clock.advanceTo(1000);
    const restartedAt = events.filter((event) => event.detail === 'restarting').map((event) => event.at);
    expect(new Set(restartedAt).size).toBe(4);
  });

  test('a spent budget escalates: the actor fails, and no restart happens beyond maxRestarts', () => {
    const { system, clock, states } = world({
      turns: 'clock',
      config: { supervision: { maxRestarts: 2, windowMs: 60_000, backOff: exact } },
    });
    const ref = system.spawn('a', fragile([]));
    for (let i = 0; i < 5; i++) ref.tell('boom');
    clock.advanceTo(10_000);
    expect(states('/a').filter((state) => state === 'restarting').length).toBe(2);
    expect(states('/a').at(-1)).toBe('failed');
    expect(system.counts()).toMatchObject({ restarts: 2, failures: 1, actors: 0 });
    expect(system.deadLetters.byReason()).toEqual(
      new Map([
        ['fault', 3],
        ['failed', 2],
      ]),
    );
  });

  test('exhausted: stop ends quietly instead', () => {
    const { system, clock, states } = world({
      turns: 'clock',
      config: { supervision: { maxRestarts: 0, exhausted: 'stop' } },
    });
    system.spawn('a', fragile([])).tell('boom');
    clock.advanceTo(1);
    expect(states('/a').at(-1)).toBe('stopped');
    expect(system.counts().failures).toBe(0);
  });

  test('the budget refills as its window slides', () => {
    const { system, clock } = world({
      turns: 'clock',
      config: { supervision: { maxRestarts: 1, windowMs: 1000, backOff: { ...exact, initialMs: 10 } } },
    });
    const ref = system.spawn('a', fragile([]));
    for (let i = 0; i < 20; i++) {
      ref.tell('boom');
      clock.advanceBy(1000);
    }
    expect(system.stateOf(ref)).toBe('running');
    expect(system.counts().restarts).toBe(20);
    ref.tell('boom');
    clock.advanceBy(500);
    ref.tell('boom');
    clock.advanceBy(500);
    expect(system.stateOf(ref)).toBe(undefined);
  });

  test('a factory or onStart that throws is a fault like any other', async () => {
    const { system, clock, states } = world({
      turns: 'clock',
      config: { supervision: { maxRestarts: 3, backOff: exact } },
    });
    let attempts = 0;
    system.spawn('factory', () => {
      if (++attempts < 3) throw new Error('not yet');
      return { receive: () => {} };
    });
    let starts = 0;
    system.spawn('async', () => ({
      receive: () => {},
      onStart: async () => {
        if (++starts < 2) throw new Error('not yet');
      },
    }));
    await clock.playTo(5000, () => new Promise((resolve) => setImmediate(resolve)));
    expect([attempts, starts]).toEqual([3, 2]);
    expect(states('/factory').at(-1)).toBe('running');
    expect(states('/async')).toEqual(['starting', 'backing-off', 'restarting', 'running']);
  });

  test('messages told while it starts wait until it runs', async () => {
    const { system } = world();
    const seen: string[] = [];
    const gate = deferred();
    const ref = system.spawn<string>('a', () => ({
      onStart: () => gate.promise,
      receive: (message) => void seen.push(message),
    }));
    ref.tell('early');
    system.drain();
    expect([seen.length, system.stateOf(ref)]).toEqual([0, 'starting']);
    gate.resolve();
    await system.settled();
    expect(seen).toEqual(['early']);
  });

  test('an asynchronous receive that rejects is a fault', async () => {
    const { system, clock } = world({ config: { supervision: { backOff: exact } } });
    const seen: string[] = [];
    const ref = system.spawn<string>('a', () => ({
      receive: async (message) => {
        await null;
        if (message === 'boom') throw new Error('boom');
        seen.push(message);
      },
    }));
    for (const message of ['a', 'boom', 'b']) ref.tell(message);
    await system.settled();
    expect([system.stateOf(ref), seen]).toEqual(['backing-off', ['a']]);
    clock.advanceTo(100);
    await system.settled();
    expect(seen).toEqual(['a', 'b']);
  });

  test('decide overrules the strategy for single errors; a decide that throws escalates', () => {
    const { system, states } = world({ config: { supervision: { strategy: 'resume' } } });
    const spawn = (name: string, decide: (error: unknown) => 'stop' | undefined) =>
      system.spawn<string>(
        name,
        () => ({
          receive: (message) => {
            throw new AnteroomError('io', message);
          },
        }),
        { decide },
      );
    const picky = spawn('picky', (error) => (error instanceof Error && error.message === 'fatal' ? 'stop' : undefined));
    picky.tell('mild');
    system.drain();
    expect(system.stateOf(picky)).toBe('running');
    picky.tell('fatal');
    system.drain();
    expect(states('/picky').at(-1)).toBe('stopped');
    const broken = spawn('broken', () => {
      throw new Error('in decide');
    });
    broken.tell('x');
    system.drain();
    expect(states('/broken').at(-1)).toBe('failed');
  });

  test('policy fail: an overflow is a fault of the actor, dealt with at its turn and not inside the tell', () => {
    const { system, states } = world({ config: { supervision: { strategy: 'stop' } } });
    const ref = system.spawn<number>('a', () => ({ receive: () => {} }), { mailbox: { capacity: 2, policy: 'fail' } });
    expect([1, 2, 3].map((message) => ref.tell(message))).toEqual(['accepted', 'accepted', 'failed']);
    expect(system.stateOf(ref)).toBe('running');
    system.drain();
    expect(states('/a').at(-1)).toBe('stopped');
    expect(system.deadLetters.byReason()).toEqual(
      new Map([
        ['mailbox-full', 1],
        ['stopped', 2],
      ]),
    );
  });

  test('a restart waits for an onStop that takes longer than the back-off', async () => {
    const { system, clock } = world({ turns: 'clock', config: { supervision: { backOff: exact } } });
    const seen: string[] = [];
    const gate = deferred();
    const ref = system.spawn<string>('a', () => {
      seen.push('made');
      return {
        receive: (message) => {
          if (message === 'boom') throw new Error('boom');
          seen.push(message);
        },
        onStop: () => gate.promise.then(() => void seen.push('put away')),
      };
    });
    for (const message of ['boom', 'x']) ref.tell(message);
    clock.advanceTo(1000);
    expect([seen, system.stateOf(ref)]).toEqual([['made'], 'restarting']);
    gate.resolve();
    await system.settled();
    expect(seen).toEqual(['made', 'put away', 'made', 'x']);
  });

  test('a stop during a back-off ends the actor, after its onStop and without a restart', async () => {
    const { system, clock, states } = world({ turns: 'clock', config: { supervision: { backOff: exact } } });
    const gate = deferred();
    let made = 0;
    const ref = system.spawn<string>('a', () => {
      made++;
      return {
        receive: () => {
          throw new Error('boom');
        },
        onStop: () => gate.promise,
      };
    });
    ref.tell('x');
    clock.advanceTo(1);
    const stopping = system.stop();
    await eventLoopRound();
    clock.advanceTo(1000);
    expect(states('/a').at(-1)).toBe('stopping');
    gate.resolve();
    await stopping;
    expect([made, states('/a').slice(2)]).toEqual([1, ['backing-off', 'stopping', 'stopped']]);
  });

  test('an overflow during a receive that then fails costs one restart, not two', async () => {
    const { system, clock } = world({ config: { supervision: { backOff: exact } } });
    const gate = deferred();
    const ref = system.spawn<number>(
      'a',
      () => ({ receive: (message) => (message === 1 ? gate.promise : undefined) }),
      {
        mailbox: { capacity: 1, policy: 'fail' },
      },
    );
    ref.tell(1);
    system.drain();
    expect([ref.tell(2), ref.tell(3)]).toEqual(['accepted', 'failed']);
    gate.reject(new Error('boom'));
    await system.settled();
    clock.advanceTo(1000);
    await system.settled();
    expect(system.stateOf(ref)).toBe('running');
    expect(system.counts()).toMatchObject({ restarts: 1, handled: 1, deadLetters: 2 });
  });

  test('timers of the old behaviour do not reach the new one', () => {
    const { system, clock } = world({ turns: 'clock', config: { supervision: { backOff: exact } } });
    const seen: string[] = [];
    let generation = 0;
    const ref = system.spawn<string>('a', (context) => {
      const mine = ++generation;
      context.after(150, `from ${mine}`);
      return {
        receive: (message) => {
          if (message === 'boom') throw new Error('boom');
          seen.push(`${context.now()} ${message}`);
        },
      };
    });
    ref.tell('boom');
    clock.advanceTo(1000);
    expect(seen).toEqual(['250 from 2']);
  });

  test('a broken invariant while it starts is thrown by whoever drives the system', () => {
    const { system } = world();
    system.spawn('a', () => {
      throw new InvariantError('wrong from the start');
    });
    expect(() => system.drain()).toThrow('wrong from the start');
    expect(system.counts()).toMatchObject({ actors: 0, failures: 1 });
  });
});

describe('children', () => {
  const quiet = { receive: () => {} };

  test('have addresses below their parent and are stopped before it, the latest first', async () => {
    const { system } = world();
    const stopped: string[] = [];
    const behaviour = (name: string) => ({ receive: () => {}, onStop: () => void stopped.push(name) });
    const parent = system.spawn('p', (context) => {
      for (const name of ['a', 'b', 'c']) context.spawn(name, () => behaviour(name));
      return behaviour('p');
    });
    expect(system.lookup('/p/b')?.address).toBe('/p/b');
    const report = await system.stopActor(parent);
    expect(stopped).toEqual(['c', 'b', 'a', 'p']);
    expect(report.stopped).toEqual(['/p/c', '/p/b', '/p/a', '/p']);
  });

  test('are stopped and made again when the parent restarts', () => {
    const { system, clock, states } = world({ turns: 'clock', config: { supervision: { backOff: exact } } });
    let made = 0;
    const parent = system.spawn<string>('p', (context) => {
      context.spawn('c', () => {
        made++;
        return quiet;
      });
      return {
        receive: () => {
          throw new Error('boom');
        },
      };
    });
    parent.tell('x');
    clock.advanceTo(100);
    expect(made).toBe(2);
    expect(states('/p/c')).toEqual(['starting', 'running', 'stopping', 'stopped', 'starting', 'running']);
  });

  test('a child that is given up is a fault of its parent, up to the root', () => {
    const { system, events, states } = world({ config: { supervision: { strategy: 'escalate' } } });
    let child: ActorRef<string> | undefined;
    system.spawn('top', (top) => {
      top.spawn('middle', (middle) => {
        child = middle.spawn<string>('leaf', () => ({
          receive: (message) => {
            throw new Error(message);
          },
        }));
        return quiet;
      });
      return quiet;
    });
    child?.tell('leaf broke');
    system.drain();
    expect(events.filter((event) => event.kind === 'escalated').map((event) => [event.address, event.detail])).toEqual([
      ['/top/middle', '/top/middle/leaf: leaf broke'],
      ['/top', '/top/middle: leaf broke'],
    ]);
    expect(states('/top').at(-1)).toBe('failed');
    expect(system.counts().actors).toBe(0);
  });

  test('a parent that resumes goes on without the child', () => {
    const { system } = world({ config: { supervision: { strategy: 'resume' } } });
    let child: ActorRef<string> | undefined;
    const parent = system.spawn('p', (context) => {
      child = context.spawn<string>(
        'c',
        () => ({
          receive: () => {
            throw new Error('boom');
          },
        }),
        { supervision: { strategy: 'escalate' } },
      );
      return quiet;
    });
    child?.tell('x');
    system.drain();
    expect(system.stateOf(parent)).toBe('running');
    expect(system.lookup('/p/c')).toBe(undefined);
  });

  test('a child that cannot start during the turn of its parent waits for the end of that turn to be its fault', () => {
    const { system, trace } = world({ config: { supervision: { strategy: 'stop' } } });
    const seen: string[] = [];
    const parent = system.spawn<string>('p', (context) => ({
      receive: (message) => {
        context.spawn(
          'c',
          () => {
            throw new Error('no child');
          },
          { supervision: { strategy: 'escalate' } },
        );
        seen.push(`${message} finished`);
      },
    }));
    parent.tell('x');
    system.drain();
    expect(seen).toEqual(['x finished']);
    expect(trace().at(-1)).toBe('0 /p entered stopped');
    expect(system.counts().handled).toBe(1);
  });

  test('an actor may stop its children and itself, after the message', () => {
    const { system, states } = world();
    const seen: string[] = [];
    const parent = system.spawn<string>('p', (context) => {
      const child = context.spawn('c', () => quiet);
      return {
        receive: (message) => {
          if (message === 'child') context.stop(child);
          if (message === 'self') context.stop();
          seen.push(message);
        },
        onStop: () => void seen.push('stopped'),
      };
    });
    for (const message of ['child', 'self', 'too late']) parent.tell(message);
    system.drain();
    expect(states('/p/c').at(-1)).toBe('stopped');
    expect(states('/p').at(-1)).toBe('stopped');
    expect(seen).toEqual(['child', 'self', 'stopped']);
    expect(system.deadLetters.byReason()).toEqual(new Map([['stopped', 1]]));
  });

  test('a parent that restarts while it waits for its turn has one turn, not two', async () => {
    const { system, clock } = world({ config: { supervision: { backOff: exact } } });
    const seen: string[] = [];
    let child: ActorRef<string> | undefined;
    const parent = system.spawn<string>('p', (context) => {
      const escalates = { supervision: { strategy: 'escalate' as const } };
      child = context.spawn<string>('c', () => ({ receive: () => Promise.reject(new Error('boom')) }), escalates);
      return {
        receive: async (message) => {
          await eventLoopRound();
          seen.push(message);
        },
      };
    });
    child?.tell('x');
    system.drain();
    for (const message of ['a', 'b']) parent.tell(message);
    await eventLoopRound();
    expect(system.stateOf(parent)).toBe('backing-off');
    clock.advanceTo(100);
    await system.settled();
    expect(seen).toEqual(['a', 'b']);
  });

  test('four thousand children stop without exhausting the stack', async () => {
    const { system } = world();
    system.spawn('p', (context) => {
      for (let i = 0; i < 4000; i++) context.spawn(`c${i}`, () => quiet);
      return quiet;
    });
    const report = await system.stop();
    expect(report.stopped.length).toBe(4001);
    expect(system.counts().actors).toBe(0);
  });
});

describe('restart budget', () => {
  test('counts restarts within the window before now', () => {
    const budget = new RestartBudget(2, 100);
    budget.spend(0);
    budget.spend(50);
    expect([budget.hasRoom(50), budget.hasRoom(99), budget.hasRoom(100)]).toEqual([false, false, true]);
    expect([budget.usedCount(100), budget.usedCount(150)]).toEqual([1, 0]);
  });
});

describe('back-off', () => {
  test('grows by the factor up to the longest wait', () => {
    const config = backOffSchema.parse({ initialMs: '10ms', factor: 3, maxMs: '200ms' });
    expect([0, 1, 2, 3, 50].map((attempt) => backOffCeilingMs(attempt, config))).toEqual([10, 30, 90, 200, 200]);
  });

  test('jitter takes off at most its part, drawn from the given randomness', () => {
    const config = backOffSchema.parse({ initialMs: 1000, maxMs: 1000, jitter: 0.3 });
    const waits = Array.from({ length: 1000 }, (_, i) => backOffMs(0, config, new Xoshiro128(i)));
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    expect(Math.min(...waits)).toBeGreaterThan(700);
    expect(new Set(waits).size).toBeGreaterThan(990);
    const mean = waits.reduce((sum, wait) => sum + wait, 0) / waits.length;
    expect(Math.abs(mean - 850)).toBeLessThan(15); // uniform on (700, 1000]: sd of the mean is 2.7
  });
});
