/** What forecasts are weighed and settled from, laid side by side in the memory of a kernel. */

import type { MixtureParts } from './candidate-mixture.ts';
import type { CandidateSet } from './candidate-set.ts';
import { MIXTURE_TABLES_AT, MixtureField, startMixtureKernel } from './mixture-kernel.ts';
import { FACT_STRIDE, type SegmentFacts } from './segment-facts.ts';
import { squashTable, stretchTable } from './stretch.ts';

export interface MixtureTablesOptions {
  readonly parts: MixtureParts;
  readonly candidates: CandidateSet;
  readonly facts: SegmentFacts;
  readonly isForecastOn: boolean;
  readonly isPopularityOn: boolean;
}

type Column = Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

/**
 * The tables go on in this memory, so whoever reads or changes one of them, its own code or the kernel, finds what the other left. Facts that
 * grow move out by themselves; all is then laid out anew, in a memory with room for twice as many segments.
 */
export class MixtureTables {
  /** The probability of each candidate weighed last. */
  readonly mixed: Float64Array;
  readonly #facts: SegmentFacts;
  readonly #words: Int32Array;
  /** Where they lie now. */
  readonly #laidFacts: Int32Array;
  readonly #instants: Float64Array;
  readonly #settle: (segment: number) => number;
  readonly #weigh: (count: number, servedClass: number, position: number) => number;

  private constructor(options: MixtureTablesOptions, kernel: NonNullable<ReturnType<typeof startMixtureKernel>>) {
    const { parts, candidates, facts, isForecastOn, isPopularityOn } = options;
    const { memory } = kernel;
    this.#facts = facts;
    this.#words = new Int32Array(memory, 0, MIXTURE_TABLES_AT / 4);
    this.#instants = new Float64Array(memory, MixtureField.position, 2);
    this.#settle = kernel.run.settle;
    this.#weigh = kernel.run.weigh;
    let end = MIXTURE_TABLES_AT;
    const place = <T extends Column>(column: T, at: number): T => {
      const make = column.constructor as new (memory: ArrayBuffer, from: number, length: number) => T;
      const placed = new make(memory, end, column.length);
      placed.set(column);
      this.#words[at / 4] = end;
      end += aligned(column.byteLength);
      return placed;
    };
    const { trials, bins, final, mixer } = parts;
    this.#laidFacts = place(facts.words, MixtureField.facts);
    facts.words = this.#laidFacts;
    trials.adopt(place, MixtureField);
    this.#words[MixtureField.trialNewestLength / 4] = trials.segmentLimit;
    this.#words[MixtureField.trialCapacity / 4] = trials.capacity;
    parts.adopt(
      place(parts.trialBins, MixtureField.trialBins),
      place(parts.trialFinal, MixtureField.trialFinal),
      place(parts.sampling, MixtureField.sampling),
    );
    bins.adopt(
      place(bins.probability, MixtureField.binProbability),
      place(bins.logOdds, MixtureField.binLogOdds),
      place(bins.trials, MixtureField.binTrials),
    );
    final.adopt(
      place(final.probability, MixtureField.finalProbability),
      place(final.logOdds, MixtureField.finalLogOdds),
      place(final.trials, MixtureField.finalTrials),
    );
    mixer.adopt(place(mixer.weights, MixtureField.weights), place(mixer.updates, MixtureField.updates));
    candidates.adopt(
      place(candidates.segment, MixtureField.candidateSegment),
      place(candidates.bins, MixtureField.candidateBins),
      place(candidates.spoke, MixtureField.candidateSpoke),
    );
    this.mixed = place(new Float64Array(candidates.capacity), MixtureField.mixed);
    place(squashTable, MixtureField.squash);
    place(stretchTable, MixtureField.stretch);
    this.#words[MixtureField.memory / 4] = bins.memory;
    this.#words[MixtureField.triesFull / 4] = parts.triesFull;
    this.#words[MixtureField.tryEvery / 4] = parts.tryEvery;
    this.#words[MixtureField.isForecastOn / 4] = isForecastOn ? 1 : 0;
    this.#words[MixtureField.isPopularityOn / 4] = isPopularityOn ? 1 : 0;
    const rates = new Float64Array(memory, MixtureField.rateLast, 2);
    rates[0] = mixer.rateLast;
    rates[1] = (mixer.rateFirst - mixer.rateLast) * 256;
  }

  /** Lays the tables out in a memory of their own; null where there is no WebAssembly, or no memory. */
  static layOut(options: MixtureTablesOptions): MixtureTables | null {
    const { parts, candidates, facts } = options;
    parts.trials.fit(facts.words.length / FACT_STRIDE);
    const bytes =
      MIXTURE_TABLES_AT +
      facts.words.byteLength +
      parts.bytes +
      candidates.capacity * 40 +
      squashTable.byteLength +
      stretchTable.byteLength +
      64 * 32;
    const kernel = startMixtureKernel(bytes);
    return kernel === null ? null : new MixtureTables(options, kernel);
  }

  /** Whether the facts are still here: else all must be laid out anew before anything is asked. */
  get isWhole(): boolean {
    return this.#facts.words === this.#laidFacts;
  }

  /** A demand for `segment` at `position`: its open trials no older than `horizon` come true, all that are older have failed. */
  settle(segment: number, position: number, horizon: number): void {
    this.#instants[0] = position;
    this.#instants[1] = horizon;
    this.#settle(segment);
  }

  /** Forecasts the first `count` candidates; what comes of it is in {@link mixed}. */
  weigh(count: number, servedClass: number, position: number): void {
    this.#instants[0] = position;
    this.#weigh(count, servedClass, position | 0);
  }
}

/** Whole cache lines. */
function aligned(bytes: number): number {
  return (bytes + 63) & ~63;
}
