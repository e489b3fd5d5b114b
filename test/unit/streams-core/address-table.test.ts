import { describe, expect, test } from 'vitest';
import { AddressTable } from '../../../streams/address-table.ts';
import { Interner } from '../../../streams/interner.ts';

describe('address table', () => {
  test('addresses are the numbers that names are, and new ones are interned', () => {
    const segments = new Interner();
    segments.internString('4096');
    segments.internU64(2, 8);
    const table = new AddressTable(segments, 512);
    expect(table.unitBytes).toBe(512);
    expect(table.addressOf(0)).toBe(4096);
    expect(table.addressOf(1)).toBe(2 ** 33 + 8);
    expect(table.segmentAt(4096)).toBe(0);
    expect(table.segmentAt(2 ** 33 + 8)).toBe(1);
    expect(table.segmentAt(4104)).toBe(2);
    expect(segments.nameOf(2)).toBe('4104');
    expect(table.segmentAt(Number.MAX_SAFE_INTEGER)).toBe(3);
    expect(table.addressOf(3)).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('what is no address is -1', () => {
    const table = new AddressTable(new Interner(), 1);
    for (const address of [-1, 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])
      expect(table.segmentAt(address)).toBe(-1);
  });

  test('a name that is no number is named in the error', () => {
    const segments = new Interner();
    segments.internString('/index.html');
    segments.internString('18446744073709551615');
    const table = new AddressTable(segments, 512);
    expect(() => table.addressOf(0)).toThrow('segment "/index.html" is not an address');
    expect(() => table.addressOf(1)).toThrow('segment "18446744073709551615" is not an address');
  });
});
