/** A deterministic sample of segments or consumers, with all their accesses. */

import type { OperatorFunction } from 'rxjs';
import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../access-batch.ts';
import { type BatchStage, runStage } from './batch-stage.ts';
import { FlowCounts } from './flow-counts.ts';
import { selectRows } from './select-rows.ts';

/** What to keep. */
export interface SampleOptions {
  /** Share of keys to keep, 0..1. */
  readonly rate: number;
  /** Default `segment`. By `consumer`, rows without one are dropped under `no-consumer`. */
  readonly by?: 'segment' | 'consumer';
  /** Another seed is another sample. Default 1. */
  readonly seed?: number;
  /** Books to keep. Reasons: `not-sampled`, `no-consumer`. */
  readonly counts?: FlowCounts;
}

/**
 * Spatial sampling: keeps a key, and then all its accesses, when its hash falls below `rate`.
 *
 * Why spatial: reuse distances survive it scaled by the rate, as those of sampled rows do not (SHARDS: Waldspurger et al.,
 * FAST'15). A smaller rate keeps a subset of what a larger one keeps. What is kept is a log of its own: positions are counted
 * anew. Keys are dense ids, so two readings of one log give the same sample, two orders of it do not. Cost: O(1) a row.
 */
export class Sampler implements BatchStage<AccessBatch, AccessBatch> {
  readonly #threshold: number;
  readonly #by: 'segment' | 'consumer';
  readonly #seed: number;
  readonly #counts: FlowCounts;
  #rows = new Uint32Array(0);
  #position = 0;

  constructor(options: SampleOptions) {
    assert(options.rate >= 0 && options.rate <= 1, `a sampling rate is in 0..1, not ${options.rate}`);
    this.#threshold = Math.round(options.rate * 2 ** 32);
    this.#by = options.by ?? 'segment';
    this.#seed = Math.imul(options.seed ?? 1, 0x9e3779b1);
    this.#counts = options.counts ?? new FlowCounts();
  }

  push(batch: AccessBatch): readonly AccessBatch[] {
    const { length } = batch;
    if (this.#rows.length < length) this.#rows = new Uint32Array(length);
    this.#counts.inCount += length;
    const keys = this.#by === 'segment' ? batch.segment : batch.consumer;
    let kept = 0;
    let absent = 0;
    for (let row = 0; row < length; row++) {
      const key = keys[row]!;
      if (key < 0) absent++;
      else if (hashOf(key, this.#seed) < this.#threshold) this.#rows[kept++] = row;
    }
    this.#counts.drop('no-consumer', absent);
    this.#counts.drop('not-sampled', length - kept - absent);
    if (kept === 0) return [];
    const sampled = selectRows(batch, this.#rows, kept, this.#position);
    this.#position += kept;
    this.#counts.outCount += kept;
    return [sampled];
  }

  end(): readonly AccessBatch[] {
    return [];
  }
}

/** 32 well-mixed bits of a key: Wellons's `lowbias32` constants (nullprogram.com/blog/2018/07/31, public domain). */
function hashOf(key: number, seed: number): number {
  let h = (key ^ seed) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** `Sampler` as an operator. */
export function sample(options: SampleOptions): OperatorFunction<AccessBatch, AccessBatch> {
  return runStage(() => new Sampler(options));
}
