/** A world without prefetching that runs beside a site: its misses, and how its cache and the site's differ. */

import type { StateFields } from '../../engine/state-fields.ts';
import type { Eviction } from './eviction.ts';
import { type ExclusiveList, ExclusiveLists } from './exclusive-lists.ts';

/** Where a site has a copy. */
export type Where = 'nowhere' | 'reactive' | 'staged';

/** What a ghost asks of the site that it runs beside. */
export interface GhostSite {
  whereIs(segment: number): Where;
  unitsOf(segment: number): number;
  /** Units that the site's copy takes, of a segment that it has. */
  copyUnitsOf(segment: number): number;
}

/** Lists of a ghost; a segment is in one of them at most. */
const LOST = 1;
const EXTRA = 2;
const STAGED_EXTRA = 3;
const LARGER = 4;

/**
 * An eviction that sees every demand and no prefetch. With `site` it keeps two lists besides: `lost` is what the ghost holds and
 * the site does not, each of which may yet cost the site one fetch that the ghost is spared; `extras` is what the site holds and
 * the ghost does not, and could give up without ever missing more than the ghost. In bytes a segment may have changed its size between the
 * fetches of the two: `larger` is what both hold, the site in a copy that takes more, so that it may not fit where the ghost's does; beside a
 * baseline none does (`SiteSpace.unitsToKeep`). All others that both hold fit together. O(1) a call, 9 bytes a segment, 17 in bytes.
 */
export class Ghost {
  misses = 0;
  missBytes = 0;
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

  constructor(options: {
    readonly makeEviction: (onEvict?: (segment: number) => void) => Eviction;
    readonly site: GhostSite | null;
    readonly segmentCountHint: number;
    readonly isBytes: boolean;
  }) {
    this.#isBytes = options.isBytes;
    this.#lists = new ExclusiveLists(4, options.site === null ? 0 : options.segmentCountHint);
    const { lists } = this.#lists;
    [this.lost, this.extras, this.stagedExtras, this.larger] = [lists[0]!, lists[1]!, lists[2]!, lists[3]!];
    this.#site = options.site;
    this.eviction = options.site === null ? options.makeEviction() : options.makeEviction((s) => this.#evicted(s));
  }

  /** A demand; true = the ghost hit. */
  access(segment: number, units: number, bytes: number): boolean {
    if (this.eviction.access(segment, units)) return true;
    this.misses++;
    this.missBytes += bytes;
    if (this.#site !== null) this.compare(segment, this.#site.whereIs(segment));
    return false;
  }

  /** Units that a copy fetched now takes: as many as the ghost's, where it holds one. */
  copyUnits(segment: number, units: number): number {
    return this.#isBytes && this.eviction.has(segment) ? this.eviction.sizeOf(segment) : units;
  }

  /** The segment changed at its origin. */
  invalidate(segment: number): void {
    this.eviction.remove(segment);
  }

  /** Brings the lists up to date after the site gained or gave up a segment, or the ghost did. */
  compare(segment: number, where: Where): void {
    if (this.#site !== null) this.#list(segment, where, this.eviction.has(segment));
  }

  /** Everything but what the settings give: #site, #isBytes. */
  persist(fields: StateFields): void {
    this.misses = fields.number(this.misses);
    this.missBytes = fields.number(this.missBytes);
    this.eviction.persist(fields);
    this.#lists.persist(fields);
  }

  #evicted(segment: number): void {
    this.#list(segment, this.#site!.whereIs(segment), false);
  }

  #list(segment: number, where: Where, isThere: boolean): void {
    let list = 0;
    if (where === 'nowhere') {
      if (isThere) list = LOST;
    } else if (!isThere) {
      list = where === 'reactive' ? EXTRA : STAGED_EXTRA;
    } else if (this.#isBytes && this.#site!.copyUnitsOf(segment) > this.eviction.sizeOf(segment)) {
      list = LARGER;
    }
    const lists = this.#lists;
    if (lists.listOf(segment) === list) return;
    lists.move(segment, list, list === 0 ? 0 : this.#site!.unitsOf(segment));
  }
}
