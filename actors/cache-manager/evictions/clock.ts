/** CLOCK, or second chance: first in, first out, but a segment that was used since its last turn gets another. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

const arrival = 0;

const absent = 0;
const unused = 1;
const used = 2;

/**
 * Algorithm: one reference bit a segment, set by a hit. The oldest segment leaves if its bit is clear; otherwise the bit is
 * cleared and the segment becomes the newest. (A queue with reinsertion; the circular buffer of the paper gives the same order.)
 * Why: close to LRU, yet a hit writes one byte and no link.
 * Cost: O(1) amortised: a turn of the hand over a set bit is paid for by the hit that set it.
 * Gets wrong: what LRU gets wrong; and one hit counts as much as a hundred.
 * Prefetches enter with the bit clear, as demanded segments do; their first demand sets it.
 * Reference: Corbato, "A paging experiment with the Multics system", MIT Project MAC report MAC-M-384, 1968.
 */
export class ClockEviction extends Policy {
  readonly name = 'clock';
  readonly #lists = new SegmentLists(1, this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#state[segment] !== absent;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#state[segment] !== absent) {
      this.#state[segment] = used;
      return true;
    }
    if (size <= this.residents.capacity) this.insert(segment, size);
    return false;
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    this.#state = fields.array(this.#state);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(arrival, segment);
    this.#state[segment] = unused;
  }

  /** Evicts until `size` more units fit. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const oldest = this.#lists.oldest(arrival);
      if (this.#state[oldest] === used) {
        this.#state[oldest] = unused;
        this.#lists.renew(arrival, oldest);
      } else {
        this.drop(oldest);
        residents.evict(oldest);
      }
    }
  }

  protected drop(segment: number): void {
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
