/** The near loop: learns the order of accesses as they are served and proposes what is worth staging next. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import { grownTable } from '../cache-manager/grown-table.ts';
import type {
  AccessCursor,
  ConsumerCounts,
  Evidence,
  FetchWorth,
  Prefetcher,
  ProposalBuffer,
  SiteView,
} from '../prefetcher.ts';
import { Outcome, Served } from '../prefetcher.ts';
import { createNextItemModel } from '../sequence-predictor/create-next-item-model.ts';
import { type NextItemModel, NextItemRanking } from '../sequence-predictor/next-item-model.ts';
import { SequencePredictor } from '../sequence-predictor/sequence-predictor.ts';
import { StreamPredictor } from '../stream-predictor/stream-predictor.ts';
import { CandidateMixture, servedClassOf } from './candidate-mixture.ts';
import { CandidateSet, OPINION_STRIDE } from './candidate-set.ts';
import { ConsumerTrust } from './consumer-trust.ts';
import { IssuedCalibration } from './issued-calibration.ts';
import { FORECAST_AGE_MAX, POSITION_MASK } from './mixture-kernel.ts';
import { MixtureTables } from './mixture-tables.ts';
import { type NearLoopConfig, type NearLoopConfigInput, nearLoopConfigSchema } from './near-loop-config.ts';
import {
  binBase,
  forecastBin,
  NAMING_COUNT,
  NEXT_ITEM_RANKS,
  nextItemBin,
  Opinion,
  opinionNames,
  popularityBin,
} from './opinion-bins.ts';
import { ResidentFlags } from './resident-flags.ts';
import { FACT_STRIDE, Fact, SegmentFacts } from './segment-facts.ts';
import { persistLearner, type Snapshot, SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { ValueGate } from './value-gate.ts';

/** Accesses after which the tables of the mixture are handed to a kernel: short runs need none. */
const KERNEL_AFTER = 16_384;
/** How much higher the floor stands where segments differ in size and a bound on traffic is the only price: what is worth little by the byte crowds out what is worth more. */
const FLOOR_RATIO_IN_BYTES = 4;

/**
 * Per access: settle the forecasts that came true or ran out, learn the order, let the experts name candidates, weigh each into one
 * calibrated probability, and propose those that the gate finds worth a fetch, the best first where headroom is short.
 *
 * The probability is that of a demand within a horizon, and the horizon follows how long unused segments stay staged, so a
 * small prefetch cache makes forecasts short-sighted by itself: what counts is use before it leaves.
 * Memory is bounded by distinct segments, by consumers up to a setting and by fixed tables; time is O(1) of trace length.
 */
export class AnteroomPrefetcher implements Prefetcher {
  readonly name = 'anteroom';
  readonly staging = 'separate';
  readonly experts: readonly string[] = opinionNames.slice(0, NAMING_COUNT);
  readonly #config: NearLoopConfig;
  readonly #site: SiteView;
  readonly #sequences: SequencePredictor;
  readonly #streams: StreamPredictor | null;
  readonly #nextItems: NextItemModel | null;
  readonly #ranking = new NextItemRanking(NEXT_ITEM_RANKS);
  readonly #facts = new SegmentFacts();
  readonly #resident = new ResidentFlags();
  readonly #candidates: CandidateSet;
  readonly #mixture: CandidateMixture;
  readonly #gate: ValueGate;
  readonly #trust: ConsumerTrust | null;
  readonly #issued = new IssuedCalibration();
  /** After whose access each segment was last proposed, and what the mixture said then; negative where the consumer was not believed. */
  #proposedFor = new Int32Array(1024);
  #proposedAs = new Float32Array(1024);
  #consumer = -1;
  readonly #isForecastOn: boolean;
  readonly #isPopularityOn: boolean;
  readonly #admitted: Int32Array;
  readonly #probability: Float64Array;
  /** Of each candidate the probability at which a fetch of mean size would be worth as much, and fetches that it is expected to waste. */
  readonly #rank: Float64Array;
  readonly #waste: Float64Array;
  #mixed: Float64Array;
  /** The mixture in the memory of a kernel; null where there is none, or none yet. */
  #kernel: MixtureTables | null = null;
  readonly #kernelAfter: number;
  #untilKernel: number;
  #untilAdjusted: number;
  #horizon: number;
  #position = 0;
  /** Log position at which candidates were last gathered, and how that access was served. */
  #gatheredAt = -1;
  #servedClass = 0;

  /**
   * `config` is checked here; leave it out for the defaults. `addresses`: where segments are addresses. `kernelAfter`: accesses after which the mixture
   * is handed to a kernel, Infinity = never; the answers are the same, to the last bit.
   */
  constructor(
    site: SiteView,
    config: NearLoopConfigInput = {},
    addresses: AddressSpace | null = null,
    kernelAfter = KERNEL_AFTER,
  ) {
    const c = nearLoopConfigSchema.parse(config);
    const isOn = opinionNames.map((name) => c.experts.includes(name));
    this.#config = c;
    this.#site = site;
    this.#sequences = new SequencePredictor({ ...c, bytesMax: c.modelBytesMax, isOn, resident: this.#resident });
    this.#streams =
      addresses === null || !isOn[Opinion.stream]
        ? null
        : new StreamPredictor(
            {
              streamCountMax: c.streamCountMax,
              degreeMax: c.streamDegreeMax,
              strideRegionBytes: c.strideRegionBytes,
              continueMin: c.streamContinueMin,
            },
            addresses,
          );
    this.#nextItems = isOn[Opinion.nextItem] ? createNextItemModel(c.nextItem) : null;
    this.#candidates = new CandidateSet(c.candidateCountMax, this.#facts, this.#resident, (segment) =>
      site.isResident(segment),
    );
    this.#mixture = new CandidateMixture({ ...c, weightFirst: c.mixWeightFirst });
    const floorRatio = site.fetchWorth === undefined ? 1 : FLOOR_RATIO_IN_BYTES;
    const boundedFloor = Math.min(1, floorRatio * c.thresholdFloor);
    this.#gate = new ValueGate({ ...c, boundedFloor, interval: c.gateInterval, reserve: c.headroomReserve });
    this.#trust = c.isTrustByConsumer ? new ConsumerTrust(c.consumerCountMax) : null;
    this.#isForecastOn = isOn[Opinion.earlierForecast]!;
    this.#isPopularityOn = isOn[Opinion.popularity]!;
    this.#admitted = new Int32Array(c.candidateCountMax);
    this.#probability = new Float64Array(c.candidateCountMax);
    this.#rank = new Float64Array(c.candidateCountMax);
    this.#waste = new Float64Array(c.candidateCountMax);
    this.#mixed = new Float64Array(c.candidateCountMax);
    this.#untilAdjusted = c.gateInterval;
    this.#horizon = c.horizonMax;
    // Streams name segments that nobody has asked for yet, of which a kernel knows nothing.
    this.#kernelAfter = this.#streams === null && this.#nextItems === null ? kernelAfter : Infinity;
    this.#untilKernel = this.#kernelAfter;
  }

  /** Least probability that is proposed now. */
  get threshold(): number {
    return this.#gate.threshold;
  }

  /** Accesses within which forecasts are meant now: staged segments older than this have missed their time. */
  get horizonAccesses(): number {
    return this.#horizon + this.#site.leadAccesses;
  }

  /** Bytes of all tables. */
  get bytes(): number {
    return (
      this.#sequences.bytes +
      (this.#streams?.bytes ?? 0) +
      (this.#nextItems?.bytes ?? 0) +
      this.#facts.bytes +
      this.#resident.bytes +
      this.#mixture.bytes +
      (this.#trust?.bytes ?? 0) +
      this.#issued.bytes +
      this.#proposedFor.byteLength +
      this.#proposedAs.byteLength
    );
  }

  /** Bytes of the memories of order, which `modelBytesMax` bounds. */
  get modelBytes(): number {
    return this.#sequences.bytes;
  }

  /** From now on `onSettled` is told of each forecast on trial what was stated and whether it came true. For measurements: decides nothing. */
  watchForecasts(onSettled: (stated: number, isTrue: boolean) => void): void {
    this.#mixture.watch(onSettled);
    this.#kernel = null;
    this.#untilKernel = Infinity;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const { segment, position } = access;
    this.#position = position;
    this.#consumer = access.consumer;
    const lead = this.#site.leadAccesses;
    const horizon = this.#horizon + lead;
    if (this.#kernel !== null) {
      this.#kernel.settle(segment, position, horizon);
    } else {
      this.#mixture.settleDemand(segment, position, horizon);
      this.#mixture.settleExpired(position - horizon);
      if (--this.#untilKernel <= 0) this.#layOut();
    }
    if (--this.#untilAdjusted === 0) {
      this.#untilAdjusted = this.#config.gateInterval;
      this.#issued.refresh();
      this.#gate.adjust(this.#site.trafficHeadroom);
      this.#sequences.scoreMin = Math.max(this.#config.scoreMin, this.#config.scoreShare * this.#gate.threshold);
    }
    this.#resident.set(segment);
    const row = this.#facts.rowOf(segment);
    if (this.#kernel?.isWhole === false) this.#layOut();
    const facts = this.#facts.words;
    if (facts[row + Fact.count]! < 255) facts[row + Fact.count]! += 1;
    facts[row + Fact.lastAt] = position;

    const isNew = this.#sequences.observe(access.consumer, segment, position, lead, served !== Served.hit);
    this.#streams?.observe(segment, access.sizeBytes, position);
    const nextItems = this.#nextItems === null ? null : this.#nextItemsFor(access.consumer);
    if (isNew) nextItems?.observe(access.consumer, segment, access.timeMs);
    // A repeat that was served leaves nothing to expect that was not expected before.
    if (!isNew && served === Served.hit) return;
    const candidates = this.#candidates;
    candidates.begin();
    this.#streams?.gather(lead, candidates);
    this.#sequences.gather(segment, candidates, served !== Served.hit);
    if (nextItems !== null) this.#gatherNext(nextItems, access.consumer);
    this.#gatheredAt = position;
    this.#servedClass = servedClassOf(served);
    if (candidates.count > 0) this.#weigh(position, this.#servedClass, proposals);
  }

  evidenceOf(segment: number): Evidence | null {
    if (this.#gatheredAt !== this.#position) return null;
    const slot = this.#candidates.segment.subarray(0, this.#candidates.count).indexOf(segment);
    if (slot < 0) return null;
    return {
      opinions: this.#mixture.opinionsOn(this.#candidates, slot),
      probability: this.#issued.state(this.#mixture.probabilityOf(this.#candidates, slot, this.#servedClass)),
      threshold: this.#issued.state(this.#gate.threshold),
    };
  }

  /** Of the latest forecast within the horizon, in sixteenths rounded down, where it was worth looking at. */
  forecastOf(segment: number, position: number): number {
    const forecast = this.#facts.words[segment * FACT_STRIDE + Fact.forecast] ?? 0;
    if (forecast === 0) return 0;
    const since = (position + 1 - (forecast >>> 4)) & POSITION_MASK;
    const probability = (forecast & 15) / 16;
    return since <= this.horizonAccesses && probability >= this.#config.thresholdFloor ? probability : 0;
  }

  consumerCounts(): ConsumerCounts | null {
    return this.#trust?.counts ?? null;
  }

  onEvict(segment: number, _isUnused: boolean): boolean {
    this.#resident.clear(segment);
    return false;
  }

  onHeld(segment: number, isHeld: boolean): void {
    if (isHeld) this.#resident.hold(segment);
    else this.#resident.release(segment);
  }

  onOutcome(segment: number, expert: number, outcome: number, _probability: number): void {
    if (expert < NAMING_COUNT && outcome <= Outcome.wasted) {
      const isUsed = outcome !== Outcome.wasted;
      const forecast = this.#proposedAs[segment]!;
      this.#trust?.ended(this.#proposedFor[segment]!, Math.abs(forecast), isUsed);
      if (forecast > 0) this.#issued.learn(forecast, isUsed);
    }
    if (outcome !== Outcome.wasted) return;
    const { horizonMin, horizonMax } = this.#config;
    const stayed = (this.#position - this.#facts.words[segment * FACT_STRIDE + Fact.proposedAt]!) | 0;
    // Who outstayed the horizon says only that there is room: look further ahead.
    const aim = stayed >= this.#horizon ? 2 * this.#horizon : stayed;
    this.#horizon += (Math.min(Math.max(aim, horizonMin), horizonMax) - this.#horizon) / 64;
  }

  /** Everything learned, to be restored into a prefetcher with the same settings. */
  snapshot(): Snapshot {
    const writer = new SnapshotWriter();
    writer.numbers(this.#untilAdjusted, this.#horizon, this.#position);
    writer.array(this.#proposedFor);
    writer.array(this.#proposedAs);
    for (const part of this.#parts()) part.save(writer);
    return [...writer.finish(), ...(this.#nextItems?.snapshot() ?? [])];
  }

  /** @throws InvariantError when the snapshot was made with other settings. */
  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    const [untilAdjusted, horizon, position] = reader.numbers();
    this.#untilAdjusted = untilAdjusted!;
    this.#horizon = horizon!;
    this.#position = position!;
    this.#proposedFor = reader.array(this.#proposedFor);
    this.#proposedAs = reader.array(this.#proposedAs);
    for (const part of this.#parts()) part.load(reader);
    this.#nextItems?.restore(reader.take());
    this.#kernel = null;
    this.#untilKernel = this.#kernelAfter;
  }

  /**
   * The state, to save or restore it: that of `snapshot`, without copies. Parts: #sequences, #facts, #resident, #mixture, #gate, #issued, #trust,
   * #streams. Made anew: #config, #site, #isForecastOn, #isPopularityOn, #kernel, #kernelAfter, #untilKernel. Of one access: #ranking, #candidates, #admitted, #probability, #rank, #waste,
   * #mixed, #consumer, #gatheredAt, #servedClass.
   */
  persist(fields: StateFields): void {
    fields.section('near-loop');
    this.#untilAdjusted = fields.number(this.#untilAdjusted);
    this.#horizon = fields.number(this.#horizon);
    this.#position = fields.number(this.#position);
    this.#proposedFor = fields.array(this.#proposedFor);
    this.#proposedAs = fields.array(this.#proposedAs);
    for (const part of this.#parts()) persistLearner(fields, part);
    if (fields.isRestoring) {
      this.#kernel = null;
      this.#untilKernel = this.#kernelAfter;
    }
    const nextItems = fields.arrays(fields.isRestoring ? [] : (this.#nextItems?.snapshot() ?? []));
    if (fields.isRestoring) this.#nextItems?.restore(nextItems);
  }

  #parts(): readonly { save(writer: SnapshotWriter): void; load(reader: SnapshotReader): void }[] {
    const parts = [this.#sequences, this.#facts, this.#resident, this.#mixture, this.#gate, this.#issued];
    return [
      ...parts,
      ...(this.#trust === null ? [] : [this.#trust]),
      ...(this.#streams === null ? [] : [this.#streams]),
    ];
  }

  #nextItemsFor(consumer: number): NextItemModel | null {
    return consumer >= 0 || this.#config.nextItemFor === 'all' ? this.#nextItems : null;
  }

  #gatherNext(model: NextItemModel, consumer: number): void {
    const ranking = this.#ranking;
    const candidates = this.#candidates;
    model.forecast(consumer, ranking);
    for (let rank = 0; rank < ranking.count; rank++) {
      // As with successors: what cannot pass the gate need not be weighed, and would only wear out the trials.
      if (ranking.probability[rank]! < this.#sequences.scoreMin) return;
      const slot = candidates.claim(ranking.segment[rank]!);
      if (slot >= 0) candidates.say(slot, Opinion.nextItem, nextItemBin(ranking.probability[rank]!, rank));
    }
  }

  #weigh(position: number, servedClass: number, proposals: ProposalBuffer): void {
    const { count } = this.#candidates;
    if (this.#kernel !== null) this.#kernel.weigh(count, servedClass, position);
    else for (let slot = 0; slot < count; slot++) this.#forecast(slot, position, servedClass);
    const mixed = this.#mixed;
    const worth = this.#site.fetchWorth;
    const probability = this.#probability;
    let admittedCount = 0;
    for (let slot = 0; slot < count; slot++) {
      const believed = this.#trust === null ? mixed[slot]! : this.#trust.believed(this.#consumer, mixed[slot]!);
      probability[slot] = believed;
      this.#rank[slot] = believed;
      this.#waste[slot] = 1 - believed;
      if (worth !== undefined) this.#compare(slot, worth);
      if (this.#gate.admits(this.#rank[slot]!, this.#waste[slot]!)) this.#admitted[admittedCount++] = slot;
    }
    if (admittedCount > 0) this.#propose(admittedCount, position, servedClass, proposals);
  }

  /** A candidate whose fetch spares r times as much for its cost as one of mean size is worth one of mean size at r times the odds. */
  #compare(slot: number, worth: FetchWorth): void {
    const segment = this.#candidates.segment[slot]!;
    const sizeBytes = this.#candidates.sizeBytes[slot]!;
    const probability = this.#probability[slot]!;
    const gain = probability * worth.gainOf(segment, sizeBytes);
    this.#rank[slot] = gain / (gain + 1 - probability);
    this.#waste[slot] = (1 - probability) * worth.costOf(segment, sizeBytes);
  }

  /** What the kernel does with one candidate: comments on it, forecasts it, and notes the forecast. */
  #forecast(slot: number, position: number, servedClass: number): void {
    const candidates = this.#candidates;
    const { bins } = candidates;
    const row = this.#facts.rowOf(candidates.segment[slot]!);
    const facts = this.#facts.words;
    const at = slot * OPINION_STRIDE;
    const forecast = facts[row + Fact.forecast]!;
    if (this.#isForecastOn && forecast !== 0) {
      const since = (position + 1 - (forecast >>> 4)) & POSITION_MASK;
      if (since < FORECAST_AGE_MAX) {
        bins[at + Opinion.earlierForecast] = binBase[Opinion.earlierForecast]! + forecastBin(forecast & 15, since);
      }
    }
    const accessCount = facts[row + Fact.count]!;
    if (this.#isPopularityOn && accessCount > 0) {
      const bin = popularityBin(accessCount, (position - facts[row + Fact.lastAt]!) | 0);
      bins[at + Opinion.popularity] = binBase[Opinion.popularity]! + bin;
    }
    const mixed = this.#mixture.forecast(candidates, slot, position, servedClass);
    facts[row + Fact.forecast] = ((position + 1) << 4) | Math.min(15, (mixed * 16) | 0);
    this.#mixed[slot] = mixed;
  }

  /** Hands the mixture to a kernel; where that cannot be had it is not asked for again. */
  #layOut(): void {
    const { parts } = this.#mixture;
    this.#untilKernel = Infinity;
    this.#kernel =
      parts === null
        ? null
        : MixtureTables.layOut({
            parts,
            candidates: this.#candidates,
            facts: this.#facts,
            isForecastOn: this.#isForecastOn,
            isPopularityOn: this.#isPopularityOn,
          });
    if (this.#kernel !== null) this.#mixed = this.#kernel.mixed;
  }

  #propose(admittedCount: number, position: number, servedClass: number, proposals: ProposalBuffer): void {
    const admitted = this.#admitted;
    const probability = this.#probability;
    const rank = this.#rank;
    const facts = this.#facts.words;
    const allowed = Math.min(admittedCount, Math.floor(this.#site.trafficHeadroom));
    for (let i = 0; i < allowed; i++) {
      // Selection of the best that is left: the list is short, and mostly all of it passes.
      let best = i;
      for (let j = i + 1; j < admittedCount; j++) {
        if (rank[admitted[j]!]! > rank[admitted[best]!]!) best = j;
      }
      const slot = admitted[best]!;
      admitted[best] = admitted[i]!;
      const segment = this.#candidates.segment[slot]!;
      const expert = this.#mixture.strongestExpert(this.#candidates, slot, servedClass);
      proposals.propose(segment, this.#candidates.sizeBytes[slot]!, this.#issued.state(probability[slot]!), expert);
      this.#gate.spent(this.#waste[slot]!);
      facts[segment * FACT_STRIDE + Fact.proposedAt] = position;
      if (segment >= this.#proposedFor.length) this.#growProposed(segment);
      this.#proposedFor[segment] = this.#consumer;
      this.#proposedAs[segment] = probability[slot]! < this.#mixed[slot]! ? -this.#mixed[slot]! : this.#mixed[slot]!;
    }
  }

  #growProposed(segment: number): void {
    this.#proposedFor = grownTable(this.#proposedFor, segment);
    this.#proposedAs = grownTable(this.#proposedAs, segment);
  }
}
