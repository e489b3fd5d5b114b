/** Who leaves a full cache: the contract of an eviction policy, and what all of them share. */

import type { StateFields } from '../../engine/state-fields.ts';

export const evictionNames = [
  'auto',
  'lru',
  'fifo',
  'clock',
  'sieve',
  's3-fifo',
  'arc',
  'lirs',
  'w-tinylfu',
  'gdsf',
  'hazard',
  'belady',
] as const;
export type EvictionName = (typeof evictionNames)[number];

/**
 * A bounded set of resident segments that decides for itself who leaves.
 *
 * Sizes are in the cache's unit: every size is 1 when the cache counts segments, bytes otherwise; always whole and >= 1.
 * The caller guarantees that a segment id is a non-negative integer below 2^31; ids grow without notice, so tables grow with them.
 * The implementation must keep `used <= capacity` after every call, must report every segment that leaves other than by
 * `remove` through `onEvict` exactly once, and must take O(1) (amortised) per call unless its class says otherwise.
 */
export interface Eviction {
  readonly name: EvictionName;
  /** Units resident now. */
  readonly used: number;
  /** Segments resident now. */
  readonly count: number;
  readonly capacity: number;
  /** Whether `segment` is resident. Changes nothing. */
  has(segment: number): boolean;
  /** Units that a resident segment takes: the size that it was admitted with. Of one that is not resident it says nothing. */
  sizeOf(segment: number): number;
  /**
   * A demand access; true = it was resident. A miss admits it at once, evicting as needed, unless `size > capacity`
   * (then nothing becomes resident and nobody leaves). A hit is served from the copy that is resident, which keeps the size it
   * was admitted with, whatever `size` says; who knows that the segment itself changed takes it out with `remove` first.
   */
  access(segment: number, size: number): boolean;
  /** `access` of a segment if it is resident; false = it is not, and nothing has changed. */
  touch(segment: number): boolean;
  /**
   * `access` of rows [from, to), of one unit each, where every other is too and the capacity is at least 1; but nobody is called back: `ended[i - from]` says how row i
   * ended, by a `RowEnd` or, where it missed and one left for it, by who did. For policies that do it faster so. Absent: one by one.
   */
  accessRows?(segments: Uint32Array, from: number, to: number, ended: Int32Array): void;
  /** Admits a segment that nobody demanded (a prefetch). False when it is resident already or larger than the cache. */
  admit(segment: number, size: number): boolean;
  /** Takes a segment out (invalidation, promotion elsewhere) without calling `onEvict`; false when it was not resident. Ghost history of it may stay. */
  remove(segment: number): boolean;
  /** Evicts whoever would leave next for a newcomer; nobody where nobody is resident. */
  evictNext(): void;
  /** Changes the capacity, evicting until `used` fits. 0 is allowed: then nobody is resident. */
  resize(capacity: number): void;
  /** Of one that follows others: tells which of them leads, as a number, at once and at each change. */
  tellLeader?(told: (expert: number) => void): void;
  /** Of one that follows others: beside one that sees the same demands and no prefetches, to be told before an access who leads there from the next on. */
  advise?(expert: number): void;
  /** What is resident and remembered, to save or restore it. */
  persist(fields: StateFields): void;
}

/** How a row ended for which nobody left; below 0, as no segment is. `other`: it did not become resident, or several left. */
export const RowEnd = { hit: -1, free: -2, other: -3 } as const;

/** The largest capacity, in units: what a policy holds and remembers is counted by adding and taking away, which must stay exact. */
export const CAPACITY_MAX = 2 ** 50;

/** What a policy is built from. */
export interface EvictionOptions {
  /** Units, 1 to `CAPACITY_MAX`. */
  readonly capacity: number;
  /** Called for each segment that leaves by eviction. */
  readonly onEvict?: (segment: number) => void;
  /** How many segment ids to expect; tables start at this length and double when it is exceeded. Default 1024. */
  readonly segmentCountHint?: number;
  /** What a size counts; in bytes, how many a segment takes is worth considering. Default `segments`. */
  readonly unit?: 'segments' | 'bytes';
  /** Belady only: the next access of a segment. */
  readonly future?: Future;
}

/** What is yet to come, for the offline bounds (belady, clairvoyant): the driver keeps it true before each access. */
export interface Future {
  /** Log position of the next access of `segment` strictly after the current position; Infinity when there is none. */
  nextOf(segment: number): number;
}
