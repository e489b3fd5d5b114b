import { describe, expect, test } from 'vitest';
import { createActor, createMachine, raise, SimulatedClock, waitFor } from 'xstate';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

const trafficLight = createMachine({
  initial: 'green',
  states: {
    green: { after: { 1000: 'yellow' }, on: { hold: 'held' } },
    yellow: { after: { 200: 'red' } },
    red: { after: { 800: 'green' } },
    held: {},
  },
});

describe('xstate on the virtual clock', () => {
  test('after transitions fire at their instants of virtual time', () => {
    const clock = new VirtualClock();
    const seen: [number, unknown][] = [];
    const light = createActor(trafficLight, { clock });
    light.subscribe((snapshot) => seen.push([clock.now(), snapshot.value]));
    light.start();
    clock.advanceTo(3000);
    expect(seen).toEqual([
      [0, 'green'],
      [1000, 'yellow'],
      [1200, 'red'],
      [2000, 'green'],
      [3000, 'yellow'],
    ]);
  });

  test('leaving a state clears its timer, stopping the actor clears all', () => {
    const clock = new VirtualClock();
    const light = createActor(trafficLight, { clock }).start();
    light.send({ type: 'hold' });
    expect(clock.pendingCount).toBe(0);
    const other = createActor(trafficLight, { clock }).start();
    expect(clock.pendingCount).toBe(1);
    other.stop();
    expect(clock.pendingCount).toBe(0);
  });

  test('delayed raise and the first timer id work: no id is mistaken for none', () => {
    const clock = new VirtualClock();
    const machine = createMachine({
      initial: 'waiting',
      states: {
        waiting: { entry: raise({ type: 'late' }, { delay: 5 }), on: { late: 'done' } },
        done: { type: 'final' },
      },
    });
    const actor = createActor(machine, { clock }).start();
    clock.advanceTo(4);
    expect(actor.getSnapshot().value).toBe('waiting');
    clock.advanceTo(5);
    expect(actor.getSnapshot().status).toBe('done');
  });

  test('without the clock option a machine waits on the host', async () => {
    const clock = new VirtualClock();
    const machine = createMachine({ initial: 'a', states: { a: { after: { 1: 'b' } }, b: {} } });
    const actor = createActor(machine).start();
    clock.advanceTo(1000);
    expect(actor.getSnapshot().value).toBe('a');
    await waitFor(actor, (snapshot) => snapshot.value === 'b');
  });

  test("xstate's own SimulatedClock shows a late timer the end of the step, not its own instant", () => {
    const theirs = new SimulatedClock();
    const ours = new VirtualClock();
    const seenByTheirs: number[] = [];
    const seenByOurs: number[] = [];
    theirs.setTimeout(() => seenByTheirs.push(theirs.now()), 10);
    ours.setTimeout(() => seenByOurs.push(ours.now()), 10);
    theirs.increment(1000);
    ours.advanceBy(1000);
    expect(seenByTheirs).toEqual([1000]);
    expect(seenByOurs).toEqual([10]);
  });
});
