import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decimalOf, isAbsent, MALFORMED } from '../../../streams/sources/decimal-bytes.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const decimal = (text: string, scale = 0) => decimalOf(bytesOf(text), 0, text.length, scale);

describe('decimal numbers in bytes', () => {
  test('equal what Number reads, up to 15 digits', () => {
    const digits = fc.integer({ min: 0, max: 999_999_999_999_999 }).map(String);
    fc.assert(
      fc.property(digits, fc.nat(15), fc.boolean(), (text, point, isNegative) => {
        const at = Math.min(point, text.length);
        const written = `${isNegative ? '-' : ''}${text.slice(0, at)}${at === text.length ? '' : '.'}${text.slice(at)}`;
        expect(decimal(written)).toBe(Number(written));
      }),
    );
  });

  test('scale by powers of ten in one rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 49 }), fc.integer({ min: -9, max: 3 }), (mantissa, scale) => {
        expect(decimal(`${mantissa}`, scale)).toBe(Number(`${mantissa}e${scale}`));
      }),
    );
  });

  test.each(['1e3', '1E+3', '1000.', '+1000', ' 1000 ', '0001000', '100000e-2'])('%s is a thousand', (text) => {
    expect(decimal(text)).toBe(1000);
  });

  test('of 19 digits are within two units in the last place', () => {
    const value = decimal('1700000000123456789', -6);
    expect(Math.abs(value - 1700000000123.4568)).toBeLessThanOrEqual(0.0005);
  });

  test.each(['', '.', '-', 'e5', '1e', '1x', '1 2', '0x10', '1.2.3', 'Infinity', 'NaN'])('%j is malformed', (text) => {
    expect(Math.abs(decimal(text))).toBe(MALFORMED);
  });

  test('absent values are those that logs write for none', () => {
    for (const text of ['', ' ', '-', '-1', ' -1 ', 'NA', 'na', 'nan', 'NaN', 'null', 'NULL', 'none', 'None', '\\N'])
      expect([text, isAbsent(bytesOf(text), 0, text.length)]).toEqual([text, true]);
    for (const text of ['0', '-2', '1', 'N', 'nope', 'nil', 'nulls', '--', '-10'])
      expect([text, isAbsent(bytesOf(text), 0, text.length)]).toEqual([text, false]);
  });
});
