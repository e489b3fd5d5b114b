/** Doubly linked lists threaded through one table by segment id. */

import type { StateFields } from '../../../engine/state-fields.ts';
import type { Place } from '../../kernel-columns.ts';
import { RowEnd as ends } from '../eviction.ts';
import { grownTable } from './dense-table.ts';

// Constants of this module: those of another would be loaded and checked at each use.
const RowEnd = ends;

/**
 * Several ordered lists of segments, each segment in one of them at most; every operation is O(1).
 *
 * The links of a segment lie side by side, so that moving it touches one cache line of its own. Every list is a ring
 * through a sentinel, so that no operation asks whether it is at an end. Which list a segment is in is for the caller to know.
 * A segment below `segmentLimit` may be asked about; `fit` raises it. Places are reckoned by shifts: products would be checked for overflow.
 */
export class SegmentLists {
  /** Node of segment 0. Node 0 is nobody (so that zeroed links mean "in no list"), then one sentinel for each list. */
  readonly #base: number;
  /** Node n: its newer neighbour at 2n, its older one at 2n + 1. */
  #links: Int32Array;
  segmentLimit: number;

  constructor(listCount: number, segmentLimit: number) {
    this.#base = listCount + 1;
    this.segmentLimit = segmentLimit;
    this.#links = new Int32Array(2 * (this.#base + segmentLimit));
    for (let sentinel = 1; sentinel <= listCount; sentinel++) {
      this.#links[2 * sentinel] = sentinel;
      this.#links[2 * sentinel + 1] = sentinel;
    }
  }

  /** Makes room for segments below `segmentLimit`. */
  fit(segmentLimit: number): void {
    this.#links = grownTable(this.#links, 2 * (this.#base + segmentLimit));
    this.segmentLimit = segmentLimit;
  }

  /** Whether `segment` is in any list. */
  isLinked(segment: number): boolean {
    return this.#links[(segment + this.#base) << 1] !== 0;
  }

  /** Puts a segment that is in no list at the newest end of `list`. */
  push(list: number, segment: number): void {
    const links = this.#links;
    const node = segment + this.#base;
    const sentinel = list + 1;
    const newest = links[(sentinel << 1) | 1];
    links[node << 1] = sentinel;
    links[(node << 1) | 1] = newest;
    links[newest << 1] = node;
    links[(sentinel << 1) | 1] = node;
  }

  /** Takes a segment out of the list it is in. */
  unlink(segment: number): void {
    const links = this.#links;
    const node = segment + this.#base;
    const newer = links[node << 1];
    const older = links[(node << 1) | 1];
    links[(newer << 1) | 1] = older;
    links[older << 1] = newer;
    links[node << 1] = 0;
  }

  /** Moves a segment from the list it is in to the newest end of `list`; false = it is in none. */
  renew(list: number, segment: number): boolean {
    const links = this.#links;
    const node = segment + this.#base;
    const sentinel = list + 1;
    const newer = links[node << 1];
    if (newer === 0) return false;
    if (newer === sentinel) return true;
    const older = links[(node << 1) | 1];
    links[(newer << 1) | 1] = older;
    links[older << 1] = newer;
    const newest = links[(sentinel << 1) | 1];
    links[node << 1] = sentinel;
    links[(node << 1) | 1] = newest;
    links[newest << 1] = node;
    links[(sentinel << 1) | 1] = node;
    return true;
  }

  /**
   * Brings the segments of rows [from, to) to the newest end of `list` one by one, and says in `ended[i - first]` how row i ended: `RowEnd.hit` where its segment was
   * linked, `RowEnd.free` where it came into one of the first `room` free places, else the segment at the oldest end, which was unlinked for it. Stops at one that
   * is beyond `segmentLimit`, and gives its row.
   */
  turnRows(
    list: number,
    segments: Uint32Array,
    from: number,
    to: number,
    room: number,
    ended: Int32Array,
    first: number,
  ): number {
    const links = this.#links;
    const base = this.#base | 0;
    const limit = this.segmentLimit | 0;
    const sentinel = (list + 1) | 0;
    const [newestAt, oldestAt] = [(sentinel << 1) | 1, sentinel << 1];
    let newest = links[newestAt]! | 0;
    let free = room;
    let i = from | 0;
    for (; i < to; i = (i + 1) | 0) {
      const segment = segments[i]!;
      if (segment >= limit) break;
      const node = (segment + base) | 0;
      const at = node << 1;
      const newer = links[at]! | 0;
      if (newer !== 0) {
        ended[(i - first) | 0] = RowEnd.hit;
        if (node === newest) continue;
        const older = links[at | 1]! | 0;
        links[(newer << 1) | 1] = older;
        links[older << 1] = newer;
      } else if (free > 0) {
        ended[(i - first) | 0] = RowEnd.free;
        free--;
      } else {
        const oldest = links[oldestAt]! | 0;
        const next = links[oldest << 1]! | 0;
        links[oldestAt] = next;
        links[(next << 1) | 1] = sentinel;
        links[oldest << 1] = 0;
        if (oldest === newest) newest = sentinel;
        ended[(i - first) | 0] = oldest - base;
      }
      links[at] = sentinel;
      links[at | 1] = newest;
      links[newest << 1] = node;
      newest = node;
    }
    links[newestAt] = newest;
    return i;
  }

  /** The oldest segment of `list`; negative when it is empty. */
  oldest(list: number): number {
    return this.#links[(list + 1) << 1] - this.#base;
  }

  /** The newest segment of `list`; negative when it is empty. */
  newest(list: number): number {
    return this.#links[((list + 1) << 1) | 1] - this.#base;
  }

  /** The neighbour of `segment` towards the newest end; negative when it is the newest. */
  newerThan(segment: number): number {
    return this.#links[(segment + this.#base) << 1] - this.#base;
  }

  /** The neighbour of `segment` towards the oldest end; negative when it is the oldest. */
  olderThan(segment: number): number {
    return this.#links[((segment + this.#base) << 1) | 1] - this.#base;
  }

  /** Goes on in the memory of a kernel, from that byte on. */
  adopt(place: Place, at: number): void {
    this.#links = place(this.#links, at);
  }

  /** Everything but what the settings give: #base. */
  persist(fields: StateFields): void {
    this.#links = fields.array(this.#links);
    this.segmentLimit = fields.number(this.segmentLimit);
  }
}
