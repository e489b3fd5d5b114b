/** What popularity alone says of the next access. */

import { describe, expect, test } from 'vitest';
import { comesWithin } from '../../../actors/aggregator/aggregator-actor.ts';

describe('a segment that is accessed every minute', () => {
  const halfLife = 3_600_000;
  const gap = 60_000;
  /** As the access map has it: each access counts half as much after every half-life. */
  let frequency = 0;
  for (let age = 0; age < 40 * halfLife; age += gap) frequency += 2 ** (-age / halfLife);

  test.each([0.1, 1, 3])('comes within %d minutes as a Poisson process of that rate does', (gaps) => {
    expect(comesWithin(frequency, halfLife, gaps * gap)).toBeCloseTo(1 - Math.exp(-gaps), 2);
  });

  test('comes never at once, surely in the end, and not at all where it was never accessed', () => {
    expect(comesWithin(frequency, halfLife, 0)).toBe(0);
    expect(comesWithin(frequency, halfLife, 1e12)).toBe(1);
    expect(comesWithin(0, halfLife, gap)).toBe(0);
  });
});
