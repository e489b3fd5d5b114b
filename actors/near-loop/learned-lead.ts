/** By how many accesses of lead order is learned: one that was measured a while ago, so that rows can be learned ahead of how they are served. */

import { EPOCHS_AHEAD, EPOCHS_AHEAD_MAX, epochsAhead } from '../sequence-predictor/order-ahead.ts';
import { ROWS_AHEAD } from '../sequence-predictor/order-record.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Accesses at first that are learned by the lead as it is measured: it changes most then. */
const MEASURED_FOR = 16_384;
/** The epoch that begins, and those whose lead is known then. */
const PLACES = EPOCHS_AHEAD_MAX + 1;

/**
 * From access 16,384 on all of an epoch of `ROWS_AHEAD` accesses are learned by one lead, in whole accesses, rounded down: when epoch `e` begins, a lead is told to all up to `e` + `epochsAhead(e)` that
 * were told none. It is the one measured then while that is `EPOCHS_AHEAD`, and follows it by 1 / (1 + how many more) from epoch to epoch after that: where load rises and falls within the time that a lead is ahead, what it was
 * like then may be the opposite of what it will be, and the mean is not. It depends on the accesses alone, not on whether anything is learned ahead. O(1), amortised.
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
  #smoothed = 0;
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
    const ahead = epochsAhead(epoch);
    const until = epoch + 1 + ahead;
    const further = ahead - EPOCHS_AHEAD;
    this.#smoothed = further === 0 ? measured : this.#smoothed + (measured - this.#smoothed) / (1 + further);
    this.#toldCount = until - this.#known;
    while (this.#known < until) this.#leads[this.#known++ % PLACES] = this.told;
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

  /** The lead that was told when the latest epoch began. */
  get told(): number {
    return this.#smoothed | 0;
  }

  /** Epochs that it was told to: those behind `known`. */
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
    writer.numbers(
      this.#untilEpoch,
      this.#isMeasured ? 1 : 0,
      this.#accesses,
      this.#epoch,
      this.#known,
      this.#smoothed,
    );
    writer.array(this.#leads);
  }

  load(reader: SnapshotReader): void {
    const [untilEpoch, isMeasured, accesses, epoch, known, smoothed] = reader.numbers();
    this.#untilEpoch = untilEpoch!;
    this.#isMeasured = isMeasured === 1;
    this.#accesses = accesses!;
    this.#epoch = epoch!;
    this.#known = known!;
    this.#smoothed = smoothed!;
    reader.into(this.#leads);
  }
}
