/** By how many accesses of lead order is learned: one that was measured a while ago, so that rows can be learned ahead of how they are served. */

import { EPOCHS_AHEAD_MAX, epochsAhead } from '../sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../sequence-predictor/order-record.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Accesses at first that are learned by the lead as it is measured: it changes most then. */
const MEASURED_FOR = 16_384;
/** The epoch that begins, and those whose lead is known then. */
const PLACES = EPOCHS_AHEAD_MAX + 1;

/**
 * From access 16,384 on all of an epoch of `ROWS_AHEAD` accesses are learned by one lead, in whole accesses, rounded down: when epoch `e` begins, the lead measured then is told to all up to `e` + `epochsAhead(e)` that
 * were told none. It depends on the accesses alone, not on whether anything is learned ahead. O(1), amortised.
 */
export class LearnedLead {
  #untilEpoch = MEASURED_FOR + 1;
  #isMeasured = true;
  #accesses = 0;
  /** Epochs that have begun. */
  #epoch = 0;
  /** Epochs whose lead is known: epoch `e` has it at `e` modulo the length. */
  #known = 0;
  readonly #leads = new Int32Array(PLACES);
  #toldCount = 0;

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
    this.#isMeasured = false;
    const epoch = this.#epoch++;
    const until = epoch + 1 + epochsAhead(epoch);
    this.#toldCount = until - this.#known;
    while (this.#known < until) this.#leads[this.#known++ % PLACES] = measured | 0;
    this.#accesses = this.#leads[epoch % PLACES]!;
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

  /** Epochs that were told the lead measured when the latest began: those behind `known`. */
  get toldCount(): number {
    return this.#toldCount;
  }

  /** Of the epoch that has begun, and of those to come, as far as it was known before. */
  get known(): readonly number[] {
    const first = this.#epoch - 1;
    const count = this.#known - this.#toldCount - first;
    return Array.from({ length: count }, (_, i) => this.#leads[(first + i) % PLACES]!);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#untilEpoch, this.#isMeasured ? 1 : 0, this.#accesses, this.#epoch, this.#known);
    writer.array(this.#leads);
  }

  load(reader: SnapshotReader): void {
    const [untilEpoch, isMeasured, accesses, epoch, known] = reader.numbers();
    this.#untilEpoch = untilEpoch!;
    this.#isMeasured = isMeasured === 1;
    this.#accesses = accesses!;
    this.#epoch = epoch!;
    this.#known = known!;
    reader.into(this.#leads);
  }
}
