/** The hard bound on what prefetching may cost the origin, in requests. */

/**
 * At every moment: fetches <= bound x (fetches of the reference) + what the eviction alone costs above the reference + allowance.
 *
 * A demand miss cannot be refused, so the bound is kept by never spending what later misses may still claim. With LRU the
 * reactive cache holds the most recent m segments and the baseline the most recent r >= m (the inclusion property of stack
 * algorithms, Mattson et al. 1970), so once no more space is lent at most r - m accesses can miss here and hit there: that is the
 * reserve, with one for each prefetch in flight. An extra miss that finds free space shrinks it by one; so when the bound is near,
 * lent space is given back before the next miss needs it. On unit sizes and LRU the bound is exact; on other evictions and
 * on bytes it is a close guard, and every moment above it is counted.
 */
export class TrafficBudget {
  /** Largest allowed ratio of fetches to the reference's fetches; Infinity = no bound. */
  readonly ratioMax: number;
  /** Requests granted on top, so that a run can start. */
  readonly allowance: number;
  /** Accesses after which fetches stood above the limit, and by how many at most. */
  breachCount = 0;
  overshootMax = 0;
  /** Requests held back beyond the reserve, because the reserve was found too small on this cache. */
  #margin = 0;

  constructor(ratioMax: number, allowance: number) {
    this.ratioMax = ratioMax;
    this.allowance = allowance;
  }

  get isBounded(): boolean {
    return this.ratioMax !== Infinity;
  }

  /** Fetches allowed so far, given the misses of the reference and of the same eviction without prefetching. */
  limit(referenceMisses: number, baselineMisses: number): number {
    return this.ratioMax * referenceMisses + Math.max(0, baselineMisses - referenceMisses) + this.allowance;
  }

  /** What prefetching may not touch of the limit, beside the reserve. */
  get margin(): number {
    return this.#margin;
  }

  /**
   * Looks, after an access, whether the limit was kept. Where the reserve is not exact it was too small by as much as the
   * overshoot; twice that is held back from then on, and forgotten slowly.
   */
  check(fetches: number, limit: number): void {
    const overshoot = fetches - limit;
    if (overshoot > 0) {
      this.breachCount++;
      if (overshoot > this.overshootMax) this.overshootMax = overshoot;
      if (2 * overshoot > this.#margin) this.#margin = 2 * overshoot;
    } else if (this.#margin > 0) {
      this.#margin *= 1 - 2 ** -18;
    }
  }
}
