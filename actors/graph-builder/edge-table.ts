/** Weighted edges from sources of bounded degree, with the distribution of their lags. */

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
    const base = slot * this.degreeMax;
    const degree = this.#degree[slot]!;
    const end = base + degree;
    let edge = base;
    while (edge < end && this.target[edge] !== target) edge++;
    if (edge === end) {
      if (degree < this.degreeMax) {
        this.#degree[slot] = degree + 1;
        this.#start(edge, target, weight, lag, bucket);
      } else {
        this.#challenge(base, end, target, weight, lag, bucket);
      }
      return;
    }
    this.weight[edge]! += weight;
    if (this.#hasLags) {
      this.lagSum[edge]! += lag * weight;
      this.lagWeight[edge * lagBuckets + bucket]! += weight;
    }
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

  #challenge(base: number, end: number, target: number, weight: number, lag: number, bucket: number): void {
    let weakest = base;
    for (let edge = base + 1; edge < end; edge++) if (this.weight[edge]! < this.weight[weakest]!) weakest = edge;
    const left = this.weight[weakest]! - weight;
    if (left < 0) {
      this.#start(weakest, target, -left, lag, bucket);
      this.#replacedCount++;
      return;
    }
    // The lags shrink in proportion, so their distribution stays that of the edge.
    if (this.#hasLags && this.weight[weakest]! > 0) {
      const kept = left / this.weight[weakest]!;
      this.lagSum[weakest]! *= kept;
      for (let b = weakest * lagBuckets; b < (weakest + 1) * lagBuckets; b++) this.lagWeight[b]! *= kept;
    }
    this.weight[weakest] = left;
    this.#wornCount++;
  }

  #start(edge: number, target: number, weight: number, lag: number, bucket: number): void {
    this.target[edge] = target;
    this.weight[edge] = weight;
    if (!this.#hasLags) return;
    this.lagSum[edge] = lag * weight;
    this.lagWeight.fill(0, edge * lagBuckets, (edge + 1) * lagBuckets);
    this.lagWeight[edge * lagBuckets + bucket] = weight;
  }
}
