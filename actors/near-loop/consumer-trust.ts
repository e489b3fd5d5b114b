/** Whether what is forecast after a consumer's accesses comes true as often as was said: who misleads is believed less. */

import type { ConsumerCounts } from '../prefetcher.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Prefetches that the account of a consumer remembers. */
const MEMORY = 64;
/** Prefetches as good as said that each account begins with, so that a few failures are taken for chance. */
const PRIOR = 8;
/** Below this ratio of uses to what was forecast a consumer is not believed as it stands. */
const BELIEVED_FROM = 0.5;
/** Of the forecasts of one who is not believed, one in so many is taken as it stands, to see whether that has changed. */
const TRIAL_EVERY = 16;

/**
 * For each consumer the decayed sum of the probabilities at which its prefetches were sent, and of those that were used. The
 * mixture is calibrated over all consumers together, so one that teaches patterns and breaks them lives on the trust that
 * others earned; here it pays for that itself. A consumer without a name shares an account with its like. O(1); 9 bytes a consumer,
 * which are at most `consumerCountMax`, those beyond by the remainder.
 */
export class ConsumerTrust {
  readonly #countMax: number;
  #expected = new Float32Array(64);
  #used = new Float32Array(64);
  #passedOver = new Uint8Array(64);
  /** Forecasts that were lowered so far. */
  loweredCount = 0;

  constructor(consumerCountMax: number) {
    this.#countMax = consumerCountMax;
  }

  get bytes(): number {
    return this.#expected.byteLength + this.#used.byteLength + this.#passedOver.byteLength;
  }

  /** Accounts in use, those not believed now, and forecasts lowered so far. */
  get counts(): ConsumerCounts {
    let known = 0;
    let doubted = 0;
    for (let slot = 0; slot < this.#expected.length; slot++) {
      if (this.#expected[slot] === 0) continue;
      known++;
      if ((this.#used[slot]! + PRIOR) / (this.#expected[slot]! + PRIOR) < BELIEVED_FROM) doubted++;
    }
    return { known, doubted, lowered: this.loweredCount };
  }

  /** `probability` as far as `consumer` is to be believed. */
  believed(consumer: number, probability: number): number {
    const slot = this.#slotOf(consumer);
    if (slot >= this.#expected.length) return probability;
    const trust = (this.#used[slot]! + PRIOR) / (this.#expected[slot]! + PRIOR);
    if (trust >= BELIEVED_FROM) return probability;
    const passedOver = this.#passedOver[slot]! + 1;
    if (passedOver === TRIAL_EVERY) {
      this.#passedOver[slot] = 0;
      return probability;
    }
    this.#passedOver[slot] = passedOver;
    this.loweredCount++;
    return probability * trust;
  }

  /** A prefetch sent after an access of `consumer` at this probability was used, or was not. */
  ended(consumer: number, probability: number, isUsed: boolean): void {
    const slot = this.#slotOf(consumer);
    if (slot >= this.#expected.length) this.#grow(slot);
    this.#expected[slot] = this.#expected[slot]! * (1 - 1 / MEMORY) + probability;
    this.#used[slot] = this.#used[slot]! * (1 - 1 / MEMORY) + (isUsed ? 1 : 0);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.loweredCount);
    writer.array(this.#expected);
    writer.array(this.#used);
    writer.array(this.#passedOver);
  }

  load(reader: SnapshotReader): void {
    this.loweredCount = reader.numbers()[0]!;
    this.#expected = reader.array(this.#expected);
    this.#used = reader.array(this.#used);
    this.#passedOver = reader.array(this.#passedOver);
  }

  #slotOf(consumer: number): number {
    const slot = consumer + 1;
    return slot < this.#countMax ? slot : slot % this.#countMax;
  }

  #grow(slot: number): void {
    const length = Math.min(this.#countMax, Math.max(2 * this.#expected.length, slot + 1));
    const [expected, used, passedOver] = [this.#expected, this.#used, this.#passedOver];
    this.#expected = new Float32Array(length);
    this.#used = new Float32Array(length);
    this.#passedOver = new Uint8Array(length);
    this.#expected.set(expected);
    this.#used.set(used);
    this.#passedOver.set(passedOver);
  }
}
