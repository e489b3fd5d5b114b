import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replay } from '../../sim/replay/replay.ts';
import { hasTraces, skipWithoutTraces, tracePath } from '../require-or-skip.ts';

/** Five million accesses take too long for the quick set; `npm run bench` and the determinism suite replay them. */
const LEFT_OUT = 'kv_orm_busy';

interface PeerRow {
  readonly trace: string;
  readonly requests: number;
  readonly segments: number;
  readonly fraction: number;
  readonly size: number;
  readonly misses: number;
}

function lruRows(): PeerRow[] {
  if (!hasTraces) return [];
  return readFileSync(tracePath('../peers.tsv'), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [trace = '', requests, segments, fraction, size, eviction, prefetcher, , misses] = line.split('\t');
      if (eviction !== 'lru' || prefetcher !== '-' || trace === LEFT_OUT) return [];
      const numbers = { requests, segments, fraction, size, misses };
      return [{ trace, ...Object.fromEntries(Object.entries(numbers).map(([key, text]) => [key, Number(text)])) }];
    }) as PeerRow[];
}

const skip = skipWithoutTraces();
const traces = [...new Set(lruRows().map((row) => row.trace))];

describe('replay of the real traces', () => {
  test.skipIf(skip)('there are peers to agree with', () => expect(traces.length).toBeGreaterThanOrEqual(10));

  test.skipIf(skip).each(traces.length === 0 ? ['no traces'] : traces)(
    `%s: LRU at 1 %% and 10 %% has exactly the peers’ misses${skip ? ' (skipped: ../shared/traces is absent)' : ''}`,
    async (trace) => {
      const rows = lruRows().filter((row) => row.trace === trace);
      const { result } = await replay({
        traces: [tracePath(`${trace}.csv.gz`)],
        cache: rows.map((row) => row.fraction).join(','),
        evict: ['lru'],
        prefetch: ['none'],
        unit: 'segments',
        latency: '0',
      });
      const found = result.runs.map(({ accesses, segments, cache, misses }) => ({ accesses, segments, cache, misses }));
      expect(found).toEqual(
        rows.map((row) => ({
          accesses: row.requests,
          segments: row.segments,
          cache: { unit: 'segments', size: row.size, fraction: row.fraction },
          misses: row.misses,
        })),
      );
    },
  );
});
