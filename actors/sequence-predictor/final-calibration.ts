/** Makes a probability honest: what forecasts like it have come to lately. */

import { BinCalibration } from '../near-loop/bin-calibration.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { squash } from '../near-loop/stretch.ts';
import { softLogOdds } from './choice-math.ts';

/** Bins of log-odds from -5 to 5, a third apart. */
const STEPS_PER_UNIT = 3;
const MIDDLE = 15;
const BIN_COUNT = 2 * MIDDLE + 1;
const MEMORY = 1000;
/** Probabilities below this are left as they are: no bin reaches down to them. */
export const CALIBRATED_MIN = 0.01;

/**
 * Frequencies by bin of log-odds, read between the two nearest bins, so that what is calibrated changes without jumps. The result is the mean of what was
 * said and what came of it: sharp before the bins have learned, honest after. O(1).
 */
export class FinalCalibration {
  readonly #bins = new BinCalibration(BIN_COUNT, MEMORY, (bin) => squash((bin - MIDDLE) / STEPS_PER_UNIT));

  get bytes(): number {
    return BIN_COUNT * 10;
  }

  calibrate(p: number): number {
    if (p < CALIBRATED_MIN) return p;
    const at = placeOf(p);
    const low = Math.floor(at);
    const between = at - low;
    const came =
      this.#bins.probabilityOf(low) * (1 - between) +
      this.#bins.probabilityOf(Math.min(BIN_COUNT - 1, low + 1)) * between;
    return (p + came) / 2;
  }

  /** What was said to have probability `p` came true (1) or not (0). */
  observe(p: number, isTrue: number): void {
    if (p >= CALIBRATED_MIN) this.#bins.observe(Math.round(placeOf(p)), isTrue);
  }

  save(writer: SnapshotWriter): void {
    this.#bins.save(writer);
  }

  load(reader: SnapshotReader): void {
    this.#bins.load(reader);
  }
}

function placeOf(p: number): number {
  return Math.min(BIN_COUNT - 1, Math.max(0, softLogOdds(p) * STEPS_PER_UNIT + MIDDLE));
}
