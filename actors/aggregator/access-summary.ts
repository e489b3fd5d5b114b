/** What one producer knows of its accesses at one moment, and how such summaries merge. */

import { assert } from '../../engine/assert.ts';

/**
 * An immutable state of one producer's access map.
 *
 * `frequency` is scaled so that it is the decayed frequency at `landmark`; multiply by 2^-((t - landmark) / halfLife) for
 * the one at `t`. Summaries of several producers must speak of segments by the same ids.
 */
export interface AccessSummary {
  readonly producer: string;
  /** Grows with every summary of the producer, across its restarts too: the higher one knows all that the lower one knew. */
  readonly version: number;
  readonly halfLife: number;
  readonly landmark: number;
  /** Latest instant that the producer has seen; -Infinity before its first access. */
  readonly instant: number;
  readonly usesTime: boolean | null;
  readonly accessCount: number;
  readonly weightTotal: number;
  readonly replacedCount: number;
  readonly segment: Uint32Array;
  readonly count: Float64Array;
  readonly bytes: Float64Array;
  readonly last: Float64Array;
  readonly frequency: Float64Array;
  /** By how much `frequency` may be too high, on the same scale. */
  readonly frequencyError: Float64Array;
  /** 64-bit linear-counting sketch of consumers, as two words a segment. */
  readonly consumerBits: Uint32Array;
  /** Weight by hour of the week, 168 hours from Monday 00:00 in the producer's zone; zeros where a trace has no time. */
  readonly hourOfWeek: Float64Array;
}

/** Summaries of several producers, the newest of each, by producer. */
export type SummarySet = ReadonlyMap<string, AccessSummary>;

/**
 * The join of two sets: of each producer the summary with the higher version.
 *
 * A maximum is commutative, associative and idempotent, so summaries may arrive in any order, late, or twice, and each
 * access still counts once (a state-based CRDT: Shapiro et al., SSS 2011). This asks two things of a producer: that it
 * never gives one version to two states, and that accesses are not seen by two producers.
 */
export function mergeSummaries(a: SummarySet, b: SummarySet): SummarySet {
  const merged = new Map(a);
  for (const [producer, summary] of b) {
    assert(summary.producer === producer, `a summary of ${summary.producer} is filed under ${producer}`);
    const known = merged.get(producer);
    if (known === undefined || summary.version > known.version) merged.set(producer, summary);
  }
  return merged;
}
