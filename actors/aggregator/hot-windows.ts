/** Which segments were used most in the last minute, hour, day: sliding windows made of panes. */

import { assert } from '../../engine/assert.ts';
import type { StateFields } from '../../engine/state-fields.ts';
import { FrequentTable, WeightedKeys } from './frequent-table.ts';
import { TopK } from './top-k.ts';

/** Panes that make up one window: a window slides by an eighth of its width. */
const panesPerWindow = 8;

interface Level {
  readonly width: number;
  /** Number of the open pane; NaN while it is empty. */
  index: number;
  readonly open: FrequentTable;
  /** Closed panes of the last window, oldest first. */
  closed: { readonly index: number; readonly table: WeightedKeys }[];
}

/** One hot segment: its weight in the window. */
export interface HotSegment {
  readonly segment: number;
  readonly weight: number;
}

/**
 * Windows of increasing width, each made of eight panes; an access is counted once, in the narrowest open pane, and a pane
 * that closes is added to the next wider one (panes after Li et al., "No Pane, No Gain", SIGMOD Record 2005).
 *
 * So an access costs one table update however many windows there are. A window covers the last seven closed panes of its
 * own plus the open one, that is between 7/8 and 8/8 of its width. Each pane holds at most 2 x `segmentsMax` segments; what
 * that costs is in `FrequentTable`. Each width must be a whole multiple of the one before.
 */
export class HotWindows {
  readonly #levels: Level[];
  #prunedCount = 0;
  /** End of the narrowest open pane; where it is not known -Infinity. */
  #paneEnd = -Infinity;

  constructor(widths: readonly number[], segmentsMax: number) {
    for (let i = 1; i < widths.length; i++) {
      assert(widths[i]! % widths[i - 1]! === 0, `window ${widths[i]} is no whole multiple of ${widths[i - 1]}`);
    }
    this.#levels = widths.map((width) => ({
      width: width / panesPerWindow,
      index: Number.NaN,
      open: new FrequentTable(segmentsMax),
      closed: [],
    }));
  }

  /** Segments that had to leave a full pane, in all panes so far. */
  get prunedCount(): number {
    return this.#prunedCount + this.#levels.reduce((sum, level) => sum + level.open.prunedCount, 0);
  }

  /** Counts rows [from, to), whose instants never fall. */
  observe(segments: Uint32Array, instants: Float64Array, weights: Float64Array, from: number, to: number): void {
    const level = this.#levels[0];
    if (level === undefined) return;
    for (let at = from; at < to; ) {
      this.#advance(level, instants[at]!);
      const end = this.#paneEnd;
      const first = at;
      // Within the open pane no instant has to be divided.
      do at++;
      while (at < to && instants[at]! < end);
      level.open.addRows(segments, weights, first, at);
    }
  }

  /** Closes the panes that end at `instant` or before it. */
  #advance(level: Level, instant: number): void {
    if (instant < this.#paneEnd) return;
    const index = Math.floor(instant / level.width);
    if (index !== level.index) {
      this.#close(0);
      level.index = index;
    }
    this.#paneEnd = (index + 1) * level.width;
  }

  /** The `k` segments of the largest weight in the window of `width` that ends at `now`, ties by the smaller id. */
  find(width: number, now: number, k: number): readonly HotSegment[] {
    const wanted = this.#levels.findIndex((level) => level.width * panesPerWindow === width);
    assert(wanted >= 0, `${width} is not one of the configured windows`);
    for (let i = 0; i <= wanted; i++) {
      const level = this.#levels[i]!;
      if (level.index < Math.floor(now / level.width)) this.#close(i);
    }
    const level = this.#levels[wanted]!;
    const first = Math.floor(now / level.width) - panesPerWindow + 1;
    const sums = new Map<number, number>();
    const add = (segment: number, weight: number): void => {
      sums.set(segment, (sums.get(segment) ?? 0) + weight);
    };
    for (const pane of level.closed) if (pane.index >= first) pane.table.forEach(add);
    for (let i = 0; i <= wanted; i++) this.#levels[i]!.open.forEach(add);
    const top = new TopK(Math.min(k, sums.size));
    for (const [segment, weight] of sums) top.offer(segment, weight);
    return Array.from(top.takeIds(), (segment) => ({ segment, weight: sums.get(segment)! }));
  }

  /** The state, of each of `#levels` in its order, to save or restore it (#paneEnd follows). */
  persist(fields: StateFields): void {
    this.#paneEnd = -Infinity;
    this.#prunedCount = fields.number(this.#prunedCount);
    for (const level of this.#levels) {
      level.index = fields.number(level.index);
      level.open.persist(fields);
      const closed = level.closed.map(({ index, table }) => ({ ...table, index }));
      level.closed = fields.plain(closed).map(({ index, key, weight, error, prunedCount }) => ({
        index,
        table: new WeightedKeys(key, weight, error, prunedCount),
      }));
    }
  }

  /** Closes level `i`'s open pane into its window and into the next wider level. */
  #close(i: number): void {
    const level = this.#levels[i]!;
    if (Number.isNaN(level.index)) return;
    const pane = level.open.take();
    const wider = this.#levels[i + 1];
    if (wider !== undefined) {
      const index = Math.floor((level.index * level.width) / wider.width);
      if (index !== wider.index) {
        this.#close(i + 1);
        wider.index = index;
      }
      wider.open.merge(pane);
    } else {
      this.#prunedCount += pane.prunedCount;
    }
    level.closed.push({ index: level.index, table: pane });
    while (level.closed[0]!.index <= level.index - panesPerWindow) level.closed.shift();
    level.index = Number.NaN;
    if (i === 0) this.#paneEnd = -Infinity;
  }
}
