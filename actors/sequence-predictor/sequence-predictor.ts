/** Expects what followed before: successors in the consumer's order, after a pair, and in the order of would-be misses. */

import { assert } from '../../engine/assert.ts';
import type { AccessBatch } from '../../streams/access-batch.ts';
import { type CandidateSet, OPINION_STRIDE } from '../near-loop/candidate-set.ts';
import { binBase, contextBin, Opinion, successorBin } from '../near-loop/opinion-bins.ts';
import type { ResidentFlags } from '../near-loop/resident-flags.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { COMPACT_ONE, CompactOrder, OrderKind, pairKey, successorKey } from './compact-order.ts';
import { COMPACT_DEGREE } from './compact-record.ts';
import { CONTEXT_COUNTS, CONTEXT_SUCCESSOR, ContextTable } from './context-table.ts';
import { movePairs, moveSuccessors } from './move-order.ts';
import { KERNEL_DEGREE_MAX, KernelAnswer } from './order-fields.ts';
import { RECORD_REPEATED, RECORD_WORDS, RecordField, ROWS_AHEAD } from './order-record.ts';
import { type OrderHome, OrderTables, type OrderTablesOptions } from './order-tables.ts';
import { HISTORY_BYTES, HISTORY_LENGTH, HISTORY_MASK, HistoryField, RecentHistory } from './recent-history.ts';
import {
  ageOfSlot,
  leastWeight,
  SuccessorTable,
  tickOfHeader,
  visitsOfHeader,
  WEIGHT_ONE,
  weightOfSlot,
} from './successor-table.ts';

/** Bound here, since what another module exports is looked up at each use. */
const REPEATED = KernelAnswer.repeated;
const [CONSUMER_SUCCESSOR, CONTEXT] = [Opinion.consumerSuccessor, Opinion.context];
const [SUCCESSOR_BASE, CONTEXT_BASE] = [binBase[CONSUMER_SUCCESSOR]!, binBase[CONTEXT]!];

/** Part of the bytes that the consumers' histories may take. */
const CONSUMER_SHARE = 0.15;
/** Consumers for whom room is kept when bytes run out, for each seen until then. */
const CONSUMER_GROWTH = 4;
/** Accesses after which the wide tables are handed to a kernel, unless it is said otherwise: short runs need none. */
const KERNEL_AFTER = 16_384;

/** Tables with room, as long as they may grow. */
interface WideOrder {
  readonly successors: SuccessorTable;
  /** Null where the expert is off. */
  readonly missSuccessors: SuccessorTable | null;
  readonly contexts: ContextTable;
}

export interface SequencePredictorOptions {
  readonly degreeMax: number;
  readonly visitsMax: number;
  /** Bytes of all tables; the other limits hold as well. At least 64 KiB. */
  readonly bytesMax: number;
  readonly lookahead: number;
  readonly missLookahead: number;
  readonly scoreMin: number;
  readonly consumerCountMax: number;
  readonly contextCountMax: number;
  /** Which opinions to give, by `Opinion`; what is off is neither learned nor asked. */
  readonly isOn: readonly boolean[];
  /** Which segments are at the site for certain; with it, and successors and pairs alone, wide tables are handed to a kernel once it pays. */
  readonly resident?: ResidentFlags;
  /** Accesses after which it does; Infinity = never. The answers are the same, to the last bit. */
  readonly kernelAfter?: number;
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
 *
 * Where wide tables would outgrow the bytes, what they know moves into one `CompactOrder` of what is left beside the histories, for good; while it moves, both are
 * there. O(lookahead x degree) an access.
 */
export class SequencePredictor {
  #scoreMin: number;
  readonly #orders: RecentHistory;
  readonly #missOrder: RecentHistory;
  readonly #options: SequencePredictorOptions;
  /** One of the two is there, the other is null. */
  #wide: WideOrder | null;
  #compact: CompactOrder | null = null;
  /** The access observed last was to a segment that was not at hand, or only because it was foreseen. */
  #isWanted = false;
  /** A wide table was refused to grow. */
  #isShort = false;
  readonly #recency: Int32Array;
  readonly #lookahead: number;
  readonly #missLookahead: number;
  readonly #areSuccessorsOn: boolean;
  readonly #areMissSuccessorsOn: boolean;
  readonly #areContextsOn: boolean;
  /** Whether a kernel may be had. */
  #isKernelFit: boolean;
  /** The wide tables in the memory of a kernel; null where there is none, or none yet. */
  #tables: OrderTables | null = null;
  #untilTables: number;
  /** How many the kernel named after the access observed last; negative = it did not. */
  #named = -1;
  /** The consumer's segment before the current one, -1 when there was none; and that consumer's record. */
  #latest: Int32Array = Int32Array.of(-1, 0);

  constructor(options: SequencePredictorOptions) {
    this.#scoreMin = options.scoreMin;
    this.#options = options;
    const historiesMax = Math.floor((CONSUMER_SHARE * options.bytesMax) / HISTORY_BYTES);
    this.#orders = new RecentHistory({
      consumerCountMax: Math.max(1, Math.min(options.consumerCountMax, historiesMax)),
    });
    this.#missOrder = new RecentHistory({ consumerCountMax: 1 });
    this.#lookahead = options.lookahead;
    this.#missLookahead = options.missLookahead;
    this.#areSuccessorsOn = options.isOn[Opinion.consumerSuccessor]!;
    this.#areMissSuccessorsOn = options.isOn[Opinion.missSuccessor]!;
    this.#areContextsOn = options.isOn[Opinion.context]!;
    this.#recency = recencyWeights(Math.max(options.lookahead, options.missLookahead));
    const isPlain = this.#areSuccessorsOn && this.#areContextsOn && !this.#areMissSuccessorsOn;
    this.#isKernelFit = options.resident !== undefined && isPlain && options.degreeMax <= KERNEL_DEGREE_MAX;
    this.#untilTables = options.kernelAfter ?? KERNEL_AFTER;
    this.#wide = this.#createWide();
    if (this.#tableBytes() > this.#tableBytesMax()) this.#compress();
  }

  get bytes(): number {
    return this.#orders.bytes + this.#missOrder.bytes + this.#tableBytes();
  }

  /** Successors with a smaller share of the visits are passed over. */
  get scoreMin(): number {
    return this.#scoreMin;
  }

  set scoreMin(scoreMin: number) {
    this.#scoreMin = scoreMin;
    this.#tables?.weigh(scoreMin);
  }

  /** Whether bytes ran out, so that fewer successors are kept, of what is worth most. */
  get isCompact(): boolean {
    return this.#compact !== null;
  }

  /** Learns an access; false when it repeats the consumer's previous segment, after which nothing new can be expected. `leadAccesses`: see `SiteView`. */
  observe(consumer: number, segment: number, position: number, leadAccesses: number, isWouldBeMiss: boolean): boolean {
    if (isWouldBeMiss && this.#areMissSuccessorsOn) this.#observeMiss(segment, position, leadAccesses);
    const record = this.#orders.recordOf(consumer);
    const tables = this.#tables;
    this.#named = -1;
    if (tables === null) {
      this.#isWanted = isWouldBeMiss;
      const isNew = this.#observeOrder(record, segment, position, leadAccesses);
      if (this.#isKernelFit && --this.#untilTables <= 0) this.layOut(null);
      return isNew;
    }
    const answer = tables.step(record, segment, position, leadAccesses);
    if (answer >= 0) {
      this.#latest[1] = record;
      this.#named = answer;
      return true;
    }
    if (answer === REPEATED) {
      this.#noteRepeat(record);
      return false;
    }
    const isNew = this.#observeOrder(record, segment, position, leadAccesses);
    this.keepUp();
    return isNew;
  }

  /** Lets the kernel have what has grown; where there is no room for it, or nothing left of wide tables, it has none until they are laid out anew. */
  keepUp(): void {
    const tables = this.#tables;
    if (tables === null || (this.#wide !== null && tables.takeBack())) return;
    this.#latest = this.#latest.slice();
    this.#tables = null;
    // Whoever has a home for them may lay them out before.
    this.#untilTables = 1;
  }

  /**
   * Learns rows [from, to), the first of them at `position`, as `observe` does, and sets down after each in `said` what `gather` would read, for `gatherSaid`: `RECORD_WORDS` a row. The columns go on
   * behind `to` as far as rows are known. Gives the first row without a record: `to`, or one that was learned when bytes ran out, after which there is nothing to set down.
   */
  learnAhead(
    { segment, consumer }: Pick<AccessBatch, 'segment' | 'consumer'>,
    from: number,
    to: number,
    position: number,
    leadAccesses: number,
    said: Int32Array,
  ): number {
    assert(to - from <= ROWS_AHEAD && !this.#areMissSuccessorsOn, 'rows are learned ahead of how they are served');
    let i = from;
    let laidIn: OrderTables | null = null;
    while (i < to) {
      if (this.#tables === null && this.#isKernelFit) this.layOut(null);
      const tables = this.#tables;
      const waiting = tables?.waiting ?? null;
      if (tables !== null && waiting !== null) {
        // Once, unless the tables are laid out anew.
        if (tables !== laidIn) {
          waiting.segment.set(segment.subarray(from, from + waiting.segment.length));
          waiting.consumer.set(consumer.subarray(from, from + waiting.consumer.length));
          laidIn = tables;
        }
        const first = i - from;
        i = from + tables.learnRows(first, to - from, position + first, leadAccesses);
        said.set(waiting.said.subarray(first * RECORD_WORDS, (i - from) * RECORD_WORDS), first * RECORD_WORDS);
        if (i === to) break;
      }
      const record = this.#orders.recordOf(consumer[i]!);
      const isNew = this.#observeOrder(record, segment[i]! | 0, position + i - from, leadAccesses);
      if (this.#wide === null) return i;
      this.keepUp();
      this.#sayRow(this.#wide, segment[i]! | 0, isNew, said, (i - from) * RECORD_WORDS);
      i++;
    }
    return i;
  }

  /** Whether rows may be learned ahead: what is learned depends on their order alone, and there is a kernel for wide tables. */
  get mayLearnAhead(): boolean {
    return this.#isKernelFit && this.#wide !== null;
  }

  #sayRow({ successors, contexts }: WideOrder, segment: number, isNew: boolean, said: Int32Array, at: number): void {
    said.fill(0, at, at + RECORD_WORDS);
    const row = successors.rowOf(segment);
    if (row >= 0) {
      said[at + RecordField.own / 4] = successors.headerOf(segment);
      said.set(successors.words.subarray(row, row + 2 * successors.degree), at + RecordField.row / 4);
    }
    const previous = this.#latest[0]!;
    const entry = previous < 0 ? -1 : contexts.find(previous, segment);
    if (entry >= 0) {
      said[at + RecordField.next / 4] = contexts.words[entry + CONTEXT_SUCCESSOR]!;
      said[at + RecordField.other / 4] = contexts.words[entry + CONTEXT_SUCCESSOR + 1]!;
      said[at + RecordField.counts / 4] = contexts.words[entry + CONTEXT_COUNTS]!;
    }
    if (!isNew) said[at + RecordField.counts / 4]! |= RECORD_REPEATED;
  }

  /** Names candidates from the record at `at` of what was set down after an access: as `gather` did then. */
  gatherSaid(said: Int32Array, at: number, candidates: CandidateSet): void {
    const header = said[at + RecordField.own / 4]!;
    const row = at + RecordField.row / 4;
    if (visitsOfHeader(header) > 0) {
      this.#gatherRow(said, row, row + 2 * this.#options.degreeMax, header, CONSUMER_SUCCESSOR, candidates);
    }
    this.#gatherEntry(said, at + RecordField.next / 4, at + RecordField.counts / 4, candidates);
  }

  /** A repeat of the consumer's latest segment comes after the one before. */
  #noteRepeat(record: number): void {
    const words = this.#orders.words;
    const pushed = words[record + HistoryField.pushed]!;
    this.#latest[0] = pushed < 2 ? -1 : words[record + HistoryField.segments + ((pushed - 2) & HISTORY_MASK)]!;
    this.#latest[1] = record;
  }

  /** What a kernel needs for the wide tables as they are; null where none may have them. */
  get kernelNeeds(): OrderTablesOptions | null {
    if (!this.#isKernelFit || this.#wide === null) return null;
    const { visitsMax, lookahead, resident } = this.#options;
    return {
      orders: this.#orders,
      successors: this.#wide.successors,
      contexts: this.#wide.contexts,
      resident: resident!,
      visitsMax,
      weights: [...recencyWeights(lookahead)],
      latest: this.#latest,
    };
  }

  /** Whether the wide tables are in that memory. */
  isLaidOutIn(memory: ArrayBuffer): boolean {
    return this.#tables?.memory === memory;
  }

  /** Hands the wide tables to a kernel, in `home` or in a memory of their own; where that cannot be had it is not asked for again. */
  layOut(home: OrderHome | null): void {
    const needs = this.kernelNeeds;
    this.#tables = needs === null ? null : OrderTables.layOut(needs, home);
    this.#isKernelFit = this.#tables !== null;
    if (this.#tables === null) return;
    this.#latest = this.#tables.latest;
    this.#tables.weigh(this.#scoreMin);
  }

  #observeOrder(record: number, segment: number, position: number, leadAccesses: number): boolean {
    const orders = this.#orders;
    const history = orders.words;
    const pushed = history[record + HistoryField.pushed]!;
    const segments = record + HistoryField.segments;
    const previous = pushed === 0 ? -1 : history[segments + ((pushed - 1) & HISTORY_MASK)]!;
    if (previous === segment) {
      this.#noteRepeat(record);
      return false;
    }
    this.#latest[0] = previous;
    this.#latest[1] = record;
    for (
      let i = orders.ripen(record, position, leadAccesses);
      i >= 0;
      i = orders.ripen(record, position, leadAccesses)
    ) {
      const source = history[segments + (i & HISTORY_MASK)]!;
      this.#visit(OrderKind.successor, source);
      if (this.#areContextsOn && i > 0) {
        const hint = i === pushed - 1 ? history[record + HistoryField.hint]! : -1;
        this.#followPair(history[segments + ((i - 1) & HISTORY_MASK)]!, source, segment, hint);
      }
    }
    if (this.#areSuccessorsOn) this.#follow(OrderKind.successor, orders, record, segment, this.#lookahead);
    orders.push(record, segment, position);
    if (this.#isShort) this.#compress();
    return true;
  }

  /** Names candidates after the access observed last. Would-be misses are asked for after would-be misses only. */
  gather(segment: number, candidates: CandidateSet, isWouldBeMiss: boolean): void {
    if (this.#named >= 0) {
      this.#gatherNamedBy(this.#tables!, this.#named, candidates);
      return;
    }
    if (this.#areSuccessorsOn) {
      this.#gatherSuccessors(OrderKind.successor, Opinion.consumerSuccessor, segment, candidates);
    }
    if (isWouldBeMiss && this.#areMissSuccessorsOn) {
      this.#gatherSuccessors(OrderKind.missSuccessor, Opinion.missSuccessor, segment, candidates);
    }
    const previous = this.#latest[0]!;
    if (!this.#areContextsOn || previous < 0) return;
    if (this.#wide !== null) this.#gatherContext(this.#wide.contexts, previous, segment, candidates);
    else this.#gatherPair(this.#compact!, previous, segment, candidates);
  }

  save(writer: SnapshotWriter): void {
    // In the places of `#latest`, which is of one access, and which a kernel need not leave after each.
    writer.numbers(-1, 0, this.scoreMin, this.isCompact ? 1 : 0, this.#orders.consumerCountMax);
    for (const part of this.#parts()) part.save(writer);
  }

  load(reader: SnapshotReader): void {
    const [, , scoreMin, isCompact, consumerCountMax] = reader.numbers();
    this.#orders.limit(consumerCountMax!);
    this.#tables = null;
    this.#latest = Int32Array.of(-1, 0);
    this.#scoreMin = scoreMin!;
    this.#wide = isCompact === 1 ? null : this.#createWide();
    this.#compact = isCompact === 1 ? this.#createCompact() : null;
    for (const part of this.#parts()) part.load(reader);
    this.#untilTables = this.#options.kernelAfter ?? KERNEL_AFTER;
    this.#named = -1;
  }

  #parts(): readonly { save(writer: SnapshotWriter): void; load(reader: SnapshotReader): void }[] {
    const histories = [this.#orders, this.#missOrder];
    if (this.#wide === null) return [...histories, this.#compact!];
    const { successors, missSuccessors, contexts } = this.#wide;
    return [...histories, successors, contexts, ...(missSuccessors === null ? [] : [missSuccessors])];
  }

  #createWide(): WideOrder {
    const { degreeMax, visitsMax, contextCountMax } = this.#options;
    const tableBytesMax = this.#tableBytesMax();
    const mayGrow = (bytes: number) => {
      if (this.#tableBytes() + bytes <= tableBytesMax) return true;
      this.#isShort = true;
      return false;
    };
    const create = () => new SuccessorTable({ degreeMax, visitsMax, mayGrow });
    return {
      successors: create(),
      missSuccessors: this.#areMissSuccessorsOn ? create() : null,
      contexts: new ContextTable({ entryCountMax: contextCountMax, mayGrow }),
    };
  }

  #createCompact(): CompactOrder {
    return new CompactOrder({ bytesMax: this.#tableBytesMax(), visitsMax: this.#options.visitsMax });
  }

  #compress(): void {
    const { successors, missSuccessors, contexts } = this.#wide!;
    // What few consumers will not need is better spent on the order.
    const { usedCount } = this.#orders;
    if (usedCount > 0) this.#orders.limit(CONSUMER_GROWTH * usedCount);
    const compact = this.#createCompact();
    moveSuccessors(successors, compact, OrderKind.successor);
    if (missSuccessors !== null) moveSuccessors(missSuccessors, compact, OrderKind.missSuccessor);
    movePairs(contexts, compact);
    this.#orders.clearHints();
    this.#compact = compact;
    this.#wide = null;
    this.#isShort = false;
  }

  /** What is left for the tables beside the histories at their longest. */
  #tableBytesMax(): number {
    return this.#options.bytesMax - this.#orders.bytesMax - this.#missOrder.bytes;
  }

  #tableBytes(): number {
    if (this.#wide === null) return this.#compact?.bytes ?? 0;
    const { successors, missSuccessors, contexts } = this.#wide;
    return successors.bytes + contexts.bytes + (missSuccessors?.bytes ?? 0);
  }

  #visit(kind: number, segment: number): void {
    if (this.#wide === null) this.#compact!.visit(successorKey(segment, kind));
    else if (kind === OrderKind.successor) this.#wide.successors.visit(segment);
    else this.#wide.missSuccessors!.visit(segment);
  }

  #followPair(previous: number, current: number, next: number, hint: number): void {
    if (this.#wide === null) {
      const compact = this.#compact!;
      compact.observePair(pairKey(previous, current), next, hint, compact.isExpected(current, next), this.#isWanted);
    } else this.#wide.contexts.observe(previous, current, next, hint);
  }

  #observeMiss(segment: number, position: number, leadAccesses: number): void {
    const order = this.#missOrder;
    const pushed = order.pushedCount(0);
    if (pushed > 0 && order.segmentAt(0, pushed - 1) === segment) return;
    for (let i = order.ripen(0, position, leadAccesses); i >= 0; i = order.ripen(0, position, leadAccesses)) {
      this.#visit(OrderKind.missSuccessor, order.segmentAt(0, i));
    }
    this.#follow(OrderKind.missSuccessor, order, 0, segment, this.#missLookahead);
    order.push(0, segment, position);
  }

  /** `segment` came after the ripe entries, of which the latest are told. */
  #follow(kind: number, order: RecentHistory, record: number, segment: number, lookahead: number): void {
    const latest = order.ripeCount(record) - 1;
    const oldest = Math.max(latest - lookahead + 1, order.pushedCount(record) - HISTORY_LENGTH, 0);
    const words = order.words;
    const first = record + HistoryField.segments;
    if (this.#wide !== null) {
      const table = kind === OrderKind.successor ? this.#wide.successors : this.#wide.missSuccessors!;
      table.follow(segment, words, first, HISTORY_MASK, latest, oldest, this.#recency);
      return;
    }
    for (let i = latest; i >= oldest; i--) {
      const source = words[first + (i & HISTORY_MASK)]!;
      if (source === segment) continue;
      this.#compact!.observe(
        successorKey(source, kind),
        segment,
        compactWeight(this.#recency[latest - i]!),
        this.#isWanted,
      );
    }
  }

  /** What the kernel named, in its order: successors, then what follows the pair. */
  #gatherNamedBy({ named, bins }: OrderTables, count: number, candidates: CandidateSet): void {
    for (let i = 0; i < count; i++) {
      // Read before anything is claimed: it may be the candidates' own columns that the kernel names in.
      const bin = bins[OPINION_STRIDE * i]!;
      const binAfterPair = bins[OPINION_STRIDE * i + 1]!;
      const slot = candidates.claim(named[i]!);
      if (slot < 0) continue;
      if (bin !== 0) candidates.say(slot, CONSUMER_SUCCESSOR, bin - SUCCESSOR_BASE);
      if (binAfterPair !== 0) candidates.say(slot, CONTEXT, binAfterPair - CONTEXT_BASE);
    }
  }

  #gatherSuccessors(kind: number, opinion: number, segment: number, candidates: CandidateSet): void {
    if (this.#wide === null) {
      this.#gatherRecord(this.#compact!, kind, opinion, segment, candidates);
      return;
    }
    const table = kind === OrderKind.successor ? this.#wide.successors : this.#wide.missSuccessors!;
    const row = table.rowOf(segment);
    if (row < 0) return;
    this.#gatherRow(table.words, row, row + 2 * table.degree, table.headerOf(segment), opinion, candidates);
  }

  /** Names the successors in words [first, last). */
  #gatherRow(
    words: Int32Array,
    first: number,
    last: number,
    header: number,
    opinion: number,
    candidates: CandidateSet,
  ): void {
    const visits = visitsOfHeader(header);
    const tick = tickOfHeader(header) + 1;
    const scale = 1 / (visits * WEIGHT_ONE);
    const weightMin = leastWeight(this.scoreMin, visits);
    const flags = candidates.residentFlags;
    const flagCount = flags.length | 0;
    const end = last | 0;
    for (let i = first | 0; i < end; i = (i + 2) | 0) {
      const packed = words[i + 1]!;
      const weight = weightOfSlot(packed);
      if (weight < weightMin) break;
      const named = (words[i]! - 1) | 0;
      // Most are at the site: dismissed here, before anything is called.
      if (named < flagCount && flags[named] !== 0) continue;
      const slot = candidates.claim(named);
      if (slot >= 0) candidates.say(slot, opinion, successorBin(weight * scale, visits, ageOfSlot(packed, tick)));
    }
  }

  #gatherRecord(compact: CompactOrder, kind: number, opinion: number, segment: number, candidates: CandidateSet): void {
    const key = successorKey(segment, kind);
    const record = compact.find(key);
    if (record < 0) return;
    const visits = compact.visitsAt(record);
    const further = compact.furtherOf(key, record);
    if (this.#gatherPlaces(compact, record, visits, opinion, candidates) && further >= 0) {
      this.#gatherPlaces(compact, further, visits, opinion, candidates);
    }
  }

  /** Names the record's successors; false when it came to one that is too weak. */
  #gatherPlaces(
    compact: CompactOrder,
    record: number,
    visits: number,
    opinion: number,
    candidates: CandidateSet,
  ): boolean {
    const scale = 1 / (visits * COMPACT_ONE);
    const weightMin = this.scoreMin * visits * COMPACT_ONE;
    for (let place = 0; place < COMPACT_DEGREE; place++) {
      const weight = compact.weightAt(record, place);
      if (weight < weightMin || weight === 0) return false;
      const slot = candidates.claim(compact.successorAt(record, place));
      if (slot < 0) continue;
      candidates.say(slot, opinion, successorBin(weight * scale, visits, compact.ageAt(record, place)));
    }
    return true;
  }

  #gatherPair(compact: CompactOrder, previous: number, segment: number, candidates: CandidateSet): void {
    const record = compact.findPair(pairKey(previous, segment));
    if (record < 0) return;
    this.#orders.setHint(this.#latest[1]!, record);
    const seen = compact.seenAt(record);
    for (let place = 0; place < 2; place++) {
      const successor = compact.pairedAt(record, place);
      const slot = successor < 0 ? -1 : candidates.claim(successor);
      if (slot < 0) continue;
      candidates.say(slot, Opinion.context, contextBin(compact.confirmedAt(record, place), seen));
    }
  }

  #gatherContext(contexts: ContextTable, previous: number, segment: number, candidates: CandidateSet): void {
    const entry = contexts.find(previous, segment);
    if (entry < 0) return;
    // The consumer's next access is told of this very entry.
    this.#orders.words[this.#latest[1]! + HistoryField.hint] = entry;
    this.#gatherEntry(contexts.words, entry + CONTEXT_SUCCESSOR, entry + CONTEXT_COUNTS, candidates);
  }

  /** Names what follows a pair: two successors at `first`, what is known of them at `countsAt`. */
  #gatherEntry(words: Int32Array, first: number, countsAt: number, candidates: CandidateSet): void {
    const counts = words[countsAt]!;
    const seen = (counts >>> 8) & 15;
    this.#gatherNamed(words[first]! - 1, counts & 15, seen, candidates);
    this.#gatherNamed(words[first + 1]! - 1, (counts >>> 4) & 15, seen, candidates);
  }

  #gatherNamed(named: number, confirmed: number, seen: number, candidates: CandidateSet): void {
    if (named < 0) return;
    const slot = candidates.claim(named);
    if (slot >= 0) candidates.say(slot, Opinion.context, contextBin(confirmed, seen));
  }
}

/** What a successor weighs by how many come between, for so many lags. */
export function recencyWeights(lagCount: number): Int32Array {
  return Int32Array.from({ length: lagCount }, (_, lag) => Math.max(1, Math.floor(WEIGHT_ONE / (1 + lag / 4) + 0.5)));
}

/** A weight in the units of the compact memory; the least observation stays one. */
function compactWeight(weight: number): number {
  return Math.max(1, Math.round((weight * COMPACT_ONE) / WEIGHT_ONE));
}
