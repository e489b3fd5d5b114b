/** By how many accesses of lead order is learned: one that was measured a while ago, so that rows can be learned ahead of how they are served. */

import { EPOCHS_AHEAD } from '../sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../sequence-predictor/order-record.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Accesses at first that are learned by the lead as it is measured: it changes most then. */
const MEASURED_FOR = 16_384;

/**
 * From access 16,384 on all of an epoch of `ROWS_AHEAD` accesses are learned by the lead that was measured when the epoch `EPOCHS_AHEAD` before began, whole accesses, rounded down. It depends on the accesses
 * alone, not on whether anything is learned ahead. O(1).
 */
export class LearnedLead {
  #untilEpoch = MEASURED_FOR + 1;
  #isMeasured = true;
  #accesses = 0;
  /** Of the epochs to come, the next first at `#next`. */
  readonly #coming = new Int32Array(EPOCHS_AHEAD);
  #next = 0;

  /** Of the access told last. */
  get accesses(): number {
    return this.#accesses;
  }

  /** To be told the lead as measured now before each access is learned; true = with it begins an epoch. */
  pass(measured: number): boolean {
    if (--this.#untilEpoch > 0) {
      if (this.#isMeasured) this.#accesses = measured | 0;
      return false;
    }
    this.#untilEpoch = ROWS_AHEAD;
    const now = measured | 0;
    if (this.#isMeasured) this.#coming.fill(now);
    this.#isMeasured = false;
    this.#accesses = this.#coming[this.#next]!;
    this.#coming[this.#next] = now;
    this.#next = (this.#next + 1) % EPOCHS_AHEAD;
    return true;
  }

  /** Accesses that may pass before the next but one begins an epoch or is learned by another lead; 0 = not known. */
  get quietCount(): number {
    return this.#isMeasured ? 0 : this.#untilEpoch - 1;
  }

  /** So many accesses have passed, at most `quietCount`. */
  skip(count: number): void {
    this.#untilEpoch -= count;
  }

  /** Of the epoch that has begun, and of those that come before the one for which the lead was measured when it began. */
  get known(): readonly number[] {
    const coming = Array.from({ length: EPOCHS_AHEAD - 1 }, (_, i) => this.#coming[(this.#next + i) % EPOCHS_AHEAD]!);
    return [this.#accesses, ...coming];
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#untilEpoch, this.#isMeasured ? 1 : 0, this.#accesses, this.#next, ...this.#coming);
  }

  load(reader: SnapshotReader): void {
    const [untilEpoch, isMeasured, accesses, next, ...coming] = reader.numbers();
    this.#untilEpoch = untilEpoch!;
    this.#isMeasured = isMeasured === 1;
    this.#accesses = accesses!;
    this.#next = next!;
    this.#coming.set(coming);
  }
}
