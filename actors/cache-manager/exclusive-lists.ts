/** First-in first-out lists of segments, of which each segment is in one at most. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Place } from '../kernel-columns.ts';
import { grownTable } from './grown-table.ts';
import type { SiteAddresses } from './site-layout.ts';

/** One of the lists. */
export class ExclusiveList {
  readonly #lists: ExclusiveLists;
  readonly #list: number;

  constructor(lists: ExclusiveLists, list: number) {
    this.#lists = lists;
    this.#list = list;
  }

  /** Segments listed. */
  get count(): number {
    return this.#lists.countOf(this.#list);
  }

  /** Cache units listed. */
  get used(): number {
    return this.#lists.usedOf(this.#list);
  }

  has(segment: number): boolean {
    return this.#lists.listOf(segment) === this.#list;
  }

  /** The segment listed longest ago, or -1. */
  get oldest(): number {
    return this.#lists.oldestOf(this.#list);
  }
}

/**
 * Lists 1 to `listCount`, each in the order in which segments came to it; list 0 is none. Which list a segment is in is one byte, so most
 * questions end there; links lie in pairs and each list is a ring through a sentinel, so that moving a segment writes few cache lines. Units
 * are stored from the first that is not 1 on. O(1) a call; 9 bytes a segment, 17 with units.
 */
export class ExclusiveLists {
  /** By number, from 1 on. */
  readonly lists: readonly ExclusiveList[];
  #listOf: Uint8Array;
  /** Node n, a sentinel for n <= listCount and then segment n - listCount - 1: its newer neighbour at 2n, its older one at 2n + 1. */
  #links: Int32Array;
  readonly #base: number;
  readonly #counted: number;
  #units = new Float64Array(0);
  /** By number; of list 0 nothing is known. Units from the first on that are not 1. */
  #counts: Int32Array;
  readonly #used: Float64Array;

  /** The first `counted` lists know only how many segments they have: nobody asks who came first. */
  constructor(listCount: number, counted: number, segmentCountHint: number) {
    this.#counted = counted;
    this.lists = Array.from({ length: listCount }, (_, i) => new ExclusiveList(this, i + 1));
    this.#listOf = new Uint8Array(segmentCountHint);
    this.#counts = new Int32Array(listCount + 1);
    this.#used = new Float64Array(listCount + 1);
    this.#base = listCount + 1;
    this.#links = new Int32Array(2 * (this.#base + segmentCountHint));
    for (let sentinel = 0; sentinel <= listCount; sentinel++)
      this.#links.fill(sentinel, 2 * sentinel, 2 * sentinel + 2);
  }

  /** Number of the list that a segment is in; 0 = none. */
  listOf(segment: number): number {
    return segment < this.#listOf.length ? this.#listOf[segment]! : 0;
  }

  countOf(list: number): number {
    return this.#counts[list]!;
  }

  usedOf(list: number): number {
    return this.#units.length === 0 ? this.#counts[list]! : this.#used[list]!;
  }

  /** The segment that came to a list longest ago, or -1. */
  oldestOf(list: number): number {
    const oldest = this.#links[list << 1]!;
    return oldest === list ? -1 : oldest - this.#base;
  }

  /** Takes a segment out of the list that it is in, if any, and puts it at the end of `list`, with so many units; 0 = in none. */
  move(segment: number, list: number, units: number): void {
    if (segment >= this.#listOf.length) this.#grow(segment);
    const links = this.#links;
    const node = (segment + this.#base) << 1;
    const from = this.#listOf[segment]!;
    if (this.#units.length > 0 || (list !== 0 && units !== 1)) this.#moveUnits(segment, from, list, units);
    this.#listOf[segment] = list;
    this.#counts[from]! -= 1;
    this.#counts[list]! += 1;
    if (from > this.#counted) {
      const newer = links[node]!;
      const older = links[node | 1]!;
      links[(newer << 1) | 1] = older;
      links[older << 1] = newer;
    }
    if (list <= this.#counted) return;
    const newest = links[(list << 1) | 1]!;
    links[node] = list;
    links[node | 1] = newest;
    links[newest << 1] = node >> 1;
    links[(list << 1) | 1] = node >> 1;
  }

  /** Segments that it has a row for. */
  get segmentLimit(): number {
    return this.#listOf.length;
  }

  /** Goes on in the memory of a kernel, where every segment is of one unit. */
  adopt(place: Place, at: SiteAddresses): void {
    this.#listOf = place(this.#listOf, at.listOf);
    this.#links = place(this.#links, at.listLinks);
    this.#counts = place(this.#counts, at.listCounts);
  }

  /** Everything but what the settings give: #base, #counted; #counts and #used are saved by list. */
  persist(fields: StateFields): void {
    for (let list = 1; list <= this.lists.length; list++) {
      const used = this.usedOf(list);
      this.#counts[list] = fields.number(this.#counts[list]!);
      this.#used[list] = fields.number(used);
    }
    this.#listOf = fields.array(this.#listOf);
    this.#links = fields.array(this.#links);
    this.#units = fields.array(this.#units);
  }

  /** To be called before the counts change. */
  #moveUnits(segment: number, from: number, list: number, units: number): void {
    if (this.#units.length === 0) this.#used.set(this.#counts);
    if (segment >= this.#units.length) {
      const before = this.#units.length;
      const larger = new Float64Array(Math.max(this.#listOf.length, segment + 1)).fill(1, before);
      larger.set(this.#units);
      this.#units = larger;
    }
    this.#used[from]! -= this.#units[segment]!;
    this.#used[list]! += units;
    if (list !== 0) this.#units[segment] = units;
  }

  #grow(segment: number): void {
    const length = this.#listOf.length;
    this.#listOf = grownTable(this.#listOf, Math.max(segment, 1023));
    const links = new Int32Array(2 * (this.#base + this.#listOf.length));
    links.set(this.#links.subarray(0, 2 * (this.#base + length)));
    this.#links = links;
  }
}
