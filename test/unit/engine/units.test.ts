import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatDuration,
  formatRate,
  parseBytes,
  parseDuration,
  parseRate,
} from '../../../engine/units.ts';

describe('bytes', () => {
  test.each([
    ['64MiB', 67_108_864],
    ['1.5GB', 1_500_000_000],
    ['4096', 4096],
    ['0', 0],
    ['1kB', 1000],
    ['1KB', 1000],
    ['1 KiB', 1024],
    ['0.1kB', 100],
    ['2tib', 2 * 1024 ** 4],
    ['1.001MB', 1_001_000],
    [' 7B ', 7],
  ])('%s is %d', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  test.each(['', 'MB', '-1MB', '1e6', '1,5GB', '1.5', '1.0001kB', '5MBs', '12 34', '9PiB', '0x10', '1..5GB', 'NaN'])(
    'refuses %j and says what was expected',
    (text) => {
      expect(() => parseBytes(text)).toThrow(
        expect.objectContaining({
          code: 'bad-usage',
          message: expect.stringContaining('expected a size such as 64MiB'),
        }),
      );
    },
  );

  test.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [1024, '1KiB'],
    [67_108_864, '64MiB'],
    [1_500_000_000, '1.5GB'],
    [1_234_567, '1.23MB'],
    [999_999, '1MB'],
  ])('%d prints as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('durations', () => {
  test.each([
    ['50ms', 50],
    ['2h', 7_200_000],
    ['1.5s', 1500],
    ['7d', 604_800_000],
    ['1w', 604_800_000],
    ['90m', 5_400_000],
    ['250us', 0.25],
    ['1ns', 1e-6],
    ['0', 0],
  ])('%s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['50', 'ms', '5 minutes', '-1s', '1M', '1e3ms'])('refuses %j and says what was expected', (text) => {
    expect(() => parseDuration(text)).toThrow(/expected a duration such as 50ms/);
  });

  test.each([
    [0, '0ms'],
    [50, '50ms'],
    [0.25, '250us'],
    [1500, '1.5s'],
    [59_999, '1m'],
    [7_200_000, '2h'],
    [604_800_000, '1w'],
    [1234, '1.23s'],
  ])('%d ms prints as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('rates', () => {
  test('are sizes per second', () => {
    expect([parseRate('20MB/s'), parseRate('1 MiB / s')]).toEqual([20_000_000, 1_048_576]);
    expect(formatRate(20_000_000)).toBe('20MB/s');
  });

  test.each(['20MB', '20MB/h', '/s', '5/'])('refuses %j and says what was expected', (text) => {
    expect(() => parseRate(text)).toThrow(/expected a rate such as 20MB\/s/);
  });
});
