/** ARC: recency and frequency side by side, with the share of each learned from what was evicted too early. */

import type { StateFields } from '../../../engine/state-fields.ts';
import { grownTable } from './dense-table.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

/** Lists, and states of a segment: seen once (T1), seen more often (T2), and the ghosts of each (B1, B2). */
const absent = 0;
const recent = 1;
const frequent = 2;
const recentGhost = 3;
const frequentGhost = 4;
/** In T1, but nobody has demanded it yet. */
const staged = 5;

/**
 * Algorithm: T1 holds what was demanded once of late, T2 what was demanded more often, both in order of last access; B1 and B2
 * remember what left them. A demand for a ghost of B1 says that T1 was too small and raises its target p; one of B2 lowers it.
 * Why: adapts to loads between pure recency and pure frequency without a parameter, and scans pass through T1 alone.
 * Cost: O(1); a hit writes six links, as LRU.
 * Gets wrong: learns from ghosts only, hence slowly in large caches; two accesses in a row make a segment "frequent".
 * With sizes all lists and p are measured in units, a step of p is scaled by the segment's size, and REPLACE repeats until it fits.
 * Prefetches enter T1 without touching p; the first demand of one is its first access, not its second, and leaves it in T1,
 * unless a ghost says that it had been demanded before.
 * Reference: Megiddo, Modha, "ARC: a self-tuning, low overhead replacement cache", FAST 2003, figure 4.
 */
export class ArcEviction extends Policy {
  readonly name = 'arc';
  readonly #lists = new SegmentLists(5, this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);
  #recentUsed = 0;
  #recentGhostUsed = 0;
  #frequentGhostUsed = 0;
  /** The paper's p: units that T1 should have. */
  #recentTarget = 0;

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && isResident(this.#state[segment]);
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    const state = this.#state[segment];
    if (isResident(state)) {
      if (state === frequent) {
        this.#lists.renew(frequent, segment);
      } else if (state === staged) {
        this.#state[segment] = recent;
        this.#lists.renew(recent, segment);
      } else {
        this.#recentUsed -= this.residents.sizeOf(segment);
        this.#state[segment] = frequent;
        this.#lists.renew(frequent, segment);
      }
      return true;
    }
    if (size > this.residents.capacity) return false;
    if (state === absent) {
      this.#insertNew(segment, size, recent);
    } else {
      this.#adapt(state, size);
      this.#forget(segment);
      this.makeRoom(size, state === frequentGhost);
      this.#list(segment, size, frequent);
    }
    return false;
  }

  protected insert(segment: number, size: number): void {
    const state = this.#state[segment];
    if (state !== absent) this.#forget(segment);
    this.#insertNew(segment, size, state === absent ? staged : recent);
  }

  protected override resized(): void {
    this.#recentTarget = Math.min(this.#recentTarget, this.residents.capacity);
    this.makeRoom(0);
    this.#trimRecentGhosts(0);
    this.#trimFrequentGhosts(0);
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    this.#state = fields.array(this.#state);
    this.#recentUsed = fields.number(this.#recentUsed);
    this.#recentGhostUsed = fields.number(this.#recentGhostUsed);
    this.#frequentGhostUsed = fields.number(this.#frequentGhostUsed);
    this.#recentTarget = fields.number(this.#recentTarget);
  }

  /** Case IV of the paper: room in L1 = T1 + B1, in the directory, and in the cache. */
  #insertNew(segment: number, size: number, state: typeof recent | typeof staged): void {
    this.#trimRecentGhosts(size);
    while (this.#recentUsed + size > this.residents.capacity) this.#turnOut(this.#lists.oldest(recent), absent);
    this.#trimFrequentGhosts(size);
    this.makeRoom(size);
    this.#list(segment, size, state);
  }

  /** Forgets ghosts of T1 until T1 and B1 have room for `size` within the capacity. */
  #trimRecentGhosts(size: number): void {
    while (this.#recentGhostUsed > 0 && this.#recentUsed + this.#recentGhostUsed + size > this.residents.capacity) {
      this.#forget(this.#lists.oldest(recentGhost));
    }
  }

  /** Forgets ghosts of T2 until the directory has room for `size` within twice the capacity. */
  #trimFrequentGhosts(size: number): void {
    while (this.#frequentGhostUsed > 0 && this.#directoryUsed() + size > 2 * this.residents.capacity) {
      this.#forget(this.#lists.oldest(frequentGhost));
    }
  }

  #directoryUsed(): number {
    return this.residents.used + this.#recentGhostUsed + this.#frequentGhostUsed;
  }

  #adapt(state: number, size: number): void {
    const capacity = this.residents.capacity;
    if (state === recentGhost) {
      const step = size * Math.max(1, this.#frequentGhostUsed / this.#recentGhostUsed);
      this.#recentTarget = Math.min(capacity, this.#recentTarget + step);
    } else {
      const step = size * Math.max(1, this.#recentGhostUsed / this.#frequentGhostUsed);
      this.#recentTarget = Math.max(0, this.#recentTarget - step);
    }
  }

  /** The paper's REPLACE, until `size` more units fit. */
  protected makeRoom(size: number, isFrequentGhost = false): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      const oldestRecent = this.#lists.oldest(recent);
      const oldestFrequent = this.#lists.oldest(frequent);
      const isRecentOver =
        this.#recentUsed > this.#recentTarget || (isFrequentGhost && this.#recentUsed === this.#recentTarget);
      if (oldestRecent >= 0 && (isRecentOver || oldestFrequent < 0)) this.#turnOut(oldestRecent, recentGhost);
      else this.#turnOut(oldestFrequent, frequentGhost);
    }
  }

  #list(segment: number, size: number, state: number): void {
    this.residents.enter(segment, size);
    this.#state[segment] = state;
    if (state === frequent) {
      this.#lists.push(frequent, segment);
    } else {
      this.#lists.push(recent, segment);
      this.#recentUsed += size;
    }
  }

  /** Evicts a resident segment; `ghost` says which list remembers it, if any. */
  #turnOut(segment: number, ghost: typeof absent | typeof recentGhost | typeof frequentGhost): void {
    this.drop(segment);
    if (ghost !== absent) {
      const units = this.residents.sizeOf(segment);
      this.#state[segment] = ghost;
      this.#lists.push(ghost, segment);
      if (ghost === recentGhost) this.#recentGhostUsed += units;
      else this.#frequentGhostUsed += units;
    }
    this.residents.evict(segment);
  }

  #forget(segment: number): void {
    const units = this.residents.sizeOf(segment);
    if (this.#state[segment] === recentGhost) this.#recentGhostUsed -= units;
    else this.#frequentGhostUsed -= units;
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  /** Takes a resident segment out of its list. */
  protected drop(segment: number): void {
    if (this.#state[segment] !== frequent) this.#recentUsed -= this.residents.sizeOf(segment);
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}

function isResident(state: number): boolean {
  return state === recent || state === frequent || state === staged;
}
