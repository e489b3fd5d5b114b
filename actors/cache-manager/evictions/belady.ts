/** Belady's MIN: the segment whose next access is farthest away leaves. Offline: it must be told the future. */

import { assert } from '../../../engine/assert.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import type { EvictionOptions, Future } from '../eviction.ts';
import { Policy } from './policy.ts';
import { SegmentHeap } from './segment-heap.ts';

/**
 * Algorithm: each access asks when the segment comes next; of the residents the one farthest away leaves. Of those that never
 * come again the one touched longest ago leaves first, which changes no miss.
 * Why: with unit sizes and every miss admitted no policy misses less, so it says what is left to gain.
 * Cost: O(log n) in the residents, for a heap.
 * Gets wrong: with sizes it is only a strong heuristic (farthest next use, whatever the size; the true optimum is NP-hard), and it
 * admits what is never demanded again, as the contract asks; nor does it know of prefetches to come.
 * Prefetches enter with their next access, as demanded segments do.
 * Reference: Belady, "A study of replacement algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966.
 */
export class BeladyEviction extends Policy {
  readonly name = 'belady';
  readonly #future: Future;
  /** Least first, hence by the next access negated. */
  readonly #heap = new SegmentHeap(this.residents.segmentLimit);

  /** @throws InvariantError without `options.future`. */
  constructor(options: EvictionOptions) {
    super(options);
    assert(options.future !== undefined, 'belady needs the future');
    this.#future = options.future;
  }

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#heap.has(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#heap.has(segment)) {
      this.#heap.put(segment, -this.#future.nextOf(segment));
      return true;
    }
    if (size <= this.residents.capacity) this.insert(segment, size);
    return false;
  }

  protected drop(segment: number): void {
    this.#heap.remove(segment);
  }

  /** Everything but what the settings give: #future. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#heap.persist(fields);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#heap.put(segment, -this.#future.nextOf(segment));
  }

  /** Evicts until `size` more units fit. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const victim = this.#heap.first();
      this.drop(victim);
      residents.evict(victim);
    }
  }

  protected fit(segmentLimit: number): void {
    this.#heap.fit(segmentLimit);
  }
}
