/** Where bounds are tight or caches tiny: what a log foretells is still fetched ahead, and a looser bound does no harm. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Xoshiro128 } from '../../engine/random.ts';
import { replay } from '../../sim/replay/replay.ts';
import type { RunResult } from '../../sim/replay/result.ts';

const folder = mkdtempSync(join(tmpdir(), 'anteroom-tight-places-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sixty documents of forty parts; one after the other, drawn at random, is read from its beginning to its end. */
const documents = join(folder, 'documents.csv');
const random = new Xoshiro128(21);
const rows = Array.from({ length: 300 }, () => random.int(60)).flatMap((document) =>
  Array.from({ length: 40 }, (_, part) => `reader,${document}/${part}`),
);
writeFileSync(documents, `consumer,object\n${rows.join('\n')}\n`);

/** Ten rounds through 5,000 objects: after the first the next one is certain. */
const rounds = join(folder, 'rounds.csv');
writeFileSync(rounds, `object\n${Array.from({ length: 50_000 }, (_, i) => `o${i % 5000}`).join('\n')}\n`);

async function engineRuns(
  cache: string,
  trafficMax: readonly number[],
  trace = documents,
  evict: readonly string[] = ['lru'],
): Promise<readonly RunResult[]> {
  const { result } = await replay({
    traces: [trace],
    unit: 'segments',
    latency: '0',
    cache,
    evict: [...evict],
    prefetch: ['anteroom'],
    trafficMax,
  });
  return result.runs.filter((run) => run.prefetch === 'anteroom');
}

describe('a log that foretells itself', () => {
  test('in a cache of two to eight segments a looser bound on traffic cost misses: what comes later pushed out what comes next', async () => {
    const runs = await engineRuns('2,4,8', [1.1, 1.3, 1.6]);
    expect(runs).toHaveLength(9);
    for (const size of [2, 4, 8]) {
      const [tight, middle, loose] = runs.filter((run) => run.cache.size === size);
      expect(middle!.misses).toBeLessThanOrEqual(1.02 * tight!.misses);
      expect(loose!.misses).toBeLessThanOrEqual(1.02 * middle!.misses);
      expect(loose!.misses).toBeLessThan(0.5 * loose!.baselineMisses);
    }
  });

  test('at a bound of 1 nothing was fetched ahead on lru, since what is granted lay below the reserve', async () => {
    for (const run of await engineRuns('2,4,8', [1])) {
      expect(run.misses).toBeLessThan(0.85 * run.baselineMisses);
      expect(run.trafficBreaches).toBe(0);
    }
  });

  test('at a bound of 1 a round was hardly fetched ahead where the eviction adapts: what was lent once counted as spent for 33,000 accesses', async () => {
    const runs = await engineRuns('1000', [1], rounds, ['lru', 'auto']);
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      // The first round cannot be known, and one prefetch in a hundred is withheld.
      expect(run.misses).toBeLessThan(0.12 * run.accesses);
      expect(run.trafficBreaches).toBe(0);
    }
  });
});
