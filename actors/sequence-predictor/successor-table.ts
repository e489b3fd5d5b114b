/** What followed each segment lately: bounded, decayed successor counts over typed arrays. */

import { assert } from '../../engine/assert.ts';
import { grownTable } from '../cache-manager/grown-table.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';
import { type ExtendTable, nowhere } from './extend-table.ts';

/** Weight of one observation at full recency; weights are fixed-point in these units. */
export const WEIGHT_ONE = 16;

/** Words of a segment in the index: its row + 1 or 0 = none, and tick and visits of that row. */
const INDEX_WORDS = 2;
const HEADER = 1;

const WEIGHT_MASK = 0xffff;
const TICK_SHIFT = 16;
const TICK_MASK = 0xff;

export interface SuccessorTableOptions {
  /** Successors kept for each segment. */
  readonly degreeMax: number;
  /** Visits after which a segment's counts are halved. */
  readonly visitsMax: number;
  /** Asked before the table grows by so many bytes; false = it may not, and what is new finds no place. */
  readonly mayGrow: (bytes: number) => boolean;
}

/**
 * Successor counts of each segment, at most `degreeMax` of them, as long as it may grow.
 *
 * A row is one run of 32-bit words, pairs (successor + 1, tick and weight): eight of them are one cache line. Its visits and
 * their tick stand in the index, where whoever looks for the row has just been. A weight counts visits of the source after which the
 * successor was seen within the window, each visit once, scaled by how soon it came. When visits reach `visitsMax` the whole row is
 * halved: memory is by count, not by time. A newcomer that finds no free slot takes the weakest one's: the row then forgets what it saw least.
 *
 * Cost O(degreeMax) a call, amortised; memory 8 degree bytes a row and 8 bytes a segment.
 * Source of the idea: Griffioen and Appleton, "Reducing File System Latency using a Predictive Approach", USENIX 1994;
 * bounded and decayed here.
 */
export class SuccessorTable {
  readonly degree: number;
  readonly #visitsMax: number;
  readonly #mayGrow: (bytes: number) => boolean;
  readonly #stride: number;
  #rows: Int32Array;
  #index: Int32Array = new Int32Array(INDEX_WORDS * 1024);
  #rowCount = 0;
  #extend: ExtendTable = nowhere;

  constructor(options: SuccessorTableOptions) {
    assert(options.degreeMax >= 1 && options.degreeMax <= 64, `degreeMax ${options.degreeMax} is not in 1..64`);
    assert(options.visitsMax >= 2 && options.visitsMax <= 4095, `visitsMax ${options.visitsMax} is not in 2..4095`);
    this.degree = options.degreeMax;
    this.#visitsMax = options.visitsMax;
    this.#mayGrow = options.mayGrow;
    this.#stride = 2 * options.degreeMax;
    this.#rows = new Int32Array(1024 * this.#stride);
  }

  get bytes(): number {
    return this.#rows.byteLength + this.#index.byteLength;
  }

  /** Words behind the rows, for loops that read them in place: see {@link rowOf}. */
  get words(): Int32Array {
    return this.#rows;
  }

  /** Two words a segment: its row + 1, 0 = none; tick and visits of that row. Replaced when the table grows. */
  get index(): Int32Array {
    return this.#index;
  }

  /** Goes on in `words` and `index`, which must hold what {@link words} and {@link index} do; `extend` is asked first when one of them grows. */
  adopt(words: Int32Array, index: Int32Array, extend: ExtendTable): void {
    this.#rows = words;
    this.#index = index;
    this.#extend = extend;
  }

  /** First slot of a segment's row in {@link words}: pairs (successor + 1 or 0, packed); -1 when nothing is known. */
  rowOf(segment: number): number {
    if (INDEX_WORDS * segment >= this.#index.length) return -1;
    const row = this.#index[INDEX_WORDS * segment]! - 1;
    return row < 0 ? -1 : row * this.#stride;
  }

  /** Tick and visits of a segment that has a row: see {@link tickOfHeader} and {@link visitsOfHeader}. */
  headerOf(segment: number): number {
    return this.#index[INDEX_WORDS * segment + HEADER]!;
  }

  /** Counts a visit of `segment`, which may be told from now on what came after it. */
  visit(segment: number): void {
    const row = this.rowOf(segment);
    if (row < 0) {
      if (this.#claim(segment)) this.#index[INDEX_WORDS * segment + HEADER] = (1 << TICK_SHIFT) | 1;
      return;
    }
    const rows = this.#rows;
    const header = this.headerOf(segment);
    let visits = header & WEIGHT_MASK;
    const tick = ((header >>> TICK_SHIFT) + 1) & TICK_MASK;
    if (visits >= this.#visitsMax) {
      visits >>>= 1;
      for (let i = row; i < row + this.#stride; i += 2) {
        const packed = rows[i + 1]!;
        const weight = (packed & WEIGHT_MASK) >>> 1;
        rows[i + 1] = (packed & ~WEIGHT_MASK) | weight;
        if (weight === 0) rows[i] = 0;
      }
    }
    this.#index[INDEX_WORDS * segment + HEADER] = (tick << TICK_SHIFT) | (visits + 1);
  }

  /**
   * `target` came after `source`, worth `weight` of at most {@link WEIGHT_ONE}; a second time within one visit is ignored, and so is a source
   * that has no row.
   */
  observe(source: number, target: number, weight: number): void {
    const row = this.rowOf(source);
    if (row >= 0) confirm(this.#rows, row, this.#stride, tickOfHeader(this.headerOf(source)), target + 1, weight);
  }

  /**
   * `target` came after the entries `latest` down to `oldest` of a ring of segments that begins at `from` in `history` and has `mask` + 1
   * places: {@link observe} of each, the entry `k` before the latest at a weight of `weights[k]`.
   */
  follow(
    target: number,
    history: Int32Array,
    from: number,
    mask: number,
    latest: number,
    oldest: number,
    weights: Int32Array,
  ): void {
    const rows = this.#rows;
    const index = this.#index;
    const stride = this.#stride | 0;
    for (let i = latest | 0; i >= oldest; i = (i - 1) | 0) {
      const source = history[from + (i & mask)]! | 0;
      const at = (INDEX_WORDS * source) | 0;
      if (source === target || at >= index.length) continue;
      const row = index[at]! | 0;
      if (row === 0) continue;
      const tick = tickOfHeader(index[at + HEADER]!);
      confirm(rows, Math.imul(row - 1, stride), stride, tick, target + 1, weights[latest - i]!);
    }
  }

  /** Visits counted (decayed), the current one included. */
  visitsOf(segment: number): number {
    return this.rowOf(segment) < 0 ? 0 : this.headerOf(segment) & WEIGHT_MASK;
  }

  /** Number of the current visit, modulo 256. */
  tickOf(segment: number): number {
    return this.rowOf(segment) < 0 ? 0 : tickOfHeader(this.headerOf(segment));
  }

  /** Weight of one successor, 0 when it is not kept. For tests and reasons; O(degreeMax). */
  weightOf(source: number, target: number): number {
    const row = this.rowOf(source);
    if (row < 0) return 0;
    for (let i = row; i < row + this.#stride; i += 2) {
      if (this.#rows[i] === target + 1) return this.#rows[i + 1]! & WEIGHT_MASK;
    }
    return 0;
  }

  /** The segments that have a row, for whoever takes them over. O(segments). */
  segments(): Int32Array {
    const id = new Int32Array(this.#rowCount);
    for (let segment = 0; INDEX_WORDS * segment < this.#index.length; segment++) {
      const row = this.#index[INDEX_WORDS * segment]! - 1;
      if (row >= 0) id[row] = segment;
    }
    return id;
  }

  save(writer: SnapshotWriter): void {
    writer.numbers(this.degree, this.#rowCount);
    for (const a of [this.#rows, this.#index]) writer.array(a);
  }

  load(reader: SnapshotReader): void {
    const [degree, rowCount] = reader.numbers();
    assert(degree === this.degree, 'a snapshot made with another degreeMax');
    this.#rowCount = rowCount!;
    this.#rows = reader.array(this.#rows);
    this.#index = reader.array(this.#index);
  }

  /** A row for a segment that has none; false where the table may not grow. */
  #claim(segment: number): boolean {
    if (INDEX_WORDS * segment >= this.#index.length) {
      const length = Math.max(this.#index.length * 2, INDEX_WORDS * (segment + 1));
      if (!this.#mayGrow(4 * (length - this.#index.length))) return false;
      this.#index = this.#extend(this.#index, length) ?? grownTable(this.#index, length - 1);
    }
    const row = this.#rowCount * this.#stride;
    if (row === this.#rows.length) {
      if (!this.#mayGrow(this.#rows.byteLength)) return false;
      this.#rows = this.#extend(this.#rows, 2 * row) ?? grownTable(this.#rows, row);
    }
    this.#index[INDEX_WORDS * segment] = ++this.#rowCount;
    return true;
  }
}

/**
 * Raises the weight of `key` in the row that begins at `first`, or gives it the place of the weakest. Slots stand in order of weight, the
 * strongest first: most searches end early, and who wants the likeliest successor looks at one slot.
 */
function confirm(rows: Int32Array, first: number, stride: number, tick: number, key: number, weight: number): void {
  let at = placeOf(rows, first, (first + stride - 2) | 0, key);
  let raised = weight;
  if (rows[at] === key) {
    const packed = rows[at + 1]!;
    if (packed >>> TICK_SHIFT === tick) return;
    raised += packed & WEIGHT_MASK;
  } else {
    const weakest = rows[at + 1]! & WEIGHT_MASK;
    if (weakest > weight) {
      // Worn down by what it did not foresee, and gone only when it is the weaker one.
      rows[at + 1] = rows[at + 1]! - weight;
      return;
    }
  }
  for (; at > first && (rows[at - 1]! & WEIGHT_MASK) < raised; at -= 2) {
    rows[at] = rows[at - 2]!;
    rows[at + 1] = rows[at - 1]!;
  }
  rows[at] = key;
  rows[at + 1] = (tick << TICK_SHIFT) | raised;
}

/** Where `key` stands in the slots `first` to `last`, else the first free one, else the last. Eight slots, which is what there are as a rule, are written out: a loop would check the table anew at each. */
function placeOf(rows: Int32Array, first: number, last: number, key: number): number {
  let at = first | 0;
  if (last - at === 14) {
    let id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    at = (at + 2) | 0;
    id = rows[at]!;
    if (id === key || id === 0) return at;
    return (at + 2) | 0;
  }
  for (; at < last; at = (at + 2) | 0) {
    const id = rows[at]!;
    if (id === key || id === 0) break;
  }
  return at;
}

/** Weight in a packed slot word. */
export function weightOfSlot(packed: number): number {
  return packed & WEIGHT_MASK;
}

/** What a successor must weigh at least to be named, where it needs that share of the visits. */
export function leastWeight(share: number, visits: number): number {
  return Math.max(1, Math.ceil(share * visits * WEIGHT_ONE)) | 0;
}

/** Visits ago that a packed slot was last confirmed, given the row's current tick: 1 = at the previous visit; modulo 256. */
export function ageOfSlot(packed: number, tick: number): number {
  return (tick - (packed >>> TICK_SHIFT)) & TICK_MASK;
}

/** Visits in a row's word of the index. */
export function visitsOfHeader(header: number): number {
  return header & WEIGHT_MASK;
}

/** Number of the current visit, modulo 256, in a row's word of the index. */
export function tickOfHeader(header: number): number {
  return (header >>> TICK_SHIFT) & TICK_MASK;
}
