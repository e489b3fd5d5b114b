/** What a forecast means here: P(used before it leaves), learned from what became of the prefetches that were sent. */

import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash, stretch } from './stretch.ts';

/** Outcomes that the fit remembers. */
const MEMORY = 2000;
/** Information that stands for taking forecasts at their word; an outcome adds a quarter at most. */
const PRIOR = 8;
const SLOPE_MIN = 0.25;
const SLOPE_MAX = 4;
/** Steps of the table from 0 to 1. */
const STEPS = 128;

/**
 * The mixture forecasts a demand within a horizon; a prefetch is used if the demand comes while it is staged, which a large cache makes
 * longer and a crowded one shorter, and those sent are the ones that looked best. So log-odds of use are fitted as a line in the forecast's
 * log-odds (Platt 1999), by Newton's step for each outcome with what is older fading (recursive estimation: Fahrmeir, Biometrika 79, 1992).
 * Choosing by the forecast does not bias what is learned given the forecast, and a line speaks also of what is not sent.
 * O(1) an outcome; `refresh`, to be called now and then, makes the table that is read. Non-decreasing in the forecast.
 */
export class IssuedCalibration {
  /** Log-odds at which forecast 1/2 is used, and the slope. */
  #level = 0;
  #slope = 1;
  /** Information about both: sums of p (1 - p) times 1, x and x squared. */
  #ones = PRIOR;
  #cross = 0;
  #squares = PRIOR;
  readonly #table = new Float64Array(STEPS + 2);

  constructor() {
    this.refresh();
  }

  get bytes(): number {
    return this.#table.byteLength;
  }

  /** P(used before it leaves) of a forecast of `probability`. */
  state(probability: number): number {
    const at = probability * STEPS;
    const i = at | 0;
    const low = this.#table[i]!;
    return low + (this.#table[i + 1]! - low) * (at - i);
  }

  /** A prefetch sent at a forecast of `probability` was used, or left unused. */
  learn(probability: number, isUsed: boolean): void {
    const x = stretch(probability);
    const p = squash(this.#level + this.#slope * x);
    const weight = p * (1 - p);
    const keep = 1 - 1 / MEMORY;
    this.#ones = this.#ones * keep + weight + PRIOR / MEMORY;
    this.#cross = this.#cross * keep + weight * x;
    this.#squares = this.#squares * keep + weight * x * x + PRIOR / MEMORY;
    const error = (isUsed ? 1 : 0) - p;
    const pullOfLevel = error - (PRIOR / MEMORY) * this.#level;
    const pullOfSlope = error * x - (PRIOR / MEMORY) * (this.#slope - 1);
    const determinant = this.#ones * this.#squares - this.#cross * this.#cross;
    this.#level += (this.#squares * pullOfLevel - this.#cross * pullOfSlope) / determinant;
    const slope = this.#slope + (this.#ones * pullOfSlope - this.#cross * pullOfLevel) / determinant;
    this.#slope = Math.min(Math.max(slope, SLOPE_MIN), SLOPE_MAX);
  }

  /** Makes what was learned count. */
  refresh(): void {
    for (let i = 0; i <= STEPS; i++) this.#table[i] = squash(this.#level + this.#slope * stretch(i / STEPS));
    this.#table[STEPS + 1] = this.#table[STEPS]!;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#level, this.#slope, this.#ones, this.#cross, this.#squares);
    writer.array(this.#table);
  }

  load(reader: SnapshotReader): void {
    const [level, slope, ones, cross, squares] = reader.numbers();
    this.#level = level!;
    this.#slope = slope!;
    this.#ones = ones!;
    this.#cross = cross!;
    this.#squares = squares!;
    reader.into(this.#table);
  }
}
