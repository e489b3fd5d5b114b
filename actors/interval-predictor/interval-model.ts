/** When each segment is due by the intervals between its uses. */

import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { BinCalibration } from '../near-loop/bin-calibration.ts';
import { LogisticMixer } from '../near-loop/logistic-mixer.ts';
import { type Snapshot, SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { squash } from '../near-loop/stretch.ts';
import { TimeAxis } from '../time-axis.ts';
import {
  EVIDENCE_BIN_COUNT,
  EVIDENCE_COUNT,
  EVIDENCE_SET_COUNT,
  evidencePrior,
  evidenceSet,
  gatherEvidence,
  IDLE_CLASS_COUNT,
  idleClass,
} from './interval-evidence.ts';
import { type IntervalPredictorConfig, intervalPredictorConfigSchema } from './interval-predictor-config.ts';
import { IntervalTable, intervalMax } from './interval-table.ts';
import { SlotSet } from './slot-set.ts';

/** Whole log-odds from -8 to 8. */
const FINAL_BIN_COUNT = 17;
/** Outcomes that what is thought before counts for: hits are rare, and a few misses in a row mean little. */
const priorTrials = 64;
/** Units over which accesses are averaged to say how many trials are made at the end of one. */
const smoothing = 8;

/**
 * P(used in the next unit), from seven kinds of evidence: the hazard of the segment's own intervals, exact and within one unit,
 * its last two intervals and their period, how popular it is, what it did an hour and parts of an hour ago. What evidence means is learned
 * from all segments together, by trials: at the end of each unit some segments in turn are forecast, and whether they are used in the
 * next unit settles the forecast. So a histogram of few or scattered intervals counts for as little as such histograms turned out to be
 * worth, which is a test of representativeness that learns, where the hybrid histogram policy (Shahrad et al., "Serverless in the
 * Wild", USENIX ATC 2020, 4.2) has a bound on the coefficient of variation.
 *
 * Trials are taken in turn, of the idle too, so that those that never come back are learned from. It is silent without time. What it gets
 * wrong: a horizon of several units is answered by the segment's own intervals alone, where that says more than the next unit.
 * O(intervals kept) per access and per forecast. Memory: see interval-table.ts, and 37 bytes a segment.
 */
export class IntervalModel {
  readonly config: IntervalPredictorConfig;
  readonly axis = new TimeAxis();
  readonly table: IntervalTable;
  readonly #bins: BinCalibration;
  readonly #mixer: LogisticMixer;
  readonly #final: BinCalibration;
  readonly #evidence = new Uint16Array(EVIDENCE_COUNT);
  /** One trial a slot at most: the unit at whose end it was made (NaN = none), its evidence, set, final bin, and whether it came true. */
  readonly #trialUnit: Float64Array;
  readonly #trialEvidence: Uint16Array;
  readonly #trialSet: Uint8Array;
  readonly #trialFinal: Uint16Array;
  readonly #isTrue: Uint8Array;
  readonly #speaking: SlotSet;
  readonly #onRelease = (slot: number): void => {
    this.#trialUnit[slot] = Number.NaN;
  };
  /** The unit of the latest use. */
  #unit = Number.NEGATIVE_INFINITY;
  /** Trials that accesses have paid for. */
  #allowance = 0;
  #turn = 0;
  #trialCount = 0;
  #finalBin = 0;

  constructor(config: IntervalPredictorConfig = intervalPredictorConfigSchema.parse({})) {
    this.config = config;
    const n = config.segmentsMax;
    this.table = new IntervalTable(n, config.intervalsMax, config.intervalsMin);
    this.#bins = new BinCalibration(EVIDENCE_BIN_COUNT, config.calibrationMemory, evidencePrior, priorTrials);
    this.#mixer = new LogisticMixer({
      inputCount: EVIDENCE_COUNT,
      setCount: EVIDENCE_SET_COUNT,
      // One in all: the kinds speak of the same thing, and at first their mean is the best guess.
      weightFirst: 1 / EVIDENCE_COUNT,
      rateFirst: config.mixRateFirst,
      rateLast: config.mixRateLast,
    });
    this.#final = new BinCalibration(
      IDLE_CLASS_COUNT * FINAL_BIN_COUNT,
      config.calibrationMemory,
      (bin) => squash((bin % FINAL_BIN_COUNT) - 8),
      priorTrials,
    );
    this.#trialUnit = new Float64Array(n).fill(Number.NaN);
    this.#trialEvidence = new Uint16Array(n * EVIDENCE_COUNT);
    this.#trialSet = new Uint8Array(n);
    this.#trialFinal = new Uint16Array(n);
    this.#isTrue = new Uint8Array(n);
    this.#speaking = new SlotSet(n);
  }

  /** Forecasts that were put on trial. */
  get trialCount(): number {
    return this.#trialCount;
  }

  observe(batch: AccessBatch): void {
    for (let i = 0; i < batch.length; i++) {
      const instant = this.axis.instantOf(batch.timeMs[i]!, batch.position + i);
      if (this.axis.usesTime === false) {
        this.axis.advance(batch, i, batch.length);
        return;
      }
      this.#use(batch.segment[i]!, Math.floor(instant / this.config.unitMs));
    }
  }

  /** P(used in the unit after the one that holds `timeMs`); null for a segment that is not kept. */
  probabilityOf(segment: number, timeMs: number): number | null {
    const slot = this.table.slotOf(segment);
    return slot < 0 ? null : this.#hazard(slot, this.#unitAfter(timeMs));
  }

  /** Whether the segment has enough intervals, and enough of them within range, to be spoken of. */
  isRepresentative(segment: number): boolean {
    const slot = this.table.slotOf(segment);
    return slot >= 0 && this.#speaking.has(slot);
  }

  /** Segments that have enough intervals to be spoken of, kept up as intervals come. */
  get speakingCount(): number {
    return this.#speaking.count;
  }

  /**
   * Calls back for each segment spoken of that is `wanted` and each of the horizons (by its index) with P(used within [timeMs, timeMs + horizon)), where
   * that is at least `probabilityMin`.
   */
  forecast(
    timeMs: number,
    horizonsMs: readonly number[],
    visit: (segment: number, horizon: number, probability: number) => void,
    wanted?: (segment: number) => boolean,
  ): void {
    if (this.axis.usesTime !== true) return;
    const { unitMs, probabilityMin } = this.config;
    const unit = this.#unitAfter(timeMs);
    for (let i = 0; i < this.#speaking.count; i++) {
      const slot = this.#speaking.at(i);
      const segment = this.table.segmentAt(slot);
      if (wanted?.(segment) === false) continue;
      const next = this.#hazard(slot, unit);
      for (let h = 0; h < horizonsMs.length; h++) {
        assert(horizonsMs[h]! > 0, 'a horizon is positive');
        const units = horizonsMs[h]! / unitMs;
        const probability = units <= 1 ? next * units : Math.max(next, this.#within(slot, unit, units));
        if (probability >= probabilityMin) visit(segment, h, probability);
      }
    }
  }

  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    writer.numbers(this.#turn, this.#trialCount, this.axis.usesTime === null ? 0 : this.axis.usesTime ? 1 : -1);
    writer.numbers(this.axis.latest, this.#unit, this.#allowance);
    for (const part of [this.table, this.#bins, this.#mixer, this.#final]) part.save(writer);
    for (const array of this.#arrays()) writer.array(array);
    writer.array(this.#speaking.members());
    return writer.finish();
  }

  /** @throws InvariantError when the snapshot was made with other settings. */
  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    const [turn, trialCount, usesTime] = reader.numbers();
    this.#turn = turn!;
    this.#trialCount = trialCount!;
    const [latest, unit, allowance] = reader.numbers();
    this.axis.restore(usesTime === 0 ? null : usesTime === 1, latest!);
    this.#unit = unit!;
    this.#allowance = allowance!;
    for (const part of [this.table, this.#bins, this.#mixer, this.#final]) part.load(reader);
    for (const array of this.#arrays()) reader.into(array);
    // Whom it speaks of follows from the rest, but not in which order.
    this.#speaking.clear();
    for (const slot of reader.array(new Int32Array(0))) this.#speaking.set(slot, true);
  }

  #arrays(): readonly (Float64Array | Uint16Array | Uint8Array)[] {
    return [this.#trialUnit, this.#trialEvidence, this.#trialSet, this.#trialFinal, this.#isTrue];
  }

  #unitAfter(timeMs: number): number {
    return Math.floor(this.axis.instantAt(timeMs, 0) / this.config.unitMs) + 1;
  }

  #speaksOf(slot: number): boolean {
    const { intervalsMin, outOfRangeShareMax } = this.config;
    const count = this.table.intervalCount(slot);
    return count >= intervalsMin && this.table.outOfRangeCount(slot) <= outOfRangeShareMax * count;
  }

  #use(segment: number, unit: number): void {
    if (unit > this.#unit) {
      this.#endUnit();
      this.#unit = unit;
    }
    this.#allowance = Math.min(this.#allowance + this.config.trialsPerAccess, this.config.segmentsMax * smoothing);
    const held = this.table.slotOf(segment);
    if (held >= 0 && this.#trialUnit[held] === unit - 1) this.#isTrue[held] = 1;
    const slot = this.table.use(segment, unit, this.#onRelease);
    this.#speaking.set(slot, this.#speaksOf(slot));
  }

  /**
   * A unit is over: slots in turn are forecast for the next. Trials that were made at the end of the one before are decided by now. How many are
   * made follows the accesses of the last several units, not of this one: were there more after a busy unit, what is learned
   * would be what follows a rush.
   */
  #endUnit(): void {
    const count = Math.min(this.table.slotCount, Math.floor(this.#allowance / smoothing));
    this.#allowance -= count;
    for (let i = 0; i < count; i++) {
      if (this.#turn >= this.table.slotCount) this.#turn = 0;
      this.#try(this.#turn++, this.#unit);
    }
  }

  #try(slot: number, unit: number): void {
    if (!Number.isNaN(this.#trialUnit[slot]!)) this.#learn(slot);
    this.#hazard(slot, unit + 1);
    this.#trialEvidence.set(this.#evidence, slot * EVIDENCE_COUNT);
    this.#trialSet[slot] = evidenceSet(unit + 1 - this.table.lastUnit[slot]!);
    this.#trialFinal[slot] = this.#finalBin;
    this.#isTrue[slot] = 0;
    this.#trialUnit[slot] = unit;
    this.#trialCount++;
  }

  #learn(slot: number): void {
    const at = slot * EVIDENCE_COUNT;
    const isTrue = this.#isTrue[slot]!;
    this.#mixer.learn(this.#trialSet[slot]!, this.#bins.logOdds, this.#trialEvidence, at, isTrue);
    for (let i = 0; i < EVIDENCE_COUNT; i++) {
      const bin = this.#trialEvidence[at + i]!;
      if (bin !== 0) this.#bins.observe(bin, isTrue);
    }
    this.#final.observe(this.#trialFinal[slot]!, isTrue);
  }

  /** P(slot is used in `unit`); leaves its evidence behind. */
  #hazard(slot: number, unit: number): number {
    gatherEvidence(this.table, slot, unit, this.#evidence, 0);
    const set = evidenceSet(unit - this.table.lastUnit[slot]!);
    const logOdds = Math.max(-8, Math.min(8, this.#mixer.mix(set, this.#bins.logOdds, this.#evidence, 0)));
    this.#finalBin = idleClass(unit - this.table.lastUnit[slot]!) * FINAL_BIN_COUNT + Math.round(logOdds) + 8;
    return (squash(logOdds) + this.#final.probabilityOf(this.#finalBin)) / 2;
  }

  /** P(used in one of the units from `unit` on that a horizon of `units` reaches), by the segment's own intervals. */
  #within(slot: number, unit: number, units: number): number {
    const age = Math.min(intervalMax, unit - this.table.lastUnit[slot]!);
    const atRisk = this.table.countWithin(slot, age, intervalMax + 1);
    const due = this.table.countWithin(slot, age, Math.min(intervalMax, Math.floor(age + units - 1)));
    // As if one interval more had outlasted them all.
    return due / (atRisk + 1);
  }
}
