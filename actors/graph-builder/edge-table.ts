/** Weighted edges from sources of bounded degree, with the distribution of their lags. */

import type { StateFields } from '../../engine/state-fields.ts';

/** Lag buckets of an edge: bucket b holds lags in [unit x 4^(b - 1), unit x 4^b), the first from 0, the last without end. */
export const lagBuckets = 8;

/**
 * `degreeMax` edges for each source slot, over typed arrays.
 *
 * At a full source a new edge lowers the weakest by its own weight and takes its place, with the rest, once that is used up:
 * Misra-Gries with one counter instead of all, so a kept weight is never above the true one. O(degreeMax) per add.
 */
export class EdgeTable {
  readonly degreeMax: number;
  readonly #hasLags: boolean;
  target: Uint32Array<ArrayBuffer> = new Uint32Array(0);
  weight: Float64Array<ArrayBuffer> = new Float64Array(0);
  lagSum: Float32Array<ArrayBuffer> = new Float32Array(0);
  lagWeight: Float32Array<ArrayBuffer> = new Float32Array(0);
  #degree: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #replacedCount = 0;
  #wornCount = 0;

  constructor(degreeMax: number, hasLags: boolean) {
    this.degreeMax = degreeMax;
    this.#hasLags = hasLags;
  }

  /** Edges that lost their place to another. */
  get replacedCount(): number {
    return this.#replacedCount;
  }

  /** Adds that only wore the weakest edge down. */
  get wornCount(): number {
    return this.#wornCount;
  }

  /** Makes room for `slots` sources. */
  reserve(slots: number): void {
    const edges = slots * this.degreeMax;
    const target = new Uint32Array(edges);
    target.set(this.target);
    this.target = target;
    const weight = new Float64Array(edges);
    weight.set(this.weight);
    this.weight = weight;
    const degree = new Uint8Array(slots);
    degree.set(this.#degree);
    this.#degree = degree;
    if (!this.#hasLags) return;
    const lagSum = new Float32Array(edges);
    lagSum.set(this.lagSum);
    this.lagSum = lagSum;
    const lagWeight = new Float32Array(edges * lagBuckets);
    lagWeight.set(this.lagWeight);
    this.lagWeight = lagWeight;
  }

  degree(slot: number): number {
    return this.#degree[slot]!;
  }

  /** Adds `weight` to the edge from `slot` to `target`; `bucket` is that of `lag`, ignored where lags are not kept. */
  add(slot: number, target: number, weight: number, lag: number, bucket: number): void {
    const targets = this.target;
    const weights = this.weight;
    const base = slot * this.degreeMax;
    const degree = this.#degree[slot]!;
    const end = base + degree;
    let edge = base;
    while (edge < end && targets[edge] !== target) edge++;
    if (edge < end) {
      weights[edge] = weights[edge]! + weight;
    } else if (degree < this.degreeMax) {
      this.#degree[slot] = degree + 1;
      this.#start(edge, target, weight);
    } else {
      edge = base;
      for (let other = base + 1; other < end; other++) if (weights[other]! < weights[edge]!) edge = other;
      const left = weights[edge]! - weight;
      if (left >= 0) {
        weights[edge] = left;
        this.#wornCount++;
        return;
      }
      this.#start(edge, target, -left);
      this.#replacedCount++;
    }
    if (!this.#hasLags) return;
    this.lagSum[edge] = this.lagSum[edge]! + lag * weight;
    const at = edge * lagBuckets + bucket;
    this.lagWeight[at] = this.lagWeight[at]! + weight;
  }

  /** Mean lag of an edge; wear lowers its weight, not its lags, which therefore have a sum of their own. */
  lagMean(edge: number): number {
    const total = this.lagTotal(edge);
    return total > 0 ? this.lagSum[edge]! / total : 0;
  }

  /** Sum of the lag buckets of an edge. */
  lagTotal(edge: number): number {
    let total = 0;
    for (let at = edge * lagBuckets; at < (edge + 1) * lagBuckets; at++) total += this.lagWeight[at]!;
    return total;
  }

  /** Forgets the edges of `slot`. */
  clear(slot: number): void {
    this.#degree[slot] = 0;
  }

  /** Multiplies every weight by `scale`, a power of two. */
  rescale(scale: number): void {
    for (let i = 0; i < this.weight.length; i++) this.weight[i]! *= scale;
    for (let i = 0; i < this.lagSum.length; i++) this.lagSum[i]! *= scale;
    for (let i = 0; i < this.lagWeight.length; i++) this.lagWeight[i]! *= scale;
  }

  /** Everything but what the settings give: #hasLags. */
  persist(fields: StateFields): void {
    this.target = fields.array(this.target);
    this.weight = fields.array(this.weight);
    this.lagSum = fields.array(this.lagSum);
    this.lagWeight = fields.array(this.lagWeight);
    this.#degree = fields.array(this.#degree);
    this.#replacedCount = fields.number(this.#replacedCount);
    this.#wornCount = fields.number(this.#wornCount);
  }

  #start(edge: number, target: number, weight: number): void {
    this.target[edge] = target;
    this.weight[edge] = weight;
    if (!this.#hasLags) return;
    this.lagSum[edge] = 0;
    // A loop: `fill` costs more than eight stores.
    for (let at = edge * lagBuckets; at < (edge + 1) * lagBuckets; at++) this.lagWeight[at] = 0;
  }
}
