/** The tables of order laid side by side in the memory of a kernel, which does with them in one call what they do themselves in many. */

import { OPINION_STRIDE } from '../near-loop/candidate-set.ts';
import { scoreBinOf } from '../near-loop/opinion-bins.ts';
import type { ResidentFlags } from '../near-loop/resident-flags.ts';
import type { ContextTable } from './context-table.ts';
import { KernelField, NAMED_MAX, type OrderPlace, ownPlace } from './order-fields.ts';
import { COLUMN_BYTES } from './order-kernel.ts';
import { startKernel } from './order-module.ts';
import { RECORD_BYTES, ROWS_AHEAD } from './order-record.ts';
import type { RecentHistory } from './recent-history.ts';
import { leastWeight, type SuccessorTable } from './successor-table.ts';

export interface OrderTablesOptions {
  readonly orders: RecentHistory;
  readonly successors: SuccessorTable;
  readonly contexts: ContextTable;
  readonly resident: ResidentFlags;
  readonly visitsMax: number;
  /** By lag. */
  readonly weights: readonly number[];
  /** Two words: the consumer's segment before the latest one, and the word at which its record begins. */
  readonly latest: Int32Array;
}

/** Room for the tables in the memory of a kernel that does more than order. */
export interface OrderHome {
  readonly memory: ArrayBuffer;
  readonly step: Step;
  /** Null where nothing is learned ahead. */
  readonly learnRows: Step | null;
  readonly place: OrderPlace;
}

type Step = (record: number, segment: number, position: number, lead: number) => number;

/** Rows to be learned ahead, in columns that go on for some rows that are only looked at. */
export interface WaitingRows {
  readonly segment: Int32Array;
  readonly consumer: Int32Array;
  /** Records as they are left, `RECORD_WORDS` a row. */
  readonly said: Int32Array;
}

/** How much more memory is taken than the tables need at first: what is not written takes none, and a new kernel is a new function to call. */
export const ORDER_ROOM = 8;
/** The same in a memory of their own, the first that is to be had. */
const OWN_ROOMS = [32, 8, 1];
/** Bytes of a cache line. */
const LINE = 64;
const NO_TABLE: Int32Array = new Int32Array(0);

/**
 * The tables go on in this memory, so whoever reads or changes one of them, its own code or the kernel, finds what the other left.
 * A table grows where it lies as long as there is room; one that outgrows that moves out by itself, and the kernel rests until it is taken back, into memory further on.
 */
export class OrderTables {
  readonly memory: ArrayBuffer;
  /** Who was named last, and rows of bins as a `CandidateSet` has them, of which the first two are said. */
  readonly named: Int32Array;
  readonly bins: Uint16Array;
  /** See `KernelField`. */
  readonly #words: Int32Array;
  readonly #options: OrderTablesOptions;
  readonly #step: Step;
  readonly #learnRows: Step | null;
  /** Null where nothing is learned ahead. */
  readonly waiting: WaitingRows | null = null;
  /** The two words of the options, here. */
  readonly latest: Int32Array;
  #scoreMin = Number.NaN;
  #end: number;
  #history = NO_TABLE;
  #rows = NO_TABLE;
  #index = NO_TABLE;
  #contexts = NO_TABLE;
  #flags: Uint8Array = new Uint8Array(0);
  /** Byte at which the histories begin. */
  #historyAt = 0;
  /** How many times its length a table that is moved here has room for; what is not written takes no memory. */
  readonly #room: number;
  /** Where the room of the table that begins at a byte ends. */
  readonly #ends = new Map<number, number>();

  private constructor(options: OrderTablesOptions, { memory, step, learnRows, place }: OrderHome) {
    this.#options = options;
    this.memory = memory;
    this.#step = step;
    this.#learnRows = learnRows;
    this.#end = place.at + tablesAt(options);
    this.#words = new Int32Array(memory, place.at, tablesAt(options) / 4);
    this.named = new Int32Array(memory, place.named, NAMED_MAX);
    this.bins = new Uint16Array(memory, place.bins, OPINION_STRIDE * NAMED_MAX);
    this.latest = new Int32Array(memory, place.at + KernelField.latest, 2);
    this.latest.set(options.latest);
    this.#put(KernelField.visitsMax, options.visitsMax);
    new Uint8Array(memory, place.at + KernelField.scoreBins, scoreBinOf.length).set(scoreBinOf);
    if (learnRows !== null) this.waiting = this.#makeWaiting();
    this.#room = Math.max(1, Math.floor((memory.byteLength - place.at) / orderBytes(options)));
  }

  /** Lays the tables out in `home`, or in a memory of their own; null where there is no WebAssembly, or no memory. */
  static layOut(options: OrderTablesOptions, home: OrderHome | null = null): OrderTables | null {
    const { successors, weights } = options;
    let own = home;
    if (own === null) {
      const bytes = orderBytes(options);
      const code = { degree: successors.degree, weights };
      for (const room of OWN_ROOMS) {
        const kernel = startKernel(code, room * bytes);
        if (kernel === null) continue;
        const { step, learnRows } = kernel.run;
        own = { memory: kernel.memory, step, learnRows, place: ownPlace };
        break;
      }
      if (own === null) return null;
    }
    const laidOut = new OrderTables(options, own);
    return laidOut.takeBack() ? laidOut : null;
  }

  /** Takes back what has moved out, and learns what the tables are like now. False = there is no room. */
  takeBack(): boolean {
    const { orders, successors, contexts, resident } = this.#options;
    if (successors.words !== this.#rows || successors.index !== this.#index) {
      // Behind a row of nobody.
      const rows = this.#laid(successors.words, 8 * successors.degree);
      const index = this.#laid(successors.index);
      if (rows === null || index === null) return false;
      this.#rows = rows;
      this.#index = index;
      successors.adopt(rows, index, this.#extend);
      this.#put(KernelField.rows, rows.byteOffset - 8 * successors.degree);
      this.#put(KernelField.index, index.byteOffset);
      this.#put(KernelField.indexLength, index.length / 2);
    }
    if (orders.words !== this.#history) {
      const history = this.#laid(orders.words);
      if (history === null) return false;
      this.#history = history;
      this.#historyAt = history.byteOffset;
      orders.adopt(history, this.#extend);
      this.#put(KernelField.history, history.byteOffset);
      this.#put(KernelField.historyBytes, history.byteLength);
    }
    this.#put(KernelField.consumerMax, orders.consumerCountMax);
    if (contexts.words !== this.#contexts) {
      const words = this.#laid(contexts.words);
      if (words === null) return false;
      this.#contexts = words;
      contexts.adopt(words, this.#extend);
      this.#put(KernelField.contexts, words.byteOffset);
      this.#put(KernelField.bucketMask, words.length / 16 - 1);
    }
    if (resident.flags !== this.#flags) {
      const { flags } = resident;
      // Between a line that ends with who is nobody, at the site as it were, and one that begins with who lies beyond, unknown.
      const at = this.#end + LINE;
      if (at + aligned(flags.length) + LINE > this.memory.byteLength) return false;
      this.#flags = new Uint8Array(this.memory, at, flags.length);
      this.#flags.set(flags);
      this.#end = at + aligned(flags.length) + LINE;
      resident.adopt(this.#flags);
      new Uint8Array(this.memory)[at - 1] = 1;
      this.#words.fill(at - 1, KernelField.flags / 4, KernelField.flags / 4 + 4);
      this.#words.fill(flags.length + 1, KernelField.flagsEnd / 4, KernelField.flagsEnd / 4 + 4);
    }
    this.#put(KernelField.filledMax, contexts.filledMax);
    return true;
  }

  /** The table where it lies, if that is here, it may have grown there; else moved to behind all others and `before` bytes, with room to grow. */
  #laid(table: Int32Array, before = 0): Int32Array | null {
    if (table.buffer === this.memory) return table;
    const at = this.#end + aligned(before);
    const left = this.memory.byteLength - at;
    if (table.byteLength > left) return null;
    const view = new Int32Array(this.memory, at, table.length);
    view.set(table);
    this.#end = at + aligned(Math.min(this.#room * table.byteLength, left));
    this.#ends.set(at, this.#end);
    return view;
  }

  readonly #extend = (table: Int32Array, length: number): Int32Array | null => {
    const end = table.buffer === this.memory ? this.#ends.get(table.byteOffset) : undefined;
    if (end === undefined || table.byteOffset + 4 * length > end) return null;
    return new Int32Array(this.memory, table.byteOffset, length);
  };

  /** From now on a successor with a smaller share of the visits is passed over. */
  weigh(scoreMin: number): void {
    if (scoreMin === this.#scoreMin) return;
    this.#scoreMin = scoreMin;
    for (let visits = 0; visits <= this.#options.visitsMax; visits++) {
      this.#words[KernelField.weightMin / 4 + visits] = leastWeight(scoreMin, visits);
    }
  }

  #put(field: number, value: number): void {
    this.#words[field / 4] = value;
  }

  /**
   * One access of a consumer, learned and followed by naming; see `step` of the kernel for what it gives. `KernelAnswer.left` too where a
   * record or a flag may lie outside.
   */
  step(record: number, segment: number, position: number, leadAccesses: number): number {
    const { orders, resident } = this.#options;
    if (orders.words !== this.#history || resident.flags !== this.#flags) return -1;
    return this.#step(this.#historyAt + 4 * record, segment, position | 0, leadAccesses | 0);
  }

  /** Learns the waiting rows [from, to), the first of them at `position`; gives the first that it could not learn, or `to`. */
  learnRows(from: number, to: number, position: number, leadAccesses: number): number {
    if (this.#learnRows === null || this.#options.orders.words !== this.#history) return from;
    return this.#learnRows(from, to, position | 0, leadAccesses | 0);
  }

  #makeWaiting(): WaitingRows {
    const { memory } = this;
    const at = this.#end;
    const said = at + 2 * COLUMN_BYTES;
    this.#end += WAITING_BYTES;
    this.#put(KernelField.waiting, at);
    this.#put(KernelField.said, said);
    return {
      segment: new Int32Array(memory, at, COLUMN_BYTES / 4),
      consumer: new Int32Array(memory, at + COLUMN_BYTES, COLUMN_BYTES / 4),
      said: new Int32Array(memory, said, (ROWS_AHEAD * RECORD_BYTES) / 4),
    };
  }
}

/** Bytes of rows that wait, and of what is said after them. */
const WAITING_BYTES = 2 * COLUMN_BYTES + ROWS_AHEAD * RECORD_BYTES;

/** Bytes of the tables as they are. */
export function orderBytes(options: OrderTablesOptions): number {
  const { orders, successors, contexts, resident } = options;
  const tables = [orders.words, successors.words, successors.index, contexts.words, resident.flags];
  return tables.reduce((sum, table) => sum + aligned(table.byteLength), tablesAt(options) + 4 * LINE + WAITING_BYTES);
}

/** Where the tables begin, from where the words do. */
function tablesAt({ visitsMax }: OrderTablesOptions): number {
  return aligned(KernelField.weightMin + 4 * (visitsMax + 1));
}

/** Whole cache lines. */
function aligned(bytes: number): number {
  return (bytes + LINE - 1) & -LINE;
}
