/** LIRS: what returns at short intervals stays, measured by the distance between a segment's last two accesses. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { EvictionOptions } from '../eviction.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

/** Lists of `#queues`. */
const queue = 0;
const ghosts = 1;

const absent = 0;
/** Low inter-reference recency: resident, in the stack. */
const lir = 1;
/** High inter-reference recency: resident, in the queue, perhaps in the stack. */
const hir = 2;
/** High, not resident, still in the stack. */
const ghost = 3;

/** Share of the cache for resident HIR segments (section 3.3 of the paper). */
const hirShare = 0.01;
/** The stack remembers at most this many times the cache's units (section 5.3 finds that a small multiple loses little). */
const stackCachesMax = 2;

/**
 * Algorithm: stack S orders segments by last access and always ends in a LIR segment (pruning); queue Q holds the resident HIR
 * segments, 1 % of the cache. A segment demanded again while still in S has a shorter interval than the oldest LIR segment: it
 * becomes LIR and that one is demoted to Q. The front of Q leaves; while in S it is remembered as a ghost.
 * Why: the strongest of the classics on loops and scans, where LRU gets nothing.
 * Cost: O(1) amortised: pruning takes out what an access put in; tables of two sets of links.
 * Gets wrong: slow to leave an old working set (a LIR segment goes only when another proves better), and Q of 1 % is so short
 * that a new segment must return almost at once or be remembered long enough.
 * S is bounded at twice the cache's units; beyond that the ghost that was evicted longest ago is forgotten.
 * Prefetches enter Q but not S: recency is of demands only, and the first demand of one is its first access.
 * Reference: Jiang, Zhang, "LIRS: an efficient low inter-reference recency set replacement policy", SIGMETRICS 2002, section 3.
 */
export class LirsEviction extends Policy {
  readonly name = 'lirs';
  readonly #stack = new SegmentLists(1, this.residents.segmentLimit);
  readonly #queues = new SegmentLists(2, this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);
  #lirUsed = 0;
  #lirMax = 0;
  /** Units in the stack: LIR, HIR and ghosts. */
  #stackUsed = 0;

  constructor(options: EvictionOptions) {
    super(options);
    this.#share();
  }

  has(segment: number): boolean {
    if (segment >= this.residents.segmentLimit) return false;
    const state = this.#state[segment];
    return state === lir || state === hir;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    const state = this.#state[segment];
    if (state === lir || state === hir) {
      if (state === lir) {
        this.#stack.renew(0, segment);
        this.#prune();
      } else {
        this.#hitHigh(segment);
      }
      return true;
    }
    if (size <= this.residents.capacity) this.#insertDemanded(segment, size);
    return false;
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    if (this.#state[segment] === ghost) {
      // It keeps its place in the stack, in its new size: that is when it was last demanded.
      this.#queues.unlink(segment);
      this.#stackUsed += size - this.residents.sizeOf(segment);
    }
    this.residents.enter(segment, size);
    this.#queues.push(queue, segment);
    this.#state[segment] = hir;
    this.#trimStack();
  }

  protected override resized(): void {
    this.#share();
    this.#demote();
    this.makeRoom(0);
    this.#trimStack();
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#stack.persist(fields);
    this.#queues.persist(fields);
    this.#state = fields.array(this.#state);
    this.#lirUsed = fields.number(this.#lirUsed);
    this.#lirMax = fields.number(this.#lirMax);
    this.#stackUsed = fields.number(this.#stackUsed);
  }

  #share(): void {
    const capacity = this.residents.capacity;
    this.#lirMax = Math.max(0, capacity - Math.max(1, Math.floor(hirShare * capacity)));
  }

  #insertDemanded(segment: number, size: number): void {
    const isRemembered = this.#state[segment] === ghost;
    if (isRemembered) this.#forget(segment);
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#pushStack(segment, size);
    if (isRemembered || this.#lirUsed + size <= this.#lirMax) {
      this.#state[segment] = lir;
      this.#lirUsed += size;
      this.#demote();
    } else {
      this.#state[segment] = hir;
      this.#queues.push(queue, segment);
    }
    this.#prune();
    this.#trimStack();
  }

  /** A demand for a resident HIR segment: in the stack it becomes LIR, otherwise it enters the stack. */
  #hitHigh(segment: number): void {
    const size = this.residents.sizeOf(segment);
    if (this.#stack.isLinked(segment)) {
      this.#stack.renew(0, segment);
      this.#queues.unlink(segment);
      this.#state[segment] = lir;
      this.#lirUsed += size;
      this.#demote();
    } else {
      this.#pushStack(segment, size);
      this.#queues.renew(queue, segment);
    }
    this.#prune();
    this.#trimStack();
  }

  /** Evicts until `size` more units fit: from the front of Q, else the oldest LIR segment. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      if (this.#queues.oldest(queue) < 0) this.#demoteOldest();
      this.#evictHigh(this.#queues.oldest(queue));
    }
  }

  #evictHigh(segment: number): void {
    this.#queues.unlink(segment);
    if (this.#stack.isLinked(segment)) {
      this.#state[segment] = ghost;
      this.#queues.push(ghosts, segment);
    } else {
      this.#state[segment] = absent;
    }
    this.residents.evict(segment);
  }

  /** Demotes the oldest LIR segments while the LIR set is over its share. */
  #demote(): void {
    while (this.#lirUsed > this.#lirMax) this.#demoteOldest();
  }

  /** Moves the oldest LIR segment, the stack's bottom, to the end of Q. */
  #demoteOldest(): void {
    const oldest = this.#stack.oldest(0);
    const size = this.residents.sizeOf(oldest);
    this.#unstack(oldest, size);
    this.#lirUsed -= size;
    this.#state[oldest] = hir;
    this.#queues.push(queue, oldest);
    this.#prune();
  }

  /** Stack pruning: the oldest in the stack is a LIR segment, or the stack is empty. */
  #prune(): void {
    let oldest = this.#stack.oldest(0);
    while (oldest >= 0 && this.#state[oldest] !== lir) {
      if (this.#state[oldest] === ghost) this.#forget(oldest);
      else this.#unstack(oldest, this.residents.sizeOf(oldest));
      oldest = this.#stack.oldest(0);
    }
  }

  #trimStack(): void {
    const stackMax = stackCachesMax * this.residents.capacity;
    while (this.#stackUsed > stackMax) {
      const oldest = this.#queues.oldest(ghosts);
      if (oldest < 0) return;
      this.#forget(oldest);
    }
  }

  #pushStack(segment: number, size: number): void {
    this.#stack.push(0, segment);
    this.#stackUsed += size;
  }

  #unstack(segment: number, size: number): void {
    this.#stack.unlink(segment);
    this.#stackUsed -= size;
  }

  #forget(segment: number): void {
    this.#unstack(segment, this.residents.sizeOf(segment));
    this.#queues.unlink(segment);
    this.#state[segment] = absent;
  }

  /** Takes a resident segment out of stack and queue. */
  protected drop(segment: number): void {
    const size = this.residents.sizeOf(segment);
    const state = this.#state[segment];
    if (this.#stack.isLinked(segment)) this.#unstack(segment, size);
    if (state === lir) this.#lirUsed -= size;
    else this.#queues.unlink(segment);
    this.#state[segment] = absent;
    if (state === lir) this.#prune();
  }

  protected fit(segmentLimit: number): void {
    this.#stack.fit(segmentLimit);
    this.#queues.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
