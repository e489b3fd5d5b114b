/** What a forecast means here: P(used before it leaves), learned from what became of the prefetches that were sent. */

import type { Place } from '../kernel-columns.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { STRETCH_STEPS, squash, stretch, stretchTable } from './stretch.ts';

/** Outcomes that the fit remembers. */
export const ISSUED_MEMORY = 2000;
/** Information that stands for taking forecasts at their word; an outcome adds a quarter at most. */
export const ISSUED_PRIOR = 8;
export const SLOPE_MIN = 0.25;
export const SLOPE_MAX = 4;
/** Steps of the table from 0 to 1. */
export const ISSUED_STEPS = 128;

/**
 * The mixture forecasts a demand within a horizon; a prefetch is used if the demand comes while it is staged, which a large cache makes
 * longer and a crowded one shorter, and those sent are the ones that looked best. So log-odds of use are fitted as a line in the forecast's
 * log-odds (Platt 1999), by Newton's step for each outcome with what is older fading (recursive estimation: Fahrmeir, Biometrika 79, 1992).
 * Choosing by the forecast does not bias what is learned given the forecast, and a line speaks also of what is not sent.
 * O(1) an outcome; `refresh`, to be called now and then, makes the table that is read. Non-decreasing in the forecast.
 */
export class IssuedCalibration {
  /**
   * Log-odds at which forecast 1/2 is used, and the slope; then the information about both: sums of p (1 - p) times 1, x and x squared.
   */
  #line: Float64Array = Float64Array.of(0, 1, ISSUED_PRIOR, 0, ISSUED_PRIOR);
  #table: Float64Array = new Float64Array(ISSUED_STEPS + 2);

  constructor() {
    this.refresh();
  }

  get bytes(): number {
    return this.#table.byteLength;
  }

  get lineBytes(): number {
    return this.#line.byteLength;
  }

  /** Goes on in what `place` gives for what it learned and for its table, told where they are to lie. */
  adopt(place: Place, at: { readonly issuedLine: number; readonly issuedTable: number }): void {
    this.#line = place(this.#line, at.issuedLine);
    this.#table = place(this.#table, at.issuedTable);
  }

  /** P(used before it leaves) of a forecast of `probability`. */
  state(probability: number): number {
    const at = probability * ISSUED_STEPS;
    const i = at | 0;
    const low = this.#table[i]!;
    return low + (this.#table[i + 1]! - low) * (at - i);
  }

  /** A prefetch sent at a forecast of `probability` was used, or left unused. */
  learn(probability: number, isUsed: boolean): void {
    const line = this.#line;
    const level = line[0]!;
    const slope = line[1]!;
    const x = stretch(probability);
    const p = squash(level + slope * x);
    const weight = p * (1 - p);
    const keep = 1 - 1 / ISSUED_MEMORY;
    const ones = line[2]! * keep + weight + ISSUED_PRIOR / ISSUED_MEMORY;
    const cross = line[3]! * keep + weight * x;
    const squares = line[4]! * keep + weight * x * x + ISSUED_PRIOR / ISSUED_MEMORY;
    const error = (isUsed ? 1 : 0) - p;
    const pullOfLevel = error - (ISSUED_PRIOR / ISSUED_MEMORY) * level;
    const pullOfSlope = error * x - (ISSUED_PRIOR / ISSUED_MEMORY) * (slope - 1);
    const determinant = ones * squares - cross * cross;
    line[0] = level + (squares * pullOfLevel - cross * pullOfSlope) / determinant;
    line[1] = Math.min(
      Math.max(slope + (ones * pullOfSlope - cross * pullOfLevel) / determinant, SLOPE_MIN),
      SLOPE_MAX,
    );
    line[2] = ones;
    line[3] = cross;
    line[4] = squares;
  }

  /** Makes what was learned count. */
  refresh(): void {
    const table = this.#table;
    const level = this.#line[0]!;
    const slope = this.#line[1]!;
    for (let i = 0; i <= ISSUED_STEPS; i++) {
      table[i] = squash(level + slope * stretchTable[i * (STRETCH_STEPS / ISSUED_STEPS)]!);
    }
    table[ISSUED_STEPS + 1] = table[ISSUED_STEPS]!;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(...this.#line);
    writer.array(this.#table);
  }

  load(reader: SnapshotReader): void {
    this.#line.set(reader.numbers());
    reader.into(this.#table);
  }
}
