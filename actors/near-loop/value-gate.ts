/** Decides which forecasts are worth a fetch: by price when traffic has no bound, by the best use of the budget when it has. */

import type { Place } from '../kernel-columns.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';

/** Bins of a 128th up to 15 sixteenths; from there four to each halving of what is left to certainty, so that at a bound of 1 the nearly certain are told apart. */
export const EVEN_BINS = 120;
export const EVEN_SCALE = 128;
const HALVINGS = 9;
export const GATE_BIN_COUNT = EVEN_BINS + 4 * HALVINGS;
/** What the histogram keeps from interval to interval. */
const DECAY = 0.95;
/** Share of what accrues that may go into rebuilding the reserve: where budgets are small it would otherwise take all of them. */
const REBUILD_SHARE = 0.25;
/** Share of the headroom that is spent over `spendOver` however little accrues, or however much was lost at one stroke of late: at a bound of 1 there is nothing to rebuild a reserve from. */
const FALLOW_SHARE = 0.5;
/** Intervals over which the accrual is averaged. */
const ACCRUAL_INTERVALS = 128;

export interface ValueGateOptions {
  /** Price of a wasted fetch in units of the gain of a useful one, where traffic has no bound. */
  readonly wastedFetchPrice: number;
  /** Least probability ever worth a fetch: below it a staged segment displaces more than it brings. */
  readonly thresholdFloor: number;
  /** The same where traffic has a bound; absent = the same. */
  readonly boundedFloor?: number;
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
 * is the highest p first. The gate keeps decayed histograms of the candidates' expected waste by p, over a short and a long time, measures how fast headroom accrues
 * when its own expected spending is added back, and takes the lowest threshold whose spending fits accrual plus a share of what is
 * saved up above the reserve, by either histogram. The reserve is at least what the eviction ever lost again of what it had earned. At a bound of 1 on LRU
 * there is no accrual, so only near-certain candidates pass. O(1) a candidate, O(bins) an interval.
 */
export class ValueGate {
  readonly #options: ValueGateOptions;
  #waste: Float64Array = new Float64Array(GATE_BIN_COUNT);
  /** The least probability that passes now, and what was spent since the latest adjustment. */
  #live: Float64Array = new Float64Array(2);
  /** Intervals' worth that the histogram holds: fewer at first than in the long run. */
  #intervalsHeld = 0;
  /** The same waste over as long as headroom is spent, and what of `#waste` it has already. */
  readonly #longWaste = new Float64Array(GATE_BIN_COUNT);
  readonly #told = new Float64Array(GATE_BIN_COUNT);
  #longHeld = 0;
  #intervalCount = 0;
  #accrual = 0;
  #headroomBefore = Number.NaN;
  /** Most that was granted at an adjustment, and by how much it ever stood below that later. */
  #grantedMost = 0;
  #fall = 0;

  constructor(options: ValueGateOptions) {
    this.#options = options;
    this.#live[0] = this.#unbounded();
  }

  /** Bytes of its histogram, and of what changes between adjustments. */
  get wasteBytes(): number {
    return this.#waste.byteLength;
  }

  get liveBytes(): number {
    return this.#live.byteLength;
  }

  /** Goes on in what `place` gives for its histogram and for what changes between adjustments, told where they are to lie. */
  adopt(place: Place, at: { readonly gateWaste: number; readonly gateLive: number }): void {
    this.#waste = place(this.#waste, at.gateWaste);
    this.#live = place(this.#live, at.gateLive);
  }

  /** Least probability that passes now. */
  get threshold(): number {
    return this.#live[0]!;
  }

  /** A candidate came up whose waste is expected to be so many fetches; true = worth a fetch now. */
  admits(probability: number, waste: number): boolean {
    const bin = binOf(probability);
    this.#waste[bin] = this.#waste[bin]! + waste;
    return probability >= this.#live[0]!;
  }

  /** A fetch was proposed whose waste is expected to be so many fetches. */
  spent(waste: number): void {
    this.#live[1] = this.#live[1]! + waste;
  }

  /** To be called every `interval` accesses; `headroom` = extra fetches allowed now, Infinity without a bound; `granted`: see `SiteView.trafficGranted`. */
  adjust(headroom: number, granted = 0): void {
    const { interval, spendOver, thresholdFloor, boundedFloor = thresholdFloor, reserve } = this.#options;
    if (headroom === Infinity) {
      this.#live[0] = this.#unbounded();
      for (const waste of [this.#waste, this.#longWaste, this.#told]) waste.fill(0);
      this.#intervalsHeld = 0;
      this.#longHeld = 0;
      this.#headroomBefore = Number.NaN;
      return;
    }
    if (!Number.isNaN(this.#headroomBefore)) {
      const earned = headroom - this.#headroomBefore + this.#live[1]!;
      if (this.#intervalCount < ACCRUAL_INTERVALS) this.#intervalCount++;
      this.#accrual += (earned - this.#accrual) / this.#intervalCount;
    }
    this.#headroomBefore = headroom;
    this.#live[1] = 0;
    const accrual = this.#accrual;
    const rate = interval / spendOver;
    if (granted > this.#grantedMost) this.#grantedMost = granted;
    this.#fall = Math.max(this.#fall, this.#grantedMost - granted);
    const kept = this.#fall > 0 ? Math.min(1, Math.max(0, headroom) / this.#fall) : 1;
    const rebuilding = accrual > 0 ? (1 - REBUILD_SHARE) * accrual * kept : accrual;
    const least = Math.max(rebuilding, FALLOW_SHARE * headroom * rate);
    const spendable = Math.max(least, accrual + (headroom - Math.max(reserve, this.#fall)) * rate);
    this.#intervalsHeld = this.#intervalsHeld * DECAY + 1;
    const binFloor = Math.ceil(boundedFloor * EVEN_SCALE);
    const waste = this.#waste;
    const longWaste = this.#longWaste;
    const told = this.#told;
    this.#longHeld = this.#longHeld * (1 - rate) + 1;
    for (let i = 0; i < GATE_BIN_COUNT; i++) longWaste[i] = longWaste[i]! * (1 - rate) + (waste[i]! - told[i]!);
    // The dearer of the two: a quiet spell would else sell cheaply what the next busy one has better use for.
    const bin = Math.max(
      lowestPaid(waste, this.#intervalsHeld, spendable, binFloor),
      lowestPaid(longWaste, this.#longHeld, spendable, binFloor),
    );
    this.#live[0] = Math.max(boundedFloor, lowestOf(bin));
    for (let i = 0; i < GATE_BIN_COUNT; i++) waste[i] = waste[i]! * DECAY;
    told.set(waste);
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#waste);
    writer.numbers(
      this.#intervalsHeld,
      this.#intervalCount,
      this.#accrual,
      this.#live[1]!,
      this.#headroomBefore,
      this.#live[0]!,
      this.#grantedMost,
      this.#fall,
      this.#longHeld,
      ...this.#longWaste,
      ...this.#told,
    );
  }

  load(reader: SnapshotReader): void {
    reader.into(this.#waste);
    const [intervalsHeld, intervalCount, accrual, spent, headroomBefore, threshold, ...later] = reader.numbers();
    this.#intervalsHeld = intervalsHeld!;
    this.#intervalCount = intervalCount!;
    this.#accrual = accrual!;
    this.#live[1] = spent!;
    this.#headroomBefore = headroomBefore!;
    this.#live[0] = threshold!;
    // Earlier versions did not save the rest.
    const [grantedMost = 0, fall = 0, longHeld = 0] = later;
    this.#grantedMost = grantedMost;
    this.#fall = fall;
    this.#longHeld = longHeld;
    const isSaved = later.length > 3;
    this.#longWaste.fill(0);
    if (isSaved) this.#longWaste.set(later.slice(3, 3 + GATE_BIN_COUNT));
    this.#told.set(isSaved ? later.slice(3 + GATE_BIN_COUNT) : this.#waste);
  }

  /**
   * Forecast from which a fetch is worth its price, where traffic has no bound. Not what forecasts came to of late: few are used while few
   * are staged, so a threshold learned from these shut prefetching off for good, and what passes a lowered one displaces what is surer.
   */
  #unbounded(): number {
    const price = this.#options.wastedFetchPrice;
    return Math.max(this.#options.thresholdFloor, price / (1 + price));
  }
}

/** The lowest bin that `spendable` pays for beside those above it, where they hold the waste of `held` intervals; `binFloor` at least. */
function lowestPaid(waste: Float64Array, held: number, spendable: number, binFloor: number): number {
  let sum = 0;
  let bin = GATE_BIN_COUNT - 1;
  for (; bin >= binFloor; bin--) {
    sum += waste[bin]! / held;
    if (sum > spendable) break;
  }
  return bin + 1;
}

function binOf(probability: number): number {
  if (probability < EVEN_BINS / EVEN_SCALE) return (probability * EVEN_SCALE) | 0;
  let bin = EVEN_BINS;
  // Of the sixteenth above, and after each halving of the half, what is left to certainty.
  let left = (1 - probability) * 16;
  while (left <= 0.5 && bin < GATE_BIN_COUNT - 4) {
    left *= 2;
    bin += 4;
  }
  return left <= 0.5 ? GATE_BIN_COUNT - 1 : bin + Math.min(3, ((1 - left) * 8) | 0);
}

/** Least probability of a bin. */
function lowestOf(bin: number): number {
  if (bin <= EVEN_BINS) return bin / EVEN_SCALE;
  if (bin >= GATE_BIN_COUNT) return 1;
  const beyond = bin - EVEN_BINS;
  return 1 - (1 - (beyond & 3) / 8) / (16 * 2 ** (beyond >> 2));
}
