/** The near loop: learns the order of accesses as they are served and proposes what is worth staging next. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { AddressSpace } from '../../streams/address-space.ts';
import type {
  AccessCursor,
  ConsumerCounts,
  Evidence,
  FetchWorth,
  Prefetcher,
  ProposalBuffer,
  QuietRows,
  SiteView,
} from '../prefetcher.ts';
import { Outcome, Served } from '../prefetcher.ts';
import { type QuietCalls, quietCallNames } from '../quiet-calls.ts';
import { createNextItemModel } from '../sequence-predictor/create-next-item-model.ts';
import { type NextItemModel, NextItemRanking } from '../sequence-predictor/next-item-model.ts';
import type { OrderAhead, OrderTaker } from '../sequence-predictor/order-ahead.ts';
import { RECORD_BYTES, RECORD_REPEATED, RECORD_WORDS, RecordField } from '../sequence-predictor/order-record.ts';
import { SequencePredictor } from '../sequence-predictor/sequence-predictor.ts';
import { StreamPredictor } from '../stream-predictor/stream-predictor.ts';
import { AccessAnswer } from './access-code.ts';
import { CandidateMixture, servedClassOf } from './candidate-mixture.ts';
import { CandidateSet, OPINION_STRIDE } from './candidate-set.ts';
import { ConsumerTrust } from './consumer-trust.ts';
import { IssuedCalibration } from './issued-calibration.ts';
import { LearnedLead } from './learned-lead.ts';
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
import { orderOptionsOf } from './order-options.ts';
import { EndMode } from './proposal-code.ts';
import { ResidentFlags } from './resident-flags.ts';
import { FACT_STRIDE, Fact, type ProposalNote, SegmentFacts } from './segment-facts.ts';
import { FORECAST_AGE_MAX, POSITION_MASK, ServeMode } from './serve-code.ts';
import { persistLearner, type Snapshot, SnapshotReader, SnapshotWriter } from './snapshot.ts';
import { ValueGate } from './value-gate.ts';

/** Accesses after which the tables of the mixture are handed to a kernel: short runs need none. */
const KERNEL_AFTER = 16_384;
/** Bound here, since what another module exports is looked up at each use. */
const LEFT = AccessAnswer.left;
/** Instead of a record's number: the access is learned here; or it was learned elsewhere, and order has come back since. */
const [HERE, BEFORE] = [-1, -2];
/** Of which none is ever called. */
const NO_CALLS = Object.fromEntries(quietCallNames.map((name) => [name, () => LEFT])) as unknown as QuietCalls;
/** How much higher the floor stands where segments differ in size and a bound on traffic is the only price: what is worth little by the byte crowds out what is worth more. */
const FLOOR_RATIO_IN_BYTES = 2;

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
  readonly #learnedLead = new LearnedLead();
  /** What the kernel was told of it; -1 = nothing. */
  #toldLead = -1;
  /** Who would learn order elsewhere, until it does. */
  #taker: OrderTaker | null = null;
  /** Order as it is learned elsewhere and here, until it can be had from there. */
  #coming: OrderAhead | null = null;
  /** Order, where it is learned elsewhere; of each of the next rows a record, and how many of these there are and were used. */
  #ahead: OrderAhead | null = null;
  #said: Int32Array = new Int32Array(0);
  #saidCount = 0;
  #usedCount = 0;
  readonly #quiet: { -readonly [K in keyof QuietRows]: QuietRows[K] } = {
    calls: NO_CALLS,
    fourth: 0,
    step: 0,
    count: 0,
    position: 0,
  };
  #consumer = -1;
  readonly #isForecastOn: boolean;
  readonly #isPopularityOn: boolean;
  readonly #admitted: Int32Array;
  readonly #believed: Float64Array;
  /** Of each candidate the probability at which a fetch of mean size would be worth as much, and fetches that it is expected to waste. */
  readonly #rank: Float64Array;
  readonly #waste: Float64Array;
  #mixed: Float64Array;
  /** The mixture in the memory of a kernel; null where there is none, or none yet. */
  #kernel: MixtureTables | null = null;
  readonly #kernelAfter: number;
  #untilKernel: number;
  #untilAdjusted: number;
  /** One entry. */
  #horizon: Float64Array;
  #position = 0;
  /** Log position at which candidates were last gathered, and how that access was served. */
  #gatheredAt = -1;
  #servedClass = 0;

  /**
   * `config` is checked here; leave it out for the defaults. `addresses`: where segments are addresses. `kernelAfter`: accesses after which order and mixture
   * are handed to kernels, Infinity = never; the answers are the same, to the last bit.
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
    this.#sequences = new SequencePredictor({ ...orderOptionsOf(c), resident: this.#resident, kernelAfter });
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
    this.#mixture = new CandidateMixture({ ...c, weightFirst: c.mixWeightFirst }, this.#facts);
    const floorRatio = site.fetchWorth === undefined ? 1 : FLOOR_RATIO_IN_BYTES;
    const boundedFloor = Math.min(1, floorRatio * c.thresholdFloor);
    this.#gate = new ValueGate({ ...c, boundedFloor, interval: c.gateInterval, reserve: c.headroomReserve });
    this.#trust = c.isTrustByConsumer ? new ConsumerTrust(c.consumerCountMax) : null;
    this.#isForecastOn = isOn[Opinion.earlierForecast]!;
    this.#isPopularityOn = isOn[Opinion.popularity]!;
    this.#admitted = new Int32Array(c.candidateCountMax);
    this.#believed = new Float64Array(c.candidateCountMax);
    this.#rank = new Float64Array(c.candidateCountMax);
    this.#waste = new Float64Array(c.candidateCountMax);
    this.#mixed = new Float64Array(c.candidateCountMax);
    this.#untilAdjusted = c.gateInterval;
    this.#horizon = Float64Array.of(c.horizonMax);
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
    return this.#horizon[0]! + this.#site.leadAccesses;
  }

  /** Bytes of all tables. */
  get bytes(): number {
    return (
      this.modelBytes +
      (this.#streams?.bytes ?? 0) +
      (this.#nextItems?.bytes ?? 0) +
      this.#facts.bytes +
      this.#resident.bytes +
      this.#mixture.bytes +
      (this.#trust?.bytes ?? 0) +
      this.#issued.bytes
    );
  }

  /** Bytes of the memories of order, which `modelBytesMax` bounds. */
  get modelBytes(): number {
    return this.#ahead?.bytes ?? this.#sequences.bytes;
  }

  /**
   * From a while on, order may be learned by `taker`, ahead of the accesses and with the same decisions, as long as it is told of the same ones at log positions without gaps. Nothing can be saved then. False = what the settings
   * ask for cannot be learned ahead.
   */
  offerOrder(taker: OrderTaker): boolean {
    if (this.#streams !== null || this.#nextItems !== null || !this.#sequences.mayLearnAhead) return false;
    this.#taker = taker;
    return true;
  }

  /** From now on `onSettled` is told of each forecast on trial what was stated and whether it came true. For measurements: decides nothing. */
  watchForecasts(onSettled: (stated: number, isTrue: boolean) => void): void {
    this.#mixture.watch(onSettled);
    this.#kernel = null;
    this.#untilKernel = Infinity;
  }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const { segment, position, consumer } = access;
    this.#position = position;
    this.#consumer = consumer;
    const lead = this.#site.leadAccesses;
    if (--this.#untilAdjusted === 0) this.#adjust();
    if (this.#learnedLead.pass(lead)) this.#beginEpoch();
    const kernel = this.#kernel;
    if (this.#ahead !== null) {
      this.#accessAhead(access, served, lead, proposals);
      return;
    }
    if (kernel === null || !kernel.isWhole) {
      this.#serve(access, served, lead, proposals, HERE);
      return;
    }
    this.#tellLead(kernel);
    const how = this.#howOf(served);
    const answer = kernel.run.access(segment, consumer, how, access.nextSegment ?? -1, position, lead);
    if (answer >= 0) this.#decideOn(kernel, answer, how, proposals);
    else if (answer === LEFT) this.#serve(access, served, lead, proposals, HERE);
  }

  quietRows(): QuietRows | null {
    const kernel = this.#kernel;
    if (kernel === null || !kernel.isWhole || this.#site.fetchWorth !== undefined) return null;
    const quiet = this.#quiet;
    const count = Math.min(this.#untilAdjusted - 1, this.#learnedLead.quietCount);
    if (this.#ahead === null) {
      this.#tellLead(kernel);
      quiet.calls = kernel.callsHere;
      quiet.fourth = 0;
      quiet.step = 0;
      quiet.count = count;
    } else {
      quiet.calls = kernel.callsAhead;
      quiet.fourth = kernel.saidAt + this.#usedCount * RECORD_BYTES;
      quiet.step = RECORD_BYTES;
      quiet.count = Math.min(count, this.#saidCount - this.#usedCount);
    }
    quiet.position = this.#position;
    return quiet;
  }

  onQuiet(count: number, position: number): void {
    this.#untilAdjusted -= count;
    this.#learnedLead.skip(count);
    this.#usedCount += count;
    this.#position = position;
  }

  proposeChosen(count: number, proposals: ProposalBuffer): void {
    const { proposed, stated, strongest } = this.#kernel!;
    for (let i = 0; i < count; i++) proposals.propose(proposed[i]!, -1, stated[i]!, strongest[i]!);
  }

  /** The kernel learns by the lead of the access at hand. */
  #tellLead(kernel: MixtureTables): void {
    const learned = this.#learnedLead.accesses;
    if (learned === this.#toldLead) return;
    this.#toldLead = learned;
    kernel.learnFor(learned);
  }

  /** An access that was learned elsewhere. */
  #accessAhead(access: AccessCursor, served: number, lead: number, proposals: ProposalBuffer): void {
    const record = this.#usedCount++;
    if (record >= this.#saidCount) {
      this.#takeOrderBack();
      this.#serve(access, served, lead, proposals, BEFORE);
      return;
    }
    const kernel = this.#kernel;
    if (kernel === null || !kernel.isWhole) {
      this.#serve(access, served, lead, proposals, record);
      return;
    }
    const { segment, consumer, position } = access;
    const how = this.#howOf(served);
    const answer = kernel.run.weigh(segment, consumer, how, kernel.saidAt + record * RECORD_BYTES, position, lead);
    if (answer >= 0) this.#decideOn(kernel, answer, how, proposals);
    else if (answer === LEFT) this.#serve(access, served, lead, proposals, record);
  }

  /** What is left to be done about an access that a kernel took from end to end. */
  #decideOn(kernel: MixtureTables, answer: number, how: number, proposals: ProposalBuffer): void {
    this.#gatheredAt = this.#position;
    this.#servedClass = how & 3;
    this.#candidates.count = answer >> 8;
    if (answer > 0) this.#decideBeside(kernel, answer & 255, how, proposals);
  }

  /** With the access begins an epoch: what is known of its rows is fetched where they are learned elsewhere, which may begin now. */
  #beginEpoch(): void {
    const { told, toldCount } = this.#learnedLead;
    if (this.#ahead === null) {
      this.#offerNow();
      const count = this.#coming?.next(told, toldCount, this.#kernel!.said, true) ?? -1;
      // Until it has caught up order is learned here as well, so nobody waits.
      if (count < 0) return;
      this.#saidCount = count;
      this.#said = this.#kernel!.said;
      this.#ahead = this.#coming;
      this.#coming = null;
    } else this.#saidCount = this.#ahead.next(told, toldCount, this.#said, false);
    this.#usedCount = 0;
  }

  /** Has order learned elsewhere too, where somebody would and it can be. */
  #offerNow(): void {
    if (this.#kernel?.isWhole !== true || !this.#sequences.mayLearnAhead) {
      this.#coming = null;
    } else if (this.#taker?.isReady === true) {
      const writer = new SnapshotWriter();
      this.#sequences.save(writer);
      this.#coming = this.#taker.begin(writer.finish(), this.#position, this.#learnedLead.known);
      this.#taker = null;
    }
  }

  /** The access at hand was learned elsewhere, which went no further. */
  #takeOrderBack(): void {
    // Elsewhere nobody says how small a share is still considered.
    const { scoreMin } = this.#sequences;
    this.#sequences.load(new SnapshotReader(this.#ahead!.takeBack(), false));
    this.#sequences.scoreMin = scoreMin;
    this.#ahead = null;
    this.#said = new Int32Array(0);
    this.#layOut();
  }

  /** An access that no kernel took from end to end. `record`: what was set down of it where it was learned elsewhere, `HERE` or `BEFORE`. */
  #serve(access: AccessCursor, served: number, lead: number, proposals: ProposalBuffer, record: number): void {
    const { segment, position, consumer } = access;
    this.#resident.set(segment);
    if (this.#kernel !== null && segment >= this.#kernel.segmentLimit) this.#makeRoom(segment);
    const isPlain = this.#kernel === null;
    if (isPlain) this.#learn(access, lead);
    const isNew = record === HERE ? this.#observe(access, served) : record === BEFORE || this.#isNewIn(record);
    if (this.#kernel?.isWhole === true && !this.#sequences.isLaidOutIn(this.#kernel.memory)) this.#layOut();
    const kernel = isPlain ? null : this.#kernel;
    if (kernel === null && !isPlain) this.#learn(access, lead);
    this.#streams?.observe(segment, access.sizeBytes, position);
    const nextItems = this.#nextItems === null ? null : this.#nextItemsFor(consumer);
    if (isNew) nextItems?.observe(consumer, segment, access.timeMs);
    const candidates = this.#candidates;
    let count = 0;
    // A repeat that was served leaves nothing to expect that was not expected before.
    if (isNew || served !== Served.hit) {
      candidates.begin();
      this.#streams?.gather(lead, candidates);
      if (record >= 0) this.#sequences.gatherSaid(this.#said, record * RECORD_WORDS, candidates);
      else this.#sequences.gather(segment, candidates, served !== Served.hit);
      if (nextItems !== null) this.#gatherNext(nextItems, consumer);
      this.#gatheredAt = position;
      this.#servedClass = servedClassOf(served);
      count = candidates.count;
    }
    if (kernel === null) {
      for (let slot = 0; slot < count; slot++) this.#forecast(slot, position, this.#servedClass);
      if (count > 0) this.#decide(position, this.#servedClass, proposals);
      return;
    }
    const how = this.#howOf(served);
    const passing = kernel.run.serve(segment, consumer, how, count, position, lead);
    if (count > 0) this.#decideBeside(kernel, passing, how, proposals);
  }

  #observe({ consumer, segment, position }: AccessCursor, served: number): boolean {
    return this.#sequences.observe(consumer, segment, position, this.#learnedLead.accesses, served !== Served.hit);
  }

  /** Whether the access of a record was no repeat; the kernel may have what has grown beside order. */
  #isNewIn(record: number): boolean {
    this.#sequences.keepUp();
    return (this.#said[record * RECORD_WORDS + RecordField.counts / 4]! & RECORD_REPEATED) === 0;
  }

  /** How an access was served, as a kernel is told. */
  #howOf(served: number): number {
    return servedClassOf(served) | (this.#site.fetchWorth === undefined ? 0 : ServeMode.undecided);
  }

  /** What a kernel leaves to be done about the candidates of an access. */
  #decideBeside(kernel: MixtureTables, passing: number, how: number, proposals: ProposalBuffer): void {
    if (passing > 0) this.#proposeBest(kernel, passing, how, proposals);
    else if ((how & ServeMode.undecided) !== 0) this.#decide(this.#position, this.#servedClass, proposals);
  }

  evidenceOf(segment: number): Evidence | null {
    if (this.#gatheredAt !== this.#position) return null;
    const slot = this.#candidates.segment.subarray(0, this.#candidates.count).indexOf(segment);
    if (slot < 0) return null;
    const trust = this.#trust?.shareOf(this.#consumer) ?? 1;
    const believed = trust * this.#mixture.probabilityOf(this.#candidates, slot, this.#servedClass);
    const gain = this.#site.fetchWorth?.gainOf(segment, this.#candidates.sizeBytes[slot]!) ?? 1;
    const { threshold } = this.#gate;
    return {
      opinions: this.#mixture.opinionsOn(this.#candidates, slot),
      probability: this.#issued.state(believed),
      threshold: this.#issued.state(threshold / (threshold + gain * (1 - threshold))),
      trust,
      value: netValue(believed, gain, threshold),
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
    if (outcome > Outcome.wasted) return;
    const isOwn = expert < NAMING_COUNT;
    const isUsed = outcome !== Outcome.wasted;
    const kernel = this.#kernel;
    if (kernel !== null && segment < kernel.segmentLimit) {
      const how = (isOwn ? EndMode.proposed : 0) | (isUsed ? EndMode.used : 0);
      if (kernel.run.ended(segment, how, this.#position) !== 0) return;
    }
    const facts = this.#facts.words;
    const row = segment * FACT_STRIDE;
    if (isOwn) {
      const forecast = this.#facts.floats[row + Fact.proposedAs] ?? 0;
      this.#trust?.ended(facts[row + Fact.proposedFor] ?? 0, Math.abs(forecast), isUsed);
      if (forecast > 0) this.#issued.learn(forecast, isUsed);
      if (this.#kernel?.takeBack() === false) this.#layOut();
    }
    if (isUsed) return;
    const { horizonMin, horizonMax } = this.#config;
    const horizon = this.#horizon[0]!;
    const stayed = (this.#position - facts[row + Fact.proposedAt]!) | 0;
    // Who outstayed the horizon says only that there is room: look further ahead.
    const aim = stayed >= horizon ? 2 * horizon : stayed;
    this.#horizon[0] = horizon + (Math.min(Math.max(aim, horizonMin), horizonMax) - horizon) / 64;
  }

  /** After whose access a segment was last proposed, and at what; null = never. */
  proposalOf(segment: number): ProposalNote | null {
    return this.#facts.proposalOf(segment);
  }

  /** Does `judge` as if `proposal` were the latest of `segment`: of a prefetch whose end is told late, after the segment was perhaps proposed again. */
  judgeAs(segment: number, proposal: ProposalNote, judge: () => void): void {
    const latest = this.#facts.proposalOf(segment);
    if (latest !== null) this.#facts.recall(segment, proposal);
    judge();
    if (latest !== null) this.#facts.recall(segment, latest);
  }

  /** Everything learned, to be restored into a prefetcher with the same settings. */
  snapshot(): Snapshot {
    assert(this.#ahead === null, 'order is learned elsewhere, so there is nothing to save');
    const writer = new SnapshotWriter();
    writer.numbers(this.#untilAdjusted, this.#horizon[0]!, this.#position);
    for (const part of this.#parts()) part.save(writer);
    return [...writer.finish(), ...(this.#nextItems?.snapshot() ?? [])];
  }

  /** @throws InvariantError when the snapshot was made with other settings. */
  restore(snapshot: Snapshot): void {
    const reader = new SnapshotReader(snapshot);
    const [untilAdjusted, horizon, position] = reader.numbers();
    this.#untilAdjusted = untilAdjusted!;
    this.#horizon[0] = horizon!;
    this.#position = position!;
    for (const part of this.#parts()) part.load(reader);
    this.#nextItems?.restore(reader.take());
    this.#coming = null;
    this.#kernel = null;
    this.#toldLead = -1;
    this.#untilKernel = this.#kernelAfter;
  }

  /**
   * The state, to save or restore it: that of `snapshot`, without copies. Parts: #sequences, #facts, #resident, #mixture, #gate, #issued, #learnedLead, #trust,
   * #streams. Nothing is saved while order is learned elsewhere: #taker, #coming, #ahead, #said, #saidCount, #usedCount, #quiet. Made anew: #toldLead, #config, #site, #isForecastOn, #isPopularityOn, #kernel, #kernelAfter, #untilKernel. Of one access: #ranking, #candidates, #admitted, #believed, #rank, #waste,
   * #mixed, #consumer, #gatheredAt, #servedClass.
   */
  persist(fields: StateFields): void {
    fields.section('near-loop');
    assert(this.#ahead === null, 'order is learned elsewhere, so there is nothing to save');
    this.#untilAdjusted = fields.number(this.#untilAdjusted);
    this.#horizon[0] = fields.number(this.#horizon[0]!);
    this.#position = fields.number(this.#position);
    for (const part of this.#parts()) persistLearner(fields, part);
    if (fields.isRestoring) {
      this.#coming = null;
      this.#kernel = null;
      this.#toldLead = -1;
      this.#untilKernel = this.#kernelAfter;
    }
    const nextItems = fields.arrays(fields.isRestoring ? [] : (this.#nextItems?.snapshot() ?? []));
    if (fields.isRestoring) this.#nextItems?.restore(nextItems);
  }

  #parts(): readonly { save(writer: SnapshotWriter): void; load(reader: SnapshotReader): void }[] {
    const parts = [this.#sequences, this.#facts, this.#resident, this.#mixture, this.#gate, this.#issued];
    return [
      ...parts,
      this.#learnedLead,
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

  /** What the kernel does with an access before its candidates are known. */
  #learn(access: AccessCursor, lead: number): void {
    const { segment, position } = access;
    const horizon = this.#horizon[0]! + lead;
    this.#mixture.settleDemand(segment, position, horizon);
    this.#mixture.settleExpired(position - horizon);
    const row = this.#facts.rowOf(segment);
    const facts = this.#facts.words;
    if (facts[row + Fact.count]! < 255) facts[row + Fact.count]! += 1;
    facts[row + Fact.lastAt] = position;
    // From the next access on, which finds this one as the kernel would leave it.
    if (--this.#untilKernel <= 0) this.#layOut();
  }

  /** Sets the thresholds by what was learned since the last time. */
  #adjust(): void {
    this.#untilAdjusted = this.#config.gateInterval;
    if (this.#kernel === null) this.#issued.refresh();
    else this.#kernel.run.refresh();
    this.#gate.adjust(this.#site.trafficHeadroom, this.#site.trafficGranted);
    this.#sequences.scoreMin = Math.max(this.#config.scoreMin, this.#config.scoreShare * this.#gate.threshold);
  }

  /** How far each forecast is to be believed, which of them pass, and what is proposed of these. */
  #decide(position: number, servedClass: number, proposals: ProposalBuffer): void {
    const { count } = this.#candidates;
    const mixed = this.#mixed;
    const worth = this.#site.fetchWorth;
    let admittedCount = 0;
    for (let slot = 0; slot < count; slot++) {
      const believed = this.#trust === null ? mixed[slot]! : this.#trust.believed(this.#consumer, mixed[slot]!);
      this.#believed[slot] = believed;
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
    const probability = this.#believed[slot]!;
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
            trust: this.#trust,
            gate: this.#gate,
            issued: this.#issued,
            horizon: this.#horizon,
            horizonMin: this.#config.horizonMin,
            horizonMax: this.#config.horizonMax,
            forecastMin: this.#config.thresholdFloor,
            isForecastOn: this.#isForecastOn,
            isPopularityOn: this.#isPopularityOn,
            order: this.#sequences.kernelNeeds,
          });
    if (this.#kernel === null) return;
    this.#toldLead = -1;
    if (this.#ahead !== null) {
      this.#kernel.said.set(this.#said);
      this.#said = this.#kernel.said;
    }
    const { orderHome } = this.#kernel;
    if (orderHome !== null) {
      this.#sequences.layOut(orderHome);
      this.#kernel.isWhole = this.#sequences.isLaidOutIn(orderHome.memory);
      if (this.#kernel.isWhole) this.#resident.makeExact((segment) => this.#site.isResident(segment));
    }
    this.#mixed = this.#kernel.mixed;
    this.#horizon = this.#kernel.horizon;
  }

  #propose(admittedCount: number, position: number, servedClass: number, proposals: ProposalBuffer): void {
    const admitted = this.#admitted;
    const believed = this.#believed;
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
      proposals.propose(segment, this.#candidates.sizeBytes[slot]!, this.#issued.state(believed[slot]!), expert);
      this.#gate.spent(this.#waste[slot]!);
      const row = segment * FACT_STRIDE;
      const mixed = this.#mixed[slot]!;
      facts[row + Fact.proposedAt] = position;
      facts[row + Fact.proposedFor] = this.#consumer;
      this.#facts.floats[row + Fact.proposedAs] = believed[slot]! < mixed ? -mixed : mixed;
    }
  }

  /** The same of what a kernel let pass. */
  #proposeBest(kernel: MixtureTables, passing: number, how: number, proposals: ProposalBuffer): void {
    const allowed = Math.min(passing, Math.floor(this.#site.trafficHeadroom));
    if (allowed < 1) return;
    kernel.run.propose(allowed, passing, how, this.#position, this.#consumer);
    this.proposeChosen(allowed, proposals);
  }

  /** Makes room for the facts of a segment. */
  #makeRoom(segment: number): void {
    this.#facts.rowOf(segment);
    if (this.#kernel?.takeBack() === false) this.#layOut();
  }
}

/** Of a fetch whose gain is so many times that of one of mean size, where a wasted one costs what the threshold says: 0 at the threshold. */
function netValue(probability: number, gain: number, threshold: number): number {
  if (threshold >= 1) return probability >= 1 ? gain : -Infinity;
  return probability * gain - ((1 - probability) * threshold) / (1 - threshold);
}
