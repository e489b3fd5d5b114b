/** Probability graph: what followed a segment within a few accesses, and how often, decides what is staged with it. */

import { z } from 'zod';
import type { AccessCursor, Prefetcher, ProposalBuffer } from '../../actors/prefetcher.ts';
import { grownFloat64, grownInt32, grownUint8, grownUint32 } from './grown.ts';

/** Settings of `pg`, with the published defaults. */
export const pgParameters = z.strictObject({
  'lookahead-range': z
    .int()
    .min(1)
    .max(100)
    .default(20)
    .describe('Accesses after a segment that count as its successors.'),
  'prefetch-threshold': z
    .number()
    .gt(0)
    .lt(1)
    .default(0.05)
    .describe('Minimum chance: an arc is followed when its weight over all weight leaving its source is above this.'),
  'max-degree': z
    .int()
    .min(0)
    .max(4096)
    .default(0)
    .describe('Arcs kept for a source; 0 = the power of two >= 4 / prefetch-threshold, within 16..4096.'),
});
export type PgParameters = z.output<typeof pgParameters>;

/** log2 of the capacity of a source's first row. */
const ROW_CLASS_MIN = 2;

/**
 * Algorithm: J. Griffioen and R. Appleton, "Reducing File System Latency using a Predictive Approach", USENIX Summer 1994:
 * an arc a -> b weighs how often b came within the lookahead window after a; on an access of a, every b whose weight is
 * more than the minimum chance of all weight leaving a is staged, the most likely first. Nothing ages.
 *
 * A visit is counted once its window is complete, so one access touches one source's row, not lookahead-range of them.
 * The paper leaves memory open. A row holds at most `max-degree` arcs, heaviest first; a new successor of a full row
 * takes the lightest arc's place and weight plus one (Space-Saving, Metwally, Agrawal and El Abbadi, ICDT 2005). A weight
 * is then too high by at most total / max-degree, a quarter of the threshold by default, and no arc above
 * total / max-degree is ever lost. Memory: 8 bytes for each arc kept, at most max-degree for a distinct segment.
 * Cost: O(lookahead-range x position in the row) per access.
 */
export class PgPrefetcher implements Prefetcher {
  readonly name = 'pg';
  readonly staging = 'shared';
  readonly experts: readonly string[] = ['pg'];
  readonly #chanceMin: number;
  readonly #lookahead: number;
  readonly #degreeMax: number;
  /** The last `lookahead` segments; the slot at the cursor is the oldest, whose window the next access completes. */
  readonly #window: Int32Array;
  #cursor = 0;
  /** By source: where its row starts in the pool (-1 none), log2 of the row's capacity, arcs in it, weight leaving it. */
  #rowStart = new Int32Array(0);
  #rowClass = new Uint8Array(0);
  #rowLength = new Int32Array(0);
  #rowTotal = new Float64Array(0);
  /** The pool of rows: parallel columns, each row sorted by weight, heaviest first. */
  #arcTarget = new Uint32Array(0);
  #arcWeight = new Uint32Array(0);
  #poolLength = 0;
  /** By log2 of capacity: rows given back when their owner moved to a larger one; linked through `#arcTarget`. */
  readonly #freeRow = new Int32Array(16).fill(-1);

  constructor(parameters: PgParameters) {
    this.#lookahead = parameters['lookahead-range'];
    this.#chanceMin = parameters['prefetch-threshold'];
    this.#degreeMax = parameters['max-degree'] > 0 ? parameters['max-degree'] : degreeFor(this.#chanceMin);
    this.#window = new Int32Array(this.#lookahead).fill(-1);
  }

  onAccess(access: AccessCursor, _served: number, proposals: ProposalBuffer): void {
    const segment = access.segment;
    if (segment >= this.#rowStart.length) this.#growSources(segment + 1);
    this.#learn(segment);
    const start = this.#rowStart[segment] as number;
    if (start < 0) return;
    const total = this.#rowTotal[segment] as number;
    const weightMin = this.#chanceMin * total;
    const end = start + (this.#rowLength[segment] as number);
    for (let i = start; i < end; i++) {
      const weight = this.#arcWeight[i] as number;
      if (weight <= weightMin) break;
      const target = this.#arcTarget[i] as number;
      if (target === segment) continue;
      // The weight is a rank: the paper says nothing of how likely a use within the stay in a cache is. Rows are in its order.
      proposals.propose(target, -1, Number.NaN, 0);
    }
  }

  #learn(segment: number): void {
    const window = this.#window;
    const source = window[this.#cursor] as number;
    window[this.#cursor] = segment;
    this.#cursor = this.#cursor + 1 === window.length ? 0 : this.#cursor + 1;
    if (source < 0) return;
    this.#rowTotal[source] = (this.#rowTotal[source] as number) + window.length;
    for (let i = 0; i < window.length; i++) this.#strengthen(source, window[i] as number);
  }

  /** Adds one to the arc source -> target and restores the row's order. */
  #strengthen(source: number, target: number): void {
    let start = this.#rowStart[source] as number;
    const length = this.#rowLength[source] as number;
    const targets = this.#arcTarget;
    let i = start;
    const end = start + length;
    while (i < end && targets[i] !== target) i++;
    if (i === end) {
      if (length === this.#degreeMax) {
        i = end - 1;
        targets[i] = target;
      } else {
        if (start < 0 || length === 1 << (this.#rowClass[source] as number)) {
          start = this.#enlargeRow(source);
          i = start + length;
        }
        this.#rowLength[source] = length + 1;
        this.#arcTarget[i] = target;
        this.#arcWeight[i] = 0;
      }
    }
    promote(this.#arcTarget, this.#arcWeight, start, i);
  }

  /** Moves the row of `source` to one of twice the capacity and returns its start. */
  #enlargeRow(source: number): number {
    const oldStart = this.#rowStart[source] as number;
    const oldClass = this.#rowClass[source] as number;
    const newClass = oldStart < 0 ? ROW_CLASS_MIN : oldClass + 1;
    const capacity = 1 << newClass;
    let start = this.#freeRow[newClass] as number;
    if (start >= 0) {
      this.#freeRow[newClass] = (this.#arcTarget[start] as number) - 1;
    } else {
      start = this.#poolLength;
      this.#poolLength += capacity;
      this.#arcTarget = grownUint32(this.#arcTarget, this.#poolLength);
      this.#arcWeight = grownUint32(this.#arcWeight, this.#poolLength);
    }
    if (oldStart >= 0) {
      const oldEnd = oldStart + (this.#rowLength[source] as number);
      this.#arcTarget.copyWithin(start, oldStart, oldEnd);
      this.#arcWeight.copyWithin(start, oldStart, oldEnd);
      this.#arcTarget[oldStart] = (this.#freeRow[oldClass] as number) + 1;
      this.#freeRow[oldClass] = oldStart;
    }
    this.#rowStart[source] = start;
    this.#rowClass[source] = newClass;
    return start;
  }

  #growSources(needed: number): void {
    this.#rowStart = grownInt32(this.#rowStart, needed, -1);
    this.#rowClass = grownUint8(this.#rowClass, needed);
    this.#rowLength = grownInt32(this.#rowLength, needed, 0);
    this.#rowTotal = grownFloat64(this.#rowTotal, needed);
  }
}

/** Adds one to the weight at `i` and swaps it to the head of the arcs it has overtaken, which keeps the row sorted. */
function promote(targets: Uint32Array, weights: Uint32Array, start: number, i: number): void {
  const weight = weights[i] as number;
  let j = i;
  while (j > start && weights[j - 1] === weight) j--;
  const target = targets[i] as number;
  targets[i] = targets[j] as number;
  targets[j] = target;
  weights[j] = weight + 1;
}

function degreeFor(chanceMin: number): number {
  let degree = 16;
  while (degree < 4 / chanceMin && degree < 4096) degree *= 2;
  return degree;
}
