/** Expects what followed before: successors in the consumer's order, after a pair, and in the order of would-be misses. */

import type { CandidateSet } from '../near-loop/candidate-set.ts';
import { chainBin, contextBin, Opinion, successorBin } from '../near-loop/opinion-bins.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { ContextTable } from './context-table.ts';
import { RecentHistory } from './recent-history.ts';
import { ageOfSlot, SuccessorTable, WEIGHT_ONE, weightOfSlot } from './successor-table.ts';

export interface SequencePredictorOptions {
  readonly degreeMax: number;
  readonly visitsMax: number;
  readonly lookahead: number;
  readonly missLookahead: number;
  readonly scoreMin: number;
  readonly consumerCountMax: number;
  readonly contextCountMax: number;
  readonly chainDepthMax: number;
  /** Which opinions to give, by `Opinion`; what is off is neither learned nor asked. */
  readonly isOn: readonly boolean[];
}

/**
 * Three memories of order, all by count and bounded.
 *
 * Consumer's order: what the same consumer asked for next, up to `lookahead` distinct segments later, sooner worth more. One table for
 * all consumers: who is new profits from the others. Pairs: what followed the last two segments. Would-be misses: the global order of
 * accesses that the reactive cache could not serve; there, what matters stands close together however many hits lie between
 * (the association of sporadic segments that Mithril mines: Yang et al., SoCC 2017; here as decayed counts).
 * Where fetches take time, a chain follows the likeliest successors as many steps as accesses pass before a fetch lands.
 * O(lookahead x degree) an access.
 */
export class SequencePredictor {
  /** Successors with a smaller share of the visits are passed over. */
  scoreMin: number;
  readonly #options: SequencePredictorOptions;
  readonly #orders: RecentHistory;
  readonly #missOrder: RecentHistory;
  readonly #successors: SuccessorTable;
  readonly #missSuccessors: SuccessorTable;
  readonly #contexts: ContextTable;
  readonly #recency: Int32Array;
  /** The consumer's segment before the current one; -1 when there was none. */
  #previous = -1;
  /** Where that consumer's history starts. */
  #offset = 0;

  constructor(options: SequencePredictorOptions) {
    this.#options = options;
    this.scoreMin = options.scoreMin;
    const { degreeMax, visitsMax, consumerCountMax } = options;
    // One place more than the lookahead: contexts look one step further back.
    this.#orders = new RecentHistory({ depth: Math.max(2, options.lookahead), consumerCountMax });
    this.#missOrder = new RecentHistory({ depth: options.missLookahead, consumerCountMax: 1 });
    this.#successors = new SuccessorTable({ degreeMax, visitsMax });
    this.#missSuccessors = new SuccessorTable({ degreeMax, visitsMax });
    this.#contexts = new ContextTable({ entryCountMax: options.contextCountMax });
    const longest = Math.max(options.lookahead, options.missLookahead);
    this.#recency = new Int32Array(longest);
    for (let lag = 0; lag < longest; lag++) {
      this.#recency[lag] = Math.max(1, Math.floor(WEIGHT_ONE / (1 + lag / 4) + 0.5));
    }
  }

  get bytes(): number {
    return (
      this.#orders.bytes +
      this.#missOrder.bytes +
      this.#successors.bytes +
      this.#missSuccessors.bytes +
      this.#contexts.bytes
    );
  }

  /** Learns an access; false when it repeats the consumer's previous segment, after which nothing new can be expected. */
  observe(consumer: number, segment: number, isWouldBeMiss: boolean): boolean {
    const { isOn, lookahead, missLookahead } = this.#options;
    if (isWouldBeMiss && isOn[Opinion.missSuccessor] && this.#missOrder.words[0] !== segment) {
      this.#missSuccessors.follow(this.#missOrder.words, 0, missLookahead, segment, this.#recency);
      this.#missSuccessors.visit(segment);
      this.#missOrder.push(0, segment);
    }
    const orders = this.#orders;
    const offset = orders.offsetOf(consumer);
    const words = orders.words;
    const previous = words[offset]!;
    if (previous === segment) return false;
    this.#offset = offset;
    if (isOn[Opinion.consumerSuccessor] || isOn[Opinion.chain]) {
      this.#successors.follow(words, offset, lookahead, segment, this.#recency);
      this.#successors.visit(segment);
    }
    const beforeThat = words[offset + 1]!;
    if (beforeThat >= 0 && isOn[Opinion.context]) {
      this.#contexts.observe(beforeThat, previous, segment, words[offset + orders.depth]!);
    }
    orders.push(offset, segment);
    this.#previous = previous;
    return true;
  }

  /** Names candidates after the access observed last. `leadAccesses`: see `SiteView`. Would-be misses are asked for after would-be misses only. */
  gather(segment: number, leadAccesses: number, candidates: CandidateSet, isWouldBeMiss: boolean): void {
    const { isOn } = this.#options;
    if (isOn[Opinion.consumerSuccessor]) {
      this.#gatherSuccessors(this.#successors, Opinion.consumerSuccessor, segment, candidates);
    }
    if (isOn[Opinion.missSuccessor] && isWouldBeMiss) {
      this.#gatherSuccessors(this.#missSuccessors, Opinion.missSuccessor, segment, candidates);
    }
    if (isOn[Opinion.context] && this.#previous >= 0) this.#gatherContext(this.#previous, segment, candidates);
    if (isOn[Opinion.chain] && leadAccesses > 0) this.#gatherChain(segment, leadAccesses, candidates);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#previous, this.#offset, this.scoreMin);
    for (const part of this.#parts()) part.save(writer);
  }

  load(reader: SnapshotReader): void {
    const [previous, offset, scoreMin] = reader.numbers();
    this.#previous = previous!;
    this.#offset = offset!;
    this.scoreMin = scoreMin!;
    for (const part of this.#parts()) part.load(reader);
  }

  #parts(): readonly { save(writer: SnapshotWriter): void; load(reader: SnapshotReader): void }[] {
    return [this.#orders, this.#missOrder, this.#successors, this.#missSuccessors, this.#contexts];
  }

  #gatherSuccessors(table: SuccessorTable, opinion: number, segment: number, candidates: CandidateSet): void {
    const row = table.rowOf(segment);
    // The current visit has shown nothing yet.
    const visits = row < 0 ? 0 : table.visitsOf(segment) - 1;
    if (visits < 1) return;
    const tick = table.tickOf(segment);
    const words = table.words;
    const scale = 1 / (visits * WEIGHT_ONE);
    const weightMin = this.scoreMin * visits * WEIGHT_ONE;
    for (let i = row, end = row + 2 * table.degreeMax; i < end; i += 2) {
      const packed = words[i + 1]!;
      const weight = weightOfSlot(packed);
      if (weight < weightMin || weight === 0) break;
      const slot = candidates.claim(words[i]! - 1);
      if (slot >= 0) candidates.say(slot, opinion, successorBin(weight * scale, visits, ageOfSlot(packed, tick)));
    }
  }

  #gatherContext(previous: number, segment: number, candidates: CandidateSet): void {
    const contexts = this.#contexts;
    const entry = contexts.find(previous, segment);
    if (entry < 0) return;
    // The consumer's next access is told of this very entry.
    this.#orders.words[this.#offset + this.#orders.depth] = entry;
    const seen = contexts.seenAt(entry);
    for (let place = 0; place < 2; place++) {
      const successor = contexts.successorAt(entry, place);
      const slot = successor < 0 ? -1 : candidates.claim(successor);
      if (slot >= 0) candidates.say(slot, Opinion.context, contextBin(contexts.confirmedAt(entry, place), seen));
    }
  }

  #gatherChain(segment: number, leadAccesses: number, candidates: CandidateSet): void {
    const table = this.#successors;
    const words = table.words;
    const depthMax = Math.min(this.#options.chainDepthMax, Math.ceil(leadAccesses) + 1);
    let at = segment;
    let share = 1;
    for (let depth = 1; depth <= depthMax; depth++) {
      const row = table.rowOf(at);
      const visits = row < 0 ? 0 : table.visitsOf(at) - (depth === 1 ? 1 : 0);
      if (visits < 1) return;
      const best = words[row]! - 1;
      if (best < 0 || best === segment) return;
      share *= Math.min(1, weightOfSlot(words[row + 1]!) / (visits * WEIGHT_ONE));
      if (share < this.scoreMin) return;
      if (depth >= 2) {
        const slot = candidates.claim(best);
        if (slot >= 0) candidates.say(slot, Opinion.chain, chainBin(share, depth));
      }
      at = best;
    }
  }
}
