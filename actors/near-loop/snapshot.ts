/** A learned state as plain typed arrays: what is saved for a restart and compared in tests. */

import { assert } from '../../engine/assert.ts';

/** Typed arrays that learned state is made of. */
export type StateArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** The state of a learner: arrays in a fixed order that its class defines. Copies: later learning does not change them. */
export type Snapshot = readonly StateArray[];

/** Collects copies of arrays and numbers, in order. */
export class SnapshotWriter {
  readonly #arrays: StateArray[] = [];

  array(a: StateArray): void {
    this.#arrays.push(a.slice());
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
  #next = 0;

  constructor(snapshot: Snapshot) {
    this.#arrays = snapshot;
  }

  /** The next array; `like` says of which kind it must be. */
  array<T extends StateArray>(like: T): T {
    const a = this.#arrays[this.#next++];
    assert(a !== undefined && a.constructor === like.constructor, 'a snapshot of another layout');
    return a.slice() as T;
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
