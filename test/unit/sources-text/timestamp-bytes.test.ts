import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MALFORMED } from '../../../streams/sources/decimal-bytes.ts';
import { clfTimeOf, isoTimeOf } from '../../../streams/sources/timestamp-bytes.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const iso = (text: string) => isoTimeOf(bytesOf(text), 0, text.length);
const clf = (text: string) => {
  const bytes = bytesOf(text);
  return clfTimeOf(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
};
const instant = fc.integer({ min: Date.parse('0001-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59Z') });
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

describe('ISO 8601 times in bytes', () => {
  test('equal what the platform reads', () => {
    fc.assert(
      fc.property(instant, (ms) => {
        const text = new Date(ms).toISOString();
        expect(iso(text)).toBe(ms);
        expect(iso(text.slice(0, 10))).toBe(Date.parse(text.slice(0, 10)));
        expect(iso(text.slice(0, 19).replace('T', ' '))).toBe(Date.parse(`${text.slice(0, 19)}Z`));
      }),
    );
  });

  test.each([
    ['2015-05-17T10:05:03+02:00', '2015-05-17T08:05:03Z'],
    ['2015-05-17T10:05:03-0530', '2015-05-17T15:35:03Z'],
    ['2015-05-17T10:05:03+02', '2015-05-17T08:05:03Z'],
    ['2015-05-17 10:05:03,250', '2015-05-17T10:05:03.250Z'],
    ['2015-05-17 10:05:03 UTC', '2015-05-17T10:05:03Z'],
    ['2015-05-17 10:05:03.25 GMT', '2015-05-17T10:05:03.250Z'],
    ['2015-05-17 10:05:03 +0200', '2015-05-17T08:05:03Z'],
    ['[2015-05-17T10:05:03+02:00]', '2015-05-17T08:05:03Z'],
    ['2015-05-17T10:05Z', '2015-05-17T10:05:00Z'],
    ['2015-05-17T10:05:03.250000000Z', '2015-05-17T10:05:03.250Z'],
  ])('%s is %s', (text, same) => {
    expect(iso(text)).toBe(Date.parse(same));
  });

  test.each([
    '2015-13-01',
    '2015-02-29',
    '1900-02-29',
    '2015-00-10',
    '2015-5-17',
    '2015-05-17T24:00:00Z',
    '2015-05-17T10:60',
    '2015-05-17T10:05:03x',
    '2015-05-17T10:05:03 CET',
    '2015-05-17T10:05:03   +02',
    '[2015-05-17T10:05:03',
    '[]',
    '2015-05-17T10:05:03.Z',
    '2015-05-17T10:05:03+2',
    '2015-05-17T10',
    'yesterday!',
  ])('%s is malformed', (text) => {
    expect(iso(text)).toBe(MALFORMED);
  });
});

describe('times of the Common Log Format in bytes', () => {
  test('equal what the platform reads, in any zone', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: -23 * 60, max: 23 * 60 }), (ms, zone) => {
        const seconds = Math.floor(ms / 1000) * 1000;
        const local = new Date(seconds + zone * 60_000);
        fc.pre(local.getUTCFullYear() >= 0 && local.getUTCFullYear() <= 9999);
        const pad = (n: number, width = 2) => String(n).padStart(width, '0');
        const offset = `${zone < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(zone) / 60))}${pad(Math.abs(zone) % 60)}`;
        const text = `${pad(local.getUTCDate())}/${MONTHS[local.getUTCMonth()]}/${pad(local.getUTCFullYear(), 4)}:${local.toISOString().slice(11, 19)} ${offset}`;
        fc.pre(text.length === 26);
        expect(clf(text)).toBe(seconds);
      }),
    );
  });

  test.each([
    '32/May/2015:10:05:03 +0000',
    '17/Mai/2015:10:05:03 +0000',
    '17/05/2015:10:05:03 +0000 ',
    '17/May/2015 10:05:03 +0000',
    '17/May/2015:25:05:03 +0000',
    '17/May/2015:10:05:03 00000',
    '17/May/2015:10:05:03 +',
    '17/May/2015:10:05:03 -0x00',
    '17/May/2015:10:05:03 +0060',
    '17/May/2015:10:05:03',
  ])('%s is malformed', (text) => {
    expect(clf(text)).toBe(MALFORMED);
  });
});
