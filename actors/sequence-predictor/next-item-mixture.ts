/** The ensemble for the next segment: several memories name candidates, one mixer that learns online chooses. */

import { type Snapshot, SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { ChoiceMixer } from './choice-mixer.ts';
import { FEATURE_COUNT, FOREIGN_RANK_MAX, foreignBin, numberBins } from './evidence-bins.ts';
import { FinalCalibration } from './final-calibration.ts';
import { NextItemEvidence, situationCounts } from './next-item-evidence.ts';
import { type NextItemModel, NextItemRanking } from './next-item-model.ts';
import { RankedCandidates } from './ranked-candidates.ts';

/** Steps that the share of steps within the candidates remembers. */
const COVERAGE_MEMORY = 255;

export interface NextItemMixtureOptions {
  readonly bytesMax: number;
  readonly consumerCountMax: number;
  readonly sightingsMax: number;
  readonly nearbySteps: number;
  readonly candidateCountMax: number;
  readonly weightRate: number;
  readonly biasRate: number;
}

/**
 * Blends contexts of several lengths as PPM does, but what each is worth, how far to trust it in which situation, and what a return or a
 * novelty is worth beside it, are learned from every step instead of being fixed by an escape rule. Models given as `experts` are asked
 * for their best, which become candidates and evidence like the rest; they learn the same steps.
 *
 * A probability is the mixer's share among the candidates times how often the true segment was among them lately in such a situation,
 * calibrated once more by what such probabilities have come to. Calibration does not change the order.
 * O(candidates x features), some microseconds a step.
 */
export class NextItemMixture implements NextItemModel {
  readonly name = 'ensemble';
  readonly #experts: readonly NextItemModel[];
  readonly #rankings: readonly NextItemRanking[];
  readonly #evidence: NextItemEvidence;
  readonly #mixer: ChoiceMixer;
  readonly #candidates: RankedCandidates;
  readonly #sets = new Int32Array(situationCounts.length);
  readonly #binBase: readonly number[];
  readonly #coverage = new Float32Array(situationCounts[1]).fill(0.5);
  readonly #coverageTrials = new Uint16Array(situationCounts[1]);
  readonly #calibration = new FinalCalibration();
  /** The consumer that the candidates belong to, while nothing has been learned since. */
  #preparedFor = Number.NaN;

  constructor(options: NextItemMixtureOptions, experts: readonly NextItemModel[] = []) {
    const bins = numberBins(experts.length);
    this.#binBase = bins.base;
    this.#experts = experts;
    this.#rankings = experts.map(() => new NextItemRanking(FOREIGN_RANK_MAX));
    this.#evidence = new NextItemEvidence(options, bins.base, options.candidateCountMax);
    this.#candidates = new RankedCandidates(options.candidateCountMax, FEATURE_COUNT + experts.length);
    const { weightRate, biasRate } = options;
    this.#mixer = new ChoiceMixer(
      { bins, setCounts: situationCounts, weightRate, biasRate },
      options.candidateCountMax,
    );
  }

  get bytes(): number {
    return this.#experts.reduce(
      (sum, expert) => sum + expert.bytes,
      this.#evidence.bytes + this.#mixer.bytes + this.#calibration.bytes,
    );
  }

  get evictedCount(): number {
    return this.#experts.reduce((sum, expert) => sum + expert.evictedCount, this.#evidence.evictedCount);
  }

  observe(consumer: number, segment: number, timeMs: number): void {
    const { trails } = this.#evidence;
    const trail = trails.find(consumer);
    if (trail >= 0 && trails.segmentAt(trail, 0) === segment) {
      trails.repeat(trail, timeMs);
      return;
    }
    if (trail >= 0) {
      this.#prepare(trail, consumer);
      const chosen = this.#candidates.find(segment);
      const coverage = this.#coverage[this.#sets[1]!]!;
      for (let slot = 0; slot < this.#candidates.count; slot++) {
        this.#calibration.observe(this.#mixer.probability[slot]! * coverage, slot === chosen ? 1 : 0);
      }
      this.#mixer.learn(this.#candidates, this.#sets, chosen);
      this.#cover(chosen >= 0 ? 1 : 0);
    }
    this.#evidence.learn(trail, consumer, segment, timeMs);
    for (const expert of this.#experts) expert.observe(consumer, segment, timeMs);
    this.#preparedFor = Number.NaN;
  }

  forecast(consumer: number, into: NextItemRanking): void {
    into.count = 0;
    const trail = this.#evidence.trails.find(consumer);
    if (trail < 0) return;
    this.#prepare(trail, consumer);
    const coverage = this.#coverage[this.#sets[1]!]!;
    const { count, segment } = this.#candidates;
    for (let slot = 0; slot < count; slot++) into.offer(segment[slot]!, this.#mixer.probability[slot]! * coverage);
    let left = 1;
    for (let rank = 0; rank < into.count; rank++) {
      const above = rank === 0 ? 1 : into.probability[rank - 1]!;
      const p = Math.min(above, left, this.#calibration.calibrate(into.probability[rank]!));
      into.probability[rank] = p;
      left -= p;
    }
  }

  adoptionDue(): Promise<void> | undefined {
    const due = this.#experts.map((expert) => expert.adoptionDue?.()).filter((promise) => promise !== undefined);
    if (due.length === 0) return undefined;
    return Promise.all(due).then(() => {
      this.#preparedFor = Number.NaN;
    });
  }

  async close(): Promise<void> {
    for (const expert of this.#experts) await expert.close?.();
  }

  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    this.#evidence.save(writer);
    this.#mixer.save(writer);
    this.#calibration.save(writer);
    writer.array(this.#coverage);
    writer.array(this.#coverageTrials);
    const own = writer.finish();
    return [
      ...own,
      ...this.#experts.flatMap((expert) => {
        const theirs = expert.snapshot();
        return [Float64Array.of(theirs.length), ...theirs];
      }),
    ];
  }

  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    this.#evidence.load(reader);
    this.#mixer.load(reader);
    this.#calibration.load(reader);
    reader.into(this.#coverage);
    reader.into(this.#coverageTrials);
    for (const expert of this.#experts) {
      const [length] = reader.numbers();
      expert.restore(reader.take(length!));
    }
    this.#preparedFor = Number.NaN;
  }

  #prepare(trail: number, consumer: number): void {
    if (this.#preparedFor === consumer) return;
    this.#preparedFor = consumer;
    const candidates = this.#candidates;
    candidates.begin(this.#evidence.trails.segmentAt(trail, 0));
    for (const [i, expert] of this.#experts.entries()) {
      const ranking = this.#rankings[i]!;
      expert.forecast(consumer, ranking);
      for (let rank = 0; rank < ranking.count; rank++) candidates.add(ranking.segment[rank]!);
    }
    this.#evidence.gather(trail, consumer, candidates);
    this.#evidence.weigh(trail, candidates);
    for (const [i, ranking] of this.#rankings.entries()) this.#hear(FEATURE_COUNT + i, ranking);
    this.#evidence.situation(trail, this.#sets);
    this.#mixer.rank(candidates, this.#sets);
  }

  #hear(feature: number, ranking: NextItemRanking): void {
    const candidates = this.#candidates;
    const base = this.#binBase[feature]!;
    candidates.fillBins(feature, base);
    for (let rank = 0; rank < ranking.count; rank++) {
      const slot = candidates.find(ranking.segment[rank]!);
      if (slot < 0) continue;
      const at = slot * candidates.featureCount + feature;
      candidates.bins[at] = base + foreignBin(rank, ranking.probability[rank]!);
    }
  }

  #cover(isCovered: number): void {
    const set = this.#sets[1]!;
    const n = this.#coverageTrials[set]!;
    this.#coverage[set] = this.#coverage[set]! + (isCovered - this.#coverage[set]!) / (n + 2);
    if (n < COVERAGE_MEMORY) this.#coverageTrials[set] = n + 1;
  }
}
