/** From what two runs of one log cost, block by block, to what the one saves against the other, with intervals. */

import { type Prices, priceOfSpace, priceOfTransfer, valueOfTime } from '../../actors/prices.ts';
import type { RandomSource } from '../../engine/random.ts';
import { blockLengthOf, bootstrapIntervals, type Interval, type Level } from './block-bootstrap.ts';
import { Cost, costColumns } from './block-recorder.ts';
import type { Effect } from './proof.ts';

/** What a saving is worth. */
export interface Valuation {
  readonly prices: Prices;
  readonly latencyUnit: 'ms' | 'requests';
  /** What an avoided miss is worth where waits have no milliseconds. */
  readonly missPenaltyMs: number;
  readonly hasWaits: boolean;
  readonly hasBytes: boolean;
}

export interface IntervalOptions {
  readonly level: Level;
  readonly resamples: number;
  readonly random: RandomSource;
}

/** Columns of a pair of runs: both costs, then the net benefit. */
const BENEFIT = 2 * costColumns;
const pairColumns = BENEFIT + 1;
const MILLION = 1e6;

/**
 * The effect of `changed` against `base` over blocks [from, to). Both replayed the same accesses, so each block is a pair and what
 * the blocks have in common (a busy hour, a new release) cancels in the difference; what is resampled are pairs.
 */
export function effectOf(
  base: Float64Array,
  changed: Float64Array,
  from: number,
  to: number,
  valuation: Valuation,
  options: IntervalOptions,
): Effect {
  const rows = pairs(base, changed, from, to, valuation);
  const benefits = Float64Array.from({ length: to - from }, (_, i) => rows[i * pairColumns + BENEFIT]!);
  const intervals = bootstrapIntervals(rows, pairColumns, statisticsOf(valuation), {
    ...options,
    blockLength: blockLengthOf(benefits),
  });
  const [hitsGained, missesSaved, waitSaved, requestsAdded, bytesAdded, benefitPerMillion] = intervals as [
    Interval,
    Interval,
    Interval,
    Interval,
    Interval,
    Interval,
  ];
  return {
    hitsGained: upToAll(hitsGained),
    missesSaved: upToAll(missesSaved),
    waitSaved: upToAll(waitSaved),
    requestsAdded,
    bytesAdded,
    benefitPerMillion,
  };
}

/** Nobody saves more than all there is, which a stretched interval does not know. */
function upToAll(interval: Interval): Interval {
  return interval.high === null ? interval : { ...interval, high: Math.min(1, interval.high) };
}

/** Net benefit for a million accesses over blocks [from, to), without an interval; null without accesses. */
export function benefitPerMillionOf(
  base: Float64Array,
  changed: Float64Array,
  from: number,
  to: number,
  valuation: Valuation,
): number | null {
  const rows = pairs(base, changed, from, to, valuation);
  let accesses = 0;
  let benefit = 0;
  for (let at = 0; at < rows.length; at += pairColumns) {
    accesses += rows[at + Cost.accesses]!;
    benefit += rows[at + BENEFIT]!;
  }
  return accesses === 0 ? null : (MILLION * benefit) / accesses;
}

function statisticsOf({ hasWaits, hasBytes }: Valuation): readonly ((sums: Float64Array) => number | null)[] {
  const saved = (column: number) => (sums: Float64Array) =>
    share(sums[column]! - sums[costColumns + column]!, sums[column]!);
  const added = (column: number) => (sums: Float64Array) =>
    share(sums[costColumns + column]! - sums[column]!, sums[column]!);
  return [
    (sums) => share(sums[Cost.misses]! - sums[costColumns + Cost.misses]!, sums[Cost.accesses]!),
    saved(Cost.misses),
    hasWaits ? saved(Cost.wait) : () => null,
    added(Cost.requests),
    hasBytes ? added(Cost.bytes) : () => null,
    (sums) => share(MILLION * sums[BENEFIT]!, sums[Cost.accesses]!),
  ];
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function pairs(
  base: Float64Array,
  changed: Float64Array,
  from: number,
  to: number,
  valuation: Valuation,
): Float64Array {
  const rows = new Float64Array((to - from) * pairColumns);
  for (let block = from; block < to; block++) {
    const at = (block - from) * pairColumns;
    const source = block * costColumns;
    for (let c = 0; c < costColumns; c++) {
      rows[at + c] = base[source + c]!;
      rows[at + costColumns + c] = changed[source + c]!;
    }
    rows[at + BENEFIT] = benefitOf(rows, at, valuation);
  }
  return rows;
}

/** The report's net benefit, of one block. */
function benefitOf(rows: Float64Array, at: number, { prices, latencyUnit, missPenaltyMs }: Valuation): number {
  const less = (column: number): number => rows[at + column]! - rows[at + costColumns + column]!;
  const savedMs = latencyUnit === 'ms' ? less(Cost.wait) : less(Cost.misses) * missPenaltyMs;
  return (
    valueOfTime(prices, savedMs) +
    priceOfTransfer(prices, less(Cost.bytes), less(Cost.requests)) +
    priceOfSpace(prices, less(Cost.stagedByteMs), 1)
  );
}
