/** A world without prefetching that runs beside a site: its misses, and how its cache and the site's differ. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { type Eviction, RowEnd as ends } from './eviction.ts';
import { type ExclusiveList, ExclusiveLists } from './exclusive-lists.ts';
import { grownTable } from './grown-table.ts';
import { type SiteAddresses, type SiteBooks, SiteNumber, SiteWord } from './site-layout.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const RowEnd = ends;

/** Where a site has a copy. */
export type Where = 'nowhere' | 'reactive' | 'staged';

/** What a ghost asks of the site that it runs beside. */
export interface GhostSite {
  unitsOf(segment: number): number;
  /** Units that the site's copy takes, of a segment that it has. */
  copyUnitsOf(segment: number): number;
}

/** Lists of a ghost, of which the first is counted alone; a segment is in one of them at most. */
export const LOST = 1;
const EXTRA = 2;
const STAGED_EXTRA = 3;
const LARGER = 4;

/** Ends those who left for one row where that is `RowEnd.other`, less what became of it: a hit, a miss that the ghost holds from then on. */
const END = -1;
const HIT = 1;
const STAYS = 2;
/** Among those who left: a change of leader; the lower, the later the leader stands among its eviction's. */
const LEADS = -16;

/** What is known of a segment: where the site has it, as it was told last, and whether the ghost has it. */
export const AT_REACTIVE = 1;
export const AT_STAGED = 2;
export const IS_THERE = 4;
/** The list of each, where all copies are as large. */
export const LIST_OF = Uint8Array.of(0, EXTRA, STAGED_EXTRA, 0, LOST, 0, 0, 0);

/**
 * An eviction that sees every demand and no prefetch. With `site` it keeps two lists besides: `lost` is what the ghost holds and
 * the site does not, each of which may yet cost the site one fetch that the ghost is spared; `extras` is what the site holds and
 * the ghost does not, and could give up without ever missing more than the ghost. In bytes a segment may have changed its size between the
 * fetches of the two: `larger` is what both hold, the site in a copy that takes more, so that it may not fit where the ghost's does; beside a
 * baseline none does (`SiteSpace.unitsToKeep`). All others that both hold fit together. O(1) a call, 10 bytes a segment, 18 in bytes.
 */
export class Ghost {
  misses = 0;
  missBytes = 0;
  /** Segments that it holds. */
  count = 0;
  readonly eviction: Eviction;
  readonly lost: ExclusiveList;
  readonly extras: ExclusiveList;
  /** Extras that the site has staged and nobody has demanded. */
  readonly stagedExtras: ExclusiveList;
  /** What both hold, the site in a copy that takes more. */
  readonly larger: ExclusiveList;
  readonly #isBytes: boolean;
  readonly #lists: ExclusiveLists;
  readonly #site: GhostSite | null;
  #known: Uint8Array;
  /** Rows that were run ahead and are not told yet: how each ended, and who left where one number does not say it. */
  #ended = new Int32Array(0);
  #next = 0;
  #end = 0;
  #left = new Int32Array(64);
  #leftCount = 0;
  #leftNext = 0;
  readonly #onLead: ((expert: number) => void) | null;

  constructor(options: {
    readonly makeEviction: (onEvict?: (segment: number) => void) => Eviction;
    readonly site: GhostSite | null;
    readonly segmentCountHint: number;
    readonly isBytes: boolean;
    /** Told, at a demand, who leads in the eviction from the next one on. */
    readonly onLead?: ((expert: number) => void) | undefined;
  }) {
    this.#onLead = options.onLead ?? null;
    this.#isBytes = options.isBytes;
    const hint = options.site === null ? 0 : options.segmentCountHint;
    this.#known = new Uint8Array(hint);
    this.#lists = new ExclusiveLists(4, LOST, hint);
    const { lists } = this.#lists;
    [this.lost, this.extras, this.stagedExtras, this.larger] = [lists[0]!, lists[1]!, lists[2]!, lists[3]!];
    this.#site = options.site;
    this.eviction = options.site === null ? options.makeEviction() : options.makeEviction((s) => this.#leave(s));
    if (this.#onLead !== null) this.eviction.tellLeader?.((expert) => this.#lead(expert));
  }

  /**
   * Lets the eviction have rows [from, to), of one unit each, before `access` is told of them, and told of each it must be then: what a ghost does
   * depends on demands alone, and in one loop it costs a fraction.
   */
  runAhead(segment: Uint32Array, from: number, to: number): void {
    if (this.#ended.length < to - from) this.#ended = new Int32Array(to - from);
    const ended = this.#ended;
    const { eviction } = this;
    this.#leftCount = 0;
    this.#leftNext = 0;
    this.#next = 0;
    this.#end = to - from;
    if (eviction.accessRows !== undefined) {
      eviction.accessRows(segment, from, to, ended);
      return;
    }
    for (let i = from; i < to; i++) {
      const id = segment[i]!;
      const leftBefore = this.#leftCount;
      const isHit = eviction.access(id, 1);
      const left = this.#leftCount - leftBefore;
      if (isHit && left === 0) {
        ended[i - from] = RowEnd.hit;
        continue;
      }
      const stays = isHit || eviction.has(id);
      const one = left === 0 ? RowEnd.free : this.#left[leftBefore]!;
      if (!isHit && stays && left <= 1 && one > LEADS) {
        ended[i - from] = one;
        this.#leftCount = leftBefore;
        continue;
      }
      ended[i - from] = RowEnd.other;
      this.#note(END - (isHit ? HIT : 0) - (stays ? STAYS : 0));
    }
  }

  /** Passes the next row where it was run ahead and was a hit for which nobody left; false = `access` must be told of it. */
  passHit(): boolean {
    if (this.#next >= this.#end || this.#ended[this.#next] !== RowEnd.hit) return false;
    this.#next++;
    return true;
  }

  /** A demand; true = the ghost hit. */
  access(segment: number, units: number, bytes: number): boolean {
    if (this.#next < this.#end) return this.#tell(segment, bytes);
    if (this.eviction.access(segment, units)) return true;
    this.misses++;
    this.missBytes += bytes;
    if (this.#site !== null && this.eviction.has(segment)) this.#come(segment);
    return false;
  }

  /** Units that a copy fetched now takes: as many as the ghost's, where it holds one. */
  copyUnits(segment: number, units: number): number {
    return this.#isBytes && this.eviction.has(segment) ? this.eviction.sizeOf(segment) : units;
  }

  /** The segment changed at its origin. */
  invalidate(segment: number): void {
    assert(this.#next === this.#end, 'nothing is invalidated among rows that were run ahead');
    this.eviction.remove(segment);
    if (this.#site !== null) this.#gone(segment);
  }

  /** Brings the lists up to date after the site gained or gave up a segment. */
  compare(segment: number, where: Where): void {
    if (this.#site === null) return;
    const before = this.#knownOf(segment);
    const known = (before & IS_THERE) | (where === 'nowhere' ? 0 : where === 'reactive' ? AT_REACTIVE : AT_STAGED);
    // In bytes what is known may be the same, and the copy another.
    if (known !== before || this.#isBytes) this.#know(segment, before, known);
  }

  /** Segments that it has a row for. */
  get segmentLimit(): number {
    return Math.min(this.#known.length, this.#lists.segmentLimit);
  }

  /** Rows of its tables, all together, and of the longest. */
  get rowCount(): number {
    return this.#known.length + this.#lists.segmentLimit;
  }

  get longest(): number {
    return Math.max(this.#known.length, this.#lists.segmentLimit);
  }

  /** Goes on in the memory of a kernel, which has room for so many rows ahead, where every segment is of one unit and there is a site. */
  adopt(place: Place, at: SiteAddresses, rowsAhead: number): void {
    this.#known = place(this.#known, at.known);
    this.#lists.adopt(place, at);
    // Rows may have been run ahead already.
    if (this.#ended.length < rowsAhead) this.#ended = grownTable(this.#ended, rowsAhead - 1);
    this.#ended = place(this.#ended, at.rowEnds);
  }

  lend({ numbers, words }: SiteBooks): void {
    numbers[SiteNumber.ghostMisses] = this.misses;
    words[SiteWord.ghostCount] = this.count;
    words[SiteWord.rowNext] = this.#next;
    words[SiteWord.rowEnd] = this.#end;
  }

  takeBack({ numbers, words }: SiteBooks): void {
    this.misses = numbers[SiteNumber.ghostMisses]!;
    this.count = words[SiteWord.ghostCount]!;
    this.#next = words[SiteWord.rowNext]!;
  }

  /** Everything but what the settings give: #site, #isBytes, #onLead; and #ended, #next, #end, #left, #leftCount, #leftNext, which are of one batch. */
  persist(fields: StateFields): void {
    this.misses = fields.number(this.misses);
    this.missBytes = fields.number(this.missBytes);
    this.count = fields.number(this.count);
    this.eviction.persist(fields);
    this.#lists.persist(fields);
    this.#known = fields.array(this.#known);
  }

  /** What became of the next row that was run ahead. */
  #tell(segment: number, bytes: number): boolean {
    const ended = this.#ended[this.#next++]!;
    if (ended === RowEnd.hit) return true;
    let isHit = false;
    let stays = true;
    if (ended >= 0) {
      this.#gone(ended);
    } else if (ended === RowEnd.other) {
      let left = this.#left[this.#leftNext++]!;
      for (; left > END || left <= LEADS; left = this.#left[this.#leftNext++]!) {
        if (left > END) this.#gone(left);
        else this.#onLead!(LEADS - left);
      }
      isHit = ((END - left) & HIT) !== 0;
      stays = ((END - left) & STAYS) !== 0;
    }
    if (isHit) return true;
    this.misses++;
    this.missBytes += bytes;
    if (stays && this.#site !== null) this.#come(segment);
    return false;
  }

  #leave(segment: number): void {
    if (this.#next < this.#end) this.#note(segment);
    else this.#gone(segment);
  }

  #lead(expert: number): void {
    if (this.#next < this.#end) this.#note(LEADS - expert);
    else this.#onLead!(expert);
  }

  #note(segment: number): void {
    if (this.#leftCount === this.#left.length) this.#left = grownTable(this.#left, this.#leftCount);
    this.#left[this.#leftCount++] = segment;
  }

  #knownOf(segment: number): number {
    return segment < this.#known.length ? this.#known[segment]! : 0;
  }

  /** The ghost holds a segment from now on. */
  #come(segment: number): void {
    const before = this.#knownOf(segment);
    if ((before & IS_THERE) === 0) this.count++;
    else if (!this.#isBytes) return;
    this.#know(segment, before, before | IS_THERE);
  }

  /** It does no longer. */
  #gone(segment: number): void {
    const before = this.#knownOf(segment);
    if ((before & IS_THERE) === 0) return;
    this.count--;
    this.#know(segment, before, before & ~IS_THERE);
  }

  #know(segment: number, before: number, known: number): void {
    if (segment >= this.#known.length) this.#known = grownTable(this.#known, segment);
    this.#known[segment] = known;
    if (this.#isBytes) this.#list(segment, this.#isLarger(segment, known) ? LARGER : LIST_OF[known]!);
    else if (LIST_OF[known] !== LIST_OF[before]) this.#lists.move(segment, LIST_OF[known]!, 1);
  }

  #isLarger(segment: number, known: number): boolean {
    if (known <= IS_THERE) return false;
    return this.#site!.copyUnitsOf(segment) > this.eviction.sizeOf(segment);
  }

  #list(segment: number, list: number): void {
    const lists = this.#lists;
    if (lists.listOf(segment) !== list) lists.move(segment, list, list === 0 ? 0 : this.#site!.unitsOf(segment));
  }
}
