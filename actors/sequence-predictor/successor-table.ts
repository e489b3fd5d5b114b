/** What followed each segment lately: bounded, decayed successor counts over typed arrays. */

import { assert } from '../../engine/assert.ts';
import type { SnapshotReader, SnapshotWriter } from '../near-loop/snapshot.ts';

/** Weight of one observation at full recency; weights are fixed-point in these units. */
export const WEIGHT_ONE = 16;

/** Fields of a row before its slots. */
const VISITS = 0;
const HEADER = 1;

const WEIGHT_MASK = 0xffff;
const TICK_SHIFT = 16;
const TICK_MASK = 0xff;

export interface SuccessorTableOptions {
  /** Successors kept for each segment. */
  readonly degreeMax: number;
  /** Visits after which a segment's counts are halved. */
  readonly visitsMax: number;
  readonly segmentCountHint?: number;
}

/**
 * Successor counts of each segment, at most `degreeMax` of them.
 *
 * A row is one run of 32-bit words: visits, then pairs (successor + 1, tick and weight), so that one access touches one
 * or two cache lines. A weight counts visits of the source after which the successor was seen within the window, each
 * visit once, scaled by how soon it came. When visits reach `visitsMax` the whole row is halved: memory is by count, not by time.
 * A newcomer that finds no free slot takes the weakest one's: the row then forgets what it saw least.
 * Cost O(degreeMax) a call; memory 4 (1 + 2 degreeMax) bytes a segment.
 * Source of the idea: Griffioen and Appleton, "Reducing File System Latency using a Predictive Approach", USENIX 1994;
 * bounded and decayed here.
 */
export class SuccessorTable {
  readonly degreeMax: number;
  readonly #visitsMax: number;
  readonly #stride: number;
  #rows: Uint32Array;
  #rowCount: number;

  constructor(options: SuccessorTableOptions) {
    assert(options.degreeMax >= 1 && options.degreeMax <= 64, `degreeMax ${options.degreeMax} is not in 1..64`);
    assert(options.visitsMax >= 2 && options.visitsMax <= 4095, `visitsMax ${options.visitsMax} is not in 2..4095`);
    this.degreeMax = options.degreeMax;
    this.#visitsMax = options.visitsMax;
    this.#stride = HEADER + 2 * options.degreeMax;
    this.#rowCount = Math.max(1, options.segmentCountHint ?? 1024);
    this.#rows = new Uint32Array(this.#rowCount * this.#stride);
  }

  get bytes(): number {
    return this.#rows.byteLength;
  }

  /** Words behind the rows, for loops that read them in place: see {@link rowOf}. */
  get words(): Uint32Array {
    return this.#rows;
  }

  /** First slot of a segment's row in {@link words}: pairs (successor + 1 or 0, packed); -1 when nothing is known. */
  rowOf(segment: number): number {
    return segment < this.#rowCount ? segment * this.#stride + HEADER : -1;
  }

  /** Counts a visit of `segment`, which may be told from now on what came after it. */
  visit(segment: number): void {
    if (segment >= this.#rowCount) this.#grow(segment);
    const rows = this.#rows;
    const base = segment * this.#stride;
    const header = rows[base + VISITS]!;
    let visits = header & WEIGHT_MASK;
    const tick = ((header >>> TICK_SHIFT) + 1) & TICK_MASK;
    if (visits >= this.#visitsMax) {
      visits >>>= 1;
      for (let i = base + HEADER; i < base + this.#stride; i += 2) {
        const packed = rows[i + 1]!;
        const weight = (packed & WEIGHT_MASK) >>> 1;
        rows[i + 1] = (packed & ~WEIGHT_MASK) | weight;
        if (weight === 0) rows[i] = 0;
      }
    }
    rows[base + VISITS] = (tick << TICK_SHIFT) | (visits + 1);
  }

  /** `target` came after `source`, worth `weight` of at most {@link WEIGHT_ONE}; a second time within one visit is ignored. */
  observe(source: number, target: number, weight: number): void {
    if (source >= this.#rowCount) this.#grow(source);
    confirm(this.#rows, source * this.#stride, this.#stride, target + 1, weight);
  }

  /** Visits counted (decayed), the current one included. */
  visitsOf(segment: number): number {
    return segment < this.#rowCount ? this.#rows[segment * this.#stride]! & WEIGHT_MASK : 0;
  }

  /** Number of the current visit, modulo 256. */
  tickOf(segment: number): number {
    return segment < this.#rowCount ? this.#rows[segment * this.#stride]! >>> TICK_SHIFT : 0;
  }

  /** Weight of one successor, 0 when it is not kept. For tests and reasons; O(degreeMax). */
  weightOf(source: number, target: number): number {
    if (source >= this.#rowCount) return 0;
    const base = source * this.#stride;
    for (let i = base + HEADER; i < base + this.#stride; i += 2) {
      if (this.#rows[i] === target + 1) return this.#rows[i + 1]! & WEIGHT_MASK;
    }
    return 0;
  }

  save(writer: SnapshotWriter): void {
    writer.array(this.#rows);
  }

  load(reader: SnapshotReader): void {
    this.#rows = reader.array(this.#rows);
    this.#rowCount = this.#rows.length / this.#stride;
  }

  #grow(segment: number): void {
    this.#rowCount = Math.max(this.#rowCount * 2, segment + 1);
    const rows = new Uint32Array(this.#rowCount * this.#stride);
    rows.set(this.#rows);
    this.#rows = rows;
  }
}

/**
 * Raises the weight of `key` in the row at `base`, or gives it the place of the weakest. Slots stand in order of weight, the
 * strongest first: most searches end early, and who wants the likeliest successor looks at one slot.
 */
function confirm(rows: Uint32Array, base: number, stride: number, key: number, weight: number): void {
  const tick = rows[base + VISITS]! >>> TICK_SHIFT;
  const first = base + HEADER;
  const last = base + stride - 2;
  let at = first;
  for (; at < last; at += 2) {
    const id = rows[at]!;
    if (id === key || id === 0) break;
  }
  let raised = weight;
  if (rows[at] === key) {
    const packed = rows[at + 1]!;
    if (packed >>> TICK_SHIFT === tick) return;
    raised += packed & WEIGHT_MASK;
  }
  for (; at > first && (rows[at - 1]! & WEIGHT_MASK) < raised; at -= 2) {
    rows[at] = rows[at - 2]!;
    rows[at + 1] = rows[at - 1]!;
  }
  rows[at] = key;
  rows[at + 1] = (tick << TICK_SHIFT) | raised;
}

/** Weight in a packed slot word. */
export function weightOfSlot(packed: number): number {
  return packed & WEIGHT_MASK;
}

/** Visits ago that a packed slot was last confirmed, given the row's current tick: 1 = at the previous visit; modulo 256. */
export function ageOfSlot(packed: number, tick: number): number {
  return (tick - (packed >>> TICK_SHIFT)) & TICK_MASK;
}
