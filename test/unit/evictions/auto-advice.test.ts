import { describe, expect, test } from 'vitest';
import type { Eviction } from '../../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../../actors/cache-manager/evictions/create-eviction.ts';
import { Ghost } from '../../../actors/cache-manager/ghost.ts';
import { Xoshiro128 } from '../../../engine/random.ts';
import { play } from '../cache-manager/scripted-site.ts';

const CAPACITY = 60;
const seeds = [1, 2, 3, 4, 5];

/** Loops, then what is popular, in turns of 700 accesses: who suits changes. */
function log(seed: number): Uint32Array {
  const random = new Xoshiro128(seed);
  return Uint32Array.from({ length: 20_000 }, (_, i) =>
    Math.floor(i / 700) % 2 === 0 ? 1000 + (i % 90) : Math.floor(400 * random.next() ** 3),
  );
}

function auto(onEvict?: (segment: number) => void): Eviction {
  return createEviction('auto', {
    capacity: CAPACITY,
    unit: 'segments',
    ...(onEvict === undefined ? {} : { onEvict }),
  });
}

/** How many accesses of `own` another policy leads than in a cache that is asked for `log`, by which it is advised, and how many each misses. */
function beside(log: Uint32Array, own: Uint32Array, isAdvised: boolean, disturbedEvery = Infinity) {
  const guide = auto();
  const advised = auto();
  let guidedBy = 0;
  let ledBy = 0;
  let changes = -1;
  guide.tellLeader?.((expert) => {
    guidedBy = expert;
    changes++;
    if (isAdvised) advised.advise?.(expert);
  });
  advised.tellLeader?.((expert) => {
    ledBy = expert;
  });
  let apart = 0;
  let guideMisses = 0;
  let misses = 0;
  for (let i = 0; i < log.length; i++) {
    if (!guide.access(log[i]!, 1)) guideMisses++;
    // As if one prefetch were staged for 50 accesses.
    if (i % disturbedEvery === disturbedEvery - 50) advised.resize(CAPACITY - 1);
    if (i % disturbedEvery === 0) advised.resize(CAPACITY);
    if (!advised.access(own[i]!, 1)) misses++;
    if (ledBy !== guidedBy) apart++;
  }
  return { apart, changes, guideMisses, misses };
}

describe('auto beside one that sees no prefetches', () => {
  test('undisturbed does what that does', () => {
    for (const seed of seeds) {
      const found = beside(log(seed), log(seed), true);
      expect(found.changes).toBeGreaterThan(10);
      expect(found.apart).toBe(0);
      expect(found.misses).toBe(found.guideMisses);
    }
  });

  test('keeps to its leader though a handful of prefetches turns its own evidence', () => {
    const apart = (isAdvised: boolean) =>
      seeds.reduce((sum, seed) => sum + beside(log(seed), log(seed), isAdvised, 3000).apart, 0);
    const alone = apart(false);
    expect(alone).toBeGreaterThan(100);
    expect(apart(true)).toBeLessThan(alone / 10);
  });

  test('follows its own evidence where what it is asked for is another log', () => {
    for (const seed of seeds) {
      const own = Uint32Array.from(log(seed + 10), (segment) => segment ^ 1);
      own.copyWithin(0, 700);
      const alone = beside(log(seed), own, false).misses;
      expect(beside(log(seed), own, true).misses).toBeLessThan(1.02 * alone);
    }
  });
});

describe('a site of auto', () => {
  /** Of the accesses of a site that stages one useless segment in 3,000, those at which another leads than alone. */
  function apart(seed: number, isAdvised: boolean): number {
    const rows = log(seed);
    const alone = auto();
    let aloneBy = 0;
    alone.tellLeader?.((expert) => {
      aloneBy = expert;
    });
    let count = 0;
    const made: Eviction[] = [];
    const { site } = play({
      capacity: CAPACITY,
      rows: Array.from(rows),
      script: Object.fromEntries(
        [3, 6, 9, 12, 15].map((thousands, i) => [1000 * thousands, [[5000 + i, 0.9] as const]]),
      ),
      makeEviction: (_capacity, onEvict) => {
        const eviction = auto(onEvict);
        made.push(eviction);
        if (made.length > 1) return eviction;
        if (!isAdvised) Object.defineProperty(eviction, 'advise', { value: undefined });
        let ledBy = 0;
        eviction.tellLeader?.((expert) => {
          ledBy = expert;
        });
        const access = eviction.access.bind(eviction);
        eviction.access = (segment, size) => {
          const isHit = access(segment, size);
          alone.access(segment, size);
          if (ledBy !== aloneBy) count++;
          return isHit;
        };
        return eviction;
      },
    });
    expect(site.ledger.issued).toBe(5);
    return count;
  }

  test('follows the policy that its baseline follows, though a handful of prefetches turns its own evidence', () => {
    const sum = (isAdvised: boolean) => seeds.reduce((total, seed) => total + apart(seed, isAdvised), 0);
    const alone = sum(false);
    expect(alone).toBeGreaterThan(100);
    expect(sum(true)).toBeLessThan(alone / 10);
  });
});

describe('ghost', () => {
  test('tells who leads at the same access whether it runs ahead of the demands or not', () => {
    for (const site of [null, { unitsOf: () => 1, copyUnitsOf: () => 1 }]) {
      const segments = log(1);
      const told = (rowsAhead: number): string[] => {
        const changes: string[] = [];
        let row = -1;
        const ghost = new Ghost({
          makeEviction: auto,
          site,
          segmentCountHint: 1,
          isBytes: false,
          onLead: (expert) => changes.push(`${row} ${expert}`),
        });
        for (row = 0; row < segments.length; row++) {
          if (rowsAhead > 0 && row % rowsAhead === 0)
            ghost.runAhead(segments, row, Math.min(row + rowsAhead, segments.length));
          if (!ghost.passHit()) ghost.access(segments[row]!, 1, 1);
        }
        return changes;
      };
      const oneByOne = told(0);
      expect(oneByOne.length).toBeGreaterThan(10);
      expect(told(512)).toEqual(oneByOne);
      expect(told(7)).toEqual(oneByOne);
    }
  });
});
