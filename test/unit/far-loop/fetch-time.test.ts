import { describe, expect, test } from 'vitest';
import { FetchTime } from '../../../actors/prefetch-scheduler/fetch-time.ts';
import { TokenBucket } from '../../../actors/prefetch-scheduler/token-bucket.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

const settings = { firstByteMs: 50, bytesPerSecond: 100e6, measuredFetches: 64 };

describe('fetch time', () => {
  test('starts from the configured guess', () => {
    const time = new FetchTime(settings);
    expect(time.expected(0)).toBeCloseTo(50, 6);
    expect(time.expected(10e6)).toBeCloseTo(150, 6);
  });

  test('learns first byte and bandwidth from noisy fetches', () => {
    const random = new Xoshiro128(1);
    const time = new FetchTime(settings);
    for (let i = 0; i < 2000; i++) {
      const bytes = random.int(5e6);
      time.observe(bytes, 20 + bytes / 10_000 + 10 * random.next());
    }
    expect(Math.abs(time.expected(0) - 25)).toBeLessThan(3);
    expect(Math.abs(time.expected(4e6) - 425)).toBeLessThan(5);
    expect(time.sufficient(1e6, 3)).toBeGreaterThan(time.expected(1e6) + 5);
  });

  test('stays sane where all fetches have one size, or larger ones are faster', () => {
    const same = new FetchTime(settings);
    for (let i = 0; i < 2000; i++) same.observe(1000, 30);
    expect(same.expected(1000)).toBeCloseTo(30, 1);
    const odd = new FetchTime(settings);
    for (let i = 0; i < 2000; i++) odd.observe(1000 * (i % 10), 100 - (i % 10));
    for (const bytes of [0, 1e3, 1e6]) {
      expect(odd.expected(bytes)).toBeGreaterThan(0);
      expect(Number.isFinite(odd.expected(bytes))).toBe(true);
    }
  });
});

describe('token bucket', () => {
  test('saves no more than a burst', () => {
    const bucket = new TokenBucket(2, 10);
    expect(bucket.has(1)).toBe(false);
    bucket.fill(3);
    expect(bucket.tokens).toBe(6);
    bucket.fill(100);
    expect(bucket.tokens).toBe(20);
    bucket.spend(15);
    expect(bucket.has(6)).toBe(false);
  });
});
