/** What the near loop weighs, settles and proposes from, laid side by side in the memory of a kernel. */

import { type Place, placeIn } from '../kernel-columns.ts';
import type { QuietCalls } from '../quiet-calls.ts';
import { RECORD_WORDS, ROWS_AHEAD } from '../sequence-predictor/order-record.ts';
import type { OrderHome, OrderTablesOptions } from '../sequence-predictor/order-tables.ts';
import type { MixtureParts } from './candidate-mixture.ts';
import type { CandidateSet } from './candidate-set.ts';
import type { ConsumerTrust } from './consumer-trust.ts';
import type { IssuedCalibration } from './issued-calibration.ts';
import { type MixtureKernel, orderPlaceOf, startMixtureKernel } from './mixture-kernel.ts';
import { MixtureField, type MixtureLayout, mixtureLayout } from './mixture-layout.ts';
import type { SegmentFacts } from './segment-facts.ts';
import { squashTable, stretchTable } from './stretch.ts';
import type { ValueGate } from './value-gate.ts';

export interface MixtureTablesOptions {
  readonly parts: MixtureParts;
  readonly candidates: CandidateSet;
  readonly facts: SegmentFacts;
  readonly trust: ConsumerTrust | null;
  readonly gate: ValueGate;
  readonly issued: IssuedCalibration;
  readonly isForecastOn: boolean;
  readonly isPopularityOn: boolean;
  /** One entry. */
  readonly horizon: Float64Array;
  readonly horizonMin: number;
  readonly horizonMax: number;
  /** The least forecast that was worth looking at. */
  readonly forecastMin: number;
  /** What of order there is to be room for; null = it is elsewhere. */
  readonly order: OrderTablesOptions | null;
}

/**
 * The tables go on in this memory, so whoever reads or changes one of them, its own code or the kernel, finds what the other left. What grows
 * moves out by itself and is taken back as long as there is room; else all is laid out anew.
 */
export class MixtureTables {
  /** Accesses within which unused segments were staged lately; one entry. */
  readonly horizon: Float64Array;
  /** Of each candidate weighed last: the probability, and what of it is believed; and slots of those that pass. */
  readonly mixed: Float64Array;
  readonly believed: Float64Array;
  readonly admitted: Int32Array;
  /** What was proposed last: whom, at which stated probability, and by which expert. */
  readonly proposed: Int32Array;
  readonly stated: Float64Array;
  readonly strongest: Int32Array;
  /** Records of what was learned ahead; and the byte at which they begin. */
  readonly said: Int32Array;
  readonly saidAt: number;
  readonly run: MixtureKernel['run'];
  /** What a site's kernel may call where `isWhole`: where order is learned here, or was elsewhere. */
  readonly callsHere: QuietCalls;
  readonly callsAhead: QuietCalls;
  readonly memory: ArrayBuffer;
  /** Whether `access` may be called: order is in the same memory. */
  isWhole = false;
  /** Segments, and accounts of consumers, that the kernel knows of. */
  segmentLimit = 0;
  accountLimit = 0;
  readonly #options: MixtureTablesOptions;
  readonly #layout: MixtureLayout;
  readonly #place: Place;
  readonly #words: Int32Array;
  readonly #instants: Float64Array;
  #laidFacts: Int32Array | null = null;

  private constructor(options: MixtureTablesOptions, layout: MixtureLayout, kernel: MixtureKernel) {
    const { parts, candidates, gate, issued } = options;
    const { memory, run } = kernel;
    const { at } = layout;
    this.#options = options;
    this.#layout = layout;
    this.memory = memory;
    this.#place = placeIn(memory);
    this.run = run;
    this.#words = new Int32Array(memory, 0, 32);
    this.#instants = new Float64Array(memory, 0, 8);
    const place = this.#place;
    parts.trials.adopt(place, at);
    parts.adopt(
      place(parts.trialBins, at.trialBins),
      place(parts.trialFinal, at.trialFinal),
      place(parts.sampling, at.sampling),
    );
    const { bins, final, mixer } = parts;
    bins.adopt(
      place(bins.probability, at.binProbability),
      place(bins.logOdds, at.binLogOdds),
      place(bins.trials, at.binTrials),
    );
    final.adopt(
      place(final.probability, at.finalProbability),
      place(final.logOdds, at.finalLogOdds),
      place(final.trials, at.finalTrials),
    );
    mixer.adopt(place(mixer.weights, at.weights), place(mixer.updates, at.updates));
    candidates.adopt(
      place(candidates.segment, at.candidateSegment),
      place(candidates.bins, at.candidateBins),
      place(candidates.spoke, at.candidateSpoke),
    );
    gate.adopt(place, at);
    issued.adopt(place, at);
    const { capacity } = candidates;
    this.mixed = new Float64Array(memory, at.mixed, capacity);
    this.believed = new Float64Array(memory, at.believed, capacity);
    this.admitted = new Int32Array(memory, at.admitted, capacity);
    this.proposed = new Int32Array(memory, at.proposed, capacity);
    this.stated = new Float64Array(memory, at.stated, capacity);
    this.strongest = new Int32Array(memory, at.strongest, capacity);
    this.saidAt = at.said;
    this.said = new Int32Array(memory, at.said, options.order === null ? 0 : ROWS_AHEAD * RECORD_WORDS);
    place(squashTable, at.squash);
    place(stretchTable, at.stretch);
    this.horizon = place(options.horizon, MixtureField.horizon);
    this.#instants.set([mixer.rateLast, (mixer.rateFirst - mixer.rateLast) * 256], MixtureField.rateLast / 8);
    this.#instants.set([options.horizonMin, options.horizonMax, options.forecastMin], MixtureField.horizonMin / 8);
    this.callsAhead = run;
    this.callsHere = { ...run, weigh: run.access };
    this.#put(MixtureField.memory, bins.memory);
    this.#put(MixtureField.triesFull, parts.triesFull);
    this.#put(MixtureField.tryEvery, parts.tryEvery);
    this.#put(MixtureField.isForecastOn, options.isForecastOn ? 1 : 0);
    this.#put(MixtureField.isPopularityOn, options.isPopularityOn ? 1 : 0);
    this.#put(MixtureField.trialCapacity, parts.trials.capacity);
    this.#put(MixtureField.accountMax, options.trust?.countMax ?? 1);
  }

  /** Lays the tables out in a memory of their own; null where there is no WebAssembly, or no memory. */
  static layOut(options: MixtureTablesOptions): MixtureTables | null {
    for (const isRoomy of [true, false]) {
      const layout = mixtureLayout(options, isRoomy);
      const kernel = startMixtureKernel(layout, options.order, options.candidates.capacity);
      if (kernel === null) continue;
      const tables = new MixtureTables(options, layout, kernel);
      tables.takeBack();
      return tables;
    }
    return null;
  }

  /** Takes back what has grown, and so moved out. False = there is no room: all must be laid out anew before anything is asked. */
  takeBack(): boolean {
    const { facts, trust } = this.#options;
    const { at, segmentMax, accountMax } = this.#layout;
    const place = this.#place;
    if (facts.words !== this.#laidFacts) {
      if (facts.segmentLimit > segmentMax) return false;
      facts.adopt(place(facts.words, at.facts));
      this.#laidFacts = facts.words;
      this.segmentLimit = facts.segmentLimit;
      this.#put(MixtureField.segmentLimit, this.segmentLimit);
    }
    if (trust !== null && trust.accountLimit !== this.accountLimit) {
      if (trust.accountLimit > accountMax) return false;
      trust.adopt(place, at);
      this.accountLimit = trust.accountLimit;
      this.#put(MixtureField.accountLimit, this.accountLimit);
    }
    return true;
  }

  /** Room for the tables of order; null = there is none. */
  get orderHome(): OrderHome | null {
    if (this.#options.order === null) return null;
    return { memory: this.memory, step: this.run.step, learnRows: null, place: orderPlaceOf(this.#layout) };
  }

  /** From now on order is learned as if fetches took so many accesses. */
  learnFor(leadAccesses: number): void {
    this.#put(MixtureField.learnedLead, leadAccesses);
  }

  #put(field: number, value: number): void {
    this.#words[field / 4] = value;
  }
}
