/** The access maps of several producers seen as one. */

import { AnteroomError } from '../../engine/errors.ts';
import { exp2 } from '../../engine/exp2.ts';
import type { SegmentUse } from './access-map.ts';
import { type AccessSummary, mergeSummaries, type SummarySet } from './access-summary.ts';
import { distinctConsumers } from './consumer-sketch.ts';
import { TopK } from './top-k.ts';

/**
 * Keeps the newest summary of each producer and adds them up when asked.
 *
 * A summary that arrives again, or after a newer one, changes nothing (see `mergeSummaries`). Sums are taken in the order of
 * the producers' names, so two maps that merged the same summaries answer alike to the last bit. Queries are O(all segments).
 */
export class MergedAccessMap {
  readonly #producersMax: number;
  #summaries: SummarySet = new Map();
  #ignoredCount = 0;

  constructor(producersMax = 1024) {
    this.#producersMax = producersMax;
  }

  get summaries(): SummarySet {
    return this.#summaries;
  }

  /** Summaries that were no news. */
  get ignoredCount(): number {
    return this.#ignoredCount;
  }

  /** @throws AnteroomError('limit') for one producer too many; what was merged before stays. */
  merge(summary: AccessSummary): void {
    const known = this.#summaries.get(summary.producer);
    if (known !== undefined && known.version >= summary.version) {
      this.#ignoredCount++;
      return;
    }
    if (known === undefined && this.#summaries.size >= this.#producersMax) {
      throw new AnteroomError('limit', `at most ${this.#producersMax} producers are merged`, {
        context: { producer: summary.producer },
      });
    }
    this.#summaries = mergeSummaries(this.#summaries, new Map([[summary.producer, summary]]));
  }

  /** All segments of all producers at `instant`, by ascending id. */
  uses(instant: number): readonly SegmentUse[] {
    const sums = new Map<
      number,
      { -readonly [K in keyof SegmentUse]: SegmentUse[K] } & { low: number; high: number }
    >();
    const producers = [...this.#summaries.keys()].sort();
    for (const producer of producers) {
      const summary = this.#summaries.get(producer)!;
      const scale = exp2((summary.landmark - instant) / summary.halfLife);
      for (let i = 0; i < summary.segment.length; i++) {
        const segment = summary.segment[i]!;
        let sum = sums.get(segment);
        if (sum === undefined) {
          sum = {
            segment,
            count: 0,
            bytes: 0,
            last: -Infinity,
            frequency: 0,
            frequencyError: 0,
            consumers: 0,
            low: 0,
            high: 0,
          };
          sums.set(segment, sum);
        }
        sum.count += summary.count[i]!;
        sum.bytes += summary.bytes[i]!;
        if (summary.last[i]! > sum.last) sum.last = summary.last[i]!;
        sum.frequency += summary.frequency[i]! * scale;
        sum.frequencyError += summary.frequencyError[i]! * scale;
        sum.low |= summary.consumerBits[i * 2]!;
        sum.high |= summary.consumerBits[i * 2 + 1]!;
      }
    }
    return [...sums.values()]
      .sort((a, b) => a.segment - b.segment)
      .map(({ low, high, ...use }) => ({ ...use, consumers: Math.min(use.count, distinctConsumers(low, high)) }));
  }

  /** The `k` segments of the highest decayed frequency over all producers at `instant`. */
  findFrequent(k: number, instant: number): readonly SegmentUse[] {
    const uses = this.uses(instant);
    const top = new TopK(Math.min(k, uses.length));
    // Uses come by ascending id, so their index breaks ties as the id would.
    for (let i = 0; i < uses.length; i++) top.offer(i, uses[i]!.frequency);
    return Array.from(top.takeIds(), (i) => uses[i]!);
  }
}
