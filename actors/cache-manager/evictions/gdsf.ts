/** GDSF: the segment with the fewest uses per unit leaves, and the bar rises with each that does. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentHeap } from './segment-heap.ts';

/**
 * Algorithm: priority = L + uses / size, set at each access; the least leaves, and L becomes the priority it left with, so that
 * old merits fade against new ones. Every miss costs the same here (the paper's "GDSF-Hits"). Equal priorities: least recent first.
 * Why: with sizes that differ widely the best simple policy for the hit ratio, as many small segments beat one large.
 * Cost: O(log n) in the residents, for a heap: the one policy here besides belady that is not O(1).
 * Gets wrong: the byte hit ratio (large segments hardly stay), and with equal sizes it is LFU with slow aging.
 * Prefetches enter with the priority of one use, but none is counted until they are demanded.
 * Reference: Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy", HPL-98-69R1, 1998.
 */
export class GdsfEviction extends Policy {
  readonly name = 'gdsf';
  readonly #heap = new SegmentHeap(this.residents.segmentLimit);
  #uses = new Float64Array(this.residents.segmentLimit);
  /** The paper's L: the priority that the last one to leave had. */
  #bar = 0;

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#heap.has(segment);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#heap.has(segment)) {
      const uses = ++this.#uses[segment];
      this.#heap.put(segment, this.#bar + uses / this.residents.sizeOf(segment));
      return true;
    }
    if (size <= this.residents.capacity) this.#insertUsed(segment, size, 1);
    return false;
  }

  protected insert(segment: number, size: number): void {
    this.#insertUsed(segment, size, 0);
  }

  protected drop(segment: number): void {
    this.#heap.remove(segment);
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#heap.persist(fields);
    this.#uses = fields.array(this.#uses);
    this.#bar = fields.number(this.#bar);
  }

  #insertUsed(segment: number, size: number, uses: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#uses[segment] = uses;
    this.#heap.put(segment, this.#bar + 1 / size);
  }

  /** Evicts until `size` more units fit. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const victim = this.#heap.first();
      this.#bar = this.#heap.priorityOf(victim);
      this.drop(victim);
      residents.evict(victim);
    }
  }

  protected fit(segmentLimit: number): void {
    this.#heap.fit(segmentLimit);
    this.#uses = grownTable(this.#uses, segmentLimit);
  }
}
