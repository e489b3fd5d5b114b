import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EvictionName, evictionNames, type Future } from '../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import { Xoshiro128 } from '../../engine/random.ts';
import { evictionModels } from './eviction-models.ts';

type Step =
  | { readonly kind: 'access' | 'admit'; readonly segment: number; readonly size: number }
  | { readonly kind: 'remove'; readonly segment: number }
  | { readonly kind: 'resize'; readonly capacity: number };

interface Script {
  readonly capacity: number;
  readonly steps: readonly Step[];
}

/** Few segments and a tight cache, so that everything happens often; small segments are more popular. */
function scripts(sizes: fc.Arbitrary<number>, capacities: fc.Arbitrary<number>): fc.Arbitrary<Script> {
  const segment = fc.oneof(fc.nat(4), fc.nat(30));
  const access = fc.record({ kind: fc.constant('access' as const), segment, size: sizes });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 30, arbitrary: access },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('admit' as const), segment, size: sizes }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), segment }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('resize' as const), capacity: capacities }) },
  );
  return fc.record({
    capacity: capacities.filter((capacity) => capacity >= 1),
    steps: fc.array(step, { maxLength: 400, size: 'max' }),
  });
}

const scriptsByUnit = {
  segments: scripts(fc.constant(1), fc.oneof(fc.nat(6), fc.nat(25))),
  bytes: scripts(
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 60 })),
    fc.oneof(fc.nat(40), fc.nat(500)),
  ),
} as const;
const unitNames = ['segments', 'bytes'] as const;

/** The future of a script: position of each segment's next access strictly after the current one, kept true by `advance`. */
function futureOf(steps: readonly Step[]): Future & { advance(): void } {
  const accesses = steps.flatMap((step) => (step.kind === 'access' ? [step.segment] : []));
  let position = -1;
  return {
    advance: () => position++,
    nextOf: (segment) => {
      const next = accesses.indexOf(segment, position + 1);
      return next < 0 ? Number.POSITIVE_INFINITY : next;
    },
  };
}

function run(name: EvictionName, script: Script): void {
  const future = futureOf(script.steps);
  const evicted: number[] = [];
  const evictedByModel: number[] = [];
  const eviction = createEviction(name, {
    capacity: script.capacity,
    segmentCountHint: 2,
    future,
    onEvict: (segment) => evicted.push(segment),
  });
  const model = evictionModels[name]({
    capacity: script.capacity,
    future,
    onEvict: (segment) => evictedByModel.push(segment),
  });
  for (const step of script.steps) {
    if (step.kind === 'resize') {
      eviction.resize(step.capacity);
      model.resize(step.capacity);
    } else if (step.kind === 'remove') {
      expect(eviction.remove(step.segment)).toBe(model.remove(step.segment));
    } else {
      if (step.kind === 'access') future.advance();
      expect(eviction[step.kind](step.segment, step.size)).toBe(model[step.kind](step.segment, step.size));
    }
    const residents = model.residents();
    expect(evicted).toEqual(evictedByModel);
    expect(eviction.count).toBe(residents.length);
    expect(eviction.used).toBe(residents.reduce((sum, entry) => sum + entry.size, 0));
    for (const { id } of residents) expect(eviction.has(id)).toBe(true);
    evicted.length = 0;
    evictedByModel.length = 0;
  }
}

/** Accesses by popularity with a slow drift and a scan now and then, beyond what a shrinkable script reaches. */
function longScript(seed: number, capacity: number, sizeMax: number): Script {
  const random = new Xoshiro128(seed);
  const steps: Step[] = [];
  let scan = 0;
  for (let i = 0; i < 4000; i++) {
    const isScan = i % 1000 > 850;
    const popular = Math.floor(random.next() * random.next() * random.next() * 500) + Math.floor(i / 50);
    const segment = isScan ? 1000 + (scan++ % 400) : popular;
    const size = sizeMax === 1 ? 1 : 1 + ((segment * 7919) % sizeMax);
    const chance = random.next();
    if (chance < 0.9) steps.push({ kind: 'access', segment, size });
    else if (chance < 0.95)
      steps.push({ kind: 'admit', segment: segment + 1, size: sizeMax === 1 ? 1 : 1 + random.int(sizeMax) });
    else if (chance < 0.96) steps.push({ kind: 'remove', segment });
    else steps.push({ kind: 'resize', capacity: capacity + random.int(5) - 2 });
  }
  return { capacity, steps };
}

describe('an eviction equals its naive model', () => {
  for (const name of evictionNames) {
    for (const unit of unitNames) {
      test(`${name}, sizes in ${unit}, with admissions, removals and resizing mixed in`, () => {
        fc.assert(
          fc.property(scriptsByUnit[unit], (script) => run(name, script)),
          { numRuns: 150 },
        );
      });
    }
    test(`${name} over thousands of accesses in a cache of a hundred and more`, () => {
      run(name, longScript(1, 120, 1));
      run(name, longScript(2, 230, 1));
      run(name, longScript(3, 2500, 50));
    });
  }
});

describe('every eviction keeps its books', () => {
  for (const name of evictionNames) {
    for (const unit of unitNames) {
      test(`${name}, sizes in ${unit}: admitted = resident + evicted + removed, and never over its capacity`, () => {
        fc.assert(
          fc.property(scriptsByUnit[unit], (script) => {
            const future = futureOf(script.steps);
            const resident = new Map<number, number>();
            let evictedCount = 0;
            const eviction = createEviction(name, {
              capacity: script.capacity,
              future,
              onEvict: (segment) => {
                // Exactly once for each departure, and gone by then.
                expect(resident.delete(segment)).toBe(true);
                expect(eviction.has(segment)).toBe(false);
                evictedCount++;
              },
            });
            let admittedCount = 0;
            let removedCount = 0;
            for (const step of script.steps) {
              if (step.kind === 'resize') {
                eviction.resize(step.capacity);
                expect(eviction.capacity).toBe(step.capacity);
              } else {
                expect(eviction.has(step.segment)).toBe(resident.has(step.segment));
                if (step.kind === 'remove') {
                  expect(eviction.remove(step.segment)).toBe(resident.delete(step.segment));
                  removedCount = admittedCount - evictedCount - resident.size;
                } else {
                  if (step.kind === 'access') future.advance();
                  const wasResident = resident.has(step.segment);
                  const isAdmitted = !wasResident && step.size <= eviction.capacity;
                  const answer = eviction[step.kind](step.segment, step.size);
                  expect(answer).toBe(step.kind === 'access' ? wasResident : isAdmitted);
                  if (isAdmitted) {
                    resident.set(step.segment, step.size);
                    admittedCount++;
                  }
                  expect(eviction.has(step.segment)).toBe(resident.has(step.segment));
                }
              }
              expect(eviction.used).toBeLessThanOrEqual(eviction.capacity);
              expect(eviction.count).toBe(resident.size);
              expect(eviction.used).toBe([...resident.values()].reduce((sum, size) => sum + size, 0));
            }
            expect(admittedCount).toBe(eviction.count + evictedCount + removedCount);
          }),
          { numRuns: 100 },
        );
      });
    }
  }
});

test('belady never misses more than any other eviction with unit sizes', () => {
  const missesOf = (name: EvictionName, capacity: number, segments: readonly number[]): number => {
    const future = futureOf(segments.map((segment) => ({ kind: 'access', segment, size: 1 })));
    const eviction = createEviction(name, { capacity, future });
    let misses = 0;
    for (const segment of segments) {
      future.advance();
      if (!eviction.access(segment, 1)) misses++;
    }
    return misses;
  };
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.oneof(fc.nat(6), fc.nat(40)), { maxLength: 300, size: 'max' }),
      (capacity, segments) => {
        const bound = missesOf('belady', capacity, segments);
        for (const name of evictionNames) expect(missesOf(name, capacity, segments)).toBeGreaterThanOrEqual(bound);
      },
    ),
    { numRuns: 150 },
  );
});
