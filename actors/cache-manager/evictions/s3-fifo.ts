/** S3-FIFO: a small queue on probation before the main queue, and a ghost queue of those it turned away. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { EvictionOptions } from '../eviction.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

/** Lists, and the low bits of a segment's state; its use count stands above them. */
const absent = 0;
const small = 1;
const main = 2;
const ghost = 3;
const whereMask = 3;
const oneUse = 4;
const useCountMax = 3;

/** The paper's sizes and threshold (section 4.2): S is 10 % of the cache, G remembers as much as M holds. */
const smallShare = 0.1;
const usesToStay = 2;

/**
 * Algorithm: three FIFO queues. New segments enter S; a hit counts up to 3. When S holds at least its 10 %, its oldest segment
 * moves to M if it was used twice or more (its count starts again), otherwise it leaves and G remembers it; a demand for a
 * remembered segment enters M. When S is below its share M evicts: its oldest segment goes round again while its count lasts.
 * Why: most segments are demanded once, and S turns those out early; a hit writes one byte.
 * Cost: O(1) amortised: each round in M is paid for by the hit that was counted.
 * Gets wrong: a segment whose second demand comes just after S and G forgot it; loops between the sizes of S and the cache.
 * With sizes the queues are measured in units; a segment larger than S's share enters S all the same (the contract admits every
 * miss) and is the next to be looked at. G forgets its oldest beyond the units of M.
 * Prefetches enter S with no use counted, whatever G remembers: a prefetch is no evidence of reuse.
 * Reference: Yang, Zhang, Qiu, Yue, Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023, algorithm 1.
 */
export class S3FifoEviction extends Policy {
  readonly name = 's3-fifo';
  readonly #lists = new SegmentLists(4, this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);
  #smallUsed = 0;
  #ghostUsed = 0;
  #smallShare = 0;

  constructor(options: EvictionOptions) {
    super(options);
    this.#share();
  }

  has(segment: number): boolean {
    if (segment >= this.residents.segmentLimit) return false;
    const where = this.#state[segment] & whereMask;
    return where === small || where === main;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    const state = this.#state[segment];
    const where = state & whereMask;
    if (where === small || where === main) {
      if (state < useCountMax * oneUse) this.#state[segment] = state + oneUse;
      return true;
    }
    if (size <= this.residents.capacity) this.#insertInto(segment, size, where === ghost ? main : small);
    return false;
  }

  protected override resized(): void {
    this.#share();
    this.makeRoom(0);
    this.#trimGhost();
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    this.#state = fields.array(this.#state);
    this.#smallUsed = fields.number(this.#smallUsed);
    this.#ghostUsed = fields.number(this.#ghostUsed);
    this.#smallShare = fields.number(this.#smallShare);
  }

  #share(): void {
    this.#smallShare = Math.max(1, Math.floor(smallShare * this.residents.capacity));
  }

  protected insert(segment: number, size: number): void {
    this.#insertInto(segment, size, small);
  }

  #insertInto(segment: number, size: number, where: number): void {
    if ((this.#state[segment] & whereMask) === ghost) this.#forget(segment);
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(where, segment);
    this.#state[segment] = where;
    if (where === small) this.#smallUsed += size;
  }

  /** Evicts until `size` more units fit. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const oldestMain = this.#lists.oldest(main);
      if (oldestMain < 0 || (this.#smallUsed >= this.#smallShare && this.#lists.oldest(small) >= 0)) {
        this.#turnSmall(this.#lists.oldest(small));
      } else {
        this.#turnMain(oldestMain);
      }
    }
  }

  /** The oldest of S stays in M or leaves for G. */
  #turnSmall(segment: number): void {
    const units = this.residents.sizeOf(segment);
    this.#smallUsed -= units;
    if (this.#state[segment] >= usesToStay * oneUse) {
      this.#state[segment] = main;
      this.#lists.renew(main, segment);
      return;
    }
    this.#state[segment] = ghost;
    this.#lists.renew(ghost, segment);
    this.#ghostUsed += units;
    this.#trimGhost();
    this.residents.evict(segment);
  }

  /** The oldest of M goes round again, one use poorer, or leaves. */
  #turnMain(segment: number): void {
    const state = this.#state[segment];
    if (state >= oneUse) {
      this.#state[segment] = state - oneUse;
      this.#lists.renew(main, segment);
    } else {
      this.drop(segment);
      this.residents.evict(segment);
    }
  }

  #trimGhost(): void {
    const ghostMax = Math.max(0, this.residents.capacity - this.#smallShare);
    while (this.#ghostUsed > ghostMax) this.#forget(this.#lists.oldest(ghost));
  }

  #forget(segment: number): void {
    this.#ghostUsed -= this.residents.sizeOf(segment);
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  /** Takes a resident segment out of its queue. */
  protected drop(segment: number): void {
    if ((this.#state[segment] & whereMask) === small) this.#smallUsed -= this.residents.sizeOf(segment);
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
