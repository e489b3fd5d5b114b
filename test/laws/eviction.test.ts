import fc from 'fast-check';
import { describe, test } from 'vitest';
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

/** A cheap `expect`: the laws compare millions of values. */
function same(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)}, expected ${String(expected)}`);
}

/** The future of a script: position of each segment's next access strictly after the current one, kept true by `advance`. */
function futureOf(steps: readonly Step[]): Future & { advance(): void } {
  const positions = new Map<number, number[]>();
  let length = 0;
  for (const step of steps) {
    if (step.kind !== 'access') continue;
    const known = positions.get(step.segment);
    if (known === undefined) positions.set(step.segment, [length]);
    else known.push(length);
    length++;
  }
  let position = -1;
  return {
    advance: () => position++,
    nextOf: (segment) => {
      const ahead = positions.get(segment) ?? [];
      while (ahead.length > 0 && ahead[0] <= position) ahead.shift();
      return ahead[0] ?? Number.POSITIVE_INFINITY;
    },
  };
}

function run(name: EvictionName, script: Script, unit: 'segments' | 'bytes' = 'segments'): void {
  const future = futureOf(script.steps);
  const evicted: number[] = [];
  const evictedByModel: number[] = [];
  const eviction = createEviction(name, {
    capacity: script.capacity,
    segmentCountHint: 2,
    unit,
    future,
    onEvict: (segment) => evicted.push(segment),
  });
  const model = evictionModels[name]({
    capacity: script.capacity,
    unit,
    future,
    onEvict: (segment) => evictedByModel.push(segment),
  });
  for (const step of script.steps) {
    if (step.kind === 'resize') {
      eviction.resize(step.capacity);
      model.resize(step.capacity);
    } else if (step.kind === 'remove') {
      same(eviction.remove(step.segment), model.remove(step.segment), 'remove');
    } else {
      if (step.kind === 'access') future.advance();
      const answer = eviction[step.kind](step.segment, step.size);
      same(answer, model[step.kind](step.segment, step.size), step.kind);
    }
    const residents = model.residents();
    same(evicted.join(), evictedByModel.join(), 'evicted');
    same(eviction.count, residents.length, 'count');
    same(
      eviction.used,
      residents.reduce((sum, entry) => sum + entry.size, 0),
      'used',
    );
    for (const { id } of residents) same(eviction.has(id), true, `has ${id}`);
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
          fc.property(scriptsByUnit[unit], (script) => run(name, script, unit)),
          { numRuns: 100 },
        );
      });
    }
    test(`${name} over thousands of accesses in a cache of a hundred and more`, () => {
      run(name, longScript(1, 120, 1));
      run(name, longScript(2, 230, 1));
      run(name, longScript(3, 2500, 50), 'bytes');
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
                same(resident.delete(segment), true, 'it was resident when it left');
                same(eviction.has(segment), false, 'has, once evicted');
                evictedCount++;
              },
            });
            let admittedCount = 0;
            let removedCount = 0;
            for (const step of script.steps) {
              if (step.kind === 'resize') {
                eviction.resize(step.capacity);
                same(eviction.capacity, step.capacity, 'capacity');
              } else {
                same(eviction.has(step.segment), resident.has(step.segment), 'has');
                if (step.kind === 'remove') {
                  const wasResident = resident.delete(step.segment);
                  same(eviction.remove(step.segment), wasResident, 'remove');
                  if (wasResident) removedCount++;
                } else {
                  if (step.kind === 'access') future.advance();
                  const wasResident = resident.has(step.segment);
                  const isAdmitted = !wasResident && step.size <= eviction.capacity;
                  const answer = eviction[step.kind](step.segment, step.size);
                  same(answer, step.kind === 'access' ? wasResident : isAdmitted, 'answer');
                  if (isAdmitted) {
                    resident.set(step.segment, step.size);
                    admittedCount++;
                  }
                  same(eviction.has(step.segment), resident.has(step.segment), 'has');
                }
              }
              same(eviction.used <= eviction.capacity, true, 'used <= capacity');
              same(eviction.count, resident.size, 'count');
              same(
                eviction.used,
                [...resident.values()].reduce((sum, size) => sum + size, 0),
                'used',
              );
            }
            same(admittedCount, eviction.count + evictedCount + removedCount, 'admitted');
          }),
          { numRuns: 50 },
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
        for (const name of evictionNames) same(missesOf(name, capacity, segments) >= bound, true, name);
      },
    ),
    { numRuns: 100 },
  );
});
