import { describe, expect, test } from 'vitest';
import { fixedKeepAlive, hybridHistogram, playKeepAlive } from '../../../sim/bench/keep-alive-policies.ts';

describe('keep-alive policies', () => {
  test('fixed: warm within the minutes, and these are what it costs', () => {
    // Intervals of 3, 10 and 4 minutes; then 12 minutes to the end.
    const cost = playKeepAlive([[0, 3, 13, 17]], 0, 30, fixedKeepAlive(5));
    expect(cost).toEqual({ coldStarts: 2, minutes: 3 + 5 + 4 + 5 });
  });

  test('what lies before the part that is counted costs nothing', () => {
    expect(playKeepAlive([[0, 3, 13, 17]], 13, 30, fixedKeepAlive(5))).toEqual({ coldStarts: 1, minutes: 4 + 5 });
    expect(playKeepAlive([[0, 3, 13, 17]], 5, 30, fixedKeepAlive(5)).minutes).toBe(4 + 4 + 5);
  });

  test('hybrid: a function of one period is unloaded, and loaded again shortly before it is due', () => {
    const hourly = Array.from({ length: 20 }, (_, i) => i * 60);
    const { coldStarts, minutes } = playKeepAlive([hourly], 0, 19 * 60 + 1, hybridHistogram(240));
    // The first is cold; before the second the fallback holds; then from the 54th minute on.
    expect(coldStarts).toBe(1);
    expect(minutes).toBe(60 + 18 * (60 - 54 + 1));
  });

  test('hybrid: scattered intervals fall back', () => {
    const random = [1, 200, 37, 90, 150, 13, 71, 230, 110, 55];
    let at = 0;
    const scattered = [0, ...random.map((gap) => (at += gap))];
    // Ten of 240 bins hold one each: their coefficient of variation is 4.8, representative by the published bound.
    const once = playKeepAlive([scattered], 0, at + 1, hybridHistogram(240));
    expect(once.coldStarts).toBeGreaterThan(1);
    const outside = playKeepAlive([[0, 250, 500, 750]], 0, 751, hybridHistogram(10));
    expect(outside).toEqual({ coldStarts: 4, minutes: 30 });
  });
});
