/** From opinions to one honest probability: calibrates each expert, mixes them, calibrates the mixture, learns from every outcome. */

import type { ExpertOpinion } from '../prefetcher.ts';
import { BinCalibration } from './bin-calibration.ts';
import { type CandidateSet, OPINION_STRIDE } from './candidate-set.ts';
import { BIN_COUNT, NAMING_COUNT, OPINION_COUNT, opinionNames, priorOf } from './opinion-bins.ts';
import { OpinionMixer } from './opinion-mixer.ts';
import type { SegmentFacts } from './segment-facts.ts';
import type { SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { squash } from './stretch.ts';
import { TrialRing } from './trial-ring.ts';

/** How the access that gave rise to the forecast was served: miss, hit, staged hit or late. */
const SERVED_COUNT = 3;
const MASK_COUNT = 1 << NAMING_COUNT;
/** Half log-odds from -8 to 8. */
const FINAL_BIN_COUNT = 33;
/** Place of the weight set among a trial's bins. */
const SET = OPINION_COUNT;

/** What a mixture keeps, for whoever goes on with it in place: see {@link CandidateMixture.parts}. */
export interface MixtureParts {
  readonly bins: BinCalibration;
  readonly mixer: OpinionMixer;
  readonly final: BinCalibration;
  readonly trials: TrialRing;
  readonly trialBins: Uint16Array;
  readonly trialFinal: Uint8Array;
  /** Forecasts that were all tried, and how many are passed over until the next trial. */
  readonly sampling: Int32Array;
  readonly triesFull: number;
  readonly tryEvery: number;
  readonly bytes: number;
  /** Goes on in these, which must hold what `trialBins`, `trialFinal` and `sampling` do. */
  adopt(trialBins: Uint16Array, trialFinal: Uint8Array, sampling: Int32Array): void;
}

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
}

/**
 * Three stages, each learned from outcomes alone. Every expert's bin has the probability that it came true lately. The log-odds
 * of these are mixed with weights of a set chosen by who has an opinion and by how the access was served. What the mixture says
 * is calibrated once more, and the two are averaged: the mixture is sharp, the last stage honest.
 *
 * An outcome is a demand within the horizon. Every forecast is tried, whether or not it led to a fetch (a shadow trial), so an expert
 * that is throttled goes on learning, and what the gate lets through does not bias what is learned. A trial keeps the bins, not
 * their log-odds: when it is settled, what the bins mean by then is weighed again.
 * O(opinions) a forecast and an outcome.
 */
export class CandidateMixture {
  readonly #bins: BinCalibration;
  readonly #mixer: OpinionMixer;
  readonly #final: BinCalibration;
  readonly #trials: TrialRing;
  /** OPINION_STRIDE words a trial: the bins, and the weight set. */
  #trialBins: Uint16Array;
  #trialFinal: Uint8Array;
  readonly #triesFull: number;
  readonly #tryEvery: number;
  /** What was stated in each trial, while someone wants to know how true it comes. */
  #trialStated: Float32Array | null = null;
  #onSettled: ((stated: number, isTrue: boolean) => void) | null = null;
  /** Forecasts that were all tried, and how many are passed over until the next trial. */
  #sampling: Int32Array = new Int32Array(2);

  /** `facts`: where the newest trial of each segment stands. */
  constructor(options: CandidateMixtureOptions, facts: SegmentFacts) {
    this.#triesFull = options.trialsBeforeSampling;
    this.#tryEvery = options.trialSpacing;
    this.#bins = new BinCalibration(BIN_COUNT, options.calibrationMemory, priorOf);
    this.#mixer = new OpinionMixer({
      setCount: SERVED_COUNT * MASK_COUNT,
      weightFirst: options.weightFirst,
      rateFirst: options.mixRateFirst,
      rateLast: options.mixRateLast,
    });
    this.#final = new BinCalibration(SERVED_COUNT * FINAL_BIN_COUNT, options.calibrationMemory, (bin) =>
      squash(((bin % FINAL_BIN_COUNT) - 16) / 2),
    );
    const n = options.trialCountMax;
    this.#trials = new TrialRing(n, facts);
    this.#trialBins = new Uint16Array(n * OPINION_STRIDE);
    this.#trialFinal = new Uint8Array(n);
  }

  get bytes(): number {
    return (
      this.#trials.bytes +
      this.#trialBins.byteLength +
      this.#trialFinal.byteLength +
      (this.#bins.binCount + this.#final.binCount) * 10 +
      this.#mixer.bytes
    );
  }

  /** What it keeps; null while someone wants to be told of each outcome. */
  get parts(): MixtureParts | null {
    if (this.#trialStated !== null) return null;
    return {
      bins: this.#bins,
      mixer: this.#mixer,
      final: this.#final,
      trials: this.#trials,
      trialBins: this.#trialBins,
      trialFinal: this.#trialFinal,
      sampling: this.#sampling,
      triesFull: this.#triesFull,
      tryEvery: this.#tryEvery,
      bytes: this.bytes,
      adopt: (trialBins, trialFinal, sampling) => {
        this.#trialBins = trialBins;
        this.#trialFinal = trialFinal;
        this.#sampling = sampling;
      },
    };
  }

  /** Forecasts that were not tried because too many were open. */
  get untriedCount(): number {
    return this.#trials.refusedCount;
  }

  /** Probability that the candidate in `slot` is demanded within the horizon; the forecast goes on trial. `servedClass`: 0 miss, 1 hit, 2 staged hit or late. */
  forecast(candidates: CandidateSet, slot: number, position: number, servedClass: number): number {
    const bins = candidates.bins;
    const from = slot * OPINION_STRIDE;
    const set = servedClass * MASK_COUNT + candidates.spoke[slot]!;
    let logOdds = this.#mixer.mix(set, this.#bins.logOdds, bins, from);
    if (logOdds > 8) logOdds = 8;
    else if (logOdds < -8) logOdds = -8;
    const finalBin = servedClass * FINAL_BIN_COUNT + ((logOdds * 2 + 16.5) | 0);
    const probability = (squash(logOdds) + this.#final.probabilityOf(finalBin)) / 2;
    if (this.#isTried()) this.#try(candidates.segment[slot]!, position, bins, from, set, finalBin, probability);
    return probability;
  }

  /** As `forecast` would have it now, without a trial. */
  probabilityOf(candidates: CandidateSet, slot: number, servedClass: number): number {
    const set = servedClass * MASK_COUNT + candidates.spoke[slot]!;
    const mixed = this.#mixer.mix(set, this.#bins.logOdds, candidates.bins, slot * OPINION_STRIDE);
    const logOdds = Math.min(8, Math.max(-8, mixed));
    const finalBin = servedClass * FINAL_BIN_COUNT + ((logOdds * 2 + 16.5) | 0);
    return (squash(logOdds) + this.#final.probabilityOf(finalBin)) / 2;
  }

  /** What each expert that spoke for the candidate has been worth lately. */
  opinionsOn(candidates: CandidateSet, slot: number): readonly ExpertOpinion[] {
    return opinionNames.flatMap((expert, i) => {
      const bin = candidates.bins[slot * OPINION_STRIDE + i]!;
      if (bin === 0) return [];
      return [{ expert, probability: this.#bins.probabilityOf(bin), trials: this.#bins.trialsOf(bin) }];
    });
  }

  /** The naming expert that argued most for the candidate. */
  strongestExpert(candidates: CandidateSet, slot: number, servedClass: number): number {
    const set = servedClass * MASK_COUNT + candidates.spoke[slot]!;
    return this.#mixer.strongest(set, this.#bins.logOdds, candidates.bins, slot * OPINION_STRIDE, NAMING_COUNT);
  }

  /** From now on `onSettled` is told what was stated in each trial, and whether it came true. For measurements: decides nothing. */
  watch(onSettled: (stated: number, isTrue: boolean) => void): void {
    this.#trialStated = new Float32Array(this.#trialFinal.length);
    this.#onSettled = onSettled;
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
    writer.numbers(...this.#sampling);
    for (const part of [this.#bins, this.#mixer, this.#final, this.#trials]) part.save(writer);
    writer.array(this.#trialBins);
    writer.array(this.#trialFinal);
  }

  load(reader: SnapshotReader): void {
    const [forecastCount, untilTried] = reader.numbers();
    this.#sampling.set([forecastCount!, untilTried!]);
    for (const part of [this.#bins, this.#mixer, this.#final, this.#trials]) part.load(reader);
    reader.into(this.#trialBins);
    reader.into(this.#trialFinal);
  }

  /** All forecasts at first; later every so manyth, by a counter that knows nothing of the forecast and so biases nothing. */
  #isTried(): boolean {
    const sampling = this.#sampling;
    if (sampling[0]! < this.#triesFull) {
      sampling[0] = sampling[0]! + 1;
      return true;
    }
    sampling[1] = sampling[1]! - 1;
    if (sampling[1]! > 0) return false;
    sampling[1] = this.#tryEvery;
    return true;
  }

  #try(
    segment: number,
    position: number,
    bins: Uint16Array,
    from: number,
    set: number,
    finalBin: number,
    stated: number,
  ): void {
    const slot = this.#trials.start(segment, position);
    if (slot < 0) return;
    const at = slot * OPINION_STRIDE;
    const tried = this.#trialBins;
    tried[at] = bins[from]!;
    tried[at + 1] = bins[from + 1]!;
    tried[at + 2] = bins[from + 2]!;
    tried[at + 3] = bins[from + 3]!;
    tried[at + 4] = bins[from + 4]!;
    tried[at + 5] = bins[from + 5]!;
    tried[at + 6] = bins[from + 6]!;
    tried[at + SET] = set;
    this.#trialFinal[slot] = finalBin;
    if (this.#trialStated !== null) this.#trialStated[slot] = stated;
  }

  #settle(slot: number, isTrue: number): void {
    const tried = this.#trialBins;
    const at = slot * OPINION_STRIDE;
    this.#mixer.learn(tried[at + SET]!, this.#bins.logOdds, tried, at, isTrue);
    for (let i = 0; i < OPINION_COUNT; i++) {
      const bin = tried[at + i]!;
      if (bin !== 0) this.#bins.observe(bin, isTrue);
    }
    this.#final.observe(this.#trialFinal[slot]!, isTrue);
    if (this.#trialStated !== null) this.#onSettled?.(this.#trialStated[slot]!, isTrue === 1);
  }
}

/** Class of a `Served` code for {@link CandidateMixture.forecast}. */
export function servedClassOf(served: number): number {
  return served <= 1 ? served : 2;
}
