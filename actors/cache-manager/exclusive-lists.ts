/** First-in first-out lists of segments, of which each segment is in one at most. */

import type { StateFields } from '../../engine/state-fields.ts';
import { grownTable } from './grown-table.ts';

/** One of the lists; kept true by {@link ExclusiveLists}. */
export class ExclusiveList {
  /** Segments listed. */
  count = 0;
  /** Cache units listed. */
  used = 0;
  readonly #lists: ExclusiveLists;
  readonly #list: number;

  constructor(lists: ExclusiveLists, list: number) {
    this.#lists = lists;
    this.#list = list;
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

  /** The first `counted` lists know only how many segments they have: nobody asks who came first. */
  constructor(listCount: number, counted: number, segmentCountHint: number) {
    this.#counted = counted;
    this.lists = Array.from({ length: listCount }, (_, i) => new ExclusiveList(this, i + 1));
    this.#listOf = new Uint8Array(segmentCountHint);
    this.#base = listCount + 1;
    this.#links = new Int32Array(2 * (this.#base + segmentCountHint));
    for (let sentinel = 0; sentinel <= listCount; sentinel++)
      this.#links.fill(sentinel, 2 * sentinel, 2 * sentinel + 2);
  }

  /** Number of the list that a segment is in; 0 = none. */
  listOf(segment: number): number {
    return segment < this.#listOf.length ? this.#listOf[segment]! : 0;
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
    this.#listOf[segment] = list;
    if (from > 0) {
      const left = this.lists[from - 1]!;
      left.count--;
      left.used -= this.#unitsOf(segment);
    }
    if (from > this.#counted) {
      const newer = links[node]!;
      const older = links[node | 1]!;
      links[(newer << 1) | 1] = older;
      links[older << 1] = newer;
    }
    if (list === 0) return;
    const joined = this.lists[list - 1]!;
    joined.count++;
    joined.used += units;
    if (units !== 1 || this.#units.length > 0) this.#setUnits(segment, units);
    if (list <= this.#counted) return;
    const newest = links[(list << 1) | 1]!;
    links[node] = list;
    links[node | 1] = newest;
    links[newest << 1] = node >> 1;
    links[(list << 1) | 1] = node >> 1;
  }

  /** Everything but what the settings give: #base, #counted. */
  persist(fields: StateFields): void {
    for (const list of this.lists) {
      list.count = fields.number(list.count);
      list.used = fields.number(list.used);
    }
    this.#listOf = fields.array(this.#listOf);
    this.#links = fields.array(this.#links);
    this.#units = fields.array(this.#units);
  }

  #unitsOf(segment: number): number {
    return this.#units.length === 0 ? 1 : this.#units[segment]!;
  }

  #setUnits(segment: number, units: number): void {
    if (segment >= this.#units.length) {
      const before = this.#units.length;
      const length = Math.max(this.#listOf.length, segment + 1);
      const larger = new Float64Array(length).fill(1, before);
      larger.set(this.#units);
      this.#units = larger;
    }
    this.#units[segment] = units;
  }

  #grow(segment: number): void {
    const length = this.#listOf.length;
    this.#listOf = grownTable(this.#listOf, Math.max(segment, 1023));
    const links = new Int32Array(2 * (this.#base + this.#listOf.length));
    links.set(this.#links.subarray(0, 2 * (this.#base + length)));
    this.#links = links;
  }
}
