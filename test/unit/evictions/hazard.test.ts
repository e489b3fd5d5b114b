/** Hazard: what is learned about returns, what a resident is worth by it, and who leaves. */

import { describe, expect, test } from 'vitest';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { hitDensities } from '../../../actors/cache-manager/evictions/hit-densities.ts';
import { ageCount, ageOf, ageStart } from '../../../actors/cache-manager/evictions/reuse-ages.ts';
import {
  admittedClass,
  fastGap,
  reuseClassCount,
  reuseClassOf,
  slowGap,
} from '../../../actors/cache-manager/evictions/reuse-classes.ts';
import { ReuseHazards } from '../../../actors/cache-manager/evictions/reuse-hazards.ts';
import { Xoshiro128 } from '../../../engine/random.ts';

describe('ages', () => {
  test('each half octave begins where the one before it ends', () => {
    for (let age = 0; age < 2 ** 14; age++) {
      const half = ageOf(age);
      expect(Math.max(1, age)).toBeGreaterThanOrEqual(ageStart[half]!);
      expect(Math.max(1, age)).toBeLessThan(half === 0 ? 2 : ageStart[half + 1]!);
    }
    expect(ageOf(2 ** 31)).toBe(ageCount - 1);
  });
});

describe('classes', () => {
  test('every history has one below reuseClassCount, and none is that of prefetches', () => {
    for (const uses of [1, 2, 3, 5, 255]) {
      for (const slow of [1, 3.5, 100, 1e6, 1e12]) {
        for (const fast of [1, 50, 1e12]) {
          const reuseClass = reuseClassOf(uses, slow, fast);
          expect(reuseClass).toBeGreaterThanOrEqual(0);
          expect(reuseClass).toBeLessThan(admittedClass);
        }
      }
    }
    expect(admittedClass).toBe(reuseClassCount - 1);
  });

  test('the mean of the first gaps is a plain one, later ones fade', () => {
    let mean = 0;
    for (const [i, gap] of [10, 20, 30].entries()) mean = slowGap(mean, gap, i + 1);
    expect(mean).toBeCloseTo(20);
    for (let uses = 4; uses < 200; uses++) mean = slowGap(mean, 7, Math.min(255, uses));
    expect(mean).toBeCloseTo(7, 1);
    expect(fastGap(40, 20, 9)).toBe(35);
  });
});

describe('hit densities', () => {
  test('where the hazard does not depend on age, neither does the density, and they are equal', () => {
    const density = new Float64Array(ageCount);
    hitDensities(new Float64Array(30).fill(0.01), density);
    for (const value of density) expect(value).toBeCloseTo(0.01, 6);
  });

  test('where everyone returns at one age, those nearer to it are worth more, and those past it least', () => {
    const hazard = new Float64Array(30).fill(1e-7);
    hazard[20] = 0.9;
    const density = new Float64Array(ageCount);
    hitDensities(hazard, density);
    for (let age = 4; age < 19; age++) expect(density[age + 1]).toBeGreaterThan(density[age]!);
    // One hit at 2^10, seen from 2^5: one in about a thousand accesses.
    expect(density[10]).toBeGreaterThan(1 / 1100);
    expect(density[10]).toBeLessThan(1 / 900);
    expect(density[21]).toBeLessThan(1e-6);
  });

  test('equal the best of all horizons tried one by one, a step at a time', () => {
    const random = new Xoshiro128(5);
    const ages = 14;
    const hazard = Float64Array.from({ length: ages }, () => 0.001 + random.next() ** 4);
    const density = new Float64Array(ageCount);
    hitDensities(hazard, density);
    const steps = 200;
    for (let age = 0; age < ages; age++) {
      let [survival, hits, time, best] = [1, 0, 0, 0];
      for (let at = age; at < ages; at++) {
        const length = ageStart[at + 1]! - ageStart[at]!;
        const part = (at === age ? length / 2 : length) / steps;
        for (let step = 0; step < steps && part > 0; step++) {
          const leaving = survival * (1 - Math.exp(-hazard[at]! * part));
          hits += leaving;
          time += (survival - leaving / 2) * part;
          survival -= leaving;
        }
        if (time > 0) best = Math.max(best, hits / time);
      }
      expect(density[age]! / best).toBeGreaterThan(0.99);
      expect(density[age]! / best).toBeLessThan(1.01);
    }
  });
});

describe('what is learned', () => {
  test('inspecting segments in turn finds the hazard that they have', () => {
    // 500 segments, each accessed with the same chance at every access: hazard 1/500 at any age.
    const random = new Xoshiro128(9);
    const hazards = new ReuseHazards();
    const since = new Float64Array(500);
    let next = 0;
    for (let now = 1; now <= 200_000; now++) {
      const segment = random.int(500);
      for (let i = 0; i < 4; i++) {
        if (next !== segment) hazards.exposed(3, now - since[next]!, 500 / 4);
        next = (next + 1) % 500;
      }
      hazards.returned(3, now - since[segment]!);
      since[segment] = now;
    }
    hazards.update(1, 1e9);
    for (const age of [8, 12, 16, 18]) {
      expect(hazards.densityOf(3, age) * 500).toBeGreaterThan(0.9);
      expect(hazards.densityOf(3, age) * 500).toBeLessThan(1.1);
    }
  });

  test('what was learned long ago gives way', () => {
    const hazards = new ReuseHazards();
    const tell = (isReturning: boolean) => {
      for (let i = 0; i < 1000; i++) {
        hazards.exposed(5, 10, 10);
        if (isReturning) hazards.returned(5, 10);
      }
      hazards.update(1000, 1000);
    };
    for (let i = 0; i < 5; i++) tell(true);
    const before = hazards.densityOf(5, ageOf(10));
    for (let i = 0; i < 12; i++) tell(false);
    expect(hazards.densityOf(5, ageOf(10))).toBeLessThan(before / 100);
  });
});

/** Misses of a policy over the second half of a sequence. */
function misses(name: 'hazard' | 'lru' | 's3-fifo', capacity: number, sequence: readonly number[]): number {
  const eviction = createEviction(name, { capacity });
  let count = 0;
  for (const [i, segment] of sequence.entries()) {
    const isHit = eviction.access(segment, 1);
    if (!isHit && i >= sequence.length / 2) count++;
  }
  return count;
}

describe('who leaves', () => {
  test('of a loop larger than the cache, nearly as much stays as could', () => {
    const loop = Array.from({ length: 40_000 }, (_, i) => i % 200);
    // The best that can be: all but 101 of 200 accesses hit.
    expect(misses('hazard', 100, loop)).toBeLessThan(20_000 * 0.62);
    expect(misses('lru', 100, loop)).toBe(20_000);
  });

  test('of independent accesses, the most popular stay: within 4 % of the misses of who knows their chances', () => {
    const random = new Xoshiro128(2);
    const weights = Array.from({ length: 1000 }, (_, i) => 1 / (i + 1));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const draw = (): number => {
      let left = random.next() * total;
      let i = 0;
      while (i < 999 && left >= weights[i]!) left -= weights[i++]!;
      return i;
    };
    const sequence = Array.from({ length: 120_000 }, draw);
    // Of who may pass by a segment, too: the 50 most popular are held for good.
    const ideal = (60_000 * weights.slice(50).reduce((sum, weight) => sum + weight, 0)) / total;
    expect(misses('hazard', 50, sequence)).toBeLessThan(ideal * 1.04);
    expect(misses('lru', 50, sequence)).toBeGreaterThan(ideal * 1.2);
  });

  test('a prefetch that is not used in time leaves before what is in constant use', () => {
    const eviction = createEviction('hazard', { capacity: 20 });
    let fresh = 1000;
    for (let round = 0; round < 400; round++) {
      for (let segment = 0; segment < 10; segment++) eviction.access(segment, 1);
      eviction.admit(fresh++, 1);
    }
    for (let i = 0; i < 50; i++) eviction.admit(fresh++, 1);
    const hot = Array.from({ length: 10 }, (_, segment) => eviction.has(segment)).filter(Boolean).length;
    expect(hot).toBeGreaterThanOrEqual(9);
  });
});
