/** Decides which forecasts are worth a fetch: by price when traffic has no bound, by the best use of the budget when it has. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

const BIN_COUNT = 128;
/** What the histogram keeps from interval to interval. */
const DECAY = 0.95;
/** Share of what accrues that may go into rebuilding the reserve: where budgets are small it would otherwise take all of them. */
const REBUILD_SHARE = 0.25;
/** Intervals over which the accrual is averaged. */
const ACCRUAL_INTERVALS = 128;

export interface ValueGateOptions {
  /** Price of a wasted fetch in units of the gain of a useful one, where traffic has no bound. */
  readonly wastedFetchPrice: number;
  /** Least probability ever worth a fetch: below it a staged segment displaces more than it brings. */
  readonly thresholdFloor: number;
  /** Accesses between two adjustments. */
  readonly interval: number;
  /** Fetches kept back, so that the best candidates are not refused when forecasts of spending err. */
  readonly reserve: number;
  /** Accesses over which saved-up headroom is meant to be spent. */
  readonly spendOver: number;
}

/**
 * A threshold on probability.
 *
 * Without a bound: p x gain >= (1 - p) x price, hence p >= price / (1 + price). With one, a useful prefetch replaces a demand
 * fetch and costs no traffic, a wasted one costs a fetch, so a candidate costs 1 - p in expectation and the best use of a budget
 * is the highest p first. The gate keeps a decayed histogram of the candidates' expected waste by p, measures how fast headroom accrues
 * when its own expected spending is added back, and takes the lowest threshold whose spending fits accrual plus a share of what is
 * saved up above the reserve. At a bound of 1 there is no accrual, so only near-certain candidates pass. O(1) a candidate, O(bins) an interval.
 */
export class ValueGate {
  readonly #options: ValueGateOptions;
  readonly #waste = new Float64Array(BIN_COUNT);
  /** Intervals' worth that the histogram holds: fewer at first than in the long run. */
  #intervalsHeld = 0;
  #intervalCount = 0;
  #accrual = 0;
  #spent = 0;
  #headroomBefore = Number.NaN;
  #threshold: number;

  constructor(options: ValueGateOptions) {
    this.#options = options;
    this.#threshold = this.worthFrom;
  }

  /** Least probability that passes now. */
  get threshold(): number {
    return this.#threshold;
  }

  /** A candidate came up; true = worth a fetch now. */
  admits(probability: number): boolean {
    const bin = Math.min(BIN_COUNT - 1, (probability * BIN_COUNT) | 0);
    this.#waste[bin] = this.#waste[bin]! + 1 - probability;
    return probability >= this.#threshold;
  }

  /** A fetch was proposed at this probability. */
  spent(probability: number): void {
    this.#spent += 1 - probability;
  }

  /** To be called every `interval` accesses; `headroom` = extra fetches allowed now, Infinity without a bound. */
  adjust(headroom: number, forecastMin = this.worthFrom): void {
    const { interval, spendOver, thresholdFloor, reserve } = this.#options;
    if (headroom === Infinity) {
      this.#threshold = Math.max(thresholdFloor, forecastMin);
      this.#waste.fill(0);
      this.#intervalsHeld = 0;
      this.#headroomBefore = Number.NaN;
      return;
    }
    if (!Number.isNaN(this.#headroomBefore)) {
      const earned = headroom - this.#headroomBefore + this.#spent;
      if (this.#intervalCount < ACCRUAL_INTERVALS) this.#intervalCount++;
      this.#accrual += (earned - this.#accrual) / this.#intervalCount;
    }
    this.#headroomBefore = headroom;
    this.#spent = 0;
    const least = this.#accrual > 0 ? (1 - REBUILD_SHARE) * this.#accrual : -Infinity;
    const spendable = Math.max(least, this.#accrual + ((headroom - reserve) * interval) / spendOver);
    this.#intervalsHeld = this.#intervalsHeld * DECAY + 1;
    const binFloor = Math.ceil(thresholdFloor * BIN_COUNT);
    let sum = 0;
    let bin = BIN_COUNT - 1;
    for (; bin >= binFloor; bin--) {
      sum += this.#waste[bin]! / this.#intervalsHeld;
      if (sum > spendable) break;
    }
    this.#threshold = Math.max(thresholdFloor, (bin + 1) / BIN_COUNT);
    for (let i = 0; i < BIN_COUNT; i++) this.#waste[i] = this.#waste[i]! * DECAY;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#waste);
    writer.numbers(
      this.#intervalsHeld,
      this.#intervalCount,
      this.#accrual,
      this.#spent,
      this.#headroomBefore,
      this.#threshold,
    );
  }

  load(reader: SnapshotReader): void {
    reader.into(this.#waste);
    const [intervalsHeld, intervalCount, accrual, spent, headroomBefore, threshold] = reader.numbers();
    this.#intervalsHeld = intervalsHeld!;
    this.#intervalCount = intervalCount!;
    this.#accrual = accrual!;
    this.#spent = spent!;
    this.#headroomBefore = headroomBefore!;
    this.#threshold = threshold!;
  }

  /** Probability of use from which a fetch is worth its price, where traffic has no bound. */
  get worthFrom(): number {
    const price = this.#options.wastedFetchPrice;
    return Math.max(this.#options.thresholdFloor, price / (1 + price));
  }
}
