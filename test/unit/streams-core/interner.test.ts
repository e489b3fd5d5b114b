import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { Interner } from '../../../streams/interner.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const internBytes = (table: Interner, bytes: Uint8Array): number => table.internBytes(bytes, 0, bytes.length);

describe('interner', () => {
  test('numbers ids by first appearance', () => {
    const table = new Interner();
    expect(['b', 'a', 'b', 'c', 'a'].map((name) => table.internString(name))).toEqual([0, 1, 0, 2, 1]);
    expect(table.count).toBe(3);
  });

  test('a number and its decimal digits are one name, whichever comes first', () => {
    const table = new Interner();
    expect(internBytes(table, encode('123'))).toBe(0);
    expect(table.internU64(0, 123)).toBe(0);
    expect(table.internU64(1, 0)).toBe(1);
    expect(table.internString('4294967296')).toBe(1);
    expect(table.idOf('4294967296')).toBe(1);
    expect(table.findU64(1, 0)).toBe(1);
    expect(table.findU64(1, 1)).toBe(-1);
  });

  test('digits across every length below 2^64 are the number that BigInt reads', () => {
    const table = new Interner();
    const texts: string[] = ['0', '9', '10', '999999999', '1000000000', '9999999999', '10000000000'];
    for (let bits = 29n; bits <= 64n; bits++)
      for (const delta of [-2n, -1n, 0n, 1n]) texts.push(((1n << bits) + delta).toString());
    for (const text of texts) {
      const value = BigInt(text);
      const id = table.internString(text);
      expect(table.nameOf(id), text).toBe(text);
      if (value < 1n << 64n) expect(table.internU64(Number(value >> 32n), Number(value & 0xffffffffn)), text).toBe(id);
      expect(table.numberOf(id), text).toBe(value < 1n << 64n ? Number(value) : Number.NaN);
    }
  });

  test('leading zeros, signs, spaces and 2^64 make other names', () => {
    const table = new Interner();
    const names = ['7', '07', '007', '+7', '-7', ' 7', '7 ', '7.0', '', '0', '00', '-0', '18446744073709551615'];
    names.push('18446744073709551616', '018446744073709551615', '99999999999999999999', '100000000000000000000');
    expect(names.map((name) => table.internString(name))).toEqual(names.map((_, i) => i));
    expect(names.map((name) => table.idOf(name))).toEqual(names.map((_, i) => i));
    expect(names.map((_, i) => table.nameOf(i))).toEqual(names);
  });

  test('halves of a number given as signed integers are taken as unsigned', () => {
    const table = new Interner();
    expect(table.nameOf(table.internU64(-1, -1))).toBe('18446744073709551615');
    expect(table.internU64(0xffffffff, 0xffffffff)).toBe(0);
  });

  test('bytes that are no UTF-8 stay different names and are shown escaped', () => {
    const table = new Interner();
    const cases: [number[], string][] = [
      [[0xff], '\\xff'],
      [[0xfe], '\\xfe'],
      [[0xef, 0xbf, 0xbd], '\ufffd'],
      [[...encode('\\xff')], '\\x5cxff'],
      [[...encode('\\x5cxff')], '\\x5cx5cxff'],
      [[0x61, 0xc3], 'a\\xc3'],
      [[0x61, 0xc3, 0xa4], 'aä'],
      [[0xc3, 0xa4, 0xff, 0x5c], 'ä\\xff\\'],
      [[0xed, 0xa0, 0x80], '\\xed\\xa0\\x80'], // a surrogate is not UTF-8
      [[0xc0, 0x80], '\\xc0\\x80'], // nor is an overlong form
      [[0xf4, 0x90, 0x80, 0x80], '\\xf4\\x90\\x80\\x80'], // nor what lies beyond U+10FFFF
      [[0xef, 0xbb, 0xbf, 0x61], '\ufeffa'], // a byte order mark is part of the name
      [[...encode('C:\\x41')], 'C:\\x41'], // never written by the escape, so left alone
    ];
    for (const [i, [bytes, shown]] of cases.entries()) {
      expect(internBytes(table, Uint8Array.from(bytes))).toBe(i);
      expect(table.nameOf(i)).toBe(shown);
      expect(table.idOf(shown)).toBe(i);
      expect(table.internName(shown)).toBe(i);
      expect([...table.bytesOf(i)]).toEqual(bytes);
    }
    expect(table.count).toBe(cases.length);
  });

  test('a name that holds an escape literally is found as the source wrote it', () => {
    const table = new Interner();
    expect(table.internString('\\xff')).toBe(0);
    expect(table.idOf('\\xff')).toBe(0);
  });

  test('names are copied: the buffer they came in may be reused', () => {
    const table = new Interner();
    const buffer = encode('..first..');
    expect(table.internBytes(buffer, 2, 7)).toBe(0);
    buffer.fill(0x20);
    expect(table.nameOf(0)).toBe('first');
  });

  test('a name longer than an arena chunk is kept whole', () => {
    const table = new Interner();
    const long = 'x'.repeat(3_000_000);
    expect(table.internString(long)).toBe(0);
    expect(table.internString('y')).toBe(1);
    expect(table.internString(long)).toBe(0);
    expect(table.nameOf(0)).toBe(long);
  });

  test('the name beyond countMax is refused, known names are not', () => {
    const table = new Interner({ countMax: 2 });
    table.internString('a');
    table.internString('5');
    expect(() => table.internString('b')).toThrow(AnteroomError);
    expect(() => table.internU64(0, 6)).toThrow('more than 2 distinct names');
    expect(table.internString('a')).toBe(0);
    expect(table.count).toBe(2);
  });

  test('ids do not depend on the seed of the hash', () => {
    const names = Array.from({ length: 500 }, (_, i) => (i % 3 === 0 ? String(i * 7919) : `n${i * 31}`));
    const ids = (seed: number): number[] => {
      const table = new Interner({ seed });
      return [...names, ...names].map((name) => table.internString(name));
    };
    expect(ids(1)).toEqual(ids(-123456789));
  });

  test('an id that was not given out is a fault of the caller', () => {
    const table = new Interner();
    for (const id of [0, -1, 5]) expect(() => table.nameOf(id)).toThrow('was not given out');
  });
});
