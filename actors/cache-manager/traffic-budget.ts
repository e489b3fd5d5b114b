/** The hard bound on what prefetching may cost the origin. */

import type { StateFields } from '../../engine/state-fields.ts';

/** Requests by which fetches may stand above the limit at most, unless a budget says otherwise. */
const OVERSHOOT_MAX = 256;

/**
 * At every moment: fetches <= limit + overshootMax, where
 * limit = bound x (fetches of the reference) + what the eviction alone costs above the reference + allowance;
 * in requests, and where a cache counts bytes in bytes as well. Prefetches are sent within the limit. What stands above it is
 * demands for segments that had to leave for prefetches, and `overshootMax` bounds how many of these there can be. `TrafficGuard` keeps
 * it; this is what is kept, and whether it was.
 */
export class TrafficBudget {
  /** Largest allowed ratio of fetches to the reference's fetches; Infinity = no bound. */
  readonly ratioMax: number;
  /** Requests granted on top, so that a run can start; in bytes: what the reference's first so many fetches took. */
  readonly allowance: number;
  /** Requests by which fetches may stand above the limit at most; bytes as for the allowance. */
  readonly overshootMax: number;
  readonly isBounded: boolean;
  /** Accesses after which they stood higher, in requests or bytes. */
  breachCount = 0;
  /** Most requests by which fetches stood above the limit. */
  overshoot = 0;

  constructor(ratioMax: number, allowance: number, overshootMax = OVERSHOOT_MAX) {
    this.ratioMax = ratioMax;
    this.allowance = allowance;
    this.overshootMax = overshootMax;
    this.isBounded = ratioMax !== Infinity;
  }

  /** Fetches allowed so far, given the misses of the reference and of the same eviction without prefetching. */
  limit(referenceMisses: number, baselineMisses: number): number {
    return this.ratioMax * referenceMisses + Math.max(0, baselineMisses - referenceMisses) + this.allowance;
  }

  /** Notes, after an access, by how much fetches stand above the limit (0 or less = they do not), and whether more than they may. */
  check(requests: number, isBreach: boolean): void {
    if (requests > this.overshoot) this.overshoot = requests;
    if (isBreach) this.breachCount++;
  }

  /** The state, to save or restore it. */
  persist(fields: StateFields): void {
    this.breachCount = fields.number(this.breachCount);
    this.overshoot = fields.number(this.overshoot);
  }
}
