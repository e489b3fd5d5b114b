/** The tables of order laid side by side in the memory of a kernel, which does with them in one call what they do themselves in many. */

import { scoreBinOf } from '../near-loop/opinion-bins.ts';
import type { ResidentFlags } from '../near-loop/resident-flags.ts';
import type { ContextTable } from './context-table.ts';
import { KernelField, startKernel } from './order-kernel.ts';
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
}

type Step = (record: number, segment: number, position: number, lead: number) => number;

/** How much more memory is taken than the tables need at first: what is not written takes none, and a new kernel is a new function to call. */
const ROOM = 8;
/** Bytes of a cache line. */
const LINE = 64;
const NO_TABLE: Int32Array = new Int32Array(0);

/**
 * The tables go on in this memory, so whoever reads or changes one of them, its own code or the kernel, finds what the other left.
 * A table that grows moves out by itself; the kernel rests until it is taken back, into memory further on.
 */
export class OrderTables {
  /** What a call of the kernel leaves: see `KernelField`. */
  readonly words: Int32Array;
  readonly #options: OrderTablesOptions;
  readonly #memory: ArrayBuffer;
  readonly #step: Step;
  #scoreMin = Number.NaN;
  #end: number;
  #history = NO_TABLE;
  #rows = NO_TABLE;
  #index = NO_TABLE;
  #contexts = NO_TABLE;
  #flags: Uint8Array = new Uint8Array(0);
  /** Byte at which the histories begin. */
  #historyAt = 0;

  private constructor(options: OrderTablesOptions, memory: ArrayBuffer, step: Step) {
    this.#options = options;
    this.#memory = memory;
    this.#step = step;
    this.#end = tablesAt(options);
    this.words = new Int32Array(memory, 0, this.#end / 4);
    this.#put(KernelField.visitsMax, options.visitsMax);
    new Uint8Array(memory, KernelField.scoreBins, scoreBinOf.length).set(scoreBinOf);
  }

  /** Lays the tables out in a memory of their own; null where there is no WebAssembly, or no memory. */
  static layOut(options: OrderTablesOptions): OrderTables | null {
    const { orders, successors, contexts, resident, weights } = options;
    const tables = [orders.words, successors.words, successors.index, contexts.words, resident.flags];
    const bytes = tables.reduce((sum, table) => sum + aligned(table.byteLength), tablesAt(options) + 3 * LINE);
    const kernel =
      startKernel(successors.degree, weights, ROOM * bytes) ?? startKernel(successors.degree, weights, bytes);
    if (kernel === null) return null;
    const laidOut = new OrderTables(options, kernel.memory, kernel.run.step);
    return laidOut.takeBack() ? laidOut : null;
  }

  /** Takes back what has moved out, and learns what the tables are like now. False = there is no room. */
  takeBack(): boolean {
    const { orders, successors, contexts, resident } = this.#options;
    if (successors.words !== this.#rows || successors.index !== this.#index) {
      // Both, since a table that outgrew one is about to outgrow the other.
      // Behind a row of nobody.
      this.#end += aligned(8 * successors.degree);
      const rows = this.#moved(successors.words);
      const index = this.#moved(successors.index);
      if (rows === null || index === null) return false;
      this.#rows = rows;
      this.#index = index;
      successors.adopt(rows, index);
      this.#put(KernelField.rows, rows.byteOffset - 8 * successors.degree);
      this.#put(KernelField.index, index.byteOffset);
      this.#put(KernelField.indexLength, index.length / 2);
    }
    if (orders.words !== this.#history) {
      const history = this.#moved(orders.words);
      if (history === null) return false;
      this.#history = history;
      this.#historyAt = history.byteOffset;
      orders.adopt(history);
    }
    if (contexts.words !== this.#contexts) {
      const words = this.#moved(contexts.words);
      if (words === null) return false;
      this.#contexts = words;
      contexts.adopt(words);
      this.#put(KernelField.contexts, words.byteOffset);
      this.#put(KernelField.bucketMask, words.length / 16 - 1);
    }
    if (resident.flags !== this.#flags) {
      const { flags } = resident;
      // Between a line that ends with who is nobody, at the site as it were, and one that begins with who lies beyond, unknown.
      const at = this.#end + LINE;
      if (at + aligned(flags.length) + LINE > this.#memory.byteLength) return false;
      this.#flags = new Uint8Array(this.#memory, at, flags.length);
      this.#flags.set(flags);
      this.#end = at + aligned(flags.length) + LINE;
      resident.adopt(this.#flags);
      new Uint8Array(this.#memory)[at - 1] = 1;
      this.words.fill(at - 1, KernelField.flags / 4, KernelField.flags / 4 + 4);
      this.words.fill(flags.length + 1, KernelField.flagsEnd / 4, KernelField.flagsEnd / 4 + 4);
    }
    this.#put(KernelField.filledMax, contexts.filledMax);
    return true;
  }

  #moved(table: Int32Array): Int32Array<ArrayBuffer> | null {
    if (this.#end + table.byteLength > this.#memory.byteLength) return null;
    const view = new Int32Array(this.#memory, this.#end, table.length);
    view.set(table);
    this.#end += aligned(table.byteLength);
    return view;
  }

  #weigh(scoreMin: number): void {
    this.#scoreMin = scoreMin;
    for (let visits = 0; visits <= this.#options.visitsMax; visits++) {
      this.words[KernelField.weightMin / 4 + visits] = leastWeight(scoreMin, visits);
    }
  }

  #put(field: number, value: number): void {
    this.words[field / 4] = value;
  }

  /**
   * One access of a consumer, learned and followed by naming; see `step` of the kernel for what it gives. `KernelAnswer.left` too where a
   * record or a flag may lie outside.
   */
  step(record: number, segment: number, position: number, leadAccesses: number, scoreMin: number): number {
    const { orders, resident } = this.#options;
    if (orders.words !== this.#history || resident.flags !== this.#flags) return -1;
    if (scoreMin !== this.#scoreMin) this.#weigh(scoreMin);
    return this.#step(this.#historyAt + 4 * record, segment, position | 0, leadAccesses | 0);
  }
}

/** Where the tables begin. */
function tablesAt({ visitsMax }: OrderTablesOptions): number {
  return aligned(KernelField.weightMin + 4 * (visitsMax + 1));
}

/** Whole cache lines. */
function aligned(bytes: number): number {
  return (bytes + LINE - 1) & -LINE;
}
