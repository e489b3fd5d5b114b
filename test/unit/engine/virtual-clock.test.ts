import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvariantError } from '../../../engine/assert.ts';
import { TimerQueue } from '../../../engine/timer-queue.ts';
import { VirtualClock } from '../../../engine/virtual-clock.ts';

describe('virtual clock', () => {
  test('runs timers by time, and those of one instant in the order of setting', () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.setTimeout(() => ran.push('b'), 20);
    clock.setTimeout(() => ran.push('a'), 10);
    clock.setTimeout(() => ran.push('c'), 20);
    clock.advanceTo(20);
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  test('shows a timer its own due time', () => {
    const clock = new VirtualClock({ startAt: 1000 });
    const seen: number[] = [];
    for (const delayMs of [30, 5, 12.5]) clock.setTimeout(() => seen.push(clock.now()), delayMs);
    clock.advanceBy(100);
    expect(seen).toEqual([1005, 1012.5, 1030]);
    expect(clock.now()).toBe(1100);
  });

  test('stops at the instant asked for and includes it', () => {
    const clock = new VirtualClock();
    let count = 0;
    clock.setTimeout(() => count++, 10);
    clock.setTimeout(() => count++, 10.5);
    expect(clock.advanceTo(10)).toBe(1);
    expect([count, clock.pendingCount, clock.nextAt()]).toEqual([1, 1, 10.5]);
  });

  test('runs timers that timers set, within the same advance', () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.setTimeout(() => clock.setTimeout(() => clock.setTimeout(() => seen.push(clock.now()), 0), 5), 5);
    clock.advanceTo(10);
    expect(seen).toEqual([10]);
  });

  test('counts a negative delay as none and never runs an infinite one', () => {
    const clock = new VirtualClock({ startAt: 7 });
    const seen: number[] = [];
    clock.setTimeout(() => seen.push(clock.now()), -5);
    clock.setTimeout(() => seen.push(-1), Infinity);
    expect(clock.runNext()).toBe(true);
    expect(clock.runNext()).toBe(false);
    expect(seen).toEqual([7]);
  });

  test('forgets a cleared timer and ignores one that is unknown or has run', () => {
    const clock = new VirtualClock();
    let count = 0;
    const cleared = clock.setTimeout(() => count++, 1);
    const ran = clock.setTimeout(() => count++, 1);
    clock.clearTimeout(cleared);
    clock.advanceTo(1);
    clock.clearTimeout(ran);
    clock.clearTimeout(12345);
    expect([count, clock.pendingCount]).toEqual([1, 0]);
  });

  test('a callback that throws reaches the caller and loses no other timer', () => {
    const clock = new VirtualClock();
    let count = 0;
    clock.setTimeout(() => {
      throw new Error('boom');
    }, 1);
    clock.setTimeout(() => count++, 2);
    expect(() => clock.advanceTo(5)).toThrow('boom');
    expect(clock.now()).toBe(1);
    clock.advanceTo(5);
    expect(count).toBe(1);
  });

  test('refuses to go back, and to be driven by its own timers', () => {
    const clock = new VirtualClock({ startAt: 5 });
    expect(() => clock.advanceTo(4)).toThrow(InvariantError);
    clock.setTimeout(() => clock.advanceBy(1), 0);
    expect(() => clock.advanceBy(1)).toThrow(InvariantError);
  });

  test('names timers that feed each other without time moving', () => {
    const clock = new VirtualClock({ timersPerInstantMax: 100 });
    const again = (): void => {
      clock.setTimeout(again, 0);
    };
    again();
    expect(() => clock.advanceTo(1)).toThrow(expect.objectContaining({ code: 'limit' }));
  });

  test('counts timers of an instant anew at the next instant, however it was reached', () => {
    const clock = new VirtualClock({ timersPerInstantMax: 2 });
    const setTwo = (): void => {
      for (let i = 0; i < 2; i++) clock.setTimeout(() => {}, 0);
    };
    for (let at = 0; at < 5; at++) {
      clock.advanceTo(at);
      setTwo();
      expect([clock.runNext(), clock.runNext()]).toEqual([true, true]);
    }
  });

  test('refuses more pending timers than its limit', () => {
    const clock = new VirtualClock({ timersMax: 2 });
    clock.setTimeout(() => {}, 1);
    const second = clock.setTimeout(() => {}, 1);
    expect(() => clock.setTimeout(() => {}, 1)).toThrow(expect.objectContaining({ code: 'limit' }));
    clock.clearTimeout(second);
    clock.setTimeout(() => {}, 1);
    expect(clock.pendingCount).toBe(2);
  });

  test('playTo lets promises run their course before time moves on', async () => {
    const clock = new VirtualClock();
    const seen: [string, number][] = [];
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.setTimeout(resolve, ms));
    const walk = async (name: string, ms: number): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await sleep(ms);
        seen.push([name, clock.now()]);
      }
    };
    const walks = [walk('a', 10), walk('b', 15)];
    await clock.playTo(100, () => new Promise((resolve) => setImmediate(resolve)));
    await Promise.all(walks);
    expect(seen).toEqual([
      ['a', 10],
      ['b', 15],
      ['a', 20],
      ['b', 30], // set at 15, before a's third at 20
      ['a', 30],
      ['b', 45],
    ]);
    expect(clock.now()).toBe(100);
  });

  test('memory follows live timers when most are cleared', () => {
    const queue = new TimerQueue(100);
    for (let i = 0; i < 100_000; i++) queue.cancel(queue.add(1e9 - i, () => {}));
    queue.add(1, () => {});
    expect([queue.size, queue.nextAt()]).toEqual([1, 1]);
  });

  test('timers run in order whichever were cleared before, also where that rebuilt the queue around live ones', () => {
    const timer = fc.record({ dueAt: fc.nat({ max: 40 }), isCleared: fc.boolean(), isLate: fc.boolean() });
    fc.assert(
      fc.property(fc.array(timer, { minLength: 150, maxLength: 300 }), fc.nat({ max: 60 }), (timers, takenFirst) => {
        const queue = new TimerQueue();
        const ran: number[] = [];
        const added = timers.map(({ dueAt }, i) => queue.add(dueAt, () => ran.push(i)));
        let expected = [...timers.keys()].sort((a, b) => timers[a]!.dueAt - timers[b]!.dueAt || a - b);
        for (let i = 0; i < takenFirst; i++) queue.take()();
        const gone = new Set(expected.slice(0, takenFirst));
        // All but a few, so that more than half of the heap is what is left of them.
        for (const [i, { isCleared, isLate }] of timers.entries()) if (isCleared || isLate) queue.cancel(added[i]!);
        expected = expected.filter((i) => gone.has(i) || !(timers[i]!.isCleared || timers[i]!.isLate));
        while (queue.size > 0) {
          expect(queue.nextAt()).toBe(timers[expected[ran.length]!]!.dueAt);
          queue.take()();
        }
        expect(ran).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});
