/** What the intervals of a segment say of its next unit, as bins whose meaning is learned. */

import { exp2 } from '../../engine/exp2.ts';
import { bitLength } from '../near-loop/opinion-bins.ts';
import { type IntervalTable, intervalMax } from './interval-table.ts';

/** Kinds of evidence, each an input of the mixture. */
const evidenceKinds = ['hazard', 'near-hazard', 'period', 'popularity', 'echo', 'hourly', 'pace'] as const;
export const EVIDENCE_COUNT = evidenceKinds.length;

/** Units back at which a use is an echo of what is due: the hour and its parts, where a unit is a minute. */
const echoes = [60, 120, 30, 15, 20, 10] as const;
const hours = [60, 120, 180, 30] as const;

/** Thought of a segment that was used in the unit before, until more is known. */
const hazardAtOnce = 0.4;

const COUNT_BINS = 8;
const AGE_BINS = 9;
/** Half octaves up to 256. */
const FINE_BINS = 17;
const STEP_BINS = 7;
const POPULARITY_BINS = 10;

const hazardBins = COUNT_BINS * COUNT_BINS * AGE_BINS;
const nearBins = COUNT_BINS * COUNT_BINS * 4;
const periodBins = STEP_BINS * STEP_BINS * 2 * 2;
const popularityBins = FINE_BINS * POPULARITY_BINS * 4;
const echoBins = 1 << echoes.length;
const hourlyBins = (1 << hours.length) * 6;
const paceBins = FINE_BINS * FINE_BINS * AGE_BINS;

/** Where the bins of each kind begin; bin 0 of all = silent. */
const base = new Uint16Array(EVIDENCE_COUNT);
let total = 1;
[hazardBins, nearBins, periodBins, popularityBins, echoBins, hourlyBins, paceBins].forEach((count, kind) => {
  base[kind] = total;
  total += count;
});
export const EVIDENCE_BIN_COUNT = total;
/** Sets of mixing weights: by how long a segment has been idle. */
export const EVIDENCE_SET_COUNT = AGE_BINS;

export function evidenceSet(age: number): number {
  return bitLength(Math.min(intervalMax + 1, age));
}

/** Classes in which the mixture is calibrated once more: by how long idle, finer. */
export const IDLE_CLASS_COUNT = FINE_BINS;

export function idleClass(age: number): number {
  return halfOctave(Math.min(intervalMax + 1, age));
}

/**
 * What a bin is taken to mean before anything was learned: the longer idle, the less likely now, as heavy-tailed intervals are; where a bin says nothing of
 * the idle time, what is usual after four units.
 */
export function evidencePrior(bin: number): number {
  if (bin === 0) return 0.5;
  let kind = EVIDENCE_COUNT - 1;
  while (bin < base[kind]!) kind--;
  const rest = bin - base[kind]!;
  const octave = (rest % FINE_BINS) / 2 + 1;
  const age = [Math.floor(rest / (8 * COUNT_BINS)), 3, 3, octave, 3, rest >>> hours.length, octave];
  return Math.min(0.5, hazardAtOnce * exp2(-Math.max(0, age[kind]! - 1)));
}

/**
 * Fills `bins[from..]` with the evidence of `slot` that it is used in `unit`, which is after its latest use. At a share c / r, r kept
 * intervals are as long as the segment has been idle and c of them would end now (the hazard of its histogram). O(intervals kept).
 */
export function gatherEvidence(
  table: IntervalTable,
  slot: number,
  unit: number,
  bins: Uint16Array,
  from: number,
): void {
  const age = Math.min(intervalMax + 1, unit - table.lastUnit[slot]!);
  const known = table.intervalCount(slot);
  const counts = table.countAt(slot, age);
  const { atRisk } = counts;
  // Intervals beyond the range are no bin of the histogram.
  const exact = age > intervalMax ? 0 : counts.exact;
  const near = age > intervalMax ? 0 : counts.near;
  const risk = countBin(atRisk);
  const ageBin = bitLength(age);
  const fineBin = halfOctave(age);
  bins[from] = base[0]! + shareBin(exact, atRisk, 8) + 8 * (risk + COUNT_BINS * ageBin);
  bins[from + 1] = base[1]! + shareBin(near, atRisk, 4) + 8 * (risk + COUNT_BINS * Math.min(3, countBin(exact)));
  const last = table.intervalAt(slot, 0);
  const before = table.intervalAt(slot, 1);
  bins[from + 2] =
    last === 0
      ? 0
      : base[2]! +
        stepBin(age - last) +
        STEP_BINS *
          (stepBin(age - before) +
            STEP_BINS * ((Math.abs(last - before) <= 1 ? 1 : 0) + 2 * (last > intervalMax ? 1 : 0)));
  const riskShare = known > 0 ? Math.min(3, bitLength(Math.round((4 * atRisk) / known))) : 0;
  bins[from + 3] =
    base[3]! +
    ageBin +
    AGE_BINS * (Math.min(POPULARITY_BINS - 1, bitLength(table.useCount[slot]!)) + POPULARITY_BINS * riskShare);
  let echo = 0;
  for (let i = 0; i < echoes.length; i++) if (table.wasUsedIn(slot, unit - echoes[i]!)) echo |= 1 << i;
  bins[from + 4] = base[4]! + echo;
  let hourly = 0;
  for (let i = 0; i < hours.length; i++) {
    const at = unit - hours[i]!;
    if (table.wasUsedIn(slot, at - 1) || table.wasUsedIn(slot, at) || table.wasUsedIn(slot, at + 1)) hourly |= 1 << i;
  }
  bins[from + 5] = base[5]! + hourly + (1 << hours.length) * Math.min(5, ageBin);
  bins[from + 6] = base[6]! + fineBin + FINE_BINS * (halfOctave(last) + FINE_BINS * bitLength(before));
}

/** 0, 1, 2, 3, 4-5, 6-7, 8-11, 12-15 and so on. */
function halfOctave(x: number): number {
  const octave = bitLength(x);
  return octave < 2 ? octave : 2 * octave - 2 + ((x >> (octave - 2)) & 1);
}

/** 0, 1, 2, 3-4, 5-8, 9-16, 17-32, more. */
function countBin(count: number): number {
  return count <= 2 ? count : Math.min(COUNT_BINS - 1, bitLength(count - 1) + 1);
}

function shareBin(part: number, whole: number, steps: number): number {
  return whole === 0 ? 0 : Math.min(7, Math.floor((part * steps) / whole));
}

/** Difference of an age and an interval, cut to -3..3. */
function stepBin(difference: number): number {
  return Math.max(-3, Math.min(3, difference)) + 3;
}
