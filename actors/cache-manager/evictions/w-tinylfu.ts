/** W-TinyLFU: a window for newcomers, and a main cache that lets one in only if it is demanded more often than who must go. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { EvictionOptions } from '../eviction.ts';
import { grownTable } from './dense-table.ts';
import { FrequencyCounts } from './frequency-counts.ts';
import { Policy } from './policy.ts';
import { SegmentLists } from './segment-lists.ts';

/** Lists, and states of a segment. */
const absent = 0;
const window = 1;
const probation = 2;
const protectedMain = 3;

/** The paper's shares: window 1 % of the cache (section 4), protected 80 % of the main cache, sample 10 accesses a resident. */
const windowShare = 0.01;
const protectedShare = 0.8;
const sampleFactor = 10;

/**
 * Algorithm: new segments enter a window of 1 % in order of recency. Its oldest is the candidate for the main cache, a
 * segmented LRU; when the cache is full it gets in only if its aged count of demands is greater than that of the main cache's
 * oldest, which then leaves; otherwise the candidate leaves. All counts are halved every ten accesses a resident.
 * Why: the best policy known where popularity is skewed and stable.
 * Cost: O(1); every access also writes a counter.
 * Gets wrong: bursts and shifts of popularity (a window of 1 % is too small for them), and tiny caches, whose window is 1 segment.
 * With sizes the shares are units; a candidate meets the main cache's oldest one by one until it fits or loses. The newest
 * segment never is a candidate, so that one larger than the window stays until the next miss.
 * Counters are exact, one for each dense id, where the paper has a sketch: same counts, no collisions, no doorkeeper.
 * Prefetches enter the window without being counted.
 * Reference: Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage 13(4), 2017.
 */
export class WTinyLfuEviction extends Policy {
  readonly name = 'w-tinylfu';
  readonly #lists = new SegmentLists(4, this.residents.segmentLimit);
  readonly #counts = new FrequencyCounts(this.residents.segmentLimit);
  #state = new Uint8Array(this.residents.segmentLimit);
  #windowUsed = 0;
  #windowMax = 0;
  #protectedUsed = 0;
  #protectedMax = 0;
  /** Accesses since the counts were halved. */
  #sampled = 0;

  constructor(options: EvictionOptions) {
    super(options);
    this.#share();
  }

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#state[segment] !== absent;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    this.#sample(segment);
    const state = this.#state[segment];
    if (state === absent) {
      if (size <= this.residents.capacity) this.insert(segment, size);
      return false;
    }
    if (state === probation) this.#protect(segment);
    else this.#lists.renew(state, segment);
    return true;
  }

  protected override resized(): void {
    this.#share();
    this.makeRoom(0);
    this.#demote();
  }

  /** The state, to save or restore it. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    this.#counts.persist(fields);
    this.#state = fields.array(this.#state);
    this.#windowUsed = fields.number(this.#windowUsed);
    this.#windowMax = fields.number(this.#windowMax);
    this.#protectedUsed = fields.number(this.#protectedUsed);
    this.#protectedMax = fields.number(this.#protectedMax);
    this.#sampled = fields.number(this.#sampled);
  }

  #share(): void {
    const capacity = this.residents.capacity;
    this.#windowMax = Math.max(1, Math.floor(windowShare * capacity));
    this.#protectedMax = Math.floor(protectedShare * Math.max(0, capacity - this.#windowMax));
  }

  /** Counts a demand; halves all counts after ten times as many as the cache holds segments of its residents' mean size. */
  #sample(segment: number): void {
    const { used, count, capacity } = this.residents;
    if (++this.#sampled * used >= sampleFactor * capacity * count && count > 0) {
      this.#counts.age();
      this.#sampled = 0;
    }
    this.#counts.increment(segment);
  }

  protected insert(segment: number, size: number): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(window, segment);
    this.#state[segment] = window;
    this.#windowUsed += size;
  }

  /** Lets candidates out of the window and evicts until `size` more units fit into window and cache. */
  protected makeRoom(size: number): void {
    const { residents } = this;
    while (this.#windowUsed + size > this.#windowMax) {
      const candidate = this.#lists.oldest(window);
      if (candidate < 0) break;
      if (residents.used + size <= residents.capacity) {
        this.#windowUsed -= residents.sizeOf(candidate);
        this.#state[candidate] = probation;
        this.#lists.renew(probation, candidate);
        continue;
      }
      const victim = this.#mainOldest();
      if (victim >= 0 && this.#counts.of(candidate) > this.#counts.of(victim)) this.#turnOut(victim);
      else this.#turnOut(candidate);
    }
    while (residents.used + size > residents.capacity) {
      const victim = this.#mainOldest();
      this.#turnOut(victim >= 0 ? victim : this.#lists.oldest(window));
    }
  }

  /** Who would leave the main cache next; negative when nobody can. */
  #mainOldest(): number {
    const oldest = this.#lists.oldest(probation);
    return oldest >= 0 ? oldest : this.#lists.oldest(protectedMain);
  }

  #protect(segment: number): void {
    this.#state[segment] = protectedMain;
    this.#protectedUsed += this.residents.sizeOf(segment);
    this.#lists.renew(protectedMain, segment);
    this.#demote();
  }

  /** Moves the oldest protected segments back to probation while they are over their share. */
  #demote(): void {
    while (this.#protectedUsed > this.#protectedMax) {
      const oldest = this.#lists.oldest(protectedMain);
      this.#protectedUsed -= this.residents.sizeOf(oldest);
      this.#state[oldest] = probation;
      this.#lists.renew(probation, oldest);
    }
  }

  #turnOut(segment: number): void {
    this.drop(segment);
    this.residents.evict(segment);
  }

  protected drop(segment: number): void {
    const state = this.#state[segment];
    if (state === window) this.#windowUsed -= this.residents.sizeOf(segment);
    if (state === protectedMain) this.#protectedUsed -= this.residents.sizeOf(segment);
    this.#lists.unlink(segment);
    this.#state[segment] = absent;
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#counts.fit(segmentLimit);
    this.#state = grownTable(this.#state, segmentLimit);
  }
}
