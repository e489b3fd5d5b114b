/** Names are cut to their room where paths differ or where a title begins, never within a character. */

import { describe, expect, test } from 'vitest';
import { forestPlot } from '../../../sim/prove/forest-plot.ts';
import { partText } from '../../../sim/prove/parts.ts';
import { beginningThatFits, endThatFits, textWidth } from '../../../sim/report/fit-text.ts';

describe('a name', () => {
  test('that fits stays as it is', () => {
    expect([endThatFits('/index.html', 100), beginningThatFits('ann', 100)]).toEqual(['/index.html', 'ann']);
  });

  test.each(['/projects/xdotool/xdotool.xhtml', 'W'.repeat(60), '/日本語の道/ファイル名前前前前前前', '😀'.repeat(30)])(
    '%s keeps what there is room for, whole characters only',
    (name) => {
      const end = endThatFits(name, 120);
      expect(textWidth(end)).toBeLessThanOrEqual(120);
      expect(end.startsWith('…') && name.endsWith(end.slice(1))).toBe(true);
      // One character more would not fit.
      const next = [...name].at(-[...end].length)!;
      expect(textWidth(end) + textWidth(next)).toBeGreaterThan(120);
      expect(textWidth(beginningThatFits(name, 120))).toBeLessThanOrEqual(120);
      expect(/\p{Surrogate}/u.test(end)).toBe(false);
    },
  );

  test('without any room is an ellipsis', () => {
    expect(endThatFits('abc', 1)).toBe('…');
  });
});

test('the share of a part stands in the figure whole, whatever is cut of its name', () => {
  const interval = { estimate: 1, low: 0.5, high: 2 };
  const row = { name: `consumer ${'9'.repeat(60)}`, note: ' (81.4 %)', interval, isStrong: false };
  expect(forestPlot([row], String)).toMatch(/>consumer 9+… \(81\.4 %\)<\/text>/);
});

test('those beyond the busiest are told by how many they are', () => {
  expect(partText({ dimension: 'consumer', name: '1704 others', othersCount: 1704 })).toBe('1,704 other consumers');
  expect(partText({ dimension: 'consumer', name: '3 others' })).toBe('consumer 3 others');
});
