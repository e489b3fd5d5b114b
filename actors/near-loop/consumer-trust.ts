/** Whether what is forecast after a consumer's accesses comes true as often as was said: who misleads is believed less. */

import type { Place } from '../kernel-columns.ts';
import type { ConsumerCounts } from '../prefetcher.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Prefetches that the account of a consumer remembers. */
export const TRUST_MEMORY = 64;
/** Prefetches as good as said that each account begins with, so that a few failures are taken for chance. */
export const TRUST_PRIOR = 8;
/** Below this ratio of uses to what was forecast a consumer is not believed as it stands. */
export const BELIEVED_FROM = 0.5;
/** Of the forecasts of one who is not believed, one in so many is taken as it stands, to see whether that has changed. */
export const TRIAL_EVERY = 16;

/** Where whoever reads them in place has the columns. */
export interface TrustFields {
  readonly trustExpected: number;
  readonly trustUsed: number;
  readonly trustPassedOver: number;
  readonly trustLowered: number;
}

/**
 * For each consumer the decayed sum of the probabilities at which its prefetches were sent, and of those that were used. The
 * mixture is calibrated over all consumers together, so one that teaches patterns and breaks them lives on the trust that
 * others earned; here it pays for that itself. A consumer without a name shares an account with its like. O(1); 9 bytes a consumer,
 * which are at most `consumerCountMax`, those beyond by the remainder.
 */
export class ConsumerTrust {
  readonly #countMax: number;
  #expected: Float32Array = new Float32Array(64);
  #used: Float32Array = new Float32Array(64);
  #passedOver: Uint8Array = new Uint8Array(64);
  #lowered: Float64Array = new Float64Array(1);

  constructor(consumerCountMax: number) {
    this.#countMax = consumerCountMax;
  }

  get bytes(): number {
    return this.#expected.byteLength + this.#used.byteLength + this.#passedOver.byteLength;
  }

  /** Accounts that there is room for, and at most. */
  get accountLimit(): number {
    return this.#expected.length;
  }

  get countMax(): number {
    return this.#countMax;
  }

  /** Forecasts that were lowered so far. */
  get loweredCount(): number {
    return this.#lowered[0]!;
  }

  /** Goes on in what `place` gives for each of its columns, told where it is to lie. */
  adopt(place: Place, at: TrustFields): void {
    this.#expected = place(this.#expected, at.trustExpected);
    this.#used = place(this.#used, at.trustUsed);
    this.#passedOver = place(this.#passedOver, at.trustPassedOver);
    this.#lowered = place(this.#lowered, at.trustLowered);
  }

  /** Accounts in use, those not believed now, and forecasts lowered so far. */
  get counts(): ConsumerCounts {
    let known = 0;
    let doubted = 0;
    for (let slot = 0; slot < this.#expected.length; slot++) {
      if (this.#expected[slot] === 0) continue;
      known++;
      if ((this.#used[slot]! + TRUST_PRIOR) / (this.#expected[slot]! + TRUST_PRIOR) < BELIEVED_FROM) doubted++;
    }
    return { known, doubted, lowered: this.loweredCount };
  }

  /** `probability` as far as `consumer` is to be believed. */
  believed(consumer: number, probability: number): number {
    const trust = this.shareOf(consumer);
    if (trust === 1) return probability;
    const slot = this.slotOf(consumer);
    const passedOver = this.#passedOver[slot]! + 1;
    if (passedOver === TRIAL_EVERY) {
      this.#passedOver[slot] = 0;
      return probability;
    }
    this.#passedOver[slot] = passedOver;
    this.#lowered[0] = this.#lowered[0]! + 1;
    return probability * trust;
  }

  /** Share of a forecast that is believed where it is no trial: 1 = all of it. Changes nothing. */
  shareOf(consumer: number): number {
    const slot = this.slotOf(consumer);
    if (slot >= this.#expected.length) return 1;
    const trust = (this.#used[slot]! + TRUST_PRIOR) / (this.#expected[slot]! + TRUST_PRIOR);
    return trust >= BELIEVED_FROM ? 1 : trust;
  }

  /** A prefetch sent after an access of `consumer` at this probability was used, or was not. */
  ended(consumer: number, probability: number, isUsed: boolean): void {
    const slot = this.slotOf(consumer);
    this.fit(slot + 1);
    this.#expected[slot] = this.#expected[slot]! * (1 - 1 / TRUST_MEMORY) + probability;
    this.#used[slot] = this.#used[slot]! * (1 - 1 / TRUST_MEMORY) + (isUsed ? 1 : 0);
  }

  /** Makes room for so many accounts. */
  fit(count: number): void {
    if (count > this.#expected.length) this.#grow(count - 1);
  }

  /** The account of a consumer. */
  slotOf(consumer: number): number {
    const slot = consumer + 1;
    return slot < this.#countMax ? slot : slot % this.#countMax;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.loweredCount);
    writer.array(this.#expected);
    writer.array(this.#used);
    writer.array(this.#passedOver);
  }

  load(reader: SnapshotReader): void {
    this.#lowered[0] = reader.numbers()[0]!;
    this.#expected = reader.array(this.#expected);
    this.#used = reader.array(this.#used);
    this.#passedOver = reader.array(this.#passedOver);
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
