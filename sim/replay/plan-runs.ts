/** Which runs a replay makes: every combination asked for, with its baselines and the reference. */

import { type EvictionName, evictionNames } from '../../actors/cache-manager/eviction.ts';
import { AnteroomError } from '../../engine/errors.ts';
import type { CacheSize } from './cache-size.ts';

/** Prefetchers that keep a traffic bound. */
const BOUNDED: ReadonlySet<string> = new Set(['anteroom']);

/** One run to make. */
export interface PlannedRun {
  readonly cache: CacheSize;
  /** As asked for. */
  readonly evict: string;
  readonly eviction: EvictionName;
  /** `none`, `anteroom`, or a baseline with its settings. */
  readonly prefetch: string;
  /** Null = no bound asked for. */
  readonly trafficMax: number | null;
  /** False for a reference that was added only to be compared with. */
  readonly isAsked: boolean;
}

/**
 * Plans the runs of one trace: for each cache size and eviction the baseline, then the prefetchers, each bounded one once for
 * each bound; LRU without prefetching is always among them.
 */
export function planRuns(
  sizes: readonly CacheSize[],
  evictions: readonly string[],
  prefetchers: readonly string[],
  trafficMaxes: readonly (number | null)[],
): readonly PlannedRun[] {
  const runs: PlannedRun[] = [];
  for (const cache of sizes) {
    const hasLru = evictions.some((evict) => evictionOf(evict) === 'lru');
    if (!hasLru) {
      runs.push({ cache, evict: 'lru', eviction: 'lru', prefetch: 'none', trafficMax: null, isAsked: false });
    }
    for (const evict of evictions) {
      const eviction = evictionOf(evict);
      runs.push({ cache, evict, eviction, prefetch: 'none', trafficMax: null, isAsked: true });
      for (const prefetch of prefetchers) {
        if (prefetch === 'none') continue;
        for (const trafficMax of BOUNDED.has(prefetch) ? trafficMaxes : [null]) {
          runs.push({ cache, evict, eviction, prefetch, trafficMax, isAsked: true });
        }
      }
    }
  }
  return runs;
}

/** The policy behind an eviction's name. @throws AnteroomError('bad-usage') for an unknown name. */
export function evictionOf(evict: string): EvictionName {
  const name = evictionNames.find((known) => known === evict);
  if (name === undefined) {
    throw new AnteroomError('bad-usage', `--evict: expected one of ${evictionNames.join(', ')}, found "${evict}"`);
  }
  return name;
}

/** Parses `--traffic-max`: ratios of at least 1, or `none`. */
export function parseTrafficMaxes(text: string): readonly (number | null)[] {
  return text.split(',').map((entry) => {
    if (entry === 'none') return null;
    const ratio = /^\d+(\.\d+)?$/.test(entry) ? Number(entry) : Number.NaN;
    if (!(ratio >= 1)) {
      throw new AnteroomError('bad-usage', `--traffic-max: expected ratios of at least 1, or none, found "${entry}"`);
    }
    return ratio;
  });
}
