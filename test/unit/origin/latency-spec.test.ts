import { describe, expect, test } from 'vitest';
import { defaultLatency, parseLatencySpec } from '../../../actors/origin/latency-spec.ts';
import { AnteroomError } from '../../../engine/errors.ts';

const time = (firstByteMs: number, sigma = 0, bytesPerSecond = Infinity, concurrency = Infinity) => ({
  kind: 'time',
  firstByteMs,
  sigma,
  bytesPerSecond,
  concurrency,
});

describe('parseLatencySpec', () => {
  test.each([
    ['0', { kind: 'instant' }],
    ['0req', { kind: 'instant' }],
    ['4req', { kind: 'requests', requests: 4 }],
    ['50ms', time(50)],
    ['1.5s', time(1500)],
    ['250us', time(0.25)],
    ['50ms@20MB/s', time(50, 0, 20e6)],
    ['50ms@1MiB/s', time(50, 0, 2 ** 20)],
    ['50ms@20MB/sx32', time(50, 0, 20e6, 32)],
    ['50msx8', time(50, 0, Infinity, 8)],
    ['lognormal:50ms:0.5', time(50, 0.5)],
    ['lognormal:50ms:0.5@20MB/sx32', time(50, 0.5, 20e6, 32)],
  ])('%s', (text, expected) => {
    expect(parseLatencySpec(text)).toEqual(expected);
  });

  test.each([
    '',
    '50',
    '-4req',
    '4.5req',
    'req',
    '50 ms',
    '50ms@20',
    '50ms@20MB',
    '50ms@0MB/s',
    '50ms@20MB/sx0',
    '50ms@20MB/sx1.5',
    'lognormal:50ms',
    '50ms:0.5',
    'normal:50ms:0.5',
    '50msx',
    '1e3ms',
    '50msx00',
    '50msx65537',
    '50msx4294967296',
    'lognormal:50ms:11',
  ])('refuses "%s" and names it', (text) => {
    const refused = expect.objectContaining({ code: 'bad-usage', message: expect.stringContaining(`"${text}"`) });
    expect(() => parseLatencySpec(text)).toThrow(AnteroomError);
    expect(() => parseLatencySpec(text)).toThrow(refused);
  });

  test('the defaults are specs', () => {
    expect(parseLatencySpec(defaultLatency(true))).toEqual(time(50, 0, 100e6, 32));
    expect(parseLatencySpec(defaultLatency(false))).toEqual({ kind: 'requests', requests: 8 });
  });
});
