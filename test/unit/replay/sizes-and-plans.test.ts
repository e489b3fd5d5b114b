import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { leastCacheWarning, parseCacheSizes, resolveCacheSize } from '../../../sim/replay/cache-size.ts';
import { evictionOf, parseTrafficMaxes, planRuns } from '../../../sim/replay/plan-runs.ts';

const trace = { distinctCount: 2220, footprintBytes: 1_000_000 };

function sizeOf(text: string, unit: 'segments' | 'bytes') {
  return resolveCacheSize(parseCacheSizes(text)[0]!, unit, trace);
}

describe('cache sizes', () => {
  test.each([
    ['0.01', { kind: 'fraction', fraction: 0.01 }],
    ['1.0', { kind: 'fraction', fraction: 1 }],
    ['1', { kind: 'segments', segments: 1 }],
    ['5000', { kind: 'segments', segments: 5000 }],
    ['64MiB', { kind: 'bytes', bytes: 64 * 2 ** 20 }],
    ['64MB', { kind: 'bytes', bytes: 64_000_000 }],
    ['1.5kB', { kind: 'bytes', bytes: 1500 }],
    ['512B', { kind: 'bytes', bytes: 512 }],
  ])('%s is read as what it says', (text, spec) => {
    expect(parseCacheSizes(text)).toEqual([spec]);
  });

  test.each(['', '0', '0.0', '-1', '1.5', '0.01,,0.1', '64 MiB', '64XB', '64KB', 'ten', '1e3', '0.5B', '10%'])(
    '"%s" is refused with what was expected',
    (text) => {
      expect(() => parseCacheSizes(text)).toThrow(AnteroomError);
      expect(() => parseCacheSizes(text)).toThrow(/--cache: expected a share like 0\.01/);
    },
  );

  test('1 % of five segments was a cache of ten, without a word', () => {
    const trace = { distinctCount: 5, footprintBytes: 500 };
    const warning = (text: string, unit: 'segments' | 'bytes') =>
      leastCacheWarning(
        'a.csv',
        trace.distinctCount,
        parseCacheSizes(text).map((spec) => resolveCacheSize(spec, unit, trace)),
      );
    expect(warning('0.01,0.1', 'segments')).toMatch(/^a\.csv: 1 % and 10 % of 5 segments is less than 10, .* has 10$/);
    expect(warning('0.01,0.1', 'bytes')).toBe('');
    expect(warning('3', 'segments')).toBe('');
    const hundred = { distinctCount: 100, footprintBytes: 500 };
    expect(leastCacheWarning('a.csv', 100, [resolveCacheSize(parseCacheSizes('0.1')[0]!, 'segments', hundred)])).toBe(
      '',
    );
  });

  test('a share is max(10, floor(share x distinct segments)), or of their bytes', () => {
    expect(sizeOf('0.01', 'segments')).toEqual({ unit: 'segments', size: 22, fraction: 0.01 });
    expect(sizeOf('0.001', 'segments').size).toBe(10);
    expect(sizeOf('0.1', 'bytes')).toEqual({ unit: 'bytes', size: 100_000, fraction: 0.1 });
    expect(sizeOf('0.00000001', 'bytes').size).toBe(1);
  });

  test('an absolute size has no share, and must fit the unit of the run', () => {
    expect(sizeOf('500', 'segments')).toEqual({ unit: 'segments', size: 500, fraction: null });
    expect(sizeOf('1kB', 'bytes')).toEqual({ unit: 'bytes', size: 1000, fraction: null });
    expect(() => sizeOf('500', 'bytes')).toThrow(/--unit segments/);
    expect(() => sizeOf('1kB', 'segments')).toThrow(/--unit bytes/);
    // Beyond, one unit more would be no more, and a cache that makes room for it never had any.
    expect(sizeOf('1024TiB', 'bytes').size).toBe(2 ** 50);
    expect(() => sizeOf('1025TiB', 'bytes')).toThrow(/^--cache: .* more than the 1125899906842624 that can be counted/);
  });
});

describe('planned runs', () => {
  const sizes = [sizeOf('0.01', 'segments'), sizeOf('0.1', 'segments')];
  const names = (evict: string[], prefetch: string[], bounds: (number | null)[] = [1.3]) =>
    planRuns(sizes.slice(0, 1), evict, prefetch, bounds).map(
      (run) => `${run.evict}/${run.prefetch}/${run.trafficMax}/${run.isAsked}`,
    );

  test('none is added for each eviction, and lru without prefetching once for each size', () => {
    expect(names(['sieve', 'arc'], ['anteroom'])).toEqual([
      'lru/none/null/false',
      'sieve/none/null/true',
      'sieve/anteroom/1.3/true',
      'arc/none/null/true',
      'arc/anteroom/1.3/true',
    ]);
    expect(names(['lru'], ['none'])).toEqual(['lru/none/null/true']);
    expect(planRuns(sizes, ['lru'], ['none'], [null])).toHaveLength(2);
  });

  test('each bound is a run of its own for the prefetchers that can keep one', () => {
    expect(names(['lru'], ['none', 'anteroom', 'pg'], [1.1, null])).toEqual([
      'lru/none/null/true',
      'lru/anteroom/1.1/true',
      'lru/anteroom/null/true',
      'lru/pg/null/true',
    ]);
  });

  test('a policy goes by its name, and an unknown one is refused with the list', () => {
    expect(evictionOf('auto')).toBe('auto');
    expect(evictionOf('gdsf')).toBe('gdsf');
    expect(() => evictionOf('mru')).toThrow(/--evict: expected one of auto, lru, .*found "mru"/);
  });

  test('bounds are ratios from 1 on, or none', () => {
    expect(parseTrafficMaxes('1,1.25,none')).toEqual([1, 1.25, null]);
    for (const text of ['0.9', '', '1.1,', 'NaN', '-2', '1e9x']) {
      expect(() => parseTrafficMaxes(text)).toThrow(/--traffic-max: expected ratios of at least 1/);
    }
  });
});
