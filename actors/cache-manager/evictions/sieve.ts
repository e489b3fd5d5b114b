/** SIEVE: a queue that keeps its survivors in place while a hand sweeps out what was not used. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

const arrival = 0;

const absent = 0;
const unvisited = 1;
const visited = 2;

/**
 * Algorithm: one queue in order of admission, one visited bit a segment, set by a hit. The hand moves from old to new, clears
 * set bits as it passes and evicts the first segment whose bit is clear; it stays there for the next time. Unlike CLOCK a
 * survivor keeps its place, so that new segments are sifted soon after they came while old popular ones are left alone.
 * Why: quick demotion with the simplest code; on web-like loads as good as far more complex policies.
 * Cost: O(1) amortised, as CLOCK; a hit writes one byte.
 * Gets wrong: not resistant to scans (the paper says so, section 5): a one-time sweep passes over the hand's part of the queue;
 * on block traces and loops it can be worse than LRU.
 * Prefetches enter unvisited at the newest end, as demanded segments do.
 * Reference: Zhang, Yang, Yue, Vigfusson, Rashmi, "SIEVE is simpler than LRU", NSDI 2024, algorithm 1.
 */
export class SieveEviction extends Policy {
  readonly name = 'sieve';
  readonly #lists = new SegmentLists(1, this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);
  /** Where the sweep goes on; negative = at the oldest. */
  #hand = -1;

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#state[segment] !== absent;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    if (this.#state[segment] !== absent) {
      this.#state[segment] = visited;
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
    this.#hand = fields.number(this.#hand);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(arrival, segment);
    this.#state[segment] = unvisited;
  }

  /** Evicts until `size` more units fit. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const swept = this.#hand < 0 ? this.#lists.oldest(arrival) : this.#hand;
      if (this.#state[swept] === visited) {
        this.#state[swept] = unvisited;
        this.#hand = this.#lists.newerThan(swept);
      } else {
        this.#hand = swept;
        this.drop(swept);
        residents.evict(swept);
      }
    }
  }

  /** Takes a segment out of the queue; a hand that points at it moves on. */
  protected drop(segment: number): void {
    if (this.#hand === segment) this.#hand = this.#lists.newerThan(segment);
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
