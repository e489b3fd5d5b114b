/** Where the truth lives, as the near loop sees it: the port through which a site fetches. */

import type { StateFields } from '../../engine/state-fields.ts';

/**
 * Fetches take time, share slots, and demand goes first.
 *
 * Instants and waits are in the unit of the site's model time: milliseconds, or accesses where a trace has no time.
 * The implementation must hand every demand a slot at once if a prefetch in flight can be called back for it.
 */
export interface Origin {
  /** True when every fetch lands at the instant it is sent, so that nothing is ever in flight. */
  readonly isInstant: boolean;
  /** Where every fetch takes this many accesses, whatever else is fetched; absent elsewhere. */
  readonly accessesPerFetch?: number;
  /**
   * True where someone else fetches and says so by `Site.land` and `Site.fail`: the instant that `prefetch` returns is then the
   * latest that an answer is waited for. Absent: every prefetch lands at its instant.
   */
  readonly isAnswered?: true;
  /** How long the prefetch in flight of `segment` is expected to take still; only where prefetches are answered. */
  remaining?(segment: number, now: number): number;
  /** The prefetch in flight of `segment` was answered. */
  answered?(segment: number): void;
  /** The answer to the prefetch in flight of `segment` did not come in time. */
  givenUp?(segment: number): void;
  /** Sends a demand fetch; returns the instant it lands. `key` picks the fetch's draw of chance (the log position). */
  demand(segment: number, sizeBytes: number, now: number, key: number): number;
  /** The segment whose prefetch the last `demand` called back to get a slot, or -1. */
  readonly preempted: number;
  /** Sends a prefetch if a slot is free; returns the instant it lands, or -1 when none is free. */
  prefetch(segment: number, sizeBytes: number, now: number, key: number): number;
  /**
   * A demand joined the prefetch in flight of `segment`: from now on it must not be called back for another demand. Who asked for it, and at
   * what probability, is of use where prefetches are answered: `Site.confirm` wants to know it.
   */
  join(segment: number, expert: number, probability: number): void;
  /** Frees the slot of a prefetch in flight that is no longer wanted. */
  callBack(segment: number): void;
  /** What is under way, to save or restore it; absent where nothing is remembered. */
  persist?(fields: StateFields): void;
}
