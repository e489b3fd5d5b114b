/** Expects what followed before: successors in the consumer's order, after a pair, and in the order of would-be misses. */

import type { CandidateSet } from '../near-loop/candidate-set.ts';
import { contextBin, Opinion, successorBin } from '../near-loop/opinion-bins.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { CONTEXT_BYTES, CONTEXT_COUNTS, CONTEXT_SUCCESSOR, ContextTable } from './context-table.ts';
import { HISTORY_BYTES, HISTORY_LENGTH, HISTORY_MASK, HistoryField, RecentHistory } from './recent-history.ts';
import {
  ageOfSlot,
  SuccessorTable,
  tickOfHeader,
  visitsOfHeader,
  WEIGHT_ONE,
  weightOfSlot,
} from './successor-table.ts';

/** How the bytes are shared out. */
const SUCCESSOR_SHARE = 0.55;
const CONTEXT_SHARE = 0.3;
const CONSUMER_SHARE = 0.15;

export interface SequencePredictorOptions {
  readonly degreeMax: number;
  readonly visitsMax: number;
  /** Bytes of all tables, shared out by fixed shares; the other limits hold as well. */
  readonly bytesMax: number;
  readonly lookahead: number;
  readonly missLookahead: number;
  readonly scoreMin: number;
  readonly consumerCountMax: number;
  readonly contextCountMax: number;
  /** Which opinions to give, by `Opinion`; what is off is neither learned nor asked. */
  readonly isOn: readonly boolean[];
}

/**
 * Memories of order, all by count and bounded.
 *
 * Consumer's order: what the same consumer asked for next, up to `lookahead` distinct segments later, sooner worth more. One table for
 * all consumers: who is new profits from the others. Pairs: what followed the last two segments. Would-be misses, where asked for: the global
 * order of accesses that the reactive cache could not serve; there, what matters stands close together however many hits lie
 * between (the association of sporadic segments that Mithril mines: Yang et al., SoCC 2017; here as decayed counts).
 *
 * Where fetches take time, what comes before a fetch would land is not learned: a segment's successors are those that come once
 * it is ripe (`RecentHistory`), so what is named can be there in time. How far ahead that is follows from the measured lead
 * (the lesson of Gill and Bathen, "AMP: Adaptive Multi-stream Prefetching in a Shared Cache", FAST 2007).
 * O(lookahead x degree) an access.
 */
export class SequencePredictor {
  /** Successors with a smaller share of the visits are passed over. */
  scoreMin: number;
  readonly #orders: RecentHistory;
  readonly #missOrder: RecentHistory;
  readonly #successors: SuccessorTable;
  readonly #missSuccessors: SuccessorTable;
  readonly #contexts: ContextTable;
  readonly #recency: Int32Array;
  readonly #lookahead: number;
  readonly #missLookahead: number;
  readonly #areSuccessorsOn: boolean;
  readonly #areMissSuccessorsOn: boolean;
  readonly #areContextsOn: boolean;
  /** The consumer's segment before the current one; -1 when there was none. */
  #previous = -1;
  /** That consumer's history. */
  #record = 0;

  constructor(options: SequencePredictorOptions) {
    this.scoreMin = options.scoreMin;
    const { degreeMax, visitsMax, bytesMax } = options;
    const tableCount = options.isOn[Opinion.missSuccessor] ? 2 : 1;
    const rowBytesMax = (SUCCESSOR_SHARE * bytesMax) / tableCount;
    const consumerCountMax = Math.floor((CONSUMER_SHARE * bytesMax) / HISTORY_BYTES);
    this.#orders = new RecentHistory({
      consumerCountMax: Math.max(1, Math.min(options.consumerCountMax, consumerCountMax)),
    });
    this.#missOrder = new RecentHistory({ consumerCountMax: 1 });
    this.#successors = new SuccessorTable({ degreeMax, visitsMax, rowBytesMax });
    this.#missSuccessors = new SuccessorTable({ degreeMax, visitsMax, rowBytesMax });
    this.#contexts = new ContextTable({
      entryCountMax: Math.min(options.contextCountMax, Math.floor((CONTEXT_SHARE * bytesMax) / CONTEXT_BYTES)),
    });
    this.#lookahead = options.lookahead;
    this.#missLookahead = options.missLookahead;
    this.#areSuccessorsOn = options.isOn[Opinion.consumerSuccessor]!;
    this.#areMissSuccessorsOn = options.isOn[Opinion.missSuccessor]!;
    this.#areContextsOn = options.isOn[Opinion.context]!;
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

  /** Learns an access; false when it repeats the consumer's previous segment, after which nothing new can be expected. `leadAccesses`: see `SiteView`. */
  observe(consumer: number, segment: number, position: number, leadAccesses: number, isWouldBeMiss: boolean): boolean {
    if (isWouldBeMiss && this.#areMissSuccessorsOn) this.#observeMiss(segment, position, leadAccesses);
    const orders = this.#orders;
    const record = orders.recordOf(consumer);
    const history = orders.words;
    const pushed = history[record + HistoryField.pushed]!;
    const segments = record + HistoryField.segments;
    const previous = pushed === 0 ? -1 : history[segments + ((pushed - 1) & HISTORY_MASK)]!;
    if (previous === segment) return false;
    this.#record = record;
    this.#previous = previous;
    const successors = this.#successors;
    for (
      let i = orders.ripen(record, position, leadAccesses);
      i >= 0;
      i = orders.ripen(record, position, leadAccesses)
    ) {
      const source = history[segments + (i & HISTORY_MASK)]!;
      successors.visit(source);
      if (this.#areContextsOn && i > 0) {
        const hint = i === pushed - 1 ? history[record + HistoryField.hint]! : -1;
        this.#contexts.observe(history[segments + ((i - 1) & HISTORY_MASK)]!, source, segment, hint);
      }
    }
    if (this.#areSuccessorsOn) this.#follow(successors, orders, record, segment, this.#lookahead);
    orders.push(record, segment, position);
    return true;
  }

  /** Names candidates after the access observed last. Would-be misses are asked for after would-be misses only. */
  gather(segment: number, candidates: CandidateSet, isWouldBeMiss: boolean): void {
    if (this.#areSuccessorsOn) this.#gatherSuccessors(this.#successors, Opinion.consumerSuccessor, segment, candidates);
    if (isWouldBeMiss && this.#areMissSuccessorsOn) {
      this.#gatherSuccessors(this.#missSuccessors, Opinion.missSuccessor, segment, candidates);
    }
    if (this.#areContextsOn && this.#previous >= 0) this.#gatherContext(this.#previous, segment, candidates);
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.#previous, this.#record, this.scoreMin);
    for (const part of this.#parts()) part.save(writer);
  }

  load(reader: SnapshotReader): void {
    const [previous, record, scoreMin] = reader.numbers();
    this.#previous = previous!;
    this.#record = record!;
    this.scoreMin = scoreMin!;
    for (const part of this.#parts()) part.load(reader);
  }

  #parts(): readonly { save(writer: SnapshotWriter): void; load(reader: SnapshotReader): void }[] {
    return [this.#orders, this.#missOrder, this.#successors, this.#missSuccessors, this.#contexts];
  }

  #observeMiss(segment: number, position: number, leadAccesses: number): void {
    const order = this.#missOrder;
    const pushed = order.pushedCount(0);
    if (pushed > 0 && order.segmentAt(0, pushed - 1) === segment) return;
    for (let i = order.ripen(0, position, leadAccesses); i >= 0; i = order.ripen(0, position, leadAccesses)) {
      this.#missSuccessors.visit(order.segmentAt(0, i));
    }
    this.#follow(this.#missSuccessors, order, 0, segment, this.#missLookahead);
    order.push(0, segment, position);
  }

  /** `segment` came after the ripe entries, of which the latest are told. */
  #follow(table: SuccessorTable, order: RecentHistory, record: number, segment: number, lookahead: number): void {
    const latest = order.ripeCount(record) - 1;
    const oldest = Math.max(latest - lookahead + 1, order.pushedCount(record) - HISTORY_LENGTH, 0);
    table.follow(segment, order.words, record + HistoryField.segments, HISTORY_MASK, latest, oldest, this.#recency);
  }

  #gatherSuccessors(table: SuccessorTable, opinion: number, segment: number, candidates: CandidateSet): void {
    const row = table.rowOf(segment);
    if (row < 0) return;
    const words = table.words;
    const header = words[row - 1]!;
    const visits = visitsOfHeader(header);
    if (visits < 1) return;
    const tick = tickOfHeader(header) + 1;
    const scale = 1 / (visits * WEIGHT_ONE);
    const weightMin = Math.max(1, Math.ceil(this.scoreMin * visits * WEIGHT_ONE)) | 0;
    const flags = candidates.residentFlags;
    const flagCount = flags.length | 0;
    const end = (row + 2 * table.degree) | 0;
    for (let i = row | 0; i < end; i = (i + 2) | 0) {
      const packed = words[i + 1]!;
      const weight = weightOfSlot(packed);
      if (weight < weightMin) break;
      const named = (words[i]! - 1) | 0;
      // Most are resident: dismissed here, before anything is called.
      if (named < flagCount && flags[named] === 1) continue;
      const slot = candidates.claim(named);
      if (slot >= 0) candidates.say(slot, opinion, successorBin(weight * scale, visits, ageOfSlot(packed, tick)));
    }
  }

  #gatherContext(previous: number, segment: number, candidates: CandidateSet): void {
    const contexts = this.#contexts;
    const entry = contexts.find(previous, segment);
    if (entry < 0) return;
    // The consumer's next access is told of this very entry.
    this.#orders.words[this.#record + HistoryField.hint] = entry;
    const words = contexts.words;
    const counts = words[entry + CONTEXT_COUNTS]!;
    const seen = (counts >>> 8) & 15;
    this.#gatherNamed(words[entry + CONTEXT_SUCCESSOR]! - 1, counts & 15, seen, candidates);
    this.#gatherNamed(words[entry + CONTEXT_SUCCESSOR + 1]! - 1, (counts >>> 4) & 15, seen, candidates);
  }

  #gatherNamed(named: number, confirmed: number, seen: number, candidates: CandidateSet): void {
    if (named < 0) return;
    const slot = candidates.claim(named);
    if (slot >= 0) candidates.say(slot, Opinion.context, contextBin(confirmed, seen));
  }
}
