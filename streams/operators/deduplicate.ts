/** Drops rows that a producer sent before, by producer and sequence number, in bounded memory. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';
import { FlowCounts } from './flow-counts.ts';

/** A batch as its producer numbered it. A producer numbers its rows 0, 1, 2, ... over its life and sends a row again under its own number. */
export interface SequencedBatch {
  readonly producer: string;
  /** Sequence number of the first row. */
  readonly sequence: number;
  readonly batch: AccessBatch;
}

/** What a deduplicator remembers. */
export interface DeduplicateOptions {
  /** Gaps kept open for each producer; opening one more gives up its oldest. Default 64. */
  readonly gapsMax?: number;
  /** Producers remembered; one more forgets the one unheard of for longest, whose repeats would then pass. Default 4096. */
  readonly producersMax?: number;
  /** Books to keep. Reasons: `duplicate`, `gap-given-up` (a row came after its gap was given up, so it cannot be told from a repeat). */
  readonly counts?: FlowCounts;
}

/** Rows [start, end) that were never seen, all below the producer's `next`. */
interface Gap {
  readonly start: number;
  readonly end: number;
}

interface Producer {
  /** One past the highest sequence seen. */
  next: number;
  /** Below it nothing is accepted any more because a gap was given up. */
  floor: number;
  /** Ascending, disjoint. */
  gaps: Gap[];
}

/**
 * Hands on each row once.
 *
 * Keeps the rows not seen yet as intervals, which are few because loss and reordering are: O(1) for the common batch that
 * comes next, O(gaps) else. A batch that was cut another way when it was sent again is trimmed to what is new. Memory:
 * `producersMax * gapsMax` intervals.
 */
export class Deduplicator implements BatchStage<SequencedBatch, SequencedBatch> {
  readonly #gapsMax: number;
  readonly #producersMax: number;
  readonly #counts: FlowCounts;
  /** Least recently heard of first. */
  readonly #producers = new Map<string, Producer>();
  #forgottenProducerCount = 0;

  constructor(options: DeduplicateOptions = {}) {
    this.#gapsMax = options.gapsMax ?? 64;
    this.#producersMax = options.producersMax ?? 4096;
    this.#counts = options.counts ?? new FlowCounts();
    assert(this.#gapsMax >= 0 && this.#producersMax >= 1, 'gapsMax is at least 0 and producersMax at least 1');
  }

  /** Producers that were forgotten at the limit. */
  get forgottenProducerCount(): number {
    return this.#forgottenProducerCount;
  }

  push(input: SequencedBatch): readonly SequencedBatch[] {
    const { producer: name, sequence, batch } = input;
    assert(Number.isSafeInteger(sequence) && sequence >= 0, `sequence ${sequence} is not a count`);
    if (batch.length === 0) return [];
    this.#counts.inCount += batch.length;
    const producer = this.#hear(name);
    const end = sequence + batch.length;
    const out: SequencedBatch[] = [];
    const emit = (from: number, to: number): void => {
      this.#counts.outCount += to - from;
      out.push({ producer: name, sequence: from, batch: batch.slice(from - sequence, to - sequence) });
    };

    const givenUp = Math.max(0, Math.min(end, producer.floor) - sequence);
    let seen = Math.max(0, Math.min(end, producer.next) - sequence) - givenUp;
    if (sequence < producer.next && producer.gaps.length > 0) {
      const gaps: Gap[] = [];
      for (const gap of producer.gaps) {
        const from = Math.max(gap.start, sequence);
        const to = Math.min(gap.end, end);
        if (from >= to) {
          gaps.push(gap);
          continue;
        }
        emit(from, to);
        seen -= to - from;
        if (gap.start < from) gaps.push({ start: gap.start, end: from });
        if (to < gap.end) gaps.push({ start: to, end: gap.end });
      }
      producer.gaps = gaps;
    }
    if (end > producer.next) {
      if (sequence > producer.next) producer.gaps.push({ start: producer.next, end: sequence });
      emit(Math.max(sequence, producer.next), end);
      producer.next = end;
    }
    // Filling the middle of a gap or skipping ahead may have made one more than there is room for.
    while (producer.gaps.length > this.#gapsMax) producer.floor = producer.gaps.shift()!.end;
    this.#counts.drop('gap-given-up', givenUp);
    this.#counts.drop('duplicate', seen);
    return out;
  }

  end(): readonly SequencedBatch[] {
    return [];
  }

  #hear(name: string): Producer {
    const known = this.#producers.get(name);
    if (known !== undefined) {
      this.#producers.delete(name);
      this.#producers.set(name, known);
      return known;
    }
    if (this.#producers.size === this.#producersMax) {
      const oldest = this.#producers.keys().next();
      if (oldest.done !== true) this.#producers.delete(oldest.value);
      this.#forgottenProducerCount++;
    }
    const producer: Producer = { next: 0, floor: 0, gaps: [] };
    this.#producers.set(name, producer);
    return producer;
  }
}

/** `Deduplicator` as an operator. */
export function deduplicate(options: DeduplicateOptions = {}): OperatorFunction<SequencedBatch, SequencedBatch> {
  return runStage(() => new Deduplicator(options));
}
