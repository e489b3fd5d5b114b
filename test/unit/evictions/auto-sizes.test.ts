import { describe, expect, test } from 'vitest';
import type { EvictionName } from '../../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

/** Misses of a policy in a cache of `capacity` bytes; one segment in five is now whole, now a header alone, as in a log of conditional requests. */
function misses(name: EvictionName, capacity: number, seed: number): number {
  const random = new Xoshiro128(seed);
  const eviction = createEviction(name, { capacity, unit: 'bytes' });
  let count = 0;
  for (let i = 0; i < 30_000; i++) {
    const segment = Math.floor(400 * random.next() ** 2);
    const isWhole = segment % 5 === 3 && random.int(2) === 0;
    if (!eviction.access(segment, isWhole ? capacity / 10 : 20 + (segment % 7))) count++;
  }
  return count;
}

describe('auto where the size of a segment changes', () => {
  test('is not crowded out by copies that its leader holds at a smaller size', () => {
    for (const seed of [1, 2, 3]) {
      for (const capacity of [800, 2000, 4000]) {
        const best = Math.min(
          ...(['s3-fifo', 'arc', 'w-tinylfu', 'gdsf'] as const).map((name) => misses(name, capacity, seed)),
        );
        expect(misses('auto', capacity, seed)).toBeLessThan(1.3 * best);
      }
    }
  });
});
