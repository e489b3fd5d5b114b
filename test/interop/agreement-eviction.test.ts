import { describe, expect, test } from 'vitest';
import type { EvictionName } from '../../actors/cache-manager/eviction.ts';
import { createEviction } from '../../actors/cache-manager/evictions/create-eviction.ts';
import {
  isSharedPresent,
  readCsvNumbers,
  readCsvSegments,
  readOracleGeneral,
  readPeerCells,
  readVscsi,
  type SizedTrace,
} from './agreement-eviction-traces.ts';
import { peerWTinyLfuMisses } from './agreement-w-tinylfu-peer.ts';

if (!isSharedPresent) console.warn('skipped: agreement of evictions with published misses; ../shared is absent');
const describeShared = describe.skipIf(!isSharedPresent);

const mebibyte = 1024 * 1024;

/** Misses of `name` on a trace, told its future. */
function missesOf(name: EvictionName, capacity: number, { segments, sizes }: SizedTrace): number {
  const nextAt = new Float64Array(segments.length);
  if (name === 'belady') {
    const seenAt = new Map<number, number>();
    for (let i = segments.length - 1; i >= 0; i--) {
      nextAt[i] = seenAt.get(segments[i]) ?? Number.POSITIVE_INFINITY;
      seenAt.set(segments[i], i);
    }
  }
  let position = 0;
  // Without prefetches belady only ever asks about the segment being accessed.
  const eviction = createEviction(name, { capacity, future: { nextOf: () => nextAt[position] } });
  let missCount = 0;
  for (position = 0; position < segments.length; position++) {
    if (!eviction.access(segments[position], sizes[position])) missCount++;
  }
  return missCount;
}

function unitSizes(segments: Int32Array): SizedTrace {
  return { segments, sizes: new Float64Array(segments.length).fill(1) };
}

describeShared('on cloudPhysicsIO with caches of 128 to 1024 MiB (skipped without ../shared)', () => {
  const published: Partial<Record<EvictionName, readonly number[]>> = {
    lru: [93374, 89783, 83572, 81722, 72494, 72104, 71972, 71704],
    belady: [79256, 70724, 65481, 61594, 59645, 57599, 50873, 48974],
    's3-fifo': [89307, 82387, 77041, 76791, 71300, 70343, 70455, 70355],
    lirs: [89819, 79237, 73143, 70363, 68405, 64494, 58640, 53924],
  };
  const measured = (name: EvictionName): number[] => {
    const trace = readOracleGeneral();
    return published[name]!.map((_, i) => missesOf(name, (i + 1) * 128 * mebibyte, trace));
  };

  test.each(['lru', 'belady'] as const)('%s misses exactly as published', (name) => {
    expect(measured(name)).toEqual(published[name]);
  });

  test.each(['s3-fifo', 'lirs'] as const)('%s misses within 2 % of what is published', (name) => {
    const misses = measured(name);
    for (const [i, expected] of published[name]!.entries()) {
      expect(Math.abs(misses[i] / expected - 1)).toBeLessThanOrEqual(0.02);
    }
  });

  test('lru with the true sizes of the VSCSI file misses exactly as published', () => {
    const trace = readVscsi();
    expect([128, 512, 1024].map((size) => missesOf('lru', size * mebibyte, trace))).toEqual([93151, 81609, 71702]);
  });
});

describeShared('on every trace of peers.tsv, unit sizes (skipped without ../shared)', () => {
  const ours: Readonly<Record<string, EvictionName>> = {
    lru: 'lru',
    s3fifo: 's3-fifo',
    sieve: 'sieve',
    arc: 'arc',
    wtinylfu: 'w-tinylfu',
    lirs: 'lirs',
  };
  const cells = isSharedPresent ? readPeerCells() : [];
  const traces = isSharedPresent ? [...new Set(cells.map((cell) => cell.trace))] : ['no trace'];

  test.each(traces)('%s: lru, sieve and arc exactly, s3-fifo and lirs within two percent', (trace) => {
    const segments = unitSizes(readCsvSegments(trace));
    for (const cell of cells) {
      // A peer that missed every request broke on a tiny cache. w-tinylfu differs by design: D-064 in evictions/README.md.
      if (cell.trace !== trace || cell.missCount === cell.requestCount || cell.eviction === 'wtinylfu') continue;
      // The five million accesses of kv_orm_busy take seconds a policy: the exact ones at one size stand for the rest.
      if (trace === 'kv_orm_busy' && (cell.cacheSegments > 763 || cell.eviction === 'lirs')) continue;
      const missCount = missesOf(ours[cell.eviction], cell.cacheSegments, segments);
      const label = `${cell.eviction} at ${cell.cacheSegments}: ${missCount}, peer ${cell.missCount}`;
      if (['lru', 'sieve', 'arc'].includes(cell.eviction)) expect(missCount, label).toBe(cell.missCount);
      else expect(Math.abs(missCount / cell.missCount - 1), label).toBeLessThanOrEqual(0.02);
    }
  });

  test('w-tinylfu differs by the rules of D-064: a model of the peer misses as often, exactly where ids are its own', () => {
    for (const cell of cells) {
      const isTried = cell.eviction === 'wtinylfu' && cell.missCount !== cell.requestCount;
      // On web_nasa_day at 10 % the figure depends on how segments are numbered, and ours are permuted; kv_orm_busy takes too long.
      if (!isTried || cell.trace === 'web_nasa_day' || cell.trace === 'kv_orm_busy') continue;
      const { segments, numbers } = readCsvNumbers(cell.trace);
      const missCount = peerWTinyLfuMisses(segments, numbers, cell.cacheSegments);
      const label = `${cell.trace} at ${cell.cacheSegments}: ${missCount}, peer ${cell.missCount}`;
      if (cell.trace === 'block_arc_oltp') expect(missCount, label).toBe(cell.missCount);
      else expect(Math.abs(missCount / cell.missCount - 1), label).toBeLessThanOrEqual(0.01);
    }
  });
});
