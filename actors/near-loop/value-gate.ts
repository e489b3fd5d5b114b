/** Decides which forecasts are worth a fetch: a price when traffic is free of bounds, the best use of the budget when it is not. */

const BIN_COUNT = 128;

export interface ValueGateOptions {
  /** Least probability worth a fetch when no traffic bound is set: price of a wasted fetch / (that + gain of a useful one). */
  readonly thresholdUnbounded: number;
  /** Least probability ever worth a fetch: below it a staged segment displaces more than it brings. */
  readonly thresholdFloor: number;
  /** Accesses between two adjustments. */
  readonly interval: number;
  /** Headroom kept back, so that the best candidates are not refused when forecasts of spending err. */
  readonly reserve: number;
  /** Accesses over which saved-up headroom is meant to be spent. */
  readonly spendOver: number;
}

/**
 * A threshold on probability.
 *
 * Without a bound it is fixed by price. With one, a useful prefetch replaces a demand fetch and costs nothing, a wasted one
 * costs a fetch, so each candidate costs (1 - p) in expectation and the best use of a budget is the highest p first.
 * The gate keeps a decayed histogram of the candidates' expected waste by probability, measures how fast headroom
 * accrues when its own spending is added back, and sets the lowest threshold whose expected spending fits accrual plus a share of what
 * was saved up. O(1) a candidate, O(bins) an interval.
 */
export class ValueGate {
  readonly #options: ValueGateOptions;
  readonly #waste = new Float64Array(BIN_COUNT);
  #intervalCount = 0;
  #accrual = 0;
  #spentExpected = 0;
  #loan = 0;
  #headroomBefore = Number.NaN;
  #sinceAdjusted = 0;
  #threshold: number;

  constructor(options: ValueGateOptions) {
    this.#options = options;
    this.#threshold = options.thresholdUnbounded;
  }

  get threshold(): number {
    return this.#threshold;
  }

  /** A candidate with this probability came up; true = worth a fetch now. */
  admits(probability: number): boolean {
    const bin = Math.min(BIN_COUNT - 1, (probability * BIN_COUNT) | 0);
    this.#waste[bin] = this.#waste[bin]! + 1 - probability;
    return probability >= this.#threshold;
  }

  /** A fetch was issued at this probability: its whole fetch is borrowed until its outcome. */
  issued(probability: number): void {
    this.#spentExpected += 1 - probability;
    this.#loan += 0 * probability;
  }

  /** An issued fetch ended, whichever way. */
  ended(probability: number): void {
    this.#loan -= probability;
    if (this.#loan < 0) this.#loan = 0;
  }

  /** A fetch that was issued was refused by the site: nothing was spent. */
  refused(probability: number): void {
    this.#spentExpected -= 1 - probability;
    this.ended(probability);
  }

  /** One access passed; `headroom` = extra fetches allowed now, Infinity without a bound. */
  tick(headroom: number): void {
    if (++this.#sinceAdjusted < this.#options.interval) return;
    this.#sinceAdjusted = 0;
    if (headroom === Infinity) {
      this.#threshold = this.#options.thresholdUnbounded;
      this.#waste.fill(0);
      return;
    }
    const { interval, spendOver, thresholdFloor, reserve } = this.#options;
    const effective = headroom + this.#loan;
    if (!Number.isNaN(this.#headroomBefore)) {
      const earned = (effective - this.#headroomBefore + this.#spentExpected) / interval;
      this.#intervalCount = Math.min(this.#intervalCount + 1, 32);
      this.#accrual += (earned - this.#accrual) / this.#intervalCount;
    }
    this.#headroomBefore = effective;
    this.#spentExpected = 0;
    const spendable = (this.#accrual + (effective - reserve) / spendOver) * interval;
    // The histogram halves each interval: its sum over time is twice one interval's candidates.
    let sum = 0;
    let bin = BIN_COUNT - 1;
    const floorBin = Math.ceil(thresholdFloor * BIN_COUNT);
    while (bin >= floorBin) {
      sum += this.#waste[bin]! / 4;
      if (sum > spendable) break;
      bin--;
    }
    this.#threshold = Math.max(thresholdFloor, (bin + 1) / BIN_COUNT);
    for (let i = 0; i < BIN_COUNT; i++) this.#waste[i] = this.#waste[i]! * 0.75;
  }
}
