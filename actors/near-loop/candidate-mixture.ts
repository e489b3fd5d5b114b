/** From opinions to one honest probability: calibrates each expert, mixes them, calibrates the mixture, learns from every outcome. */

import { BinCalibration } from './bin-calibration.ts';
import { NAMING_COUNT, OPINION_COUNT } from './candidate-set.ts';
import { LogisticMixer } from './logistic-mixer.ts';
import {
  CHAIN_BIN_COUNT,
  CONTEXT_BIN_COUNT,
  FORECAST_BIN_COUNT,
  POPULARITY_BIN_COUNT,
  SUCCESSOR_BIN_COUNT,
  successorPrior,
} from './opinion-bins.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash } from './stretch.ts';
import { TrialRing } from './trial-ring.ts';

const INPUT_COUNT = OPINION_COUNT + 1; // and a bias
const BIAS = 0.5;
/** How the access that gave rise to the forecast was served: miss, hit, staged hit or late. */
const SERVED_COUNT = 3;
const MASK_COUNT = 1 << NAMING_COUNT;
/** Half log-odds from -8 to 8. */
const FINAL_BIN_COUNT = 33;

export interface CandidateMixtureOptions {
  /** Outcomes a bin remembers. */
  readonly calibrationMemory: number;
  readonly weightFirst: number;
  readonly mixRateFirst: number;
  readonly mixRateLast: number;
  /** Forecasts whose outcome is awaited at once; beyond it forecasts are made but not learned from. */
  readonly trialCountMax: number;
  /** Forecasts that are all tried; of later ones only every `trialSpacing`-th is, which costs less and learns slower. */
  readonly trialsBeforeSampling: number;
  readonly trialSpacing: number;
  readonly streamBinCount: number;
}

/**
 * Three stages, each learned from outcomes alone. Every expert's bin has the probability that it came true lately. The log-odds
 * of these are mixed with weights of a set chosen by who has an opinion and by how the access was served. What the mixture says
 * is calibrated once more, and the two are averaged: the mixture is sharp, the last stage honest.
 *
 * An outcome is a demand within the horizon. Every forecast is tried, whether or not it led to a fetch (a shadow trial), so an expert
 * that is throttled goes on learning, and what the gate lets through does not bias what is learned.
 * O(opinions) a forecast and an outcome.
 */
export class CandidateMixture {
  readonly #bins: BinCalibration;
  readonly #binBase: Int32Array;
  readonly #mixer: LogisticMixer;
  readonly #final: BinCalibration;
  readonly #trials: TrialRing;
  readonly #trialBins: Int32Array;
  readonly #trialInputs: Float32Array;
  readonly #trialLogOdds: Float32Array;
  readonly #trialFinal: Uint16Array;
  readonly #trialSet: Uint16Array;
  readonly #inputs = new Float32Array(INPUT_COUNT);
  readonly #scratchBins = new Int32Array(OPINION_COUNT);
  readonly #triesFull: number;
  readonly #tryEvery: number;
  #forecastCount = 0;
  #set = 0;

  constructor(options: CandidateMixtureOptions) {
    this.#triesFull = options.trialsBeforeSampling;
    this.#tryEvery = options.trialSpacing;
    const counts = [
      SUCCESSOR_BIN_COUNT,
      CONTEXT_BIN_COUNT,
      SUCCESSOR_BIN_COUNT,
      CHAIN_BIN_COUNT,
      options.streamBinCount,
      FORECAST_BIN_COUNT,
      POPULARITY_BIN_COUNT,
    ];
    const priors: ((bin: number) => number)[] = [
      successorPrior,
      () => 0.2,
      successorPrior,
      () => 0.1,
      () => 0.3,
      () => 0.1,
      () => 0.1,
    ];
    this.#binBase = new Int32Array(OPINION_COUNT);
    const prior: number[] = [];
    for (let i = 0; i < OPINION_COUNT; i++) {
      this.#binBase[i] = prior.length;
      for (let bin = 0; bin < counts[i]!; bin++) prior.push(priors[i]!(bin));
    }
    this.#bins = new BinCalibration(prior.length, options.calibrationMemory, (bin) => prior[bin]!);
    this.#mixer = new LogisticMixer({
      inputCount: INPUT_COUNT,
      setCount: SERVED_COUNT * MASK_COUNT,
      weightFirst: options.weightFirst,
      rateFirst: options.mixRateFirst,
      rateLast: options.mixRateLast,
    });
    this.#final = new BinCalibration(SERVED_COUNT * FINAL_BIN_COUNT, options.calibrationMemory, (bin) =>
      squash(((bin % FINAL_BIN_COUNT) - 16) / 2),
    );
    const n = options.trialCountMax;
    this.#trials = new TrialRing(n);
    this.#trialBins = new Int32Array(n * OPINION_COUNT);
    this.#trialInputs = new Float32Array(n * INPUT_COUNT);
    this.#trialLogOdds = new Float32Array(n);
    this.#trialFinal = new Uint16Array(n);
    this.#trialSet = new Uint16Array(n);
  }

  get bytes(): number {
    return (
      this.#trials.bytes +
      this.#trialBins.byteLength +
      this.#trialInputs.byteLength +
      this.#trialSet.length * 8 +
      this.#bins.binCount * 6
    );
  }

  /** Forecasts that were not tried because too many were open. */
  get untriedCount(): number {
    return this.#trials.refusedCount;
  }

  /**
   * Probability that `segment` is demanded within the horizon, given OPINION_COUNT bins from `offset`; the forecast goes on trial.
   * `servedClass`: 0 miss, 1 hit, 2 staged hit or late.
   */
  forecast(segment: number, position: number, servedClass: number, bins: Uint16Array, offset: number): number {
    const inputs = this.#inputs;
    const flat = this.#scratchBins;
    let mask = 0;
    for (let i = 0; i < OPINION_COUNT; i++) {
      const bin = bins[offset + i]!;
      if (bin === 0) {
        // An expert with nothing to say is asleep; a comment that is missing says something of its own (never seen).
        if (i < NAMING_COUNT) {
          flat[i] = -1;
          inputs[i] = 0;
          continue;
        }
      } else if (i < NAMING_COUNT) {
        mask |= 1 << i;
      }
      const at = this.#binBase[i]! + bin;
      flat[i] = at;
      inputs[i] = this.#bins.logOddsOf(at);
    }
    inputs[OPINION_COUNT] = BIAS;
    const set = servedClass * MASK_COUNT + mask;
    this.#set = set;
    let logOdds = this.#mixer.mix(set, inputs, 0);
    if (logOdds > 8) logOdds = 8;
    else if (logOdds < -8) logOdds = -8;
    const finalBin = servedClass * FINAL_BIN_COUNT + 16 + Math.round(logOdds * 2);
    const slot = this.#isTried() ? this.#trials.start(segment, position) : -1;
    if (slot >= 0) {
      const b = slot * OPINION_COUNT;
      for (let i = 0; i < OPINION_COUNT; i++) this.#trialBins[b + i] = flat[i]!;
      const x = slot * INPUT_COUNT;
      for (let i = 0; i < INPUT_COUNT; i++) this.#trialInputs[x + i] = inputs[i]!;
      this.#trialLogOdds[slot] = logOdds;
      this.#trialFinal[slot] = finalBin;
      this.#trialSet[slot] = set;
    }
    return (squash(logOdds) + this.#final.probabilityOf(finalBin)) / 2;
  }

  /** The naming expert that argued most for the candidate forecast last. */
  strongestExpert(): number {
    return this.#mixer.strongest(this.#set, this.#inputs, 0, NAMING_COUNT);
  }

  /** A demand for `segment`: its open trials no older than `horizon` come true. */
  settleDemand(segment: number, position: number, horizon: number): void {
    for (let slot = this.#trials.takeDemanded(segment); slot >= 0; slot = this.#trials.takeDemanded(segment)) {
      this.#settle(slot, position - this.#trials.startedAt(slot) <= horizon ? 1 : 0);
    }
  }

  /** Trials started before `position` have failed. */
  settleExpired(position: number): void {
    for (let slot = this.#trials.takeExpired(position); slot >= 0; slot = this.#trials.takeExpired(position)) {
      this.#settle(slot, 0);
    }
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#forecastCount);
    for (const part of [this.#bins, this.#mixer, this.#final, this.#trials]) part.save(writer);
    for (const a of this.#trialColumns()) writer.array(a);
  }

  load(reader: SnapshotReader): void {
    this.#forecastCount = reader.numbers()[0]!;
    for (const part of [this.#bins, this.#mixer, this.#final, this.#trials]) part.load(reader);
    for (const a of this.#trialColumns()) reader.into(a);
  }

  /** All forecasts at first; later every fourth, by a counter that knows nothing of the forecast and so biases nothing. */
  #isTried(): boolean {
    this.#forecastCount++;
    return this.#forecastCount < this.#triesFull || this.#forecastCount % this.#tryEvery === 0;
  }

  #trialColumns(): readonly (Int32Array | Float32Array | Uint16Array)[] {
    return [this.#trialBins, this.#trialInputs, this.#trialLogOdds, this.#trialFinal, this.#trialSet];
  }

  #settle(slot: number, isTrue: number): void {
    const b = slot * OPINION_COUNT;
    for (let i = 0; i < OPINION_COUNT; i++) {
      const bin = this.#trialBins[b + i]!;
      if (bin >= 0) this.#bins.observe(bin, isTrue);
    }
    this.#mixer.learn(this.#trialSet[slot]!, this.#trialInputs, slot * INPUT_COUNT, this.#trialLogOdds[slot]!, isTrue);
    this.#final.observe(this.#trialFinal[slot]!, isTrue);
  }
}

/** Class of a `Served` code for {@link CandidateMixture.forecast}. */
export function servedClassOf(served: number): number {
  return served <= 1 ? served : 2;
}
