/** The contract of the models that say what a consumer will access next. */

import type { Snapshot } from '../near-loop/snapshot.ts';

/** The segments thought likeliest, best first, as parallel columns that are reused. */
export class NextItemRanking {
  readonly capacity: number;
  count = 0;
  readonly segment: Int32Array;
  /** Probability that the consumer's next change of segment goes there; 0..1, and not more than 1 together. */
  readonly probability: Float64Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.segment = new Int32Array(capacity);
    this.probability = new Float64Array(capacity);
  }

  /** Puts the segment in its place by probability; at equal probability who came first stands first. What falls off the end is dropped. */
  offer(segment: number, probability: number): void {
    let at = this.count;
    if (at === this.capacity) {
      if (probability <= this.probability[at - 1]!) return;
      at--;
    } else {
      this.count++;
    }
    for (; at > 0 && this.probability[at - 1]! < probability; at--) {
      this.segment[at] = this.segment[at - 1]!;
      this.probability[at] = this.probability[at - 1]!;
    }
    this.segment[at] = segment;
    this.probability[at] = probability;
  }
}

/**
 * Learns the order of each consumer's accesses and ranks what comes next.
 *
 * The caller guarantees that accesses come in log order, ids are dense and from 0 (consumer -1 = absent, an order of its own).
 * The implementation must be deterministic, bounded in memory by its settings, and O(1) of trace length a call; `forecast` must not change what is
 * learned. A repeat of the consumer's previous segment is no step and teaches nothing about order.
 */
export interface NextItemModel {
  readonly name: string;
  /** Bytes of all tables. */
  readonly bytes: number;
  /** Contexts and consumers given up because the bytes were taken. */
  readonly evictedCount: number;
  /** `timeMs`: event time, NaN where there is none. */
  observe(consumer: number, segment: number, timeMs: number): void;
  /** Ranks the consumer's next segments, its latest one left out; an empty ranking = no opinion. */
  forecast(consumer: number, into: NextItemRanking): void;
  /** Where it is trained beside: resolves once what is due at this log position has been adopted; undefined = nothing is due. */
  adoptionDue?(): Promise<void> | undefined;
  /** Where it is trained beside: ends training. */
  close?(): Promise<void>;
  /** Everything learned, to be restored into a model with the same settings. */
  snapshot(): Snapshot;
  /** @throws InvariantError when the snapshot was made with other settings. */
  restore(snapshot: Snapshot): void;
}
