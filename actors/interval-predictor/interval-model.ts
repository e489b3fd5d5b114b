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

/** Whole log-odds from -8 to 8. */
const FINAL_BIN_COUNT = 17;
/** Outcomes that what is thought before counts for: hits are rare, and a few misses in a row mean little. */
const priorTrials = 64;

/**
 * P(used in the next unit), from seven kinds of evidence: the hazard of the segment's own intervals, exact and within one unit,
 * its last two intervals and their period, how popular it is, what it did an hour and parts of an hour ago. What evidence means is learned
 * from all segments together, by trials: at each access some segments in turn are forecast, and whether they are used in the
 * next unit settles the forecast. So a histogram of few or scattered intervals counts for as little as such histograms turned out to be
 * worth, which is a test of representativeness that learns, where the hybrid histogram policy (Shahrad et al., "Serverless in the
 * Wild", USENIX ATC 2020, 4.2) has a bound on the coefficient of variation.
 *
 * Trials are taken in turn, of the idle too, so that those that never come back are learned from. It is silent without time. What it gets
 * wrong: a horizon of several units is answered by the segment's own intervals beyond the first unit.
 * O(intervals kept) per access and per forecast. Memory: see interval-table.ts, and 52 bytes a segment.
 */
export class IntervalModel {
  readonly config: IntervalPredictorConfig;
  readonly axis = new TimeAxis();
  readonly table: IntervalTable;
  readonly #bins: BinCalibration;
  readonly #mixer: LogisticMixer;
  readonly #final: BinCalibration;
  readonly #evidence = new Uint16Array(EVIDENCE_COUNT);
  /**
   * Two trials a slot at most, of an even and of an odd unit, so that one of the unit before never keeps another from being made: were it so,
   * even ages would go untried. The unit that it was made in (NaN = none), its evidence, its set and final bin.
   */
  readonly #trialUnit: Float64Array;
  readonly #trialEvidence: Uint16Array;
  readonly #trialSet: Uint8Array;
  readonly #trialFinal: Uint16Array;
  readonly #isTrue: Uint8Array;
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
    this.#trialUnit = new Float64Array(2 * n).fill(Number.NaN);
    this.#trialEvidence = new Uint16Array(2 * n * EVIDENCE_COUNT);
    this.#trialSet = new Uint8Array(2 * n);
    this.#trialFinal = new Uint16Array(2 * n);
    this.#isTrue = new Uint8Array(2 * n);
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
    return slot >= 0 && this.#speaksOf(slot);
  }

  /** Calls back for each segment spoken of with P(used within [timeMs, timeMs + horizonMs)), where that is at least `probabilityMin`. */
  forecast(timeMs: number, horizonMs: number, visit: (segment: number, probability: number) => void): void {
    assert(horizonMs > 0, `a horizon is positive, not ${horizonMs}`);
    if (this.axis.usesTime !== true) return;
    const { unitMs, probabilityMin } = this.config;
    const unit = this.#unitAfter(timeMs);
    const units = horizonMs / unitMs;
    for (let slot = 0; slot < this.table.slotCount; slot++) {
      if (!this.#speaksOf(slot)) continue;
      const next = this.#hazard(slot, unit);
      const probability = units <= 1 ? next * units : 1 - (1 - next) * (1 - this.#within(slot, unit, units));
      if (probability >= probabilityMin) visit(this.table.segmentAt(slot), probability);
    }
  }

  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    writer.numbers(this.#turn, this.#trialCount, this.axis.usesTime === null ? 0 : this.axis.usesTime ? 1 : -1);
    writer.numbers(this.axis.latest);
    for (const part of [this.table, this.#bins, this.#mixer, this.#final]) part.save(writer);
    for (const array of this.#arrays()) writer.array(array);
    return writer.finish();
  }

  /** @throws InvariantError when the snapshot was made with other settings. */
  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    const [turn, trialCount, usesTime] = reader.numbers();
    this.#turn = turn!;
    this.#trialCount = trialCount!;
    this.axis.restore(usesTime === 0 ? null : usesTime === 1, reader.numbers()[0]!);
    for (const part of [this.table, this.#bins, this.#mixer, this.#final]) part.load(reader);
    for (const array of this.#arrays()) reader.into(array);
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
    const held = this.table.slotOf(segment);
    if (held >= 0 && this.table.lastUnit[held]! < unit) this.#settleUsed(held, unit);
    this.table.use(segment, unit, (slot) => {
      this.#trialUnit.fill(Number.NaN, 2 * slot, 2 * slot + 2);
    });
    const { trialsPerAccess } = this.config;
    for (let i = 0; i < trialsPerAccess; i++) {
      if (this.#turn >= this.table.slotCount) this.#turn = 0;
      this.#try(this.#turn++, unit);
    }
  }

  /** The segment is used in `unit` for the first time: a trial of the unit before has come true. */
  #settleUsed(slot: number, unit: number): void {
    for (let trial = 2 * slot; trial < 2 * slot + 2; trial++) {
      if (this.#trialUnit[trial] === unit - 1) this.#isTrue[trial] = 1;
      // One that was made in this very unit knew nothing of this use: what it was asked is no longer the question.
      else if (this.#trialUnit[trial] === unit) this.#trialUnit[trial] = Number.NaN;
    }
  }

  /** Learns from the slot's trials that are decided, and makes the next. Hits wait for their turn as misses do: learnt at once they would come first. */
  #try(slot: number, unit: number): void {
    for (let trial = 2 * slot; trial < 2 * slot + 2; trial++) {
      if (this.#trialUnit[trial]! < unit - 1) this.#learn(trial);
    }
    const trial = 2 * slot + (unit & 1);
    if (this.#trialUnit[trial] === unit) return;
    this.#hazard(slot, unit + 1);
    this.#trialEvidence.set(this.#evidence, trial * EVIDENCE_COUNT);
    this.#trialSet[trial] = evidenceSet(unit + 1 - this.table.lastUnit[slot]!);
    this.#trialFinal[trial] = this.#finalBin;
    this.#isTrue[trial] = 0;
    this.#trialUnit[trial] = unit;
    this.#trialCount++;
  }

  #learn(trial: number): void {
    const at = trial * EVIDENCE_COUNT;
    const isTrue = this.#isTrue[trial]!;
    this.#mixer.learn(this.#trialSet[trial]!, this.#bins.logOdds, this.#trialEvidence, at, isTrue);
    for (let i = 0; i < EVIDENCE_COUNT; i++) {
      const bin = this.#trialEvidence[at + i]!;
      if (bin !== 0) this.#bins.observe(bin, isTrue);
    }
    this.#final.observe(this.#trialFinal[trial]!, isTrue);
    this.#trialUnit[trial] = Number.NaN;
  }

  /** P(slot is used in `unit`); leaves its evidence behind. */
  #hazard(slot: number, unit: number): number {
    gatherEvidence(this.table, slot, unit, this.#evidence, 0);
    const set = evidenceSet(unit - this.table.lastUnit[slot]!);
    const logOdds = Math.max(-8, Math.min(8, this.#mixer.mix(set, this.#bins.logOdds, this.#evidence, 0)));
    this.#finalBin = idleClass(unit - this.table.lastUnit[slot]!) * FINAL_BIN_COUNT + Math.round(logOdds) + 8;
    return (squash(logOdds) + this.#final.probabilityOf(this.#finalBin)) / 2;
  }

  /** P(used in one of the units after `unit` that a horizon of `units` reaches), by the segment's own intervals. */
  #within(slot: number, unit: number, units: number): number {
    const age = Math.min(intervalMax, unit + 1 - this.table.lastUnit[slot]!);
    const atRisk = this.table.countWithin(slot, age, intervalMax + 1);
    const due = this.table.countWithin(slot, age, Math.min(intervalMax, Math.floor(age + units - 2)));
    // As if one interval more had outlasted them all.
    return due / (atRisk + 1);
  }
}
