import { describe, expect, test } from 'vitest';
import { entropySeed } from '../../../engine/host/entropy.ts';
import { RealClock } from '../../../engine/host/real-clock.ts';
import { eventLoopRound, immediateTurns, microtaskTurns } from '../../../engine/host/turns.ts';

describe('real clock', () => {
  test('never goes backwards and stands near the wall clock', () => {
    const clock = new RealClock();
    let last = clock.now();
    for (let i = 0; i < 10_000; i++) {
      const now = clock.now();
      expect(now >= last).toBe(true);
      last = now;
    }
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(60_000);
  });

  test('fires no timer early, and those due together in the order of setting', async () => {
    const clock = new RealClock();
    const ran: string[] = [];
    const setAt = clock.now();
    let isEarly = false;
    await new Promise<void>((resolve) => {
      clock.setTimeout(() => ran.push('first'), 0);
      clock.setTimeout(() => ran.push('second'), 0);
      const cleared = clock.setTimeout(() => ran.push('cleared'), 2);
      clock.setTimeout(() => {
        isEarly ||= clock.now() < setAt + 5;
        ran.push('last');
        resolve();
      }, 5);
      clock.clearTimeout(cleared);
    });
    expect(ran).toEqual(['first', 'second', 'last']);
    expect(isEarly).toBe(false);
  });

  test('a delay beyond the host timer range waits instead of firing at once', async () => {
    const clock = new RealClock();
    let hasFired = false;
    const timer = clock.setTimeout(() => {
      hasFired = true;
    }, 2 ** 31);
    await new Promise<void>((resolve) => void clock.setTimeout(resolve, 5));
    clock.clearTimeout(timer);
    expect(hasFired).toBe(false);
  });
});

describe('turns of the host', () => {
  test('run after the stack has unwound, in order', async () => {
    for (const turns of [immediateTurns, microtaskTurns]) {
      const ran: number[] = [];
      turns.schedule(() => ran.push(1));
      turns.schedule(() => ran.push(2));
      expect(ran).toEqual([]);
      await eventLoopRound();
      expect(ran).toEqual([1, 2]);
    }
  });
});

test('an entropy seed is an unsigned 32-bit integer', () => {
  const seed = entropySeed();
  expect(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32).toBe(true);
});
