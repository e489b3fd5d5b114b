import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../engine/units.ts';

describe('laws of units', () => {
  test('what is printed reads back within half of the third digit, and exactly where a binary unit divides it', () => {
    fc.assert(
      fc.property(fc.nat(9e15), (bytes) => {
        expect(Math.abs(parseBytes(formatBytes(bytes)) - bytes)).toBeLessThanOrEqual(bytes * 0.005);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1023 }), fc.integer({ min: 1, max: 4 }), (count, power) => {
        const bytes = count * 1024 ** power;
        expect(parseBytes(formatBytes(bytes))).toBe(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.double({ min: 1e-5, max: 1e12, noNaN: true }), (ms) => {
        expect(Math.abs(parseDuration(formatDuration(ms)) - ms)).toBeLessThanOrEqual(ms * 0.0051);
      }),
    );
  });

  test('whole bytes read as themselves, with and without the unit', () => {
    fc.assert(
      fc.property(fc.nat(Number.MAX_SAFE_INTEGER), (bytes) => {
        expect([parseBytes(`${bytes}`), parseBytes(`${bytes}B`), parseBytes(`${bytes} b`)]).toEqual([
          bytes,
          bytes,
          bytes,
        ]);
      }),
    );
  });

  test('a decimal fraction is exact: a thousandth of a unit is what its name says', () => {
    fc.assert(
      fc.property(fc.nat(999_999), fc.nat(999), (whole, thousandths) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}`;
        expect(parseBytes(`${text}MB`)).toBe(whole * 1e6 + thousandths * 1e3);
        expect(parseDuration(`${text}s`)).toBe(whole * 1e3 + thousandths);
      }),
    );
  });
});
