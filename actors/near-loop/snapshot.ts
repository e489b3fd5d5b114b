/** A learned state as plain typed arrays: what is saved for a restart and compared in tests. */

import { assert } from '../../engine/assert.ts';
import type { StateArray, StateFields } from '../../engine/state-fields.ts';

export type { StateArray } from '../../engine/state-fields.ts';

/** The state of a learner: arrays in a fixed order that its class defines. Copies: later learning does not change them. */
export type Snapshot = readonly StateArray[];

/** Collects copies of arrays and numbers, in order. */
export class SnapshotWriter {
  readonly #arrays: StateArray[] = [];
  readonly #isCopying: boolean;

  /** Without copies what is collected must be used before anything is learned. */
  constructor(isCopying = true) {
    this.#isCopying = isCopying;
  }

  array(a: StateArray): void {
    this.#arrays.push(this.#isCopying ? a.slice() : a);
  }

  numbers(...values: readonly number[]): void {
    this.#arrays.push(Float64Array.from(values));
  }

  finish(): Snapshot {
    return this.#arrays;
  }
}

/** Hands the arrays back in the order in which they were written; they are copied, so a snapshot can be restored twice. */
export class SnapshotReader {
  readonly #arrays: Snapshot;
  readonly #isCopying: boolean;
  #next = 0;

  /** Without copies the arrays become the learner's own. */
  constructor(snapshot: Snapshot, isCopying = true) {
    this.#arrays = snapshot;
    this.#isCopying = isCopying;
  }

  /** The next array; `like` says of which kind it must be. */
  array<T extends StateArray>(like: T): T {
    const a = this.#arrays[this.#next++];
    assert(a !== undefined && a.constructor === like.constructor, 'a snapshot of another layout');
    return (this.#isCopying ? a.slice() : a) as T;
  }

  /** The next array, which must be exactly as long as `into`; copied into it. */
  into(into: StateArray): void {
    const a = this.array(into);
    assert(
      a.length === into.length,
      `a snapshot made with other settings: ${a.length} entries instead of ${into.length}`,
    );
    into.set(a);
  }

  /** The next `count` arrays, or all that are left, as a snapshot of their own. */
  take(count: number = this.#arrays.length - this.#next): Snapshot {
    const arrays = this.#arrays.slice(this.#next, this.#next + count);
    assert(arrays.length === count, 'a snapshot of another layout');
    this.#next += count;
    return arrays;
  }

  numbers(): Float64Array {
    return this.array(new Float64Array(0));
  }
}

/** A learner that saves itself in one go. */
export interface Learner {
  save(writer: SnapshotWriter): void;
  load(reader: SnapshotReader): void;
}

/** Lists a learner's arrays among the fields of what it belongs to. */
export function persistLearner(fields: StateFields, learner: Learner): void {
  const writer = new SnapshotWriter(false);
  if (!fields.isRestoring) learner.save(writer);
  const arrays = fields.arrays(writer.finish());
  if (fields.isRestoring) learner.load(new SnapshotReader(arrays, false));
}
