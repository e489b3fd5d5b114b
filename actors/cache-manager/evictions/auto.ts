/** The engine's own choice: follows whichever of a few policies would have missed least of late, without losing the contents. */

import { assert } from '../../../engine/assert.ts';
import type { StateFields } from '../../../engine/state-fields.ts';
import type { Eviction, EvictionOptions } from '../eviction.ts';
import { ArcEviction } from './arc.ts';
import { grownTable } from './dense-table.ts';
import { GdsfEviction } from './gdsf.ts';
import { HazardEviction } from './hazard.ts';
import { Policy } from './policy.ts';
import { S3FifoEviction } from './s3-fifo.ts';
import { SegmentLists } from './segment-lists.ts';
import { WTinyLfuEviction } from './w-tinylfu.ts';

/** Lists: residents that the leader holds as well, and those that it would have given up. */
const kept = 0;
const extra = 1;
const absent = 255;

/** Misses by which another must have been better since it last was level before it leads: a share of the residents, and at least so many. */
const LEAD_SHARE = 0.02;
/** In bytes, where a leader's directory and the contents differ by more, so that a change costs more. */
const LEAD_SHARE_IN_BYTES = 0.1;
const LEAD_LEAST = 16;
/** A bit for each expert. */
const ALL_HIT = 0b1111;
/** Each change of leader doubles that share, to all residents at most; the excess fades by a factor of e over so many accesses a resident. */
const LEAD_SHARE_MOST = 1;
const FADING = 16;
/** Beside one that is asked for the same: share of the bar from which its change of leader is followed, and multiple of it for a change against it. */
const FOLLOW_FROM = 0.5;
const DEPART_FROM = 2;
/** Nobody. */
const NONE = -1;

/**
 * Algorithm: S3-FIFO, ARC, W-TinyLFU or, where space is counted in bytes, GDSF, and Hazard each see every demand, as directories without contents. One of them leads; who must leave
 * is the resident that the leader gave up longest ago, so the contents become the leader's as fast as misses come, and a change of
 * leader moves nothing by itself. For each of the others the misses that it would have spared are summed up, never below zero
 * (Page's CUSUM, 1954); when that reaches a bar, a share of the residents, the best one leads and all sums start anew. Each change of leader costs
 * the contents on which two differ, so each doubles the bar, which then falls again: who has just changed needs better evidence to change back.
 * Beside one that sees the same demands and no prefetches (`advise`) it changes its leader when that does, unless its own evidence for it is less than half a bar, and
 * away from the leader of both only at two bars: what differs little between two is a matter of chance, which a handful of prefetches would else turn.
 * Why: which policy suits differs by trace and over time.
 * Cost: that of its policies, O(1), with GDSF O(log n), with Hazard the classes in use; a change of leader looks at all residents once.
 * Gets wrong: where the best changes time and again, it comes to follow late.
 * Prefetches are admitted by all, as each of them does.
 * Source of the idea: Gramacy, Warmuth, Brandt, Ari, "Adaptive caching by refetching", NIPS 2002; following without copying contents is ours.
 */
export class AutoEviction extends Policy {
  readonly name = 'auto';
  readonly #lists = new SegmentLists(2, this.residents.segmentLimit);
  /** Each by its own name as well: a call on whichever of them costs more than one on one that is known. */
  readonly #s3Fifo: S3FifoEviction;
  readonly #arc: ArcEviction;
  readonly #third: GdsfEviction | WTinyLfuEviction;
  readonly #hazard: HazardEviction;
  readonly #experts: readonly Eviction[];
  /** Misses that each expert would have spared the leader. */
  readonly #spared: Float64Array;
  #place = new Uint8Array(this.residents.segmentLimit).fill(absent);
  #leader: number;
  readonly #barLeast: number;
  /** Share of the residents that another must have spared to lead. */
  #bar: number;
  /** Who leads where no prefetches are seen, and who will with the next access; `NONE` = not told. */
  #guide = NONE;
  #advised = NONE;
  #onLead: ((expert: number) => void) | null = null;

  constructor(options: EvictionOptions) {
    super(options);
    const beside = (index: number) => ({ ...options, onEvict: (segment: number) => this.#givenUp(index, segment) });
    // Where sizes differ, one that counts uses by the byte; W-TinyLFU was best on no trace there.
    this.#third = options.unit === 'bytes' ? new GdsfEviction(beside(2)) : new WTinyLfuEviction(beside(2));
    this.#s3Fifo = new S3FifoEviction(beside(0));
    this.#arc = new ArcEviction(beside(1));
    this.#hazard = new HazardEviction(beside(3));
    this.#experts = [this.#s3Fifo, this.#arc, this.#third, this.#hazard];
    // Hazard first: seldom far from the best of any trace.
    this.#leader = 3;
    this.#barLeast = options.unit === 'bytes' ? LEAD_SHARE_IN_BYTES : LEAD_SHARE;
    this.#bar = this.#barLeast;
    this.#spared = new Float64Array(this.#experts.length);
  }

  /** Name of the policy that is followed now. */
  get leader(): string {
    return this.#experts[this.#leader]!.name;
  }

  tellLeader(told: (expert: number) => void): void {
    this.#onLead = told;
    told(this.#leader);
  }

  advise(expert: number): void {
    this.#advised = expert;
  }

  has(segment: number): boolean {
    return segment < this.residents.segmentLimit && this.#place[segment] !== absent;
  }

  access(segment: number, size: number): boolean {
    if (segment >>> 0 >= this.residents.segmentLimit) this.grow(segment);
    const place = this.#place[segment];
    const isRefetched = place === absent && this.#refetch(segment, size);
    const hits =
      (this.#s3Fifo.access(segment, size) ? 1 : 0) |
      (this.#arc.access(segment, size) ? 2 : 0) |
      (this.#third.access(segment, size) ? 4 : 0) |
      (this.#hazard.access(segment, size) ? 8 : 0) |
      (isRefetched ? 1 << this.#leader : 0);
    if (place === absent) {
      // The leader has just fetched it, in this size, or had it so.
      if (size <= this.residents.capacity) this.#take(segment, size, kept);
    } else if (place === extra && this.#isKept(segment, this.residents.sizeOf(segment))) {
      this.#move(segment, kept);
    }
    if (hits !== 0 && hits !== ALL_HIT) this.#compare(hits);
    if (this.#advised !== NONE) this.#takeAdvice();
    if (this.#bar > this.#barLeast) {
      this.#bar = Math.max(this.#barLeast, this.#bar - this.#bar / (FADING * Math.max(1, this.residents.count)));
    }
    return place !== absent;
  }

  override remove(segment: number): boolean {
    for (const expert of this.#experts) expert.remove(segment);
    return super.remove(segment);
  }

  override evictNext(): void {
    if (this.residents.count === 0) return;
    // The leader chooses, before it is told of the newcomer.
    const leader = this.#experts[this.#leader]!;
    while (this.#lists.oldest(extra) < 0 && leader.count > 0) leader.evictNext();
    super.evictNext();
  }

  protected override resized(): void {
    for (const expert of this.#experts) expert.resize(this.residents.capacity);
    this.makeRoom(0);
  }

  protected insert(segment: number, size: number): void {
    this.#s3Fifo.admit(segment, size);
    this.#arc.admit(segment, size);
    this.#third.admit(segment, size);
    this.#hazard.admit(segment, size);
    this.#take(segment, size, this.#isKept(segment, size) ? kept : extra);
  }

  protected drop(segment: number): void {
    this.#lists.unlink(segment);
    this.#place[segment] = absent;
  }

  /** Everything but what the settings give: #barLeast, #onLead; and #s3Fifo, #arc, #third and #hazard are saved as experts. */
  override persist(fields: StateFields): void {
    super.persist(fields);
    this.#lists.persist(fields);
    for (const expert of this.#experts) expert.persist(fields);
    fields.into(this.#spared);
    this.#place = fields.array(this.#place);
    this.#leader = fields.number(this.#leader);
    this.#bar = fields.number(this.#bar);
    this.#guide = fields.number(this.#guide);
    this.#advised = fields.number(this.#advised);
  }

  /** What is fetched now has the size of now: the leader would otherwise keep a hit on a copy that nobody has. True = it gave such a copy up. */
  #refetch(segment: number, size: number): boolean {
    const leader = this.#experts[this.#leader]!;
    return leader.has(segment) && leader.sizeOf(segment) !== size && leader.remove(segment);
  }

  /** Counts who hit and who missed, a bit for each, where they differ. */
  #compare(hits: number): void {
    const isLeaderHit = (hits >> this.#leader) & 1;
    let mostSpared = 0;
    let best = this.#leader;
    for (let i = 0; i < this.#experts.length; i++) {
      const isHit = (hits >> i) & 1;
      if (isHit === isLeaderHit) continue;
      const spared = this.#spared[i]! + isHit - isLeaderHit;
      this.#spared[i] = Math.max(spared, 0);
      if (spared > mostSpared) {
        mostSpared = spared;
        best = i;
      }
    }
    if (mostSpared > (this.#leader === this.#guide ? DEPART_FROM : 1) * this.#barCount()) this.#lead(best);
  }

  /** Misses spared from which another leads. */
  #barCount(): number {
    return Math.max(LEAD_LEAST, this.#bar * this.residents.count);
  }

  #takeAdvice(): void {
    const advised = this.#advised;
    const isFirst = this.#guide === NONE;
    this.#guide = advised;
    this.#advised = NONE;
    if (isFirst || advised === this.#leader) return;
    if (this.#spared[advised]! > FOLLOW_FROM * this.#barCount()) this.#lead(advised);
  }

  #lead(expert: number): void {
    this.#bar = Math.min(LEAD_SHARE_MOST, 2 * this.#bar);
    this.#follow(expert);
    this.#onLead?.(expert);
  }

  #take(segment: number, size: number, list: typeof kept | typeof extra): void {
    this.makeRoom(size);
    this.residents.enter(segment, size);
    this.#lists.push(list, segment);
    this.#place[segment] = list;
  }

  protected makeRoom(size: number): void {
    const { residents } = this;
    while (residents.used + size > residents.capacity) {
      // Where sizes changed while a segment was remembered, the leader may hold all that is here and more.
      let victim = this.#lists.oldest(extra);
      if (victim < 0) victim = this.#lists.oldest(kept);
      assert(victim >= 0, 'a cache that is too full holds something');
      this.drop(victim);
      residents.evict(victim);
    }
  }

  /**
   * Whether the leader wants the copy that is here. It may hold the segment at another size, fetched when that was smaller; a copy that is larger
   * stays among those that go first, since it would crowd out for good what the leader has room for.
   */
  #isKept(segment: number, size: number): boolean {
    const leader = this.#experts[this.#leader]!;
    return leader.has(segment) && size <= leader.sizeOf(segment);
  }

  /** An expert evicted a segment. */
  #givenUp(expert: number, segment: number): void {
    if (expert === this.#leader && segment < this.residents.segmentLimit && this.#place[segment] === kept) {
      this.#move(segment, extra);
    }
  }

  #move(segment: number, list: typeof kept | typeof extra): void {
    this.#lists.unlink(segment);
    this.#lists.push(list, segment);
    this.#place[segment] = list;
  }

  #follow(expert: number): void {
    this.#leader = expert;
    this.#spared.fill(0);
    // In the order of the lists, so that what the former leader had given up goes first where neither wants it.
    for (const from of [extra, kept] as const) {
      const segments: number[] = [];
      for (let s = this.#lists.oldest(from); s >= 0; s = this.#lists.newerThan(s)) segments.push(s);
      for (const segment of segments) {
        const list = this.#isKept(segment, this.residents.sizeOf(segment)) ? kept : extra;
        if (list !== from || from === extra) this.#move(segment, list);
      }
    }
  }

  protected fit(segmentLimit: number): void {
    this.#lists.fit(segmentLimit);
    this.#place = grownTable(this.#place, segmentLimit).fill(absent, this.#place.length);
  }
}
