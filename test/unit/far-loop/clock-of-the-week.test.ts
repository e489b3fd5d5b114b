import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hourOfWeek } from '../../../actors/aggregator/hour-of-week.ts';
import { fixedOffset } from '../../../actors/time-zone.ts';

describe('hour of the week', () => {
  test('agrees with Date in UTC, before 1970 too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5e12, max: 5e12 }), (timeMs) => {
        const date = new Date(timeMs);
        expect(hourOfWeek(timeMs, 0)).toBe(((date.getUTCDay() + 6) % 7) * 24 + date.getUTCHours());
      }),
    );
  });

  test('follows the offset', () => {
    // 1970-01-01 was a Thursday.
    expect(hourOfWeek(0, 0)).toBe(72);
    expect(hourOfWeek(0, -3_600_000)).toBe(71);
    expect(hourOfWeek(0, 330 * 60_000)).toBe(77);
  });
});

describe('time zone', () => {
  test('of a fixed offset is always as far from UTC', () => {
    expect(fixedOffset(-90).offsetMsAt(7)).toBe(-5_400_000);
  });
});
