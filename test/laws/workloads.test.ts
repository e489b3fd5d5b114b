import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeParameters, workloads } from '../../sim/workloads/index.ts';
import { generatedRows } from '../unit/workloads/generated-rows.ts';

/** Small enough to be quick, large enough that every parameter shows. */
const SMALL: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'zipf-drift': { accesses: 5000, segments: 300 },
  diurnal: { consumers: 20, days: 2, segments: 400 },
  weekly: { consumers: 10, days: 7, segments: 1500 },
  chains: { accesses: 5000, segments: 200 },
  scans: { accesses: 5000, scanLength: 50 },
  'flash-crowd': { hours: 4, segments: 300, crowds: 2 },
  uniform: { accesses: 3000, segments: 100 },
  'one-hit': { accesses: 3000 },
};

/** Parameters that a workload says it ignores. */
const IGNORED = new Set(['one-hit segments']);

const names = workloads.map((workload) => workload.name);

test('every workload is tried here', () => {
  expect(Object.keys(SMALL).sort()).toEqual([...names].sort());
});

describe.each(names)('%s', (name) => {
  const small = SMALL[name]!;
  const seeds = fc.integer({ min: 0, max: 2 ** 32 });

  test('the same seed gives the same rows, whatever the batch size; another seed others', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 3000 }), (seed, rowsMax) => {
        const rows = generatedRows(name, small, seed);
        expect(generatedRows(name, small, seed, rowsMax)).toEqual(rows);
        expect(generatedRows(name, small, seed + 1)).not.toEqual(rows);
      }),
      { numRuns: 4 },
    );
  });

  test('times never decrease, and sizes belong to segments', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const sizes = new Map<string, number>();
        let last = Number.NEGATIVE_INFINITY;
        for (const { timeMs, segment, size } of generatedRows(name, small, seed)) {
          expect(timeMs).toBeGreaterThanOrEqual(last);
          expect(size).toBe(sizes.get(segment) ?? size);
          expect(size).toBeGreaterThan(0);
          sizes.set(segment, size);
          last = timeMs;
        }
      }),
      { numRuns: 4 },
    );
  });

  const workload = workloads.find((candidate) => candidate.name === name)!;
  const parameters = describeParameters(workload);

  test.each(parameters.map((p) => [p.name, p.default as number] as const))('%s acts', (parameter, byDefault) => {
    const current = small[parameter] ?? byDefault;
    // Half of it is allowed everywhere; a share of nothing, or a whole number of one, becomes something else.
    const changed = current === 0 ? 1 : Number.isInteger(current) ? Math.max(1, Math.floor(current / 2)) : current / 2;
    const isIgnored = IGNORED.has(`${name} ${parameter}`) || (name === 'diurnal' && parameter === 'weekend');
    const rows = generatedRows(name, small, 1);
    const other = generatedRows(name, { ...small, [parameter]: changed }, 1);
    if (isIgnored) expect(other).toEqual(rows);
    else expect(other).not.toEqual(rows);
  });
});
