/** The near loop: learns the order of accesses as they are served and proposes what is worth staging. */

import type { AccessCursor, Prefetcher, ProposalBuffer, SiteView } from '../prefetcher.ts';
import { Outcome, Served } from '../prefetcher.ts';
import { ContextTable } from '../sequence-predictor/context-table.ts';
import { RecentHistory } from '../sequence-predictor/recent-history.ts';
import { ageOfSlot, SuccessorTable, WEIGHT_ONE, weightOfSlot } from '../sequence-predictor/successor-table.ts';
import { BinCalibration } from './bin-calibration.ts';
import { LogisticMixer } from './logistic-mixer.ts';
import { type NearLoopConfig, nearLoopConfigSchema } from './near-loop-config.ts';
import { squash, stretch } from './stretch.ts';
import { TrialRing } from './trial-ring.ts';
import { ValueGate } from './value-gate.ts';

const EXPERTS = ['consumer-successor', 'global-successor', 'context', 'miss-successor'] as const;
const BY_CONSUMER = 0;
const BY_ALL = 1;
const BY_CONTEXT = 2;
const BY_MISSES = 3;
const EVIDENCE = 4;
const POPULARITY = 5;
const INPUTS = 7; // and a bias
const CANDIDATES_MAX = 64;
const SCORE_BINS = 12, SUPPORT_BINS = 8, AGE_BINS = 5;
const SUCCESSOR_BINS = 1 + SCORE_BINS * SUPPORT_BINS * AGE_BINS;
const FIELDS = 8; // per segment: stamp, slot, evidence at, evidence bin, count, last at, issued at
const F_STAMP = 0, F_SLOT = 1, F_EVIDENCE_AT = 2, F_EVIDENCE = 3, F_COUNT = 4, F_LAST = 5, F_ISSUED = 6;

const log2Bin = (x: number): number => 32 - Math.clz32(x);

const scoreBinTable = new Uint8Array(257);
{
  const edges = [0.04, 0.06, 0.09, 0.13, 0.19, 0.27, 0.37, 0.49, 0.62, 0.76, 0.9];
  for (let i = 0; i <= 256; i++) { let b = 0; while (b < edges.length && i / 256 >= edges[b]!) b++; scoreBinTable[i] = b; }
}
const ageBin = (age: number): number => (age <= 1 ? 0 : age === 2 ? 1 : age <= 4 ? 2 : age <= 8 ? 3 : 4);
const supportBin = (n: number): number => (n <= 3 ? n - 1 : n <= 5 ? 3 : n <= 9 ? 4 : n <= 17 ? 5 : n <= 33 ? 6 : 7);

export class AnteroomPrefetcher implements Prefetcher {
  readonly name = 'anteroom';
  readonly staging = 'separate';
  readonly experts: readonly string[] = EXPERTS;
  readonly #config: NearLoopConfig;
  #site: SiteView;
  readonly #histories: RecentHistory[];
  readonly #tables: SuccessorTable[];
  readonly #weights: Int32Array[];
  readonly #contexts: ContextTable;
  readonly #bins: BinCalibration[];
  readonly #mixer: LogisticMixer;
  readonly #final: BinCalibration;
  readonly #trials: TrialRing;
  readonly #trialBins: Uint16Array;
  readonly #trialInputs: Float32Array;
  readonly #trialMix: Float32Array;
  readonly #trialFinal: Uint16Array;
  readonly #trialSet: Uint8Array;
  readonly #gate: ValueGate;
  #state = new Int32Array(1024 * FIELDS);
  #stampNow = 0;
  readonly #candidateSegment = new Uint32Array(CANDIDATES_MAX);
  readonly #candidateBins = new Uint16Array(CANDIDATES_MAX * INPUTS);
  #candidateCount = 0;
  readonly #inputs = new Float32Array(INPUTS);
  #horizon: number;
  #hasConsumers = false;
  readonly #isOn: boolean[];
  debug = { cand: 0, trials: 0, prop: 0, thr: 0 };

  constructor(site: SiteView, config?: unknown) {
    const c = nearLoopConfigSchema.parse(config ?? {});
    this.#config = c;
    this.#site = site;
    this.#isOn = (['consumer-successor', 'global-successor', 'context', 'miss-successor', 'evidence', 'popularity'] as const).map((n) => c.experts.includes(n));
    const table = (): SuccessorTable => new SuccessorTable({ degreeMax: c.degreeMax, visitsMax: c.visitsMax });
    this.#tables = [table(), table(), table(), table()];
    const h = (depth: number) => new RecentHistory({ depth, consumerCountMax: c.consumerCountMax });
    this.#histories = [h(c.lookahead + 1), h(c.lookahead + 1), h(1), h(c.missLookahead + 1)];
    const w = (n: number) => { const a = new Int32Array(n); for (let i = 0; i < n; i++) a[i] = Math.max(1, Math.round(WEIGHT_ONE / (1 + 0.25 * i))); return a; };
    this.#weights = [w(c.lookahead), w(c.lookahead), w(1), w(c.missLookahead)];
    this.#contexts = new ContextTable({ entryCountMax: c.contextCountMax });
    const m = c.calibrationMemory;
    const prior = (bin: number) => { if (bin === 0) return 0.1; const s = ((bin - 1) % SCORE_BINS) + 0.5; return (s / SCORE_BINS) * (s / SCORE_BINS) * 0.6 + 0.02; };
    this.#bins = [
      new BinCalibration(SUCCESSOR_BINS, m, prior), new BinCalibration(SUCCESSOR_BINS, m, prior),
      new BinCalibration(1 + 16 * 16, m, 0.2), new BinCalibration(SUCCESSOR_BINS, m, prior),
      new BinCalibration(1 + 16 * 8, m, 0.1), new BinCalibration(1 + 9 * 20, m, 0.1),
    ];
    this.#mixer = new LogisticMixer({ inputCount: INPUTS, setCount: 64, weightFirst: c.weightFirst, rateFirst: c.mixRateFirst, rateLast: c.mixRateLast });
    this.#final = new BinCalibration(4 * 33, m, (bin) => squash(((bin % 33) - 16) / 2));
    this.#trials = new TrialRing(c.trialCountMax);
    this.#trialBins = new Uint16Array(c.trialCountMax * INPUTS);
    this.#trialInputs = new Float32Array(c.trialCountMax * INPUTS);
    this.#trialMix = new Float32Array(c.trialCountMax);
    this.#trialFinal = new Uint16Array(c.trialCountMax);
    this.#trialSet = new Uint8Array(c.trialCountMax);
    const t = c.wastedFetchPrice / (1 + c.wastedFetchPrice);
    this.#gate = new ValueGate({ thresholdUnbounded: Math.max(t, c.thresholdFloor), thresholdFloor: c.thresholdFloor, interval: c.gateInterval, spendOver: c.spendOver, reserve: c.headroomReserve });
    this.#horizon = Math.min(256, c.horizonMax);
  }

  get threshold(): number { return this.#gate.threshold; }
  get horizon(): number { return this.#horizon; }

  onAccess(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const segment = access.segment;
    const position = access.position;
    if (segment * FIELDS >= this.#state.length) this.#grow(segment);
    for (let slot = this.#trials.takeDemanded(segment); slot >= 0; slot = this.#trials.takeDemanded(segment)) {
      this.#resolve(slot, position - this.#trials.startedAt(slot) <= this.#horizon ? 1 : 0);
    }
    for (let slot = this.#trials.takeExpired(position - this.#horizon); slot >= 0; slot = this.#trials.takeExpired(position - this.#horizon)) this.#resolve(slot, 0);
    this.#gate.tick(this.#site.trafficHeadroom);

    const consumer = access.consumer;
    if (consumer >= 0) this.#hasConsumers = true;
    const state = this.#state;
    const at = segment * FIELDS;
    state[at + F_COUNT] = Math.min(255, state[at + F_COUNT]! + 1);
    state[at + F_LAST] = position;

    const history = this.#histories[BY_CONSUMER]!;
    const offset = history.offsetOf(consumer);
    const previous = history.words[offset]!;
    const isRepeat = previous === segment;
    if (!isRepeat) {
      this.#learn(BY_CONSUMER, segment, offset);
      if (previous >= 0 && history.words[offset + 2]! >= 0) this.#contexts.observe(history.words[offset + 2]!, previous, segment);
    }
    if (this.#hasConsumers && this.#histories[BY_ALL]!.words[0] !== segment) this.#learn(BY_ALL, segment, 0);
    if (served !== Served.hit && this.#histories[BY_MISSES]!.words[0] !== segment) this.#learn(BY_MISSES, segment, 0);
    if (isRepeat && served === Served.hit) return;

    this.#stampNow++;
    this.#candidateCount = 0;
    const on = this.#isOn;
    if (on[0]) this.#gatherSuccessors(BY_CONSUMER, segment);
    if (this.#hasConsumers && on[1]) this.#gatherSuccessors(BY_ALL, segment);
    if (on[3]) this.#gatherSuccessors(BY_MISSES, segment);
    if (on[2] && previous >= 0 && !isRepeat) this.#gatherContext(previous, segment);
    if (this.#candidateCount > 0) this.#weigh(access, served, proposals);
  }

  onOutcome(segment: number, _expert: number, outcome: number, probability: number): void {
    if (outcome === Outcome.cancelled) this.#gate.refused(probability);
    else this.#gate.ended(probability);
    if (outcome === Outcome.wasted) {
      const age = this.#position - this.#state[segment * FIELDS + F_ISSUED]!;
      const c = this.#config;
      const aim = Math.min(Math.max(age >= this.#horizon ? 2 * this.#horizon : age, c.horizonMin), c.horizonMax);
      this.#horizon += (aim - this.#horizon) / 64;
    }
  }
  #position = 0;

  #learn(expert: number, segment: number, offset: number): void {
    const history = this.#histories[expert]!;
    const words = history.words;
    const table = this.#tables[expert]!;
    const weights = this.#weights[expert]!;
    for (let k = 0; k < weights.length; k++) {
      const source = words[offset + k]!;
      if (source < 0) break;
      if (source !== segment) table.observe(source, segment, weights[k]!);
    }
    table.visit(segment);
    history.push(offset, segment);
  }

  #candidate(segment: number): number {
    const state = this.#state;
    const at = segment * FIELDS;
    if (state[at + F_STAMP] === this.#stampNow) return state[at + F_SLOT]!;
    state[at + F_STAMP] = this.#stampNow;
    if (this.#candidateCount === CANDIDATES_MAX || this.#site.isResident(segment)) {
      state[at + F_SLOT] = -1;
      return -1;
    }
    const slot = this.#candidateCount++;
    state[at + F_SLOT] = slot;
    this.#candidateSegment[slot] = segment;
    this.#candidateBins.fill(0, slot * INPUTS, slot * INPUTS + INPUTS);
    return slot;
  }

  #gatherSuccessors(expert: number, segment: number): void {
    const table = this.#tables[expert]!;
    const row = table.rowOf(segment);
    if (row < 0) return;
    const visits = table.visitsOf(segment) - (expert === BY_MISSES && false ? 0 : 1);
    if (visits < 1) return;
    const tick = table.tickOf(segment);
    const words = table.words;
    const scale = 1 / (visits * WEIGHT_ONE);
    const min = this.#config.scoreMin;
    const sb = supportBin(visits);
    for (let i = row, end = row + 2 * table.degreeMax; i < end; i += 2) {
      const id = words[i]!;
      if (id === 0) continue;
      const packed = words[i + 1]!;
      const score = weightOfSlot(packed) * scale;
      if (score < min) continue;
      const slot = this.#candidate(id - 1);
      if (slot < 0) continue;
      const bin = scoreBinTable[Math.min(256, (score * 256) | 0)]!;
      this.#candidateBins[slot * INPUTS + expert] = 1 + bin + SCORE_BINS * (sb + SUPPORT_BINS * ageBin(ageOfSlot(packed, tick)));
    }
  }

  #gatherContext(previous: number, segment: number): void {
    const entry = this.#contexts.find(previous, segment);
    if (entry < 0) return;
    for (let place = 0; place < 2; place++) {
      const id = this.#contexts.successorAt(entry, place);
      if (id < 0) continue;
      const slot = this.#candidate(id);
      if (slot < 0) continue;
      this.#candidateBins[slot * INPUTS + BY_CONTEXT] = 1 + this.#contexts.confirmedAt(entry, place) + 16 * this.#contexts.seenAt(entry);
    }
  }

  #weigh(access: AccessCursor, served: number, proposals: ProposalBuffer): void {
    const position = access.position;
    this.#position = position;
    const state = this.#state;
    const bins = this.#candidateBins;
    const inputs = this.#inputs;
    const servedSet = served === Served.hit ? 1 : served === Served.miss ? 0 : 2;
    this.debug.cand += this.#candidateCount;
    for (let slot = 0; slot < this.#candidateCount; slot++) {
      const candidate = this.#candidateSegment[slot]!;
      const at = candidate * FIELDS;
      const b = slot * INPUTS;
      const sinceEvidence = position - state[at + F_EVIDENCE_AT]!;
      if (this.#isOn[4] && state[at + F_EVIDENCE_AT]! > 0 && sinceEvidence < 128) bins[b + EVIDENCE] = 1 + state[at + F_EVIDENCE]! + 16 * log2Bin(sinceEvidence);
      const count = state[at + F_COUNT]!;
      bins[b + POPULARITY] = count === 0 || !this.#isOn[5] ? 0 : 1 + log2Bin(count) - 1 + 9 * Math.min(19, log2Bin(position - state[at + F_LAST]!));
      let mask = 0;
      for (let i = 0; i < INPUTS - 1; i++) {
        const bin = bins[b + i]!;
        if (i < 4 && bin !== 0) mask |= 1 << i;
        inputs[i] = i < 4 && bin === 0 ? 0 : stretch(this.#bins[i]!.probabilityOf(bin));
      }
      inputs[INPUTS - 1] = 0.5;
      const set = servedSet * 16 + mask;
      const mixed = this.#mixer.mix(set, inputs, 0);
      const clipped = mixed < -8 ? -8 : mixed > 8 ? 8 : mixed;
      const finalBin = servedSet * 33 + Math.round(clipped * 2) + 16;
      const p = 0.5 * squash(mixed) + 0.5 * this.#final.probabilityOf(finalBin);
      state[at + F_EVIDENCE_AT] = position;
      state[at + F_EVIDENCE] = Math.min(15, (p * 16) | 0);
      const slotOfTrial = this.#trials.start(candidate, position);
      if (slotOfTrial >= 0) {
        this.debug.trials++;
        for (let i = 0; i < INPUTS; i++) {
          this.#trialBins[slotOfTrial * INPUTS + i] = bins[b + i]!;
          this.#trialInputs[slotOfTrial * INPUTS + i] = inputs[i]!;
        }
        this.#trialMix[slotOfTrial] = mixed;
        this.#trialFinal[slotOfTrial] = finalBin;
        this.#trialSet[slotOfTrial] = set;
      }
      if (this.#gate.admits(p)) {
        const expert = this.#mixer.strongest(set, inputs, 0, 4);
        proposals.propose(candidate, -1, p, expert);
        this.#gate.issued(p);
        state[at + F_ISSUED] = position;
        this.debug.prop++;
      }
    }
  }

  #resolve(slot: number, isTrue: number): void {
    const b = slot * INPUTS;
    for (let i = 0; i < INPUTS - 1; i++) {
      const bin = this.#trialBins[b + i]!;
      if (i >= 4 || bin !== 0) this.#bins[i]!.observe(bin, isTrue);
    }
    this.#mixer.learn(this.#trialSet[slot]!, this.#trialInputs, b, this.#trialMix[slot]!, isTrue);
    this.#final.observe(this.#trialFinal[slot]!, isTrue);
  }

  #grow(segment: number): void {
    const state = new Int32Array(Math.max(this.#state.length * 2, (segment + 1) * FIELDS));
    state.set(this.#state);
    this.#state = state;
  }
}
